"""The EXIF block: kept byte for byte, but for what upright, denoised pixels make untrue.

Upright pixels need orientation 1 (a viewer would turn them a second time), and swapped dimensions
after a quarter turn; a thumbnail would show the picture as it was before denoising.

An EXIF block is a small TIFF file (CIPA DC-008-2019, section 4.5): directories of 12-byte entries,
whose long values lie at offsets from the start of the block. It is edited in place here. The
libraries that edit EXIF all take a block apart and build another: Pillow's `Exif` turns text that
isn't ASCII into question marks and fails on the interoperability directory; piexif 1.1.3 has had no
release since 2019 and refuses unknown types. Both move maker notes, whose offsets then point to
nothing. pyexiv2 and exiftool do it right: but the first is under the GPL, which this package is
not, and the second a program of its own. Pillow is good for what is not in place: `from_tiff`
builds a block of the tags of a TIFF file, `directory_bytes` does the reverse.
"""

import struct
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image

from spiden_cli.core.files.exif_block import PREFIX, Block

__all__ = [
    "DAMAGED",
    "PREFIX",
    "TEXT_TAGS",
    "UNREADABLE",
    "directory_bytes",
    "from_tiff",
    "latin_1",
    "main_tags",
    "true_of_upright",
    "upright",
    "with_description",
    "with_software",
]

UNREADABLE = (struct.error, SyntaxError, ValueError, KeyError, TypeError, IndexError, OSError)
"""What Pillow raises on directories that are damaged; not what our own mistakes raise."""

DAMAGED = "damaged EXIF metadata isn't kept"
"""The note on a picture whose block can't be read."""

_HEAD = b"II*\0\x08\0\0\0"  # of a little-endian block, its first directory behind it
_NORMAL = 1
_QUARTER_TURNS = {5, 6, 7, 8}
_SWAPPED = (
    (ExifTags.Base.XResolution, ExifTags.Base.YResolution),
    (ExifTags.Base.ImageWidth, ExifTags.Base.ImageLength),
    (ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight),
    (ExifTags.Base.FocalPlaneXResolution, ExifTags.Base.FocalPlaneYResolution),
)

TEXT_TAGS = (
    ExifTags.Base.Make,
    ExifTags.Base.Model,
    ExifTags.Base.Software,
    ExifTags.Base.DateTime,
    ExifTags.Base.Artist,
    ExifTags.Base.Copyright,
)
"""The text tags that EXIF and TIFF share, and that are tags of the file itself in TIFF."""

# What the first directory of an EXIF block may take from a TIFF file. That also has strip offsets
# and the like, which would be lies in any other file.
_OF_TIFF = {
    *TEXT_TAGS,
    ExifTags.Base.XResolution,
    ExifTags.Base.YResolution,
    ExifTags.Base.ResolutionUnit,
    ExifTags.Base.Rating,
    ExifTags.Base.RatingPercent,
    ExifTags.Base.XPTitle,
    ExifTags.Base.XPComment,
    ExifTags.Base.XPAuthor,
    ExifTags.Base.XPKeywords,
    ExifTags.Base.XPSubject,
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


def true_of_upright(block: bytes, fallback: int = _NORMAL) -> tuple[int, bytes | None]:
    """The orientation that a block states, and the block as it is true of upright pixels.

    Args:
        block: with or without `PREFIX` in front.
        fallback: the orientation, 1 to 8, where the block states none.

    Returns:
        The orientation, 1 to 8, and the edited block, of the same length or shorter; None where it
        was empty.

    Raises:
        ValueError: it is damaged so that its first directory can't be read.
    """
    content = block
    while content.startswith(PREFIX):  # some writers put it twice
        content = content.removeprefix(PREFIX)
    if not content:
        return fallback, None
    exif = Block(content)
    tag = exif.main.get(ExifTags.Base.Orientation)
    stated = exif.number(tag)
    orientation = stated if stated is not None and 1 <= stated <= 8 else fallback
    exif.cut_thumbnail()
    if tag is not None and stated is not None:
        exif.set(tag, _NORMAL)
    if orientation in _QUARTER_TURNS:
        for entries in exif.directories():
            for pair in _SWAPPED:
                exif.swap(entries, *pair)
    return orientation, PREFIX + bytes(exif.bytes)


def with_description(block: bytes | None, text: str) -> bytes:
    """A block that has an ImageDescription: its own, or else `text`.

    Args:
        block: what `true_of_upright` or `from_tiff` returned; None for a new one.
        text: written as UTF-8, as most programs do.
    """
    if block is None:
        tags: Tags = {int(ExifTags.Base.ImageDescription): text.encode()}
        return PREFIX + _HEAD + _serialised(tags, None, len(_HEAD))
    exif = Block(block.removeprefix(PREFIX))
    if ExifTags.Base.ImageDescription in exif.main:
        return block
    exif.add_text(ExifTags.Base.ImageDescription, text.encode())
    return PREFIX + bytes(exif.bytes)


def with_software(block: bytes | None, name: str) -> bytes:
    """A block whose Software names a program, behind those that it names already.

    Args:
        block: what `true_of_upright` or `from_tiff` returned; None for a new one.
        name: of the program, in ASCII.

    Raises:
        ValueError: the block is damaged so that its first directory can't be read.
    """
    if block is None:
        tags: Tags = {int(ExifTags.Base.Software): name}
        return PREFIX + _HEAD + _serialised(tags, None, len(_HEAD))
    exif = Block(block.removeprefix(PREFIX))
    known = exif.text(exif.main.get(ExifTags.Base.Software)).strip(b"\0 ")
    if name.encode() in known:
        return block
    exif.add_text(ExifTags.Base.Software, b"; ".join(filter(None, (known, name.encode()))))
    return PREFIX + bytes(exif.bytes)


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
    if orientation in _QUARTER_TURNS:
        _swap(main, ExifTags.Base.XResolution, ExifTags.Base.YResolution)
    if ExifTags.Base.Orientation in exif:
        main[ExifTags.Base.Orientation] = _NORMAL
    damaged = 0
    for pointer in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
        entries = _directory(exif, pointer)
        if orientation in _QUARTER_TURNS:
            _swap(entries, ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight)
        entries, lost = _writable(entries, pointer)
        damaged += lost
        if entries:
            main[pointer] = entries
    main, lost = _writable(main, None)
    if not set(main) - _OF_EVERY_TIFF:
        return None, damaged + lost
    return PREFIX + _HEAD + _serialised(main, None, len(_HEAD)), damaged + lost


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


def upright(pixels: npt.NDArray[Any], orientation: int) -> npt.NDArray[Any]:
    """Turn `pixels` (H, W, ...) upright by the EXIF orientation 1..8 (EXIF 2.32, table 6).

    The tag says where row 0 and column 0 of the stored array are in the scene: 1 top left,
    2 top right, 3 bottom right, 4 bottom left, 5 to 8 the same with rows and columns exchanged.

    Args:
        pixels: (H, W) or (H, W, C) as stored.
        orientation: 1 to 8.

    Returns:
        (H, W, ...), or (W, H, ...) for 5 to 8; contiguous.
    """
    turns = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1),
        6: lambda a: a.swapaxes(0, 1)[:, ::-1],
        7: lambda a: a.swapaxes(0, 1)[::-1, ::-1],
        8: lambda a: a.swapaxes(0, 1)[::-1],
    }
    return np.ascontiguousarray(turns[orientation](pixels))
