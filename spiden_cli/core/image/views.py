"""Looking at a picture: a small overview of all of it, and the part that is worth a closer look.

Pictures may be large: none of this holds a whole one in floating point.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spiden_cli.core.image.picture import Pixels, Range
from spiden_cli.core.image.pixels import LUMA, in_8_bit_units

__all__ = ["Cutout", "choose_cutout", "overview"]

Values = NDArray[np.float32]

_STRIP = 64  # rows of the overview that are made at once
_COARSE = 4  # pixels over which structure is averaged, so that noise is none
_CLIPPED = 0.1  # share of black and white pixels above which a part shows little
_MOST_BLOCKS = 1500  # that are compared; more take time and find the like


class Cutout(NamedTuple):
    """A square part of a picture, in pixels.

    Attributes:
        top: first row.
        left: first column.
        side: rows and columns.
    """

    top: int
    left: int
    side: int

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns, to index pixels with."""
        return (
            slice(self.top, self.top + self.side),
            slice(self.left, self.left + self.side),
        )


def overview(pixels: Pixels, range: Range, side: int) -> Values:
    """Average a picture over squares of pixels, as large as leave its longer side at least `side`.

    The result is linear in the pixels: that of a difference is the difference of two.

    Args:
        pixels: (H, W) or (H, W, 3).
        range: black and white level.
        side: of the place that it is for; a picture that fits in is not averaged.

    Returns:
        (H', W', C) in 8-bit units. Pixels at the lower and right edge that fill no square are left
        out.
    """
    planes = pixels[..., None] if pixels.ndim == 2 else pixels
    height, width, channels = planes.shape
    factor = max(1, min(max(height, width) // side, height, width))
    rows, columns = height // factor, width // factor
    small = np.empty((rows, columns, channels), np.float32)
    for top in np.arange(0, rows, _STRIP):
        bottom = min(int(top) + _STRIP, rows)
        strip = planes[top * factor : bottom * factor, : columns * factor]
        squares = strip.reshape(bottom - top, factor, columns, factor, channels)
        small[top:bottom] = squares.mean((1, 3), dtype=np.float32)
    return in_8_bit_units(small, range)


def choose_cutout(noisy: Pixels, denoised: Pixels, range: Range, side: int) -> Cutout:
    """Choose the square that shows best what denoising did: structure, and noise beside it.

    Of squares on a regular grid the one with the largest product of two deviations: of the luma of
    the denoised picture averaged over 4 x 4 pixels, which is its structure, and of what was removed
    from its calmer half, where structure does not hide it and texture is not taken for it. Squares
    with many black or white pixels come last.

    Args:
        noisy: (H, W) or (H, W, 3).
        denoised: of the same shape and type.
        range: black and white level.
        side: of the square; at most that of the picture is taken.
    """
    height, width = noisy.shape[:2]
    side = min(side, height, width)
    step = max(1, side // 2, int(np.sqrt(height * width / _MOST_BLOCKS)))
    best, chosen = -1.0, Cutout(0, 0, side)
    for top in _starts(height, side, step):
        for left in _starts(width, side, step):
            part = Cutout(top, left, side)
            before, after = (_luma(p[part.window], range) for p in (noisy, denoised))
            score = _interest(before, after)
            if score > best:
                best, chosen = score, part
    return chosen


def _starts(length: int, side: int, step: int) -> list[int]:
    return [*np.arange(0, length - side, step).tolist(), length - side]


def _luma(pixels: Pixels, range: Range) -> Values:
    values = in_8_bit_units(pixels, range)
    return values if values.ndim == 2 else values @ np.array(LUMA, np.float32)


def _interest(noisy: Values, denoised: Values) -> float:
    """Return how much a square shows; see `choose_cutout`."""
    rows, columns = (length // _COARSE for length in noisy.shape)
    if not (rows and columns):
        return 0.0

    def coarse(values: Values) -> Values:
        whole = values[: rows * _COARSE, : columns * _COARSE]
        means: Values = whole.reshape(rows, _COARSE, columns, _COARSE).mean((1, 3))
        return means

    structure = coarse(denoised)
    slope = np.hypot(*np.gradient(structure)) if min(rows, columns) > 1 else structure
    power = coarse((noisy - denoised) ** 2)
    noise = np.sqrt(power[slope <= np.median(slope)].mean())
    clipped = np.mean((noisy <= 1) | (noisy >= 254)) > _CLIPPED
    return float(structure.std() * noise) * (0.01 if clipped else 1.0)
