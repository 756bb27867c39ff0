"""Where the files of an OME-Zarr are: a folder of this machine, or what stands for one."""

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from posixpath import normpath
from typing import Any, Protocol

from spiden_cli.core.files.decoding import decoding
from spiden_cli.core.files.formats import named
from spiden_cli.core.files.stacks.zarr_store import ZARR_SIGNS, ZARR_WORDS, refuse_large_words
from spiden_cli.errors import InputError

__all__ = ["LocalFolder", "ZarrPlace", "copied_files"]

_UNFINISHED = ".partial"
"""How zarr calls a chunk until it is whole."""


class ZarrPlace(Protocol):
    """The files of an OME-Zarr, wherever they are; travels to other processes."""

    @property
    def path(self) -> Path:
        """The folder, as messages name it."""
        ...

    def check(self) -> None:
        """Refuse what can't be an OME-Zarr, before any of it is read.

        Raises:
            InputError: it can't, or can't be read.
        """
        ...

    def store(self, writable: bool = False) -> Any:  # noqa: ANN401
        """Return zarr's own store of the files."""
        ...

    def reading(self) -> AbstractContextManager[None]:
        """Run what reads chunks: whatever it raises leaves as an `InputError`."""
        ...

    def writing(self) -> AbstractContextManager[None]:
        """Run what writes chunks: where the place isn't a folder, it raises `OutputError` alone."""
        ...

    def sizes_of_chunks(self, level: str) -> list[int]:
        """Return the sizes, in bytes, of the chunks of an array."""
        ...

    def files_to_copy(self, levels: Sequence[str]) -> list[str]:
        """Return what a copy of the place without the chunks of some arrays holds, by name."""
        ...

    def fetch(self, name: str, here: Path) -> None:
        """Copy a file to a file of this machine.

        Raises:
            InputError: it can't be read.
        """
        ...

    def state(self, level: str) -> Iterator[str]:
        """Yield, of each chunk of an array, what changes with it, in words."""
        ...

    def clear_unfinished(self, levels: Sequence[str]) -> None:
        """Remove what a killed process had begun to write of some arrays."""
        ...


def copied_files(
    entries: Callable[[str], Iterable[tuple[str, bool]]], levels: Sequence[str]
) -> Iterator[str]:
    """Walk over all files but those of some arrays, of which only those that say what they are.

    Args:
        entries: of a folder, named from the top as "labels/cells": names, and whether it is one.
        levels: where the arrays lie.
    """
    arrays, waiting = {PurePosixPath(normpath(level or ".")) for level in levels}, [""]
    while waiting:
        here = PurePosixPath(waiting.pop())
        in_array = any(here == array or array in here.parents for array in arrays)
        inner = {array.relative_to(here).parts[0] for array in arrays
                 if array != here and array.is_relative_to(here)}  # fmt: skip
        for name, is_folder in entries(str(here)):
            if in_array and name not in ZARR_SIGNS and name not in inner:
                continue
            if is_folder:
                waiting.append(str(here / name))
            else:
                yield str(here / name)


@dataclass(frozen=True)
class LocalFolder:
    """A folder of this machine, or one that others see under the same path."""

    path: Path

    def check(self) -> None:
        """Refuse a folder that holds anything but folders and regular files.

        Links may lead to what the user never meant to open or to copy, and a pipe never ends.

        Raises:
            InputError: it does, or its metadata are too large to be that; it can't be read.
        """
        waiting = [str(self.path)]
        try:
            while waiting:
                with os.scandir(waiting.pop()) as entries:
                    for entry in entries:
                        if entry.is_dir(follow_symlinks=False):
                            waiting.append(entry.path)
                        else:
                            self._check_file(entry)
        except OSError as error:
            raise InputError(f"can't read {error.filename}: {error.strerror}") from error

    def _check_file(self, entry: "os.DirEntry[str]") -> None:
        if entry.is_symlink():
            raise InputError(
                f"{self.path}: {entry.name} in it is a symbolic link; put there what it points to"
            )
        if not entry.is_file(follow_symlinks=False):
            raise InputError(f"{self.path}: {entry.name} in it is no regular file")
        if entry.name in ZARR_WORDS:
            refuse_large_words(self.path, entry.name, entry.stat().st_size)

    def store(self, writable: bool = False) -> Any:  # noqa: ANN401
        """Return zarr's own store of the files."""
        named("OME-Zarr").check_available(self.path)
        from zarr.storage import LocalStore

        return LocalStore(str(self.path), read_only=not writable)

    def sizes_of_chunks(self, level: str) -> list[int]:
        """Return the sizes, in bytes, of the chunks of an array."""
        return [os.stat(name).st_size for name in self._chunks(level)]  # noqa: PTH116

    def _chunks(self, level: str) -> Iterator[str]:
        for folder, _, names in os.walk(self.path / level):
            for name in names:
                if name not in ZARR_WORDS:
                    yield os.path.join(folder, name)  # noqa: PTH118 - there are many of them

    def state(self, level: str) -> Iterator[str]:
        """Yield, of each chunk of an array, what changes with it, in words."""
        for name in sorted(self._chunks(level)):
            found = os.stat(name)  # noqa: PTH116
            yield f"{name} {found.st_size} {found.st_mtime_ns}"

    def clear_unfinished(self, levels: Sequence[str]) -> None:
        """Remove chunks that a killed process had begun to write, by the names that zarr gives."""
        for level in levels:
            for unfinished in (self.path / level).rglob(f"*{_UNFINISHED}"):
                unfinished.unlink(missing_ok=True)

    def reading(self) -> AbstractContextManager[None]:
        """Run what reads chunks: whatever it raises leaves as an `InputError`."""
        return decoding(self.path)

    def writing(self) -> AbstractContextManager[None]:
        """Run what writes chunks; what goes wrong is told by whoever made the folder."""
        return nullcontext()

    def files_to_copy(self, levels: Sequence[str]) -> list[str]:
        """Return what a copy of the folder without the chunks of some arrays holds, by name."""

        def entries(folder: str) -> Iterator[tuple[str, bool]]:
            with os.scandir(self.path / folder) as found:
                for entry in found:
                    yield entry.name, entry.is_dir(follow_symlinks=False)

        return list(copied_files(entries, levels))

    def fetch(self, name: str, here: Path) -> None:
        """Copy a file to a file of this machine."""
        shutil.copy2(self.path / name, here)
