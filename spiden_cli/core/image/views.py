"""Looking at a picture: a small overview of all of it, and the part that is worth a closer look.

Pictures may be large: none of this holds a whole one in floating point.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from spiden_cli.core.image.picture import Picture, Pixels, Range
from spiden_cli.core.image.pixels import LUMA, in_8_bit_units
from spiden_cli.core.image.region import Region

__all__ = ["choose_cutout", "choose_difference", "look", "look_closely", "overview"]

Values = NDArray[np.float32]

_STRIP = 64  # rows of the overview that are made at once
_COARSE = 4  # pixels over which structure is averaged, so that noise is none
_CLIPPED = 0.1  # share of black and white pixels above which a part shows little
_MOST_BLOCKS = 1500  # that are compared; more take time and find the like
_CHECKS = 30  # along the longer side of what is shown of a transparent picture
_CHECK_LEVELS = 204, 255
_ALMOST = 0.999  # of the most that pictures differ in any square
_CELLS = 4  # along a side of a square that is looked for


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


def look(picture: Picture, side: int) -> Values:
    """Return an overview of a picture, transparent places over checks; see `overview`.

    Args:
        picture: grey or colour.
        side: of the place that it is for.

    Returns:
        (H', W', C) in 8-bit units.
    """
    values = overview(picture.pixels, picture.levels, side)
    if picture.alpha is None:
        return values
    return _over_checks(values, overview(picture.alpha, Range.full(picture.alpha.dtype), side))


def look_closely(picture: Picture, region: Region) -> Values:
    """Return a part of a picture pixel by pixel, transparent places over checks.

    Args:
        picture: grey or colour.
        region: the part, inside the picture.

    Returns:
        (height, width, C) in 8-bit units.
    """
    values = in_8_bit_units(picture.pixels[region.window], picture.levels)
    values = values.reshape(region.height, region.width, -1)
    if picture.alpha is None:
        return values
    alpha = in_8_bit_units(picture.alpha[region.window], Range.full(picture.alpha.dtype))
    return _over_checks(values, alpha[..., None])


def _over_checks(values: Values, alpha: Values) -> Values:
    """Blend (H, W, C) with a chessboard where alpha, (H, W, 1) from 0 to 255, lets it through."""
    rows, columns = np.indices(values.shape[:2]) // max(1, max(values.shape[:2]) // _CHECKS)
    board = np.where((rows + columns) % 2, *_CHECK_LEVELS).astype(np.float32)[..., None]
    blended: Values = board + (values - board) * (alpha / np.float32(255))
    return blended


def choose_cutout(noisy: Pixels, denoised: Pixels, range: Range, side: int) -> Region:
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
    best, chosen = -1.0, Region(0, 0, side, side)
    for top in _starts(height, side, step):
        for left in _starts(width, side, step):
            part = Region(left, top, side, side)
            before, after = (_luma(p[part.window], range) for p in (noisy, denoised))
            score = _interest(before, after)
            if score > best:
                best, chosen = score, part
    return chosen


def choose_difference(pictures: Sequence[Pixels], ranges: Sequence[Range], side: int) -> Region:
    """Choose the square in which pictures of one scene differ most; the middle if all are equal.

    Every pixel is looked at: of squares whose corners lie on a grid of a quarter of their side, the
    one with the largest sum of squared deviations from the mean of the pictures; of several, that
    in their middle.

    Args:
        pictures: at least two, (H, W) or (H, W, 3), all of one shape.
        ranges: black and white level of each.
        side: of the square; at most that of the pictures is taken.
    """
    height, width = pictures[0].shape[:2]
    side = min(side, height, width)
    cell = max(1, side // _CELLS)
    cells = np.stack(
        [
            _cell_sums(_spread([p[top : top + cell] for p in pictures], ranges), cell)
            for top in range(0, height, cell)
        ]
    )
    tall, wide = (min(_CELLS, count) for count in cells.shape)
    sums = np.zeros((cells.shape[0] + 1, cells.shape[1] + 1))
    sums[1:, 1:] = cells.cumsum(0).cumsum(1)
    inside = sums[tall:, wide:] - sums[:-tall, wide:] - sums[tall:, :-wide] + sums[:-tall, :-wide]
    if not cells.any():
        return Region((width - side) // 2, (height - side) // 2, side, side)
    places = np.argwhere(inside >= inside.max() * _ALMOST)  # what is small fits in several
    row, column = places[np.abs(places - places.mean(0)).sum(1).argmin()]
    top, left = min(int(row) * cell, height - side), min(int(column) * cell, width - side)
    return Region(left, top, side, side)


def _spread(parts: Sequence[Pixels], ranges: Sequence[Range]) -> Values:
    """Return the sum of squared deviations from the mean of pictures, over channels: (h, W)."""
    values = np.stack(
        [in_8_bit_units(p, levels) for p, levels in zip(parts, ranges, strict=True)]
    ).reshape(len(parts), *parts[0].shape[:2], -1)
    values -= values[:1].copy()  # what is equal stays so without rounding
    values -= values.mean(0)
    summed: Values = np.einsum("nhwc,nhwc->hw", values, values)
    return summed


def _cell_sums(values: Values, cell: int) -> NDArray[np.float64]:
    """Sum a strip (h, W) over cells of that many columns; the last may be narrower."""
    columns = values.sum(0, dtype=np.float64)
    sums: NDArray[np.float64] = np.add.reduceat(columns, np.arange(0, len(columns), cell))
    return sums


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
