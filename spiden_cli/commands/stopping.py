"""Ctrl-C and SIGTERM: the first lets what was begun be finished, the second ends all."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def stopping() -> Iterator[list[int]]:
    """Keep the first Ctrl-C or SIGTERM, for the caller to look for; the second ends all.

    Yields:
        The signals received.

    Raises:
        KeyboardInterrupt: at the second signal, if that is Ctrl-C.
        SystemExit: at the second signal, if that is SIGTERM.
    """
    received: list[int] = []

    def receive(number: int, _frame: object) -> None:
        received.append(number)
        if len(received) > 1:
            raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    before = {kind: signal.signal(kind, receive) for kind in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
