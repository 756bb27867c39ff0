"""Pictures denoised by the workers of a cluster, which see the same files as this machine."""

import filecmp
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self, TypeVar

from spiden_cli.cluster.connection import Cluster
from spiden_cli.cluster.running import on_workers
from spiden_cli.core.tasks.settings import Files
from spiden_cli.core.temporary import clear_leftovers, temporary_folder
from spiden_cli.core.urls import is_remote
from spiden_cli.errors import OutputError, SpidenError
from spiden_cli.report.batch import Outcome

__all__ = ["Told", "denoised_by"]


class Told(Protocol):
    """What came of a picture; travels by pickle."""

    @property
    def outcome(self) -> Outcome:
        """The numbers, or an error."""
        ...

    def of(self, files: Files) -> Self:
        """Return the same, told of the files under other names."""
        ...


AnyTold = TypeVar("AnyTold", bound=Told)


def denoised_by(
    cluster: Cluster,
    work: Callable[[Files], AnyTold | SpidenError],
    jobs: Sequence[Files],
    stopped: Callable[[], bool] = lambda: False,
    on_wait: Callable[[], None] = lambda: None,
) -> Iterator[tuple[Files, AnyTold | SpidenError]]:
    """Yield each picture with what came of it, in the order in which they are done.

    Args:
        cluster: its workers see the files under the same absolute paths.
        work: denoises a picture, and tells what came of it; travels by pickle.
        jobs: what to read and write.
        stopped: as for `on_workers`.
        on_wait: likewise.
    """
    named = {_from_root(files): files for files in jobs}  # a worker is in a folder of its own
    try:
        for files, answer in on_workers(cluster, _Again(work), list(named), stopped, on_wait):
            asked = named[files]
            yield asked, answer if isinstance(answer, SpidenError) else answer.of(asked)
    finally:  # workers that were lost may have left a file half written, under a name of no picture
        for folder in {files.target.parent for files in named if not is_remote(files.target)}:
            clear_leftovers(folder)


@dataclass(frozen=True)
class _Again:
    """Work that may have been done before, by a worker that was lost before it could say so.

    What it left is no reason to fail: a file with the very bytes that are to be written.
    """

    work: Callable[[Files], Any]

    def __call__(self, files: Files) -> Any:  # noqa: ANN401
        told = self.work(files)
        there = files.target
        if isinstance(told, SpidenError):
            return told
        if not isinstance(told.outcome.error, OutputError) or not there.is_file():
            return told
        with temporary_folder(there.parent) as folder:
            target = folder / there.name
            drawn = files.drawing is None or files.drawing.exists()
            again = replace(files, target=target, drawing=None if drawn else files.drawing)
            same = self.work(again)
            if target.is_file() and filecmp.cmp(target, there, shallow=False):
                return same if isinstance(same, SpidenError) else same.of(files)
        return told


def _from_root(files: Files) -> Files:
    """Return the same files by their absolute paths; URLs are that."""
    names = ("source", "target", "reference", "drawing", "mask")
    paths = {name: getattr(files, name) for name in names}
    local = {name: path for name, path in paths.items() if path and not is_remote(path)}
    return replace(files, **{name: path.absolute() for name, path in local.items()})
