"""Reduced copies of planes: the levels of a pyramid, made anew."""

import numpy as np
from numpy.typing import NDArray

from spiden_cli.core.image.values import Plane

__all__ = ["of_copy", "reduced"]

Window = tuple[slice, slice]
"""Rows and columns, from and to a number."""


def reduced(
    plane: Plane, shape: tuple[int, int], window: Window | None = None,
    full: tuple[int, int] | None = None,
) -> Plane:  # fmt: skip
    """Return a plane at a smaller size, by the mean over the area of each pixel.

    Args:
        plane: (Y, X) or (Y, X, S); or what `of_copy` says of it.
        shape: height and width wanted.
        window: what is wanted of that; None: all of it.
        full: height and width of the whole plane; None: those of `plane`.
    """
    values: Plane = plane
    window = window or (slice(0, shape[0]), slice(0, shape[1]))
    for axis, (length, part) in enumerate(zip(shape, window, strict=True)):
        values = _shortened(values, axis, _edges(part, length, (full or plane.shape)[axis]))
    if plane.dtype.kind in "ui":
        values = np.rint(values)
    return values.astype(plane.dtype)


def of_copy(window: Window, shape: tuple[int, int], full: tuple[int, int]) -> Window:
    """Return the rows and columns of a plane that a window of a reduced copy is made of.

    Args:
        window: of the copy.
        shape: height and width of the copy.
        full: height and width of the plane.
    """
    sides = (_edges(*side) for side in zip(window, shape, full, strict=True))
    rows, columns = (slice(int(edges[0]), int(edges[-1])) for edges in sides)
    return rows, columns


def _edges(part: slice, length: int, whole: int) -> NDArray[np.intp]:
    """Where pixels of a copy begin, and the last one ends: parts as equal as whole pixels allow."""
    edges: NDArray[np.intp] = np.arange(part.start, part.stop + 1) * whole // length
    return edges


def _shortened(values: Plane, axis: int, edges: NDArray[np.intp]) -> Plane:
    """Take means along one axis, between edges."""
    counts = np.diff(edges)
    sums = np.add.reduceat(values, edges[:-1] - edges[0], axis=axis, dtype=np.float64)
    place = [1] * values.ndim
    place[axis] = len(counts)
    return np.asarray(sums / counts.reshape(place))
