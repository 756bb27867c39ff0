"""Progress bars, on stderr, for anything that may take over a second."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn
from rich.progress import TimeRemainingColumn as TimeLeft

from spiden_cli.report.console import talk

if TYPE_CHECKING:
    from spiden_cli.core.data.download import DownloadProgress


@contextmanager
def counting(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show how many of `total` are done; yields what to call with that number."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeLeft())
    with Progress(*columns, console=talk, transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)


@contextmanager
def downloading() -> Iterator["Callable[[DownloadProgress], None]"]:
    """Show a download, once there is one; yields what to call with its progress."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeLeft())
    with Progress(*columns, console=talk, transient=True) as bar:
        tasks: dict[str, object] = {}

        def on_progress(progress: "DownloadProgress") -> None:
            if progress.name not in tasks:
                tasks[progress.name] = bar.add_task(f"downloading {progress.name}")
            bar.update(
                tasks[progress.name], completed=progress.files_done, total=progress.files_total
            )  # type: ignore[arg-type]

        yield on_progress
