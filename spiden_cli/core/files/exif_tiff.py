"""The tags that EXIF and TIFF share: a block built of those of a file, and the reverse.

Unlike a block of another file, which `exif` edits in place, this one is built anew, by Pillow.
Maker notes are kept byte for byte, but move: where their maker put offsets from the start of the
file into them, those point to nothing.
"""

import struct
from typing import Any, BinaryIO

from PIL import ExifTags, Image

from spiden_cli.core.files.exif_block import PREFIX
from spiden_cli.core.files.orientation import NORMAL, QUARTER_TURNS

__all__ = [
    "OTHER_TAGS",
    "TEXT_TAGS",
    "UNREADABLE",
    "block_of",
    "directory_bytes",
    "from_tiff",
    "latin_1",
    "main_tags",
]

UNREADABLE = (struct.error, SyntaxError, ValueError, KeyError, TypeError, IndexError, OSError)
"""What Pillow raises on directories that are damaged; not what our own mistakes raise."""

_HEAD = b"II*\0\x08\0\0\0"  # of a little-endian block, its first directory behind it

TEXT_TAGS = (
    ExifTags.Base.Make,
    ExifTags.Base.Model,
    ExifTags.Base.Software,
    ExifTags.Base.DateTime,
    ExifTags.Base.Artist,
    ExifTags.Base.Copyright,
    ExifTags.Base.DocumentName,
    ExifTags.Base.PageName,
    ExifTags.Base.HostComputer,
)
"""The text tags that EXIF and TIFF share, and that are tags of the file itself in TIFF."""

OTHER_TAGS = {
    int(ExifTags.Base.Rating): 3,
    int(ExifTags.Base.RatingPercent): 3,
    int(ExifTags.Base.XPTitle): 1,
    int(ExifTags.Base.XPComment): 1,
    int(ExifTags.Base.XPAuthor): 1,
    int(ExifTags.Base.XPKeywords): 1,
    int(ExifTags.Base.XPSubject): 1,
    int(ExifTags.Base.PrintImageMatching): 7,
}
"""More tags that both have, Windows' words among them, and their types: short, bytes, undefined."""

# What the first directory of an EXIF block may take from a TIFF file. That also has strip offsets
# and the like, which would be lies in any other file.
_OF_TIFF = {
    *TEXT_TAGS,
    ExifTags.Base.XResolution,
    ExifTags.Base.YResolution,
    ExifTags.Base.ResolutionUnit,
    *OTHER_TAGS,
}

_OF_EVERY_TIFF = {
    int(tag)
    for tag in (
        ExifTags.Base.Orientation,
        ExifTags.Base.XResolution,
        ExifTags.Base.YResolution,
        ExifTags.Base.ResolutionUnit,
    )
}
"""Tags that alone make no EXIF block: a picture has its resolution in another place."""

Tags = dict[int, Any]


def from_tiff(stream: BinaryIO, offset: int, orientation: int) -> tuple[bytes | None, int]:
    """Build a block of the tags of a TIFF file, true of upright pixels.

    Args:
        stream: the file.
        offset: where in it the directory of the picture begins.
        orientation: of the picture, 1 to 8.

    Returns:
        The block, None where there is nothing to keep, and the number of tags that are damaged.

    Raises:
        UNREADABLE: the directory is damaged.
    """
    exif = Image.Exif()
    stream.seek(0)
    head = stream.read(4)
    exif.endian, exif.bigtiff = "<" if head[:2] == b"II" else ">", b"+" in head
    exif.load_from_fp(stream, offset)
    main: Tags = {tag: exif.get(tag) for tag in exif if tag in _OF_TIFF}
    if orientation in QUARTER_TURNS:
        _swap(main, ExifTags.Base.XResolution, ExifTags.Base.YResolution)
    if ExifTags.Base.Orientation in exif:
        main[ExifTags.Base.Orientation] = NORMAL
    damaged = 0
    for pointer in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
        entries = _directory(exif, pointer)
        if orientation in QUARTER_TURNS:
            _swap(entries, ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight)
        entries, lost = _writable(entries, pointer)
        damaged += lost
        if entries:
            main[pointer] = entries
    main, lost = _writable(main, None)
    if not set(main) - _OF_EVERY_TIFF:
        return None, damaged + lost
    return block_of(main), damaged + lost


def block_of(tags: Tags) -> bytes:
    """A new block of tags of its first directory."""
    return PREFIX + _HEAD + _serialised(tags, None, len(_HEAD))


def directory_bytes(block: bytes, pointer: int, offset: int) -> bytes:
    """The camera's or the place's directory of a block, as it must stand in a file at an offset.

    Args:
        block: what `true_of_upright` or `from_tiff` returned.
        pointer: the tag of the directory: `ExifTags.IFD.Exif` or `GPSInfo`.
        offset: of the directory in the little-endian file.

    Returns:
        The directory with its values; empty where the block has none.

    Raises:
        UNREADABLE: it is damaged.
    """
    exif = Image.Exif()
    exif.load(block)
    entries, _ = _writable(_directory(exif, pointer), pointer)
    return _serialised(entries, pointer, offset) if entries else b""


def main_tags(block: bytes) -> Tags:
    """The first directory of a block; the bytes of its text as Latin-1.

    Raises:
        UNREADABLE: it is damaged.
    """
    exif = Image.Exif()
    exif.load(block)
    return {tag: exif.get(tag) for tag in exif}


def _directory(exif: Image.Exif, pointer: int) -> Tags:
    """The directory behind a tag, that of interoperability within it; empty where there is none."""
    entries: Tags = dict(exif.get_ifd(pointer)) if pointer in exif else {}
    if ExifTags.IFD.Interop in entries:
        entries[ExifTags.IFD.Interop] = dict(exif.get_ifd(ExifTags.IFD.Interop))
    return entries


def _writable(tags: Tags, group: int | None) -> tuple[Tags, int]:
    """The tags that can be written again, and the number of those that can't."""
    kept: Tags = {}
    for tag, value in tags.items():
        try:
            _serialised({tag: value}, group, 8)
        except UNREADABLE:
            continue
        kept[tag] = value
    return kept, len(tags) - len(kept)


def _serialised(tags: Tags, group: int | None, offset: int) -> bytes:
    from PIL import TiffImagePlugin  # for TIFF files only

    directory = TiffImagePlugin.ImageFileDirectory_v2(_HEAD, group=group)
    for tag, value in tags.items():
        directory[tag] = _as_read(value)
    return directory.tobytes(offset)


class _Latin(str):
    """Text as Pillow's reader found it: its writer asks for ASCII and would get question marks."""

    def encode(self, encoding: str = "latin-1", errors: str = "replace") -> bytes:
        """The bytes that the text was read from."""
        return super().encode("latin-1", errors)


def latin_1(value: object) -> bytes:
    """The bytes of a text tag, without its end."""
    return str(value).encode("latin-1", "replace").rstrip(b"\0")


def _as_read(value: Any) -> Any:  # noqa: ANN401 - whatever a tag holds
    if isinstance(value, str):
        return _Latin(value)
    if isinstance(value, dict):
        return {tag: _as_read(inner) for tag, inner in value.items()}
    return value


def _swap(tags: Tags, first: int, second: int) -> None:
    if first in tags and second in tags:
        tags[first], tags[second] = tags[second], tags[first]
