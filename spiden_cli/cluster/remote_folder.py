"""The files of an OME-Zarr on storage: read and written chunk by chunk, where they are."""

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spiden_cli.cluster.storage import reaching
from spiden_cli.core.files.decoding import decoding
from spiden_cli.core.files.formats import named
from spiden_cli.core.files.stacks.zarr_place import copied_files
from spiden_cli.core.files.stacks.zarr_store import ZARR_WORDS, check_words, refuse_large_words
from spiden_cli.core.urls import url_of
from spiden_cli.errors import InputError, OutputError

__all__ = ["RemoteFolder"]

_OF_STORAGE = {"aiobotocore", "aiohttp", "asyncio", "botocore", "fsspec", "gcsfs", "google", "s3fs"}
"""Packages whose errors are of the way to the storage, and not of what lies there."""

_CHANGING = ("size", "ETag", "etag", "md5Hash", "LastModified", "last_modified", "mtime", "created")
"""What storage says of a file that is another once the file is."""


@dataclass(frozen=True)
class RemoteFolder:
    """A folder on storage that fsspec knows.

    Attributes:
        path: its URL, carried in a path.
        words: metadata that are read as if they lay there, by name: of a copy that is being made,
            which nobody is to take for a whole one.
    """

    path: Path
    words: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Its URL."""
        return url_of(self.path)

    def check(self) -> None:
        """Refuse what can't be an OME-Zarr, before any of it is read.

        Raises:
            InputError: there is none, its metadata are too large, or it can't be reached.
        """
        named("OME-Zarr").check_available(self.path)
        with reaching(self.url, InputError) as (system, path):
            system.invalidate_cache()
            sizes = {
                posixpath.basename(entry["name"].rstrip("/")): entry["size"] or 0
                for entry in system.ls(path, detail=True)
            }
            for name, size in sizes.items():
                refuse_large_words(self.path, name, size)
            check_words(self.path, set(sizes))

    def store(self, writable: bool = False) -> Any:  # noqa: ANN401
        """Return zarr's own store of the files."""
        with reaching(self.url, OutputError if writable else InputError):
            from zarr.storage import FsspecStore

            store = FsspecStore.from_url(self.url, read_only=not writable)
        if not self.words:
            return store
        from spiden_cli.cluster.overlaid_store import OverlaidStore

        return OverlaidStore(store, self.words)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Run what reads chunks: whatever it raises leaves as an `InputError`."""
        with decoding(self.path), self._reached(InputError):
            yield

    def writing(self) -> AbstractContextManager[None]:
        """Run what writes chunks: where the storage can't be reached, it raises `OutputError`."""
        return self._reached(OutputError)

    @contextmanager
    def _reached(self, kind: type[InputError | OutputError]) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            packages = {one.__module__.partition(".")[0] for one in type(error).__mro__}
            if not (isinstance(error, OSError) or packages & _OF_STORAGE):
                raise
            with reaching(self.url, kind):  # which has words for it
                raise

    def sizes_of_chunks(self, level: str) -> list[int]:
        """Return the sizes, in bytes, of the chunks of an array."""
        return [
            entry["size"] or 0
            for name, entry in self._found(level).items()
            if posixpath.basename(name) not in ZARR_WORDS
        ]

    def _found(self, level: str) -> dict[str, dict[str, Any]]:
        """Return what storage says of each file of an array, by name."""
        with reaching(self.url, InputError) as (system, path):
            found = system.find(posixpath.normpath(posixpath.join(path, level)), detail=True)
            return dict(found)

    def files_to_copy(self, levels: Sequence[str]) -> list[str]:
        """Return what a copy of the folder without the chunks of some arrays holds, by name."""
        with reaching(self.url, InputError) as (system, path):

            def entries(folder: str) -> Iterable[tuple[str, bool]]:
                here = posixpath.normpath(posixpath.join(path, folder))
                for entry in system.ls(here, detail=True):
                    name = posixpath.basename(entry["name"].rstrip("/"))
                    if name and entry["name"].rstrip("/") != here.rstrip("/"):
                        yield name, entry["type"] == "directory"

            return list(copied_files(entries, levels))

    def fetch(self, name: str, here: Path) -> None:
        """Copy a file to a file of this machine.

        Raises:
            InputError: it can't be read.
        """
        with reaching(f"{self.url}/{name}", InputError) as (system, path):
            system.get_file(path, str(here))

    def state(self, level: str) -> Iterator[str]:
        """Yield, of each chunk of an array, what changes with it, in words."""
        for name, entry in sorted(self._found(level).items()):
            yield f"{name} {[str(entry.get(key)) for key in _CHANGING]}"

    def clear_unfinished(self, levels: Sequence[str]) -> None:
        """Remove nothing: an object is there as a whole or not at all."""
