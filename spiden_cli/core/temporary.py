"""Temporary files beside what they will become, and those that a killed process has left there.

A process holds a lock on its temporary file for as long as it writes it. The system takes the lock
from a process that dies, however it dies: a temporary file without a lock is nobody's, and goes.
"""

import os
import re
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

if sys.platform != "win32":
    import fcntl

__all__ = ["clear_leftovers", "temporary_file"]

_PREFIX = ".spiden-"
_NAME = re.compile(re.escape(_PREFIX) + r"[a-z0-9_]{8}(\.[^.]{1,15})?", re.DOTALL)  # of tempfile
_cleared: set[str] = set()
if sys.platform != "win32":
    os.register_at_fork(after_in_child=_cleared.clear)


@contextmanager
def temporary_file(folder: Path, suffix: str = "") -> Iterator[Path]:
    """Yield an empty file of this process in a folder; removed at the end, if it's still there.

    Files that killed processes left in the folder are removed first, once for each folder.

    Raises:
        OSError: it can't be made.
    """
    if str(folder) not in _cleared:
        _cleared.add(str(folder))
        clear_leftovers(folder)
    handle, path = _make(folder, suffix)
    try:
        yield path
    finally:
        if handle is not None:
            os.close(handle)
        path.unlink(missing_ok=True)


def clear_leftovers(folder: Path) -> None:
    """Remove temporary files that no process is writing; those of living ones stay."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _NAME.fullmatch(entry.name):
                with suppress(OSError):
                    _remove_if_nobody_has(entry.path)


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
    if sys.platform == "win32":
        return
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if stat.S_ISREG(os.fstat(handle).st_mode):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(path)  # noqa: PTH108
    finally:
        os.close(handle)
