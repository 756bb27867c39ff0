"""The value of white in a file of 16 bits, which may come from a camera of fewer.

A 12-bit camera's file reaches 4095 of 65,535. Taken for 16 bits it is a dark picture, with a
sixteenth of its noise.
"""

import re
from typing import TYPE_CHECKING

import numpy as np

from spiden_cli.core.image.picture import Pixels, Range, full_range

if TYPE_CHECKING:
    import tifffile

__all__ = ["MAX_SAMPLE_VALUE", "stated_white", "white_range"]

MAX_SAMPLE_VALUE, S_MAX_SAMPLE_VALUE = 281, 341  # TIFF 6.0, sections 8 and 19
_SIGNIFICANT_BITS = re.compile(r"""<Pixels\b[^>]*\bSignificantBits=["'](\d{1,2})["']""")
_DEPTHS = (8, 10, 12, 14, 16)  # of cameras


def stated_white(page: "tifffile.TiffPage", ome: str | None) -> float | None:
    """Return the value of white that a TIFF states, in its tags or its OME-XML; None if none."""
    for tag in (S_MAX_SAMPLE_VALUE, MAX_SAMPLE_VALUE):
        if tag in page.tags:
            values = np.atleast_1d(page.tags[tag].value)
            if values.size and np.isreal(values).all() and np.isfinite(values).all():
                return float(values.max())
    bits = _SIGNIFICANT_BITS.search(ome or "")
    return float(2 ** int(bits[1]) - 1) if bits else None


def white_range(pixels: Pixels, stated: float | None = None) -> tuple[Range, list[str]]:
    """Return black and white of a picture, and a note if white is a guess.

    8-bit pictures are white at 255. For 16 bits a file's own statement is taken, unless its pixels
    exceed it; else the smallest of 8, 10, 12, 14 and 16 bits that holds the pixels.

    Args:
        pixels: (H, W) or (H, W, 3), uint8 or uint16.
        stated: what the file says.
    """
    whole = full_range(pixels.dtype)
    if pixels.dtype != np.uint16:
        return whole, []
    most = float(pixels.max())
    if stated is not None and max(most, 1.0) <= stated <= whole.white:
        return Range(0.0, stated), []
    bits = next(bits for bits in _DEPTHS if most < 2**bits)
    if bits == 16:
        return whole, []
    white = 2**bits - 1
    note = (
        f"the 16-bit pixels fill {bits} bits: white is taken to be {white} (--white to change it)"
    )
    return Range(0.0, float(white)), [note]
