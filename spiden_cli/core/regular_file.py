"""One way to open a file for reading: a regular file, and no larger than such a file can be.

A pipe or a terminal may keep a reader waiting for ever, and `/dev/zero` never ends.
"""

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

__all__ = ["check_regular", "open_regular", "read_regular"]


def open_regular(path: Path, most: int | None = None) -> BufferedReader:
    """Open a file; never waits.

    Args:
        path: the file.
        most: bytes that it may have; None: any number.

    Raises:
        OSError: it is missing, can't be read, is no regular file, or is larger than that;
            `strerror` says which.
    """
    try:
        _check(path, path.stat(), most)  # before opening: to open a device may move it
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        stream = open(os.open(path, flags), "rb")  # noqa: PTH123, SIM115
    except ValueError as error:  # a null character in a name
        raise OSError(errno.EINVAL, str(error), str(path)) from None
    try:
        _check(path, os.fstat(stream.fileno()), most)
    except OSError:
        stream.close()
        raise
    return stream


def read_regular(path: Path, most: int) -> bytes:
    """Return the content of a file.

    Raises:
        OSError: as of `open_regular`.
    """
    with open_regular(path, most) as stream:
        content = stream.read(most + 1)
    if len(content) > most:  # it has grown
        raise _too_large(path, most)
    return content


def check_regular(path: Path, most: int | None = None) -> None:
    """Check a file that a library is going to open by its name.

    Raises:
        OSError: as of `open_regular`.
    """
    open_regular(path, most).close()


def _check(path: Path, status: os.stat_result, most: int | None) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, "a folder, not a file", str(path))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    if most is not None and status.st_size > most:
        raise _too_large(path, most)


def _too_large(path: Path, most: int) -> OSError:
    return OSError(errno.EFBIG, f"larger than {most} bytes, which no such file is", str(path))
