"""Progress bars, on stderr, for anything that may take over a second."""

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from threading import Timer
from typing import TYPE_CHECKING, Protocol

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from spiden_cli.report.console import elided, note, talk, visible

if TYPE_CHECKING:
    from collections.abc import Callable

    from spiden_cli.core.data.download import DownloadProgress

LINE_EVERY = 10.0  # seconds
_NAME_WIDTH = 26


class Count(Protocol):
    """Tells a bar how many are done, and of how many, where that was not known before."""

    def __call__(self, done: int, of: int | None = None) -> None:
        """Move the bar."""


@contextmanager
def counting(what: str, total: int | None = None) -> Iterator[Count]:
    """Show how many of `total` are done; yields what to call with that number."""
    with _bar() as bar:
        task = bar.add_task(visible(what), total=total)

        def count(done: int, of: int | None = None) -> None:
            bar.update(task, completed=done, total=of if of is not None else total)

        yield count


@contextmanager
def stepping(what: str, total: int) -> Iterator["Callable[[], None]"]:
    """Show how many of `total` are done; yields what to call after each of them."""
    with counting(what, total) as show:
        done = itertools.count(1)
        yield lambda: show(next(done))


class PictureBar(Protocol):
    """Shows how many pictures are done."""

    def begin(self, name: str) -> None:
        """Say which picture is worked on."""

    def part(self, done: int, of: int) -> None:
        """Move the bar by the part of a picture that is done."""

    def end(self) -> None:
        """Move the bar to the next picture."""


@contextmanager
def picturing(total: int | None) -> Iterator[PictureBar]:
    """Show one bar over all pictures, with a rate and the time left.

    Where no one can see a bar move, a line says now and then how far it is.

    Args:
        total: number of pictures; None where it isn't known.
    """
    if talk.is_terminal:
        with _bar(_Rate()) as bar:
            yield _MovingBar(bar, total)
    else:
        yield _Lines(total)


class _MovingBar:
    def __init__(self, bar: Progress, total: int | None) -> None:
        self._bar, self._done = bar, 0
        self._task = bar.add_task("denoising", total=total)

    def begin(self, name: str) -> None:
        self._bar.update(self._task, description=elided(name, _NAME_WIDTH))

    def part(self, done: int, of: int) -> None:
        self._bar.update(self._task, completed=self._done + done / max(1, of))

    def end(self) -> None:
        self._done += 1
        self._bar.update(self._task, completed=self._done)


class _Lines:
    def __init__(self, total: int | None) -> None:
        self._total, self._done, self._began = total, 0, time.monotonic()
        self._said = self._began

    def begin(self, name: str) -> None:
        pass

    def part(self, done: int, of: int) -> None:
        self._say(self._done + done / max(1, of))

    def end(self) -> None:
        self._done += 1
        self._say(self._done)

    def _say(self, done: float) -> None:
        now = time.monotonic()
        if now - self._said < LINE_EVERY or done == self._total:
            return
        self._said, taken = now, now - self._began
        if self._total is None:
            note(f"{self._done} pictures")
        elif done > 0:
            left = timedelta(seconds=round((self._total - done) * taken / done))
            note(f"{self._done} of {self._total} pictures, {left} left")


class _Rate(ProgressColumn):
    """Pictures per second, or seconds per picture."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        if not speed:
            return Text("")
        return Text(f"{speed:.3g}/s" if speed >= 1 else f"{1 / speed:.3g} s each", style="cyan")


@contextmanager
def downloading() -> Iterator["Callable[[DownloadProgress], None]"]:
    """Show a download, once there is one; yields what to call with its progress."""
    with _bar() as bar:
        tasks: dict[str, TaskID] = {}

        def on_progress(progress: "DownloadProgress") -> None:
            if progress.name not in tasks:
                tasks[progress.name] = bar.add_task(f"downloading {visible(progress.name)}")
            bar.update(
                tasks[progress.name], completed=progress.files_done, total=progress.files_total
            )

        yield on_progress


@contextmanager
def waiting(what: str, delay: float = 1.0) -> Iterator[None]:
    """Show that something goes on, once it has taken longer than `delay` seconds."""
    status = talk.status(Text(f"{visible(what)} ..."))
    begin = status.start if talk.is_terminal else partial(note, f"{what} ...")
    timer = Timer(delay, begin)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        status.stop()


def _bar(*more: ProgressColumn) -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None if more else 40),
        MofNCompleteColumn(),
        *more,
        TimeRemainingColumn(),
        console=talk,
        transient=True,
        disable=not talk.is_terminal,
    )
