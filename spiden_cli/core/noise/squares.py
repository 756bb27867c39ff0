"""Sums over squares of pixels, and means of what is around each.

For small squares these ways are the fastest that numpy has, which counts for small pictures; of
whole numbers the sums are exact.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["joined_in", "means_around"]

Values = NDArray[np.float64]


def joined_in(join: np.ufunc, values: Values, side: int) -> Values:
    """Join the values of each square: their sum, or the least of them.

    Args:
        join: of two numbers.
        values: (..., H, W), whole squares.
        side: of a square.
    """
    *first, height, width = values.shape
    rows = join.reduce(values.reshape(*first, height // side, side, width), axis=-2)
    whole: Values = join.reduce(rows.reshape(*rows.shape[:-1], width // side, side), axis=-1)
    return whole


def means_around(values: Values, inner: Values, margin: int) -> Values:
    """Return the mean of a margin around each square.

    Args:
        values: (H, W); beyond the borders they are mirrored.
        inner: the means of the squares.
        margin: its width; squares are one or two times as wide.
    """
    side = values.shape[0] // inner.shape[0]
    for axis, length in enumerate(values.shape):
        values = values.take(_mirrored(length, margin), axis)
    sums, parts = joined_in(np.add, values, margin), side // margin
    for _ in range(2):  # a square and its margins are some parts in a row, in both directions
        number = len(sums) - parts - 1
        whole = sums[:number:parts].copy()
        for first in range(1, parts + 2):
            whole += sums[first : first + number : parts]
        sums = whole.T
    box = side + 2 * margin
    ring: Values = (sums - side**2 * inner) / (box**2 - side**2)
    return ring


@lru_cache(maxsize=8)
def _mirrored(length: int, margin: int) -> NDArray[np.intp]:
    """Return the indices of a line that goes on beyond its ends, which aren't repeated."""
    last = length - 1
    mirrored: NDArray[np.intp] = last - np.abs(last - np.abs(np.arange(-margin, length + margin)))
    return mirrored
