"""The format of a picture file, told by its first bytes."""

from pathlib import Path

from spiden_cli.core.files.formats import CAMERA_RAW, HEAD_LENGTH, Format, begun_as, named
from spiden_cli.core.regular_file import open_regular
from spiden_cli.errors import InputError

__all__ = ["first_bytes", "format_of", "is_camera_raw", "suffix_by_content"]


def is_camera_raw(path: Path) -> bool:
    """Return whether a file holds a sensor's values; False if it can't be read at all."""
    try:
        return format_of(path) is CAMERA_RAW
    except InputError:
        return False


def format_of(path: Path) -> Format:
    """Return the format of a file by its content; one that isn't known is left to Pillow to refuse.

    Raises:
        InputError: it can't be read, is empty, or needs a package that isn't installed.
    """
    found = begun_as(first_bytes(path))
    if found is not None and found.name == "TIFF":
        from spiden_cli.core.files.tiff_pages import is_camera_raw as is_raw_tiff

        found = CAMERA_RAW if is_raw_tiff(path) else found
    found = found or named("TGA")
    found.check_available(path)
    return found


def first_bytes(path: Path) -> bytes:
    """Return what tells the format of a file.

    Raises:
        InputError: it can't be read, is a folder, or empty.
    """
    try:
        with open_regular(path) as stream:
            head = stream.read(HEAD_LENGTH)
    except IsADirectoryError as error:
        raise InputError(f"{path}: a folder, not a picture") from error
    except OSError as error:
        raise InputError(f"can't read {path}: {error.strerror or error}") from error
    if not head:
        raise InputError(f"{path}: an empty file")
    return head


def suffix_by_content(path: Path) -> str:
    """Return the suffix for a picture's own format, told by its first bytes; .png for others.

    Raises:
        InputError: missing or unreadable.
    """
    found = begun_as(first_bytes(path))
    if found is None:
        return ".png"
    return found.suffixes[0] if found.depth else found.becomes
