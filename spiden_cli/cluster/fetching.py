"""Pictures on storage: fetched, denoised, and put back, by whoever denoises them."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from spiden_cli.cluster.storage import fetch, put
from spiden_cli.cluster.stored_volumes import is_volume
from spiden_cli.core.tasks.settings import Files
from spiden_cli.core.temporary import private_folder
from spiden_cli.core.urls import is_remote, url_of
from spiden_cli.errors import SpidenError

__all__ = ["Fetching"]


@dataclass(frozen=True)
class Fetching:
    """Work on files that may be URLs: it sees copies of them on its own machine.

    Attributes:
        work: denoises a picture, and tells what came of it, as for `denoised_by`.
        overwrite: whether files on storage are replaced.
    """

    work: Any
    overwrite: bool

    def __call__(self, files: Files, *more: Any) -> Any:  # noqa: ANN401
        """Denoise a picture; an error is an answer.

        Args:
            files: what to read and write.
            more: that the work takes.
        """
        if is_volume(files) or not (is_remote(files.source) or is_remote(files.target)):
            return self.work(files, *more)  # volumes are read and written where they are
        with private_folder() as place:
            source, target = place / "in", place / "out"
            try:
                told = self.work(_here(files, source, target), *more)
                if told.outcome.error is not None:
                    raise told.outcome.error
                if is_remote(files.target):
                    put(target / files.target.name, files.target, self.overwrite)
            except SpidenError as error:
                said = _as_asked(str(error), files.source, source)
                return type(error)(_as_asked(said, files.target, target))
        return told.of(files)


def _here(files: Files, source: Path, target: Path) -> Files:
    """Return the files with those on storage in folders of this machine, fetched.

    Raises:
        InputError: it can't be read.
    """
    if is_remote(files.source):
        source.mkdir()
        fetch(files.source, source / files.source.name)
        files = replace(files, source=source / files.source.name, shown=files.shown or files.source)
    if is_remote(files.target):
        files = replace(files, target=target / files.target.name)
    return files


def _as_asked(said: str, path: Path, here: Path) -> str:
    """Put the URL of a file in the place of the name that it had here."""
    return said.replace(f"{here}/", f"{url_of(path.parent)}/") if is_remote(path) else said
