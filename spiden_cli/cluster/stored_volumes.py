"""OME-Zarr volumes on storage, made where they will be: nothing of them is fetched as a whole.

Nothing can be renamed on storage of objects. So a volume that is being made lies at its place, but
without the files that make it an OME-Zarr, which come last. Beside its chunks is written what it is
being made of and by which settings, and what was done: the next call with the same does the rest.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from spiden_cli.cluster.remote_folder import RemoteFolder
from spiden_cli.cluster.storage import UNFINISHED, reaching
from spiden_cli.core.files.stacks.layout import Index, Layout
from spiden_cli.core.files.stacks.opening import open_stack
from spiden_cli.core.files.stacks.source import StackSource
from spiden_cli.core.files.stacks.targets import writing_stack
from spiden_cli.core.files.stacks.zarr_folder import ZarrSource, ZarrTarget, check_copied
from spiden_cli.core.files.stacks.zarr_store import ZARR_SIGNS, ZARR_WORDS
from spiden_cli.core.image.values import Plane
from spiden_cli.core.tasks.settings import Files
from spiden_cli.core.tasks.stack_files import Opening
from spiden_cli.core.temporary import private_folder
from spiden_cli.core.urls import is_remote
from spiden_cli.errors import OutputError

__all__ = ["UnfinishedVolume", "is_volume", "opening_for"]

_FOLDER = ".zarr"
_DONE = ".spiden-unfinished"
"""Has a file for each part that is done."""


def is_volume(files: Files) -> bool:
    """Return whether an OME-Zarr is to become one, and either of them is on storage."""
    both = all(path.suffix.lower() == _FOLDER for path in (files.source, files.target))
    return both and (is_remote(files.source) or is_remote(files.target))


def opening_for(how: str) -> Opening:
    """Return how volumes on storage are opened.

    Args:
        how: they are denoised, in words: a volume that was begun in another way is begun anew.
    """
    return Opening(_opened, partial(_writing, how=how))


def _opened(path: Path, axes: str | None) -> StackSource:
    return ZarrSource(RemoteFolder(path), axes) if is_remote(path) else open_stack(path, axes)


@contextmanager
def _writing(
    path: Path, source: StackSource, layout: Layout, replace: bool, how: str
) -> Iterator[Callable[[Index, Plane], None]]:
    """Open a copy of an OME-Zarr for planes; it is one when the context ends well.

    Yields:
        A `ZarrTarget`.

    Raises:
        OutputError: there is something at its place, frames were averaged, or it can't be written.
    """
    if not is_remote(path):
        with writing_stack(path, source, layout, replace) as write:
            yield write
        return
    copied = check_copied(path, source, layout)
    names = copied.place.files_to_copy(copied.levels)
    words = {name: _content(copied, name) for name in names if Path(name).name in ZARR_WORDS}
    unfinished = UnfinishedVolume(path, words)
    unfinished.begin({"how": how, "of": _state(copied, words)}, replace)
    for name in names:
        if name not in words:
            unfinished.copy(copied, name)
    yield ZarrTarget(copied, unfinished)
    unfinished.finish()


def _content(source: ZarrSource, name: str) -> bytes:
    with private_folder() as folder:
        source.place.fetch(name, folder / "file")
        return (folder / "file").read_bytes()


def _state(source: ZarrSource, words: Mapping[str, bytes]) -> str:
    """Return a digest of all that the image of an OME-Zarr consists of."""
    digest = hashlib.sha256(f"{source.path} {source.axes}".encode())
    for name in sorted(words):
        digest.update(name.encode() + words[name])
    for line in source.place.state(source.levels[0]):
        digest.update(line.encode())
    return digest.hexdigest()


@dataclass(frozen=True)
class UnfinishedVolume(RemoteFolder):
    """A copy of an OME-Zarr that is being made on storage; see the module's description."""

    def begin(self, run: Mapping[str, str], anew: bool) -> None:
        """Take up what an earlier call left, if that was the same, or else begin.

        Args:
            run: what it is made of, and how.
            anew: whether what is there is replaced.

        Raises:
            OutputError: there is something that is not to be replaced, or it can't be written.
        """
        wanted = json.dumps(run, sort_keys=True).encode()
        with reaching(self.url, OutputError) as (system, path):
            system.invalidate_cache()
            marker = f"{path}/{UNFINISHED}"
            begun = system.cat_file(marker) if system.exists(marker) else None
            if begun == wanted:
                return
            there = _found(system, path)
            replaced = anew and any(f"{path}/{sign}" in there for sign in ZARR_SIGNS)
            if begun is None and there and not replaced:
                why = "it is no OME-Zarr" if anew else "it exists"
                raise OutputError(f"can't write {self.url}: {why}; choose another --output")
            # What makes it an OME-Zarr goes first, and the marker last.
            for name in sorted(there, key=lambda name: not _is_sign(name)):
                if name != marker:
                    system.rm_file(name)
            system.pipe_file(marker, wanted)

    def copy(self, source: ZarrSource, name: str) -> None:
        """Copy a file of another OME-Zarr.

        Raises:
            InputError: it can't be read.
            OutputError: it can't be written.
        """
        with private_folder() as folder:
            source.place.fetch(name, folder / "file")
            with reaching(self.url, OutputError) as (system, path):
                system.put_file(str(folder / "file"), f"{path}/{name}")

    def finish(self) -> None:
        """Make it an OME-Zarr.

        Raises:
            OutputError: it can't be written.
        """
        with reaching(self.url, OutputError) as (system, path):
            for name in sorted(self.words, key=lambda name: (-name.count("/"), _is_sign(name))):
                system.pipe_file(f"{path}/{name}", self.words[name])
            system.invalidate_cache()
            done = _found(system, f"{path}/{_DONE}")
            for name in (*done, f"{path}/{UNFINISHED}"):
                system.rm_file(name)

    def note_done(self, part: str, told: Any) -> None:  # noqa: ANN401
        """Note that a part is done.

        Args:
            part: its name.
            told: what came of it; becomes JSON.
        """
        with reaching(self.url, OutputError) as (system, path):
            system.pipe_file(f"{path}/{_DONE}/{part}.json", json.dumps(told).encode())

    def done(self) -> dict[str, Any]:
        """Return what came of the parts that are done, by name."""
        with reaching(self.url, OutputError) as (system, path):
            system.invalidate_cache()
            names = _found(system, f"{path}/{_DONE}")
            return {Path(name).stem: json.loads(system.cat_file(name)) for name in names}


def _found(system: Any, path: str) -> list[str]:  # noqa: ANN401
    try:
        return list(system.find(path))
    except FileNotFoundError:
        return []


def _is_sign(name: str) -> bool:
    return Path(name).name in ZARR_SIGNS
