"""What only TIFF says of a picture: how programs show its values, and tags of their own.

A look-up table (ImageJ's colours, its inverted one) is how a program shows values, and changes
none. ImageJ's ranges and regions, GIS's coordinates and the like are in tags that other formats
have no place for. They are carried from file to file.
"""

from collections.abc import Iterator

import numpy as np
import tifffile

from spiden_cli.core.files.exif_tiff import OTHER_TAGS
from spiden_cli.core.image.metadata import TiffTags

__all__ = [
    "CREDENTIALS",
    "IJ_COUNTS",
    "IJ_METADATA",
    "LAYERS",
    "POINTERS",
    "RESOURCES",
    "carried_tags",
    "content_of",
    "is_look_up",
    "little_endian_tags",
]

LAYERS = 37724
"""Photoshop's, which hold noisy pixels."""

_FIRST_PRIVATE = 32_768
_OTHERS = {33432, 33723, 34665, 34675, 34853}  # copyright, IPTC, EXIF, profile, place: kept as such
CREDENTIALS, RESOURCES = 52545, 34377
"""Content credentials (C2PA) and Photoshop's image resources."""
_OF_OLD_FILE = {33628, 33629, 33630, 33631, RESOURCES, 34412, LAYERS, CREDENTIALS}
"""Of MetaMorph, Photoshop and Zeiss: of several planes, or with places in the old file."""
POINTERS = {13, 18}
"""Types of tags whose value is a place in the old file."""
IJ_COUNTS, IJ_METADATA = 50838, 50839
_WIDTHS = {3: 2, 4: 4, 5: 4, 8: 2, 9: 4, 10: 4, 11: 4, 12: 8, 16: 8, 17: 8}
"""Type of a tag -> bytes of the numbers that it is made of, where they are more than one."""
_LONGEST = 2**26  # bytes of a tag


def is_look_up(page: tifffile.TiffPage) -> bool:
    """Return whether colours, or white for 0, are how ImageJ or OME show values, and no more."""
    shown = page.photometric in (tifffile.PHOTOMETRIC.PALETTE, tifffile.PHOTOMETRIC.MINISWHITE)
    return bool(shown and (page.is_imagej or page.parent.is_ome))


def carried_tags(page: tifffile.TiffPage, look_up: bool) -> TiffTags | None:
    """Return what only TIFF says of the picture of a page; None if nothing.

    Args:
        page: of the picture.
        look_up: whether it is shown by a look-up table, and is to be again.
    """
    kind, colormap = "", None
    if look_up:
        kind = tifffile.PHOTOMETRIC(page.photometric).name.lower()
        colormap = page.colormap
    tags = tuple(tag for tag in little_endian_tags(page) if tag[0] not in OTHER_TAGS)  # in EXIF
    return TiffTags(kind, colormap, tags) if kind or tags else None


def little_endian_tags(page: tifffile.TiffPage) -> Iterator[tuple[int, int, int, bytes]]:
    """Yield code, type, number of values and content of a page's private tags."""
    swapped = page.parent.byteorder == ">"
    if swapped and IJ_METADATA in page.tags:  # whose blocks have an order of their own
        words = dict(page.tags[IJ_METADATA].value)
        for code, of_type, count, block, _ in tifffile.imagej_metadata_tag(words, "<"):
            yield code, int(of_type), count, block
    for tag in page.tags.values():
        kind = int(tag.dtype)
        of_imagej = swapped and tag.code in (IJ_COUNTS, IJ_METADATA)
        left = tag.code < _FIRST_PRIVATE or tag.code in _OTHERS | _OF_OLD_FILE or of_imagej
        if left or kind in POINTERS or tag.valuebytecount > _LONGEST:
            continue
        content = content_of(page, tag)
        if swapped and kind in _WIDTHS:
            content = np.frombuffer(content, f">u{_WIDTHS[kind]}").byteswap().tobytes()
        yield tag.code, kind, tag.count, content


def content_of(page: tifffile.TiffPage, tag: tifffile.TiffTag) -> bytes:
    """Return the content of a tag as the file has it."""
    stream = page.parent.filehandle
    stream.seek(tag.valueoffset)
    return bytes(stream.read(tag.valuebytecount))
