"""Progress bars, on stderr, for anything that may take over a second."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from threading import Timer
from typing import TYPE_CHECKING, Protocol

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from spiden_cli.report.console import note, talk, visible

if TYPE_CHECKING:
    from collections.abc import Callable

    from spiden_cli.core.data.download import DownloadProgress


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


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=talk,
        transient=True,
        disable=not talk.is_terminal,
    )
