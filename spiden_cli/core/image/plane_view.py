"""A plane too large to be held: read window by window, and looked at in squares spread over it.

What is measured of a picture is measured of squares on a regular grid, or of all pixels one after
the other. A view offers both without ever having more of the plane in memory than a window, and
what it offers is the same, to the bit, as what the whole plane would.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from spiden_cli.core.image.values import Plane

__all__ = ["Ends", "PlaneView", "compacted", "ends_of", "squares_of", "windows_of"]

Window = tuple[slice, slice]
"""Rows and columns."""


@dataclass(frozen=True, eq=False)
class PlaneView:
    """A plane that is read when it is looked at; a window of it is an array.

    Attributes:
        shape: (Y, X) or (Y, X, S).
        dtype: of the values.
        step: rows and columns that are read at once.
        read: returns a window, with rows and columns from and to a number inside the plane.
    """

    shape: tuple[int, ...]
    dtype: "np.dtype[Any]"
    step: tuple[int, int]
    read: Callable[[Window], Plane]

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of values."""
        return math.prod(self.shape)

    def windows(self) -> Iterator[Window]:
        """Cover the plane by windows."""
        (height, width), (tall, wide) = self.shape[:2], self.step
        for top in range(0, height, tall):
            for left in range(0, width, wide):
                yield slice(top, min(top + tall, height)), slice(left, min(left + wide, width))

    def sample(self, place: tuple[Any, ...]) -> "PlaneView":
        """Return some of the samples, as [..., 2] or [..., :3] would; () is all of them."""
        if not place:
            return self
        shape = np.broadcast_to(np.zeros(1), self.shape)[place].shape
        return self.changed(lambda values: np.ascontiguousarray(values[place]), self.dtype, shape)

    def changed(
        self, change: Callable[[Plane], Plane], dtype: npt.DTypeLike,
        shape: tuple[int, ...] | None = None,
    ) -> "PlaneView":  # fmt: skip
        """Return the plane with each of its values changed alike.

        Args:
            change: does that to a window.
            dtype: that it gives.
            shape: of the plane then; None: the same.
        """
        return PlaneView(
            shape or self.shape, np.dtype(dtype), self.step, lambda window: change(self[window])
        )

    def __getitem__(self, place: Any) -> Any:  # noqa: ANN401
        """Return a window as an array, or a sample as a view."""
        if place is Ellipsis:
            return self
        if place[0] is Ellipsis:
            return self.sample(place)
        rows, columns = (
            slice(*side.indices(length)) for side, length in zip(place, self.shape, strict=False)
        )
        if rows.step == columns.step == 1:
            return np.ascontiguousarray(self.read((rows, columns)))
        assert (rows.start, columns.start, rows.step) == (0, 0, columns.step)
        return compacted(self, 1, rows.step, *(-(-n // rows.step) for n in self.shape[:2]))


def windows_of(plane: Any) -> Iterator[Plane]:  # noqa: ANN401
    """Yield all of a plane: an array as it is, a view window by window."""
    if isinstance(plane, PlaneView):
        for window in plane.windows():
            yield plane[window]
    else:
        yield plane


class Ends(NamedTuple):
    """The least and the largest value of a plane, and whether all of them are numbers."""

    least: Any
    most: Any
    finite: bool


def ends_of(view: PlaneView) -> Ends:
    """Look through all of a plane."""
    found = []
    for part in windows_of(view):
        finite = part.dtype.kind != "f" or bool(np.isfinite(part).all())
        found.append(Ends(part.min(), part.max(), finite))
    return Ends(
        min(one.least for one in found),
        max(one.most for one in found),
        all(one.finite for one in found),
    )


def squares_of(plane: Any, side: int, most: int) -> Plane:  # noqa: ANN401
    """Return squares on a regular grid, spread over a plane.

    Args:
        plane: (H, W) or (H, W, S), an array or a view.
        side: of a square, in pixels.
        most: squares, about; all of a small plane.

    Returns:
        (rows, side, columns, side, S); of an array a view of it.
    """
    rows, columns = (length // side for length in plane.shape[:2])
    step = max(1, math.ceil(math.sqrt(rows * columns / most)))
    if isinstance(plane, PlaneView):
        rows, columns = -(-rows // step), -(-columns // step)
        whole, step = compacted(plane, side, side * step, rows, columns), 1
    else:
        whole = plane[: rows * side, : columns * side]
    return whole.reshape(rows, side, columns, side, -1)[::step, :, ::step]


def compacted(plane: PlaneView, side: int, pitch: int, rows: int, columns: int) -> Plane:
    """Put squares of a plane side by side.

    Args:
        plane: a view.
        side: of a square, in pixels.
        pitch: from one square to the next.
        rows: of squares, the first at the top; the last must be inside.
        columns: likewise.

    Returns:
        (rows * side, columns * side) or (..., S).
    """
    found = np.empty((rows * side, columns * side, *plane.shape[2:]), plane.dtype)
    tall, wide = (max(1, step // pitch) for step in plane.step)
    for top in range(0, rows, tall):
        down = min(tall, rows - top)
        for left in range(0, columns, wide):
            across = min(wide, columns - left)
            window = plane[
                top * pitch : (top + down - 1) * pitch + side,
                left * pitch : (left + across - 1) * pitch + side,
            ]
            squares = np.lib.stride_tricks.sliding_window_view(window, (side, side), axis=(0, 1))
            squares = squares[::pitch, ::pitch]  # (down, across[, S], side, side)
            places = np.moveaxis(squares, -2, 1)
            places = np.moveaxis(places, -1, 3)  # (down, side, across, side[, S])
            found[top * side : (top + down) * side, left * side : (left + across) * side] = (
                places.reshape(down * side, across * side, *plane.shape[2:])
            )
    return found
