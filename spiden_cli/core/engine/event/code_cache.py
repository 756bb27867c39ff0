"""Files of machine code that only their own user can have written, and that are whole.

numba keeps machine code as pickles, which can do anything when they are read, and hands it to LLVM,
which ends the process where it is cut off. So a file is read only if nobody else can write to it,
and only behind a hash of its content; everything else counts as absent, and is compiled again.
"""

import hashlib
import os
import pickle
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

import numba
from numba.core.serialize import dumps

from spiden_cli.core.atomic import atomic_path
from spiden_cli.core.regular_file import open_regular
from spiden_cli.errors import OutputError

__all__ = ["CodeFiles", "make_private"]

_PRIVATE, _OWN = 0o700, 0o600
_OF_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_SEAL_LENGTH = hashlib.sha256().digest_size


def make_private(folder: Path) -> None:
    """Make a folder, and its parents, that only its user can look into.

    Raises:
        OSError: it can't be made or written to.
        PermissionError: it or the folder around it is another user's, or others can write there.
    """
    for place in reversed((folder, *folder.absolute().parents)):
        if not place.exists():
            place.mkdir(mode=_PRIVATE, exist_ok=True)
    for place in (folder, folder.parent):
        if not _private(place.stat(), sticky_allowed=place is not folder):
            raise PermissionError(None, f"to {place} others can write")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(None, "it can't be written")


def _private(status: os.stat_result, sticky_allowed: bool = False) -> bool:
    """Return whether a file or folder is this user's, and nobody else can write to it.

    In a sticky folder such as /tmp everybody can write, but nobody to what another has made there.
    """
    if not hasattr(os, "geteuid"):  # Windows has other permissions, and folders of the user's own
        return True
    if sticky_allowed and status.st_mode & stat.S_ISVTX:
        return True
    return status.st_uid == os.geteuid() and not status.st_mode & _OF_OTHERS


class CodeFiles:
    """The machine code of one function, a file for each signature; what numba calls an index.

    Args:
        folder: one that `make_private` has made.
        name: of the function.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name

    def save(self, key: Any, code: Any) -> None:  # noqa: ANN401
        """Keep machine code; that it can't be kept is no reason not to run it."""
        path = self._path(key)
        content = dumps((key, code))  # type: ignore[no-untyped-call]
        self.remove(key)  # what is replaced would leave its owner and mode to what replaces it
        with suppress(OutputError, OSError):
            with atomic_path(path) as temporary:
                temporary.write_bytes(_seal(path, content) + content)
            path.chmod(_OWN)  # where the umask lets a group write, it would never be read

    def load(self, key: Any) -> Any:  # noqa: ANN401
        """Return machine code; None where there is none that is whole and the user's own."""
        path = self._path(key)
        content = _unsealed(path)
        if content is None:
            return None
        there, code = pickle.loads(content)
        return code if there == key else None

    def remove(self, key: Any) -> None:  # noqa: ANN401
        """Forget machine code that turned out to be useless."""
        with suppress(OSError):
            self._path(key).unlink(missing_ok=True)

    def flush(self) -> None:
        """Forget all machine code of this function."""
        for path in self._folder.glob(f"{self._name}.*.nbc"):
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def _path(self, key: Any) -> Path:  # noqa: ANN401
        digest = hashlib.sha256(repr((numba.__version__, key)).encode()).hexdigest()
        return self._folder / f"{self._name}.{digest[:16]}.nbc"


def _seal(path: Path, content: bytes) -> bytes:
    return hashlib.sha256(path.name.encode() + b"\0" + content).digest()


def _unsealed(path: Path) -> bytes | None:
    try:
        with open_regular(path) as stream:
            if not _private(os.fstat(stream.fileno())):
                return None
            sealed = stream.read()
    except OSError:
        return None
    content = sealed[_SEAL_LENGTH:]
    return content if sealed[:_SEAL_LENGTH] == _seal(path, content) else None
