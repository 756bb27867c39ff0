"""Planes of any number type, shown to a network and taken back without loss.

A network sees floats between black (0) and white (1). A measurement comes as int16, uint32 or
float64, with an offset, with negative values, with holes (NaN, infinity). So a plane is shown as a
`Picture` of floats in its own units, and what the network removed is subtracted from the plane:

    result = plane - (shown - denoised)

What was not touched stays to the bit, nothing is cut at black or white, and holes stay what they
were. For the network they are filled by reflecting what lies beside them, which keeps the noise in
the filling like that around it.

Black and white of numbers that have none are the quantiles 0.1 % and 99.9 % of the finite values: a
few hot pixels or dead ones don't move them, and all that lies beyond them is still denoised, on the
same straight line. A floating-point plane whose values lie between about 0 and 1 keeps 0 and 1,
which is how programs hold pictures.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from spiden_cli.core.image.picture import Picture, Range
from spiden_cli.core.image.region import Region, cropped
from spiden_cli.errors import InputError

__all__ = ["Plane", "Shown", "check_type", "range_of_values", "sampled_values", "show"]

Plane: TypeAlias = npt.NDArray[Any]
"""(Y, X) or, in colour, (Y, X, 3), of any type of whole or real numbers."""

_QUANTILES = (0.001, 0.999)
_UNIT, _LEAST_OF_UNIT = (-0.5, 1.5), 0.1
"""Floats between these, that span at least the latter, are pictures of black 0 and white 1."""
_MOST_SAMPLED = 65_536
_PRECISION = 1e-4
"""Steps of float32, in shares of the range, above which values are shown with black taken off."""
_LARGEST_WHOLE = 2**62


@dataclass(frozen=True, eq=False)
class Shown:
    """A plane as a network is shown it.

    Attributes:
        plane: what it was made from.
        picture: floats in the plane's units, less `base`, without holes.
        holes: (Y, X) True where the plane holds no number; None if there are none.
        base: what was taken off, so that float32 resolves what is left; 0 nearly always.
    """

    plane: Plane
    picture: Picture
    holes: npt.NDArray[np.bool_] | None
    base: float = 0.0

    def part(self, region: Region) -> "Shown":
        """What a region of the plane is shown as."""
        holes = None if self.holes is None else self.holes[region.window]
        shown = cropped(self.picture, region)
        return Shown(self.plane[region.window], shown, holes, self.base)

    def restored(self, denoised: Picture, dtype: npt.DTypeLike | None = None) -> Plane:
        """Take what was removed off the plane.

        Args:
            denoised: what became of `picture`.
            dtype: of the result; None: the plane's own.

        Returns:
            (Y, X) or (Y, X, 3); whole numbers are rounded, and cut at the ends of their type.
        """
        kind = np.dtype(self.plane.dtype if dtype is None else dtype)
        removed = self.picture.pixels.astype(np.float64)
        removed -= denoised.pixels
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
        return np.asarray(whole).clip(ends.min, min(ends.max, _LARGEST_WHOLE)).astype(kind)


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


def sampled_values(plane: Plane) -> Plane:
    """Return finite values of a plane, spread evenly over it; 65,536 at most."""
    rows = max(1, int(np.sqrt(plane.shape[0] * plane.shape[1] / _MOST_SAMPLED)))
    values = plane[::rows, ::rows].ravel()
    return values[np.isfinite(values)] if plane.dtype.kind == "f" else values


def range_of_values(samples: Sequence[Plane], dtype: npt.DTypeLike) -> Range:
    """Choose black and white of a kind of plane from values of some of them.

    Args:
        samples: finite values, of any number of planes; may be empty.
        dtype: of the file. uint8 has 0 and 255.
    """
    kind = np.dtype(dtype)
    if kind == np.uint8:
        return Range(0.0, 255.0)
    values = np.concatenate([np.ravel(part) for part in samples]) if samples else np.zeros(0)
    if values.size == 0:
        return Range(0.0, 1.0)
    values = values.astype(np.float64)
    black, white = (float(edge) for edge in np.quantile(values, _QUANTILES))
    is_unit = _UNIT[0] <= black and white <= _UNIT[1] and white - black >= _LEAST_OF_UNIT
    if kind.kind == "f" and is_unit:
        return Range(0.0, 1.0)
    if white <= black:  # a few counts in a dark field
        black, white = float(values.min()), float(values.max())
    if white - black <= abs(black) * 1e-12:
        return Range(black, black + max(1.0, abs(black)))
    return Range(black, white)


def show(plane: Plane, extent: Range | None = None) -> Shown:
    """Show a plane to a network.

    Args:
        plane: (Y, X) or (Y, X, 3), whole or real numbers of any byte order.
        extent: black and white in the plane's units; None: as `range_of_values` chooses.

    Raises:
        InputError: it has no finite value, or whole numbers above 2**62.
    """
    holes: npt.NDArray[np.bool_] | None = None
    if plane.dtype.kind == "f":
        finite = np.isfinite(plane)
        if not finite.all():
            holes = np.asarray(~finite if plane.ndim == 2 else ~finite.all(2))
    elif plane.dtype.itemsize == 8 and plane.size and abs(int(plane.max())) > _LARGEST_WHOLE:
        raise InputError("whole numbers above 2**62 can't be denoised: scale them down first")
    if holes is not None and holes.all():
        raise InputError("not one finite value in a plane: there is nothing to denoise")
    chosen = extent or range_of_values([sampled_values(plane)], plane.dtype)
    filled = plane if holes is None else _filled(plane, holes)
    largest = max(abs(chosen.black), abs(chosen.white))
    base = chosen.black if np.spacing(np.float32(largest)) > _PRECISION * chosen.span else 0.0
    if base:
        filled = filled.astype(np.float64) - base
    with np.errstate(over="ignore"):
        pixels: Any = np.ascontiguousarray(filled, dtype=np.float32)
    if not np.isfinite(pixels).all():
        raise InputError("values beyond the range of 32-bit floats can't be denoised: scale them")
    levels = Range(chosen.black - base, chosen.white - base)
    return Shown(plane, Picture(pixels, range=levels), holes, base)


def _filled(plane: Plane, holes: npt.NDArray[np.bool_]) -> Plane:
    """Fill holes with what lies as far behind their nearest neighbour; else with that neighbour."""
    from scipy.ndimage import distance_transform_edt

    filled = plane.copy()
    rows, columns = np.nonzero(holes)
    nearest = distance_transform_edt(holes, return_distances=False, return_indices=True)
    to_rows, to_columns = nearest[0][rows, columns], nearest[1][rows, columns]
    far_rows, far_columns = 2 * to_rows - rows, 2 * to_columns - columns
    inside = (far_rows >= 0) & (far_rows < plane.shape[0])
    inside &= (far_columns >= 0) & (far_columns < plane.shape[1])
    inside[inside] &= ~holes[far_rows[inside], far_columns[inside]]
    from_rows = np.where(inside, far_rows, to_rows)
    from_columns = np.where(inside, far_columns, to_columns)
    filled[rows, columns] = plane[from_rows, from_columns]
    return filled
