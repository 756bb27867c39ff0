"""Which of a TIFF's directories is the picture, and whether its kind of pixel can be denoised.

"The first page is the picture" isn't true: NewSubfileType marks pages as reduced copies or masks
(TIFF 6.0, section 8), and SubIFDs hold pictures that no chain of pages shows.
"""

from collections.abc import Iterator
from pathlib import Path

import tifffile

from spiden_cli.core.files.decoding import decoding
from spiden_cli.core.image.values import check_type
from spiden_cli.errors import InputError

__all__ = ["PLAIN", "check_kind", "described", "is_from_sensor", "picture_page"]

PLAIN = {
    tifffile.PHOTOMETRIC.MINISBLACK,
    tifffile.PHOTOMETRIC.MINISWHITE,
    tifffile.PHOTOMETRIC.RGB,
}
_SENSOR = {tifffile.PHOTOMETRIC.CFA, tifffile.PHOTOMETRIC.LINEAR_RAW}
_SENSOR_COMPRESSIONS = {32767, 32769, 32770, 32772, 34713, 65000}  # Sony, Epson, Samsung, Nikon
_DNG_VERSION = 50706
_MOST_SUBIFDS = 32  # of one page; a raw file has 1 to 4


def is_from_sensor(path: Path) -> bool:
    """Return whether a TIFF is a camera raw file, of DNG or a like kind.

    Such a file has its preview in front; the sensor's values, one colour a pixel, are in a later
    directory or in a SubIFD (TIFF/EP, ISO 12234-2; DNG specification 1.7, chapter 2).

    Raises:
        InputError: damaged.
    """
    with decoding(path), tifffile.TiffFile(path) as tiff:
        pages, inner = _pages(tiff)
        return any(_from_sensor(page) for page in (*pages, *inner))


def picture_page(path: Path, tiff: tifffile.TiffFile) -> tifffile.TiffPage:
    """The directory of the one picture in a file, past thumbnails, pyramid levels and masks.

    Raises:
        InputError: a stack, or none but reduced copies.
    """
    pages, inner = _pages(tiff)
    # An inner page is a level of a pyramid; where it is marked as none, it may be the picture.
    whole = [page for page in pages if _is_whole(page)] or [p for p in inner if _is_whole(p)]
    if not whole and len(pages) == 1:  # all that there is
        whole = pages
    if not whole:
        raise InputError(
            f"{path}: only reduced copies of a picture, no full-size one; "
            "export the picture as a TIFF of its own"
        )
    first, count = whole[0], len(whole)
    if tiff.is_imagej or tiff.is_shaped:
        count = max(count, tiff.series[0].size // max(first.size, 1))
    if count > 1 or first.imagedepth > 1:
        raise InputError(
            f"{path}: a stack of {max(count, first.imagedepth)} pictures; "
            "only single pictures are read: save its slices as separate files"
        )
    return first


def _pages(tiff: tifffile.TiffFile) -> tuple[list[tifffile.TiffPage], list[tifffile.TiffPage]]:
    """The pages of a file, and those in their SubIFDs."""
    # A slice sees directories that point in a circle, which a loop would follow for ever.
    pages = [tiff.pages.first, *(page.aspage() for page in tiff.pages[1:])]
    return pages, [page for outer in pages for page in _inner(outer)]


def _inner(page: tifffile.TiffPage) -> Iterator[tifffile.TiffPage]:
    """The pages in the SubIFDs of a page."""
    if page.subifds and page.pages is not None:
        for i, inner in enumerate(page.pages):
            if i == _MOST_SUBIFDS:
                return
            yield inner.aspage()


def _from_sensor(page: tifffile.TiffPage) -> bool:
    return (
        page.photometric in _SENSOR
        or page.compression in _SENSOR_COMPRESSIONS
        or _DNG_VERSION in page.tags
    )


def _is_whole(page: tifffile.TiffPage) -> bool:
    return not (page.is_reduced or page.is_mask)


def check_kind(path: Path, page: tifffile.TiffPage) -> None:
    """Refuse pixels that have no faithful form as grey or RGB.

    Raises:
        InputError: complex or unknown numbers, transparency of other than 8 or 16 bits, or other
            channels.
    """
    if page.dtype is None:
        raise InputError(f"{path}: pixels of unknown kind can't be read; save them as numbers")
    if page.dtype.kind != "b":
        check_type(page.dtype, str(path))
    if page.extrasamples and (page.dtype.kind not in "ub" or page.dtype.itemsize > 2):
        raise InputError(
            f"{path}: {page.dtype} pixels with transparency can't be read; save them without"
        )
    planes, extra = page.samplesperpixel, len(page.extrasamples)
    colours = planes - extra
    known_alpha = extra == 1 and (page.extrasamples[0] or colours == 3)
    grey_or_rgb = page.photometric not in PLAIN or colours in (1, 3)
    if extra > 1 or (extra == 1 and not known_alpha) or not grey_or_rgb:
        raise InputError(
            f"{path}: {planes} channels that are neither grey nor RGB (with alpha); "
            "save each channel as a picture of its own"
        )


def described(page: tifffile.TiffPage) -> str:
    """The kind of pixels and compression of a page, in words."""
    pixels = f"{page.bitspersample}-bit {_name(tifffile.PHOTOMETRIC, page.photometric)}"
    if page.compression == tifffile.COMPRESSION.NONE:
        return f"uncompressed {pixels}"
    return f"{pixels} with {_name(tifffile.COMPRESSION, page.compression)} compression"


def _name(kind: type[tifffile.COMPRESSION] | type[tifffile.PHOTOMETRIC], code: int) -> str:
    try:
        return kind(code).name
    except ValueError:
        return f"unknown ({code})"
