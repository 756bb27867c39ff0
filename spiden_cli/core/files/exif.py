"""The EXIF block: kept byte for byte, but for what upright, denoised pixels make untrue.

Upright pixels need orientation 1 (a viewer would turn them a second time), and swapped dimensions
after a quarter turn; a thumbnail would show the picture as it was before denoising.

An EXIF block is a small TIFF file (CIPA DC-008-2019, section 4.5): directories of 12-byte entries,
whose long values lie at offsets from the start of the block. It is edited in place here. The
libraries that edit EXIF all take a block apart and build another: Pillow's `Exif` turns text that
isn't ASCII into question marks and fails on the interoperability directory; piexif 1.1.3 has had no
release since 2019 and refuses unknown types. Both move maker notes, whose offsets then point to
nothing. pyexiv2 and exiftool do it right: but the first is under the GPL, which this package is
not, and the second a program of its own. Pillow is good for what is not in place; see
`exif_tiff`.
"""

from PIL import ExifTags

from spiden_cli.core.files.exif_block import PREFIX, Block
from spiden_cli.core.files.exif_tiff import block_of
from spiden_cli.core.files.orientation import NORMAL, QUARTER_TURNS

__all__ = [
    "DAMAGED",
    "PREFIX",
    "true_of_upright",
    "with_description",
    "with_software",
    "without_orientation",
]

DAMAGED = "damaged EXIF metadata isn't kept"
"""The note on a picture whose block can't be read."""

_SWAPPED = (
    (ExifTags.Base.XResolution, ExifTags.Base.YResolution),
    (ExifTags.Base.ImageWidth, ExifTags.Base.ImageLength),
    (ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight),
    (ExifTags.Base.FocalPlaneXResolution, ExifTags.Base.FocalPlaneYResolution),
)


def true_of_upright(block: bytes, fallback: int = NORMAL) -> tuple[int, bytes | None]:
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
        exif.set(tag, NORMAL)
    if orientation in QUARTER_TURNS:
        for entries in exif.directories():
            for pair in _SWAPPED:
                exif.swap(entries, *pair)
    return orientation, PREFIX + bytes(exif.bytes)


def without_orientation(block: bytes) -> bytes | None:
    """A block that states no orientation; None where it says nothing else.

    Pillow's writer of AVIF takes a block apart for it, which moves maker notes.

    Args:
        block: what `true_of_upright` or `exif_tiff.from_tiff` returned.

    Raises:
        ValueError: the block is damaged so that its first directory can't be read.
    """
    exif = Block(block.removeprefix(PREFIX))
    exif.remove(ExifTags.Base.Orientation)
    return PREFIX + bytes(exif.bytes) if exif.main else None


def with_description(block: bytes | None, text: str) -> bytes:
    """A block that has an ImageDescription: its own, or else `text`.

    Args:
        block: what `true_of_upright` or `exif_tiff.from_tiff` returned; None for a new one.
        text: written as UTF-8, as most programs do.
    """
    if block is None:
        return block_of({int(ExifTags.Base.ImageDescription): text.encode()})
    exif = Block(block.removeprefix(PREFIX))
    if ExifTags.Base.ImageDescription in exif.main:
        return block
    exif.add_text(ExifTags.Base.ImageDescription, text.encode())
    return PREFIX + bytes(exif.bytes)


def with_software(block: bytes | None, name: str) -> bytes:
    """A block whose Software names a program, behind those that it names already.

    Args:
        block: what `true_of_upright` or `exif_tiff.from_tiff` returned; None for a new one.
        name: of the program, in ASCII.

    Raises:
        ValueError: the block is damaged so that its first directory can't be read.
    """
    if block is None:
        return block_of({int(ExifTags.Base.Software): name})
    exif = Block(block.removeprefix(PREFIX))
    known = exif.text(exif.main.get(ExifTags.Base.Software)).strip(b"\0 ")
    if name.encode() in known:
        return block
    exif.add_text(ExifTags.Base.Software, b"; ".join(filter(None, (known, name.encode()))))
    return PREFIX + bytes(exif.bytes)
