"""Tell the pages of an album, pictures of their own in one TIFF, from the planes of a stack.

Programs of science say what their planes are (ImageJ, OME, tifffile's axes ...). Where nobody does,
pages in red, green and blue are photographs, and so are pages that call themselves pages, or have
one bit, as those of scanners and of fax machines.
"""

import numpy as np
import tifffile

from spiden_cli.core.files.stacks.layout import UNKNOWN

__all__ = ["ALBUM_AXIS", "PAGE", "as_one_series", "is_album"]

ALBUM_AXIS = "P"
PAGE = 2
"""Bit of NewSubfileType: a page of many (TIFF 6.0, section 8)."""
_PAGE_NUMBER = 297  # section 12
_PAGES = ("YX", "YXS", "SYX")
_RGB = {tifffile.PHOTOMETRIC.RGB, tifffile.PHOTOMETRIC.YCBCR}
_OF_PICTURES = {"b": (1,), "u": (1, 2)}  # kinds of numbers, and their bytes


def is_album(tiff: tifffile.TiffFile, series: tifffile.TiffPageSeries, axes: str) -> bool:
    """Return whether the planes of a series are pages, of which each is a picture of its own.

    Args:
        tiff: the file.
        series: the one series of pictures in it.
        axes: of the series, with those that nobody knows as tifffile calls them.
    """
    page = series.keyframe
    said = tiff.is_imagej or tiff.is_ome or tiff.is_stk or tiff.is_lsm
    if said or axes[:1] not in (*UNKNOWN,) or set(axes[1:]) & set(UNKNOWN):
        return False
    dtype = np.dtype(series.dtype)
    if dtype.itemsize not in _OF_PICTURES.get(dtype.kind, ()):
        return False
    if page.photometric in _RGB:
        return axes[1:] == "YXS" and page.samplesperpixel in (3, 4)
    if axes[1:] != "YX" or dtype.itemsize > 1:
        return False
    return dtype.kind == "b" or bool(page.subfiletype & PAGE) or _PAGE_NUMBER in page.tags


def as_one_series(found: list[tifffile.TiffPageSeries]) -> tifffile.TiffPageSeries | None:
    """Return pages of one kind that were written one by one as one series; None if they aren't.

    Each may say its own shape, by which tifffile takes it for a stack of its own.

    Args:
        found: series of full-size pictures.
    """
    first = found[0]
    kinds = {(one.keyframe.hash, one.shape, one.axes, one.kind) for one in found}
    if len(kinds) > 1 or any(len(one) != 1 for one in found) or first.axes not in _PAGES:
        return None
    shape = (len(found), *first.shape)
    pages = [one.keyframe for one in found]
    return tifffile.TiffPageSeries(pages, shape, first.dtype, "I" + first.axes, kind=first.kind)
