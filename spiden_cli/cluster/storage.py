"""Storage that fsspec knows: what is there, reading it, and writing it whole or not at all."""

import glob
import posixpath
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from spiden_cli.core.files.finding import Source
from spiden_cli.core.files.formats import FOLDER_SUFFIXES, found_suffixes
from spiden_cli.core.urls import is_remote, url_of
from spiden_cli.errors import InputError, OutputError, SpidenError

__all__ = ["existing", "fetch", "find_urls", "put", "reaching", "told_by_url"]

_ATOMIC = {"s3", "s3a", "gs", "gcs", "abfs", "az", "adl", "oci"}
"""Storage of objects, each of which is there as a whole or not at all."""

_EXTRAS = {"s3": "dask", "s3a": "dask", "gs": "gs", "gcs": "gs"}
"""What reaches storage, as pip knows it: spiden[dask]."""

_CREDENTIALS = {
    "dask": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS, or by gcloud auth application-default login",
}
"""How they are told to the tools of some storage."""

UNFINISHED = ".spiden-unfinished.json"
"""What is in an OME-Zarr on storage until the last chunk of it is there."""


def find_urls(urls: Iterable[str], recursive: bool, leave_out: Path | None = None) -> list[Source]:
    """Find the pictures that URLs mean: of files, of folders, or patterns; as `find_sources`.

    Args:
        urls: s3://bucket/folder, and such.
        recursive: look into subfolders too.
        leave_out: a folder that isn't looked into.

    Raises:
        InputError: there is no such file, folder or bucket, no picture in it, or no way to read it.
    """
    return [source for url in urls for source in _expanded(url, recursive, leave_out)]


def _expanded(url: str, recursive: bool, leave_out: Path | None) -> list[Source]:
    with reaching(url, InputError) as (system, path):
        system.invalidate_cache()
        if glob.has_magic(path):
            found = [name for name in sorted(system.glob(path)) if _is_picture(name, True)]
            if not found:
                raise InputError(f"{url}: no picture matches ({', '.join(found_suffixes())})")
            return [_source(system, name) for name in found]
        is_folder = system.isdir(path)
        if is_folder and Path(path).suffix.lower() not in FOLDER_SUFFIXES:
            return _inside(system, path, url, recursive, leave_out)
        if is_folder or system.exists(path):
            return [_source(system, path, named=True)]
        raise InputError(f"{url}: no such file, folder or bucket")


def _inside(
    system: Any, path: str, url: str, recursive: bool, leave_out: Path | None,  # noqa: ANN401
) -> list[Source]:  # fmt: skip
    listed = system.find(path) if recursive else system.ls(path, detail=False)
    skipped = None if leave_out is None else f"{url_of(leave_out)}/"
    found = []
    for name in sorted(listed):
        below = posixpath.relpath(posixpath.dirname(name), path.rstrip("/") or "/")
        hidden = any(part.startswith(".") and part != "." for part in below.split("/"))
        source = _source(system, name, below=below)
        if skipped is not None and url_of(source.path).startswith(skipped):
            continue
        if _is_picture(name) and not hidden:
            found.append(source)
    if not found:
        raise InputError(f"{url}: no picture in it ({', '.join(found_suffixes())})")
    return found


def _source(system: Any, name: str, named: bool = False, below: str = ".") -> Source:  # noqa: ANN401
    return Source(Path(system.unstrip_protocol(name)), named, Path(below))


def _is_picture(name: str, by_pattern: bool = False) -> bool:
    path = Path(name)
    return path.suffix.lower() in found_suffixes(by_pattern) and not path.name.startswith(".")


def existing(paths: Iterable[Path]) -> set[Path]:
    """Return those of some URLs, each in a path, where something is; folders are listed once each.

    An OME-Zarr that another call began, and did not bring to its end, is nothing yet.

    Raises:
        OutputError: they can't be reached.
    """
    wanted, there = list(paths), set[Path]()
    for folder in dict.fromkeys(path.parent for path in wanted):
        with reaching(url_of(folder), OutputError) as (system, place):
            system.invalidate_cache()
            with suppress(FileNotFoundError):
                names = system.ls(place, detail=False)
                found = {folder / posixpath.basename(name.rstrip("/")) for name in names}
                there |= {
                    path for path in found & set(wanted)
                    if path.suffix.lower() not in FOLDER_SUFFIXES
                    or not system.exists(f"{place}/{path.name}/{UNFINISHED}")
                }  # fmt: skip
    return there


def fetch(source: Path, here: Path) -> None:
    """Copy a file, or the folder of an OME-Zarr, from storage to this machine.

    Args:
        source: a URL.
        here: the file, in a folder that is there.

    Raises:
        InputError: it isn't there, or can't be read.
    """
    url = url_of(source)
    with reaching(url, InputError) as (system, path):
        system.get(path, str(here), recursive=system.isdir(path))


def put(here: Path, target: Path, replace: bool) -> None:
    """Copy a file, or the folder of an OME-Zarr, to storage.

    A file is there as a whole or not at all. Of a folder, what makes it an OME-Zarr comes last.

    Args:
        here: what was made.
        target: a URL.
        replace: whether a file of that name, which may have come meanwhile, is replaced; one of
            the same bytes is no other.

    Raises:
        OutputError: it can't be written.
    """
    url = url_of(target)
    with reaching(url, OutputError) as (system, path):
        system.invalidate_cache()
        if not replace and system.exists(path):
            if here.is_file() and system.cat_file(path) == here.read_bytes():
                return
            raise OutputError(f"can't write {url}: a file of that name has come meanwhile")
        if here.is_dir():
            for file in sorted(here.rglob("*"), key=lambda file: len(file.parts), reverse=True):
                if file.is_file():
                    system.put_file(str(file), f"{path}/{file.relative_to(here).as_posix()}")
        elif _ATOMIC & set(_protocols(system)):
            system.put_file(str(here), path)
        else:
            folder, name = posixpath.split(path)
            system.makedirs(folder, exist_ok=True)
            temporary = f"{folder}/.spiden-{uuid.uuid4().hex[:8]}-{name}"
            try:
                system.put_file(str(here), temporary)
                system.mv(temporary, path)
            except BaseException:
                with suppress(Exception):
                    system.rm_file(temporary)
                raise


def _protocols(system: Any) -> tuple[str, ...]:  # noqa: ANN401
    said = system.protocol
    return (said,) if isinstance(said, str) else tuple(said)


@contextmanager
def reaching(url: str, kind: type[SpidenError]) -> Iterator[tuple[Any, str]]:
    """Yield the file system of a URL and the path in it; whatever fails is told in plain words.

    Raises:
        SpidenError: of that kind.
    """
    try:
        from fsspec.core import url_to_fs

        yield url_to_fs(url)
    except SpidenError:
        raise
    except Exception as error:  # botocore, aiohttp, gcsfs, ...: each has its own
        raise kind(f"{url}: {_reason(url, error)}") from error


@contextmanager
def told_by_url(*paths: Path) -> Iterator[None]:
    """Have errors name files on storage, which travel in paths, by their URLs."""
    try:
        yield
    except SpidenError as error:
        said = str(error)
        for path in filter(is_remote, paths):
            said = said.replace(str(path), url_of(path))
        raise type(error)(said) from error


def _reason(url: str, error: Exception) -> str:
    scheme = url.split("://")[0]
    extra, name = _EXTRAS.get(scheme, ""), type(error).__name__
    if isinstance(error, ImportError):
        extra = "dask" if error.name == "fsspec" else extra
        hint = f"pip install 'spiden[{extra}]'" if extra else str(error).rstrip(".")
        return f"{scheme}:// needs a package: {hint}"
    if isinstance(error, ValueError) and "rotocol" in str(error):
        return f"nothing is known of {scheme}://; give s3://, gs://, or the path of a file"
    if "Credentials" in name:
        asked = f"no credentials for {scheme}://: set them as its own tools want them"
        return f"{asked}, as in {_CREDENTIALS[extra]}" if extra in _CREDENTIALS else asked
    if isinstance(error, FileNotFoundError):
        return "no such file, folder or bucket"
    if isinstance(error, PermissionError):
        return "access denied: do the credentials allow it?"
    said = " ".join(str(error).split())
    return said or name
