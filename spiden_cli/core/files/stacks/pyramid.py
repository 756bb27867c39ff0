"""Reduced copies of planes: the levels of a pyramid, made anew."""

import numpy as np

from spiden_cli.core.image.values import Plane

__all__ = ["reduced"]


def reduced(plane: Plane, shape: tuple[int, int]) -> Plane:
    """Return a plane at a smaller size, by the mean over the area of each pixel.

    Args:
        plane: (Y, X) or (Y, X, S).
        shape: height and width wanted.
    """
    values: Plane = plane
    for axis, length in enumerate(shape):
        values = _shortened(values, axis, length)
    if plane.dtype.kind in "ui":
        values = np.rint(values)
    return values.astype(plane.dtype)


def _shortened(values: Plane, axis: int, length: int) -> Plane:
    """Take means along one axis, of parts as equal as whole pixels allow."""
    edges = np.arange(length) * values.shape[axis] // length
    counts = np.diff(np.append(edges, values.shape[axis]))
    sums = np.add.reduceat(values, edges, axis=axis, dtype=np.float64)
    place = [1] * values.ndim
    place[axis] = length
    return np.asarray(sums / counts.reshape(place))
