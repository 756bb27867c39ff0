"""How the stored rows of a picture lie in the scene."""

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["NORMAL", "QUARTER_TURNS", "upright"]

NORMAL = 1
QUARTER_TURNS = {5, 6, 7, 8}
"""Orientations in which rows and columns are exchanged."""


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
