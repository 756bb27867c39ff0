"""Whole files or none: write beside the target, flush to disk, then rename over it."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from spiden_cli.core.temporary import mode_of_new_file, temporary_file, temporary_folder
from spiden_cli.errors import OutputError

__all__ = [
    "atomic_folder",
    "atomic_path",
    "check_replaceable",
    "making_folder",
    "nearest_folder",
    "where_made",
]

_LONGEST_SUFFIX = 16


@contextmanager
def atomic_path(target: Path, replace: bool = True) -> Iterator[Path]:
    """Yield a temporary path in the target's folder; rename it to `target` on success.

    The temporary name keeps the target's suffix, since image writers choose their format by it.
    A file that is replaced keeps its permissions, and its owner where the system allows it.
    On any exception, Ctrl-C included, the temporary file is removed and `target` is untouched.

    Args:
        target: the file; a link, a pipe or a device is never replaced.
        replace: whether a file of that name, which may have come meanwhile, is replaced.

    Raises:
        OutputError: the folder is missing or not writable, the disk is full, or what is there can't
            be replaced.
    """
    # No part of the target's name but the suffix: that name may be as long as a name can be.
    suffix = target.suffix if len(target.suffix) <= _LONGEST_SUFFIX else ""
    try:
        with temporary_file(target.parent, suffix) as temporary:
            yield temporary
            with temporary.open("rb+") as stream:
                os.fsync(stream.fileno())
            check_replaceable(target)
            if not replace and target.exists():
                raise OutputError(f"can't write {target}: a file of that name has come meanwhile")
            _take_permissions(target, temporary)
            temporary.replace(target)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"can't write {target}: {reason}") from error
    _flush_folder(target.parent)


def check_replaceable(path: Path) -> None:
    """Check that at a path there is nothing, or a regular file.

    Raises:
        OutputError: there is something else, or the system can't say.
    """
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise OutputError(f"can't write {path}: {error.strerror}") from error
    if stat.S_ISLNK(mode):
        raise OutputError(
            f"can't write {path}: it is a symbolic link, which is never replaced; name the file "
            "that it points to, or another"
        )
    if stat.S_ISDIR(mode):
        raise OutputError(f"can't write {path}: a folder has that name")
    if not stat.S_ISREG(mode):  # it would be replaced, not written to: /dev/stdout, a pipe
        raise OutputError(f"can't write {path}: not a regular file")


@contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """Yield an empty folder beside `target`; rename it to `target`, which is none yet, on success.

    On any exception, Ctrl-C included, it is removed with all that is in it.

    Raises:
        OutputError: `target` exists, or its folder is missing or not writable.
    """
    try:
        if target.exists():
            raise FileExistsError(None, "it exists already, and folders are never replaced")
        with temporary_folder(target.parent) as temporary:
            yield temporary
            temporary.rename(target)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"can't write {target}: {reason}") from error
    _flush_folder(target.parent)


@contextmanager
def making_folder(folder: Path) -> Iterator[None]:
    """Make a folder for what is written inside this context; if that fails, take it away again.

    Only folders that were made here are removed, parents included, and only while they are empty.

    Raises:
        OutputError: it can't be made.
    """
    if folder.is_dir():  # nothing is made, as for all of a batch but the first
        yield
        return
    made: list[Path] = []
    try:
        nearest_folder(folder)
        for place in reversed((folder, *folder.parents)):
            if not place.exists():
                place.mkdir(exist_ok=True)
                made.append(place)
                _flush_folder(place.parent)
    except OSError as error:
        _remove_empty(made)
        raise OutputError(f"can't make the folder {folder}: {error.strerror}") from error
    try:
        yield
    except BaseException:
        _remove_empty(made)
        raise


def nearest_folder(folder: Path) -> Path:
    """Return a folder, or the nearest of its parents that is there, in which it would be made.

    Raises:
        OSError: what is there is no folder, or the system can't say; `strerror` says which.
    """
    places = (folder, *folder.parents, *folder.absolute().parents)
    place = next(place for place in places if os.path.lexists(place))
    if not place.is_dir():
        what = "a file" if place.exists() else "a link to nothing"
        raise NotADirectoryError(errno.ENOTDIR, f"{place} is {what}, not a folder")
    return place


def where_made(folder: Path) -> Path:
    """Return what `nearest_folder` does, before a folder is made.

    Raises:
        OutputError: it can't be made.
    """
    try:
        return nearest_folder(folder)
    except OSError as error:
        raise OutputError(f"can't make the folder {folder}: {error.strerror}") from error


def _remove_empty(folders: list[Path]) -> None:
    with suppress(OSError):  # one that holds something stays, and so do those around it
        for folder in reversed(folders):
            folder.rmdir()


def _take_permissions(target: Path, temporary: Path) -> None:
    """Give a new file the mode and owner of the one that it replaces, or what open() would give."""
    try:
        old = target.stat()
    except FileNotFoundError:
        temporary.chmod(mode_of_new_file(temporary.parent))
        return
    if hasattr(os, "chown"):
        with suppress(PermissionError):  # only an administrator gives files to others
            os.chown(temporary, old.st_uid, old.st_gid)
    temporary.chmod(stat.S_IMODE(old.st_mode))


def _flush_folder(folder: Path) -> None:
    """Have the new name survive a power cut, where the system can flush a folder.

    The file is in place by now, so that a failure here is no failure to write it.
    """
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
