"""The EXIF block: read it, make it tell the truth about upright pixels, cut out what is stale.

Upright pixels need orientation 1 (a viewer would turn them a second time), swapped dimensions
after a quarter turn, and no thumbnail (it shows the picture as it was before denoising).
"""

from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image

__all__ = ["TEXT_TAGS", "has_camera_data", "read_exif", "read_tiff_exif", "tags_of", "upright"]

_NORMAL = 1
_DAMAGED = "damaged EXIF metadata isn't kept"
_QUARTER_TURNS = {5, 6, 7, 8}

TEXT_TAGS = (
    ExifTags.Base.Make,
    ExifTags.Base.Model,
    ExifTags.Base.Software,
    ExifTags.Base.DateTime,
    ExifTags.Base.Artist,
    ExifTags.Base.Copyright,
)
"""The text tags that EXIF and TIFF share, and so survive between all formats that keep EXIF."""

# What the first directory of an EXIF block may hold. A TIFF's first directory also has strip
# offsets and the like, which would be lies in any other file.
_KEPT = {
    *TEXT_TAGS,
    ExifTags.Base.ImageDescription,
    ExifTags.Base.Orientation,
    ExifTags.Base.XResolution,
    ExifTags.Base.YResolution,
    ExifTags.Base.ResolutionUnit,
    ExifTags.Base.YCbCrPositioning,
    ExifTags.Base.Rating,
    ExifTags.Base.RatingPercent,
    ExifTags.Base.WhitePoint,
    ExifTags.Base.PrimaryChromaticities,
    ExifTags.Base.XPTitle,
    ExifTags.Base.XPComment,
    ExifTags.Base.XPAuthor,
    ExifTags.Base.XPKeywords,
    ExifTags.Base.XPSubject,
}
_KEPT_DIRECTORIES = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo, ExifTags.IFD.Interop)


def read_exif(image: Image.Image) -> tuple[int, bytes | None, list[str]]:
    """The orientation (1 to 8), the block to carry over, and a note if it is damaged.

    Cameras and editors break EXIF in every way, and Pillow fails on it in as many. That is no
    reason to refuse the picture.
    """
    orientation, block, count = _read(image.getexif)
    unread = count is None or (bool(image.info.get("exif")) and not count)
    return orientation, block, [_DAMAGED] if unread else []


def read_tiff_exif(stream: BinaryIO, offset: int) -> tuple[int, bytes | None, list[str]]:
    """As `read_exif`, from a TIFF of whatever pixels: Pillow opens few kinds, but reads all tags.

    Args:
        stream: the file.
        offset: where in it the directory of the picture begins.
    """

    def load() -> Image.Exif:
        exif = Image.Exif()
        stream.seek(0)
        head = stream.read(4)
        exif.endian, exif.bigtiff = "<" if head[:2] == b"II" else ">", b"+" in head
        exif.load_from_fp(stream, offset)
        return exif

    orientation, block, count = _read(load)
    return orientation, block, [_DAMAGED] if count is None else []


def _read(load: Callable[[], Image.Exif]) -> tuple[int, bytes | None, int | None]:
    """The orientation, the block, and the number of tags; None for a damaged block."""
    orientation = _NORMAL
    try:
        exif = load()
        orientation = _orientation_of(exif)
        return orientation, _block_of(exif), len(exif)
    except Exception:
        return orientation, None, None


def _orientation_of(exif: Image.Exif) -> int:
    """The orientation tag, 1 to 8; 1 where it is missing or nonsense."""
    value = exif.get(ExifTags.Base.Orientation, _NORMAL)
    return value if isinstance(value, int) and 1 <= value <= 8 else _NORMAL


def _block_of(exif: Image.Exif) -> bytes | None:
    """Serialise `exif` for pixels that have been turned upright; None where there is nothing."""
    turned = _orientation_of(exif) in _QUARTER_TURNS
    kept = Image.Exif()
    for tag, value in exif.items():
        if tag in _KEPT:
            kept[tag] = value
    for directory in _KEPT_DIRECTORIES:
        if entries := dict(exif.get_ifd(directory)):
            if directory == ExifTags.IFD.Exif and turned:
                _swap(entries, ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight)
            kept.get_ifd(directory).update(entries)
            kept[directory] = entries
    if not len(kept):
        return None
    if turned:
        _swap(kept, ExifTags.Base.XResolution, ExifTags.Base.YResolution)
    if ExifTags.Base.Orientation in kept:
        kept[ExifTags.Base.Orientation] = _NORMAL
    return kept.tobytes()


def tags_of(block: bytes | None) -> Image.Exif:
    """Parse a block made by `read_exif`."""
    exif = Image.Exif()
    if block:
        exif.load(block)
    return exif


def has_camera_data(block: bytes | None) -> bool:
    """True if a block made by `read_exif` has exposure, lens or place, which no TIFF tag holds."""
    exif = tags_of(block)
    return any(exif.get_ifd(ifd) for ifd in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo))


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


def _swap(tags: "dict[int, object] | Image.Exif", first: int, second: int) -> None:
    if first in tags and second in tags:
        tags[first], tags[second] = tags[second], tags[first]
