"""What a command reads and what it writes, checked together before any work is done."""

import errno
import os
import stat
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from spiden_cli.errors import InputError, OutputError

__all__ = ["check_writes"]

_LONGEST_NAME = 255  # bytes, where the system doesn't say

Identity = tuple[int, int] | str
"""Of a file: device and inode, under whatever name; of one that is yet to be, its real path."""


def check_writes(
    reads: Iterable[Path | None],
    writes: Iterable[Path | None],
    *,
    folders: Collection[Path] = (),
    replacing: Mapping[Path, Path] | None = None,
    overwrite: bool = False,
    hint: str = "choose another name",
) -> None:
    """Check that all files can be written and none of them is one that is read.

    Files are told apart by identity, not by name: links and `./name` hide nothing. The time taken
    grows in proportion to the number of files.

    Args:
        reads: every file that the command reads; None, for what isn't asked for, is passed over,
            and so is a file that doesn't exist: reading it fails in its own words.
        writes: every file that it writes, or None.
        folders: those that it will make, with all their parents, if need be; any other must exist.
        replacing: for a file that is written, the one that it is made from.
        overwrite: allow a file to be replaced by what is made from it.
        hint: what to do about a file that would be replaced.

    Raises:
        InputError: a file that is read would be replaced, or two outputs are one file.
        OutputError: a folder is missing or read-only, or a name is a folder's or too long.
    """
    inputs = {_identity(path): path for path in reads if path is not None and _exists(path)}
    origins = replacing or {}
    made = {_real(folder) for folder in folders}
    places: dict[Path, Path] = {}  # folder -> where its files end up being written
    outputs: dict[Identity, Path] = {}
    for path in writes:
        if path is None:
            continue
        this = _identity(path)
        if this in outputs:
            raise InputError(f"two outputs would both become {path}: {hint}")
        outputs[this] = path
        if this in inputs:
            own = path in origins and _identity(origins[path]) == this
            if not (own and overwrite):
                also = "" if inputs[this] == path else f", {inputs[this]}"
                more = ", or --overwrite" if own else ""
                raise InputError(f"{path} is an input{also}: {hint}{more}")
        if path.parent not in places:
            places[path.parent] = _writable_folder(path, made)
        _check_name(path, places[path.parent])


def _identity(path: Path) -> Identity:
    try:
        found = path.stat()
    except FileNotFoundError:
        return _real(path)
    except (OSError, ValueError) as error:
        if getattr(error, "errno", None) == errno.ENAMETOOLONG:
            return _real(path)
        raise _refusal(path, error) from error
    return found.st_dev, found.st_ino


def _real(path: Path) -> str:
    """Return the path without links, in one case where the system makes no difference."""
    return os.path.normcase(os.path.realpath(path))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _writable_folder(path: Path, made: Collection[str]) -> Path:
    """Return the folder of a file, or where it will be made the nearest that is there."""
    folder, place = path.parent, path.parent
    if _real(folder) in made:
        place = next(parent for parent in (folder, *folder.absolute().parents) if _exists(parent))
    if _exists(place) and not place.is_dir():
        raise OutputError(f"can't write {path}: {place} is a file, not a folder")
    if not os.access(place, os.W_OK | os.X_OK):
        raise OutputError(f"can't write {path}: the folder is missing or read-only")
    return place


def _check_name(path: Path, place: Path) -> None:
    limit = _longest_name(place)
    if len(os.fsencode(path.name)) > limit:
        raise OutputError(
            f"can't write {path}: a name has at most {limit} bytes; choose a shorter one"
        )
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        raise _refusal(path, error) from error
    if stat.S_ISDIR(mode):
        raise OutputError(f"can't write {path}: a folder has that name")
    if not stat.S_ISREG(mode):  # it would be replaced, not written to: /dev/stdout, a pipe
        raise OutputError(f"can't write {path}: not a regular file")


def _longest_name(folder: Path) -> int:
    try:
        return os.pathconf(folder, "PC_NAME_MAX")
    except (AttributeError, OSError, ValueError):
        return _LONGEST_NAME


def _refusal(path: Path, error: OSError | ValueError) -> OutputError:
    return OutputError(f"can't write {path}: {getattr(error, 'strerror', None) or error}")
