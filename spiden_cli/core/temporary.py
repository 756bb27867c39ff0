"""Temporary files and folders beside what they will become, and those that a killed process left.

A process holds a lock on what is temporary for as long as it writes there. The system takes the
lock from a process that dies, however it dies: what is temporary and without a lock is nobody's,
and goes.
"""

import os
import re
import secrets
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

if sys.platform != "win32":
    import fcntl

__all__ = [
    "clear_leftovers",
    "clear_private_folders",
    "mode_of_new_file",
    "private_folder",
    "remove_private_folders",
    "temporary_file",
    "temporary_folder",
]

_PREFIX, _PRIVATE_PREFIX = ".spiden-", "spiden-private-"
_OF_TEMPFILE = r"[a-z0-9_]{8}"
_FILE = re.compile(re.escape(_PREFIX) + _OF_TEMPFILE + r"(\.[^.]{1,15})?", re.DOTALL)
_FOLDER = re.compile(f"({re.escape(_PREFIX)}|{_PRIVATE_PREFIX}){_OF_TEMPFILE}")
_INSIDE = "made"  # the only entry of a temporary folder, which is locked and stays when this moves
_cleared: set[str] = set()
_private: set[Path] = set()
if sys.platform != "win32":
    os.register_at_fork(after_in_child=_cleared.clear)
    os.register_at_fork(after_in_child=_private.clear)


@contextmanager
def temporary_file(folder: Path, suffix: str = "") -> Iterator[Path]:
    """Yield an empty file of this process in a folder; removed at the end, if it's still there.

    Files that killed processes left in the folder are removed first, once for each folder.

    Raises:
        OSError: it can't be made.
    """
    _clear_once(folder)
    handle, path = _make(folder, suffix)
    try:
        yield path
    finally:
        if handle is not None:
            os.close(handle)
        path.unlink(missing_ok=True)


def mode_of_new_file(folder: Path) -> int:
    """Return the permissions that open() gives a file in a folder: by making one there.

    To ask for the umask is to change it for a moment, and for all threads.

    Raises:
        OSError: it can't be made.
    """
    path = folder / f"{_PREFIX}{secrets.token_hex(4)}"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        return stat.S_IMODE(os.fstat(handle).st_mode)
    finally:
        os.close(handle)
        path.unlink(missing_ok=True)


@contextmanager
def temporary_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty folder of this process in another; removed at the end with all that is in it.

    It may be renamed meanwhile to what it has become. What killed processes left is removed first.

    Raises:
        OSError: it can't be made.
    """
    with _folder_in(folder, _PREFIX) as path:
        yield path


@contextmanager
def private_folder() -> Iterator[Path]:
    """Yield an empty folder that only this user can look into, where the system keeps such ones.

    Raises:
        OSError: it can't be made.
    """
    with _folder_in(Path(tempfile.gettempdir()), _PRIVATE_PREFIX) as path:
        _private.add(path.parent)
        try:
            yield path
        finally:
            _private.discard(path.parent)


def remove_private_folders() -> None:
    """Remove the private folders of this process, which ends, though a thread may be at one."""
    for path in list(_private):
        shutil.rmtree(path, ignore_errors=True)


def clear_private_folders() -> None:
    """Remove private folders that killed processes of this user left."""
    clear_leftovers(Path(tempfile.gettempdir()))


def clear_leftovers(folder: Path) -> None:
    """Remove what is temporary in a folder and no process holds; that of living ones stays."""
    if sys.platform == "win32":
        return
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):
                if _FOLDER.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
                    _remove_folder_if_nobody_has(entry.path)
                elif _FILE.fullmatch(entry.name):
                    _remove_if_nobody_has(entry.path)


def _clear_once(folder: Path) -> None:
    if str(folder) not in _cleared:
        _cleared.add(str(folder))
        clear_leftovers(folder)


@contextmanager
def _folder_in(folder: Path, prefix: str) -> Iterator[Path]:
    _clear_once(folder)
    handle, path = _make_folder(folder, prefix)
    try:
        yield path / _INSIDE
    finally:
        if handle is not None:
            os.close(handle)
        shutil.rmtree(path, ignore_errors=True)


def _make_folder(folder: Path, prefix: str) -> tuple[int | None, Path]:
    while True:
        path, handle = Path(tempfile.mkdtemp(prefix=prefix, dir=folder)), None
        try:
            if sys.platform != "win32":
                handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
                with suppress(OSError):  # no locks in this file system
                    fcntl.flock(handle, fcntl.LOCK_EX)
            (path / _INSIDE).mkdir()
        except OSError as error:
            if handle is not None:
                os.close(handle)
            if isinstance(error, FileNotFoundError) and folder.is_dir():
                continue  # taken for a leftover between making and locking it
            with suppress(OSError):
                path.rmdir()
            raise
        return handle, path


def _make(folder: Path, suffix: str) -> tuple[int | None, Path]:
    while True:
        handle, name = tempfile.mkstemp(prefix=_PREFIX, suffix=suffix, dir=folder)
        if sys.platform == "win32":  # a file that is open can't be renamed there
            os.close(handle)
            return None, Path(name)
        with suppress(OSError):  # no locks in this file system: nothing is cleared there either
            fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:
            return handle, Path(name)
        os.close(handle)  # taken for a leftover between making and locking it


def _remove_if_nobody_has(path: str) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if stat.S_ISREG(os.fstat(handle).st_mode):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(path)  # noqa: PTH108
    finally:
        os.close(handle)


def _remove_folder_if_nobody_has(path: str) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY)
    try:
        if os.fstat(handle).st_uid != os.geteuid():  # where others make theirs too, as in /tmp
            return
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if set(os.listdir(path)) <= {_INSIDE}:  # noqa: PTH208 - else it is none of ours
            shutil.rmtree(path)
    finally:
        os.close(handle)
