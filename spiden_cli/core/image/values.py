"""Values of any type of number behind a picture, so that nothing of them is lost.

A network sees floats between black (0) and white (1). A measurement comes as int16, uint32 or
float64, with an offset, with negative values, with holes (NaN, infinity). So its `Picture` holds
floats in its own units, and beside them what they were made from; what was removed from the floats
is subtracted from that:

    result = plane - (shown - pixels)

What was not touched stays to the bit, nothing is cut at black or white, and holes stay what they
were. How the floats are made is told in `showing`.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from spiden_cli.errors import InputError

__all__ = ["LARGEST_WHOLE", "Plane", "Values", "check_type"]

Plane: TypeAlias = npt.NDArray[Any]
"""(Y, X) or, in colour, (Y, X, 3), of any type of whole or real numbers."""

LARGEST_WHOLE = 2**62
"""Above which whole numbers aren't denoised: differences would leave 64 bits."""


@dataclass(frozen=True, eq=False)
class Values:
    """What the floats of a picture were made from.

    Attributes:
        plane: the values as they were given.
        shown: the floats as they were made of them, (Y, X) or (Y, X, 3) float32.
        holes: (Y, X) True where the plane holds no number; None if there are none.
        base: what was taken off before, so that float32 resolves what is left; 0 nearly always.
    """

    plane: Plane
    shown: npt.NDArray[np.float32]
    holes: npt.NDArray[np.bool_] | None = None
    base: float = 0.0

    @property
    def dtype(self) -> "np.dtype[Any]":
        """Type of the values, in the byte order of this machine."""
        return self.plane.dtype.newbyteorder("=")

    def part(self, window: tuple[slice, slice]) -> "Values":
        """Return what is in some of the rows and columns."""
        holes = None if self.holes is None else self.holes[window]
        return Values(self.plane[window], self.shown[window], holes, self.base)

    def restored(self, pixels: npt.NDArray[Any], dtype: npt.DTypeLike | None = None) -> Plane:
        """Take what was removed off the values.

        Args:
            pixels: what became of `shown`.
            dtype: of the result; None: the plane's own.

        Returns:
            (Y, X) or (Y, X, 3); whole numbers are rounded, and cut at the ends of their type.
        """
        kind = np.dtype(self.plane.dtype if dtype is None else dtype)
        removed = self.shown.astype(np.float64)
        removed -= pixels
        if self.holes is not None:
            removed[self.holes] = 0
        if kind.kind == "f":
            with np.errstate(over="ignore"):  # what was infinite stays so
                return np.asarray(self.plane - removed.astype(self.plane.dtype)).astype(kind)
        if self.plane.dtype.kind == "f":  # a mean of whole numbers
            whole = np.rint(self.plane - removed)
        else:
            whole = self.plane.astype(np.int64) - np.rint(removed).astype(np.int64)
        ends = np.iinfo(kind)
        return np.asarray(whole).clip(ends.min, min(ends.max, LARGEST_WHOLE)).astype(kind)


def check_type(dtype: npt.DTypeLike, name: str) -> None:
    """Refuse what isn't whole or real numbers.

    Args:
        dtype: of the values.
        name: of what holds them, for messages.

    Raises:
        InputError: truth values, complex numbers, records, text.
    """
    kind = np.dtype(dtype)
    if kind.kind == "c":
        raise InputError(
            f"{name}: complex numbers have no order; save real and imaginary part as two files"
        )
    if kind.kind not in "uif" or kind.itemsize > 8:
        raise InputError(f"{name}: {kind} is no type of brightness; use whole or real numbers")
