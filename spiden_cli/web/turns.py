"""One picture at a time: the network uses all cores for one; two would need twice the memory."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["EndingError", "StoppedError", "Turn", "Turns"]

LOOK_EVERY = 0.2  # seconds between looks at whether anyone still waits

Made = TypeVar("Made")


class StoppedError(Exception):
    """Nobody waits for the result any more."""


class EndingError(Exception):
    """All work ends."""


class Turn:
    """Work that waits, or is being done.

    Attributes:
        share: of the work that is done, 0 to 1.
    """

    def __init__(self) -> None:
        self.share = 0.0
        self._stopped = False

    def stop(self) -> None:
        """End the work, at the next tile."""
        self._stopped = True

    def on_tile(self, done: int, of: int) -> None:
        """Take note of tiles that are done.

        Raises:
            StoppedError: the work is to end.
        """
        if self._stopped:
            raise StoppedError
        self.share = done / of


class Turns:
    """The queue."""

    def __init__(self) -> None:
        self._worker = ThreadPoolExecutor(1, "denoising")
        self._turns: dict[str, Turn] = {}
        self._ending = False
        self._idle = threading.Event()
        self._idle.set()

    def ahead(self, ticket: str) -> int | None:
        """Return how many are before a turn; None: there is no such turn."""
        tickets = list(self._turns)
        return tickets.index(ticket) if ticket in tickets else None

    def share(self, ticket: str) -> float:
        """Return the share of a turn's work that is done."""
        return self._turns[ticket].share

    async def take(
        self, ticket: str, work: Callable[[Turn], Made], left: Callable[[], Awaitable[bool]]
    ) -> Made:
        """Do work when its turn comes.

        Args:
            ticket: names the turn, unlike all others.
            work: done in another thread; calls `Turn.on_tile`.
            left: says whether nobody waits any more.

        Raises:
            StoppedError: nobody did, and the work was given up.
            EndingError: all work ends.
        """
        turn = self._turns[ticket] = Turn()
        done = asyncio.wrap_future(self._worker.submit(self._begin, turn, work))
        try:
            while not (await asyncio.wait({done}, timeout=LOOK_EVERY))[0]:
                if self._ending:
                    raise EndingError
                if await left():
                    turn.stop()
            if self._ending and done.exception() is not None:
                raise EndingError
            return done.result()
        finally:
            turn.stop()
            done.cancel()
            del self._turns[ticket]

    def _begin(self, turn: Turn, work: Callable[[Turn], Made]) -> Made:
        self._idle.clear()
        try:
            turn.on_tile(0, 1)
            return work(turn)
        finally:
            self._idle.set()

    def end(self) -> None:
        """Let nobody wait any longer; may be called by what handles a signal."""
        self._ending = True
        for turn in list(self._turns.values()):
            turn.stop()

    def is_busy(self, patience: float) -> bool:
        """Return whether work still goes on some seconds later; between tiles nothing stops it."""
        return not self._idle.wait(patience)

    def close(self) -> None:
        """End all work."""
        self.end()
        self._worker.shutdown(wait=False, cancel_futures=True)
