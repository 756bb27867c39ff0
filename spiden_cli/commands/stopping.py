"""Ctrl-C and SIGTERM: the first lets what was begun be finished, the second ends all.

What ends cleans up, and says what it has done: a key that is pressed once more, or held, must not
cut that short. So for a moment after a signal that ends something, others are not heard.
"""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

DEAF = 2.0
"""Seconds: longer than cleaning up takes, and no longer, for what then still runs may hang."""

_heard_at = -DEAF


class Received(list[int]):
    """The signals received, in their order."""

    def __init__(self) -> None:
        super().__init__()
        self._holding = 0

    @property
    def may_end_all(self) -> bool:
        """Whether there were two, and nothing is at work that must not be cut."""
        return len(self) > 1 and not self._holding

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Let no signal end what goes on inside this context, which takes a moment.

        Raises:
            KeyboardInterrupt: at its end, if a signal has come that would have ended all.
            SystemExit: likewise.
        """
        before = len(self)
        self._holding += 1
        try:
            yield
        finally:
            self._holding -= 1
        if len(self) > before and self.may_end_all:
            _end(self[-1])


@contextmanager
def stopping() -> Iterator[Received]:
    """Keep the first Ctrl-C or SIGTERM, for the caller to look for; the second ends all.

    Yields:
        The signals received.

    Raises:
        KeyboardInterrupt: at the second signal, if that is Ctrl-C.
        SystemExit: at the second signal, if that is SIGTERM.
    """
    received = Received()

    def receive(number: int, _frame: object) -> None:
        if len(received) > 1 and _is_deaf():
            return
        received.append(number)
        _hear()
        if received.may_end_all:
            _end(number)

    before = {kind: signal.signal(kind, receive) for kind in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


def interrupt(_number: int, _frame: object) -> None:
    """Raise KeyboardInterrupt at Ctrl-C, but not where something ends already.

    Raises:
        KeyboardInterrupt: unless a signal was heard a moment ago.
    """
    if not _is_deaf():
        _hear()
        raise KeyboardInterrupt


def _is_deaf() -> bool:
    return time.monotonic() - _heard_at < DEAF


def _hear() -> None:
    global _heard_at
    _heard_at = time.monotonic()


def _end(number: int) -> NoReturn:
    raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)
