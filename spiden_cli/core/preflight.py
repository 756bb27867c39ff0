"""What a command reads and what it writes, checked together before any work is done."""

import errno
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from spiden_cli.core.atomic import check_replaceable, nearest_folder
from spiden_cli.core.regular_file import open_regular
from spiden_cli.core.urls import shown_path
from spiden_cli.errors import InputError, OutputError

__all__ = ["Identity", "check_appended", "check_writes", "identity", "refusal_to_replace"]

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
    skippable: bool = False,
    hint: str = "choose another name",
) -> None:
    """Check that all files can be written, and that nothing is replaced that should not be.

    A file that is there is replaced only where that was asked for, only if it is a regular file,
    and only if it isn't one that is read. Files are told apart by identity, not by name: links and
    `./name` hide nothing. The time taken grows in proportion to the number of files.

    Args:
        reads: every file that the command reads; None, for what isn't asked for, is passed over,
            and so is a file that doesn't exist: reading it fails in its own words.
        writes: every file that it writes, or None.
        folders: those that it will make, with all their parents, if need be; any other must exist.
        replacing: for a file that is written, the one that it is made from.
        overwrite: allow files to be replaced, also one that is read by what is made from it.
        skippable: the command can also leave out what is there: said in the message.
        hint: what to do about a file that is read and would be replaced.

    Raises:
        InputError: a file that is read would be replaced, or two outputs are one file.
        OutputError: a file is there already, is no regular file, or has a folder's name or one that
            is too long; or a folder is missing or read-only.
    """
    inputs = {identity(path): path for path in reads if path is not None and _exists(path)}
    origins = replacing or {}
    made = {_real(folder) for folder in folders}
    places: dict[Path, Path] = {}  # folder -> where its files end up being written
    outputs: dict[Identity, Path] = {}
    existing: list[Path] = []
    for path in writes:
        if path is None:
            continue
        this = identity(path)
        if this in outputs:
            raise InputError(f"two outputs would both become {path}: {hint}")
        outputs[this] = path
        if this in inputs:
            own = path in origins and identity(origins[path]) == this
            if not (own and overwrite):
                also = "" if inputs[this] == path else f", {inputs[this]}"
                more = ", or --overwrite" if own else ""
                raise InputError(f"{path} is an input{also}: {hint}{more}")
        if path.parent not in places:
            places[path.parent] = _writable_folder(path, made)
        if _is_there(path, places[path.parent]):
            existing.append(path)
    if existing and not overwrite:
        raise refusal_to_replace(existing, skippable)


def check_appended(
    path: Path, others: Iterable[Path | None], option: str, beginning: bytes
) -> None:
    """Check that lines can be added to a file: nothing of it is replaced.

    Args:
        path: the file, there or not.
        others: every other file that the command reads or writes.
        option: that names the file, for messages.
        beginning: of a file of such lines; one that begins otherwise is something else's.

    Raises:
        InputError: it is one of the others.
        OutputError: it is no regular file, not one of such lines, or can't be written.
    """
    this = identity(path)
    if any(this == identity(other) for other in others if other is not None):
        raise InputError(f"{path} is read or written besides: choose another {option}")
    place = _writable_folder(path, ())
    if _is_there(path, place) and not os.access(path, os.W_OK):
        raise OutputError(f"can't write {path}: it is read-only")
    if not _begins(path, beginning):
        raise OutputError(
            f"can't add lines to {path}: it holds something else; choose another {option}"
        )


def _begins(path: Path, beginning: bytes) -> bool:
    """Return whether a file begins so as far as it goes, or isn't there."""
    try:
        with open_regular(path) as stream:
            return beginning.startswith(stream.read(len(beginning)))
    except FileNotFoundError:
        return True
    except OSError as error:
        raise _refusal(path, error) from error


def refusal_to_replace(existing: Sequence[Path], skippable: bool) -> OutputError:
    """Return what to say of files that are there.

    Args:
        existing: the files, at least one.
        skippable: the command can also leave them.
    """
    it = "it" if len(existing) == 1 else "them"
    what = (
        f"{shown_path(existing[0])} exists"
        if len(existing) == 1
        else f"{len(existing)} outputs exist, such as {shown_path(existing[0])}"
    )
    leave = f"--skip-existing leaves {it}, " if skippable else ""
    return OutputError(f"{what}: {leave}--overwrite replaces {it}")


def identity(path: Path) -> Identity:
    """Return what tells a file apart from others under whatever name.

    Raises:
        OutputError: the system can't say.
    """
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
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
    try:
        nearest = nearest_folder(path.parent)
    except OSError as error:
        raise _refusal(path, error) from error
    place = nearest if _real(path.parent) in made else path.parent
    if not os.access(place, os.W_OK | os.X_OK):
        raise OutputError(f"can't write {path}: the folder is missing or read-only")
    return place


def _is_there(path: Path, place: Path) -> bool:
    """Return whether there is a file to be replaced; refuse a name that can't be a file's."""
    limit = _longest_name(place)
    if len(os.fsencode(path.name)) > limit:
        raise OutputError(
            f"can't write {path}: a name has at most {limit} bytes; choose a shorter one"
        )
    try:
        check_replaceable(path)
        return path.exists()
    except ValueError as error:
        raise _refusal(path, error) from error


def _longest_name(folder: Path) -> int:
    try:
        return os.pathconf(folder, "PC_NAME_MAX")
    except (AttributeError, OSError, ValueError):
        return _LONGEST_NAME


def _refusal(path: Path, error: OSError | ValueError) -> OutputError:
    return OutputError(f"can't write {path}: {getattr(error, 'strerror', None) or error}")
