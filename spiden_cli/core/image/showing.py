"""Measurements as pictures: black and white of numbers that have none, holes filled.

Black and white are the quantiles 0.1 % and 99.9 % of the finite values: a few hot pixels or dead
ones don't move them, and all that lies beyond them is still denoised, on the same straight line.
8-bit values have 0 and 255, and floats that lie between about 0 and 1 have these, which is how
programs hold pictures.

Holes are filled by reflecting what lies beside them, which keeps the noise in the filling like that
around it.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from spiden_cli.core.image.picture import Picture, Range
from spiden_cli.core.image.plane_view import Ends, PlaneView
from spiden_cli.core.image.values import LARGEST_WHOLE, Plane, Values
from spiden_cli.errors import InputError

__all__ = [
    "before_and_after",
    "check_ends",
    "looked_at",
    "on_range_of",
    "range_of_values",
    "sampled_values",
    "show",
    "show_view",
]

_QUANTILES = (0.001, 0.999)
_UNIT, _LEAST_OF_UNIT = (-0.5, 1.5), 0.01
"""Floats between these, that span at least the latter, are pictures of black 0 and white 1."""
_LITTLE = 0.5
"""Share of its range below which what a deep picture holds is stretched to be looked at."""
_MOST_SAMPLED = 65_536
_PRECISION = 1e-4
"""Steps of float32, in shares of the range, above which values are shown with black taken off."""


def sampled_values(plane: Plane) -> Plane:
    """Return finite values of a plane, spread evenly over it; about 65,536 at most."""
    step = max(1, int(np.sqrt(plane.shape[0] * plane.shape[1] / _MOST_SAMPLED)))
    values = plane[::step, ::step].ravel()
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


def show(plane: Plane, name: str = "the image", extent: Range | None = None) -> Picture:
    """Show values as a picture of floats.

    Args:
        plane: (Y, X) or (Y, X, 3), whole or real numbers of any byte order.
        name: of what holds it, for messages.
        extent: black and white in the plane's units; None: as `range_of_values` chooses.

    Returns:
        Its pixels are finite, in the plane's units, less `values.base`. float32 that they hold as
        it is needs no `values`.

    Raises:
        InputError: it has no finite value, or whole numbers above 2**62.
    """
    holes: npt.NDArray[np.bool_] | None = None
    if plane.dtype.kind == "f":
        finite = np.isfinite(plane)
        if not finite.all():
            holes = np.asarray(~finite if plane.ndim == 2 else ~finite.all(2))
    elif plane.dtype.itemsize == 8 and max(int(plane.max()), -int(plane.min())) > LARGEST_WHOLE:
        raise _beyond_whole(name)
    if holes is not None and holes.all():
        raise InputError(f"{name}: not one finite value, and so nothing to denoise")
    chosen = extent or range_of_values([sampled_values(plane)], plane.dtype)
    filled = plane if holes is None else _filled(plane, holes)
    base = _base(chosen)
    shown: Any = _in_floats(filled, base)
    if not np.isfinite(shown).all():
        raise _beyond_floats(name)
    as_it_is = plane.dtype.newbyteorder("=") == np.float32 and holes is None and not base
    values = None if as_it_is else Values(plane, shown, holes, base)
    return Picture(shown, range=Range(chosen.black - base, chosen.white - base), values=values)


def show_view(view: PlaneView, extent: Range) -> Picture:
    """Show a plane without holes that isn't held as a picture of floats, as `show` does.

    Args:
        view: (Y, X) or (Y, X, 3); see `check_ends`.
        extent: black and white in the plane's units.

    Returns:
        Its pixels are a view; what they were made from is there for the number that was taken off.
    """
    base = _base(extent)
    shown: Any = view.changed(lambda values: _in_floats(values, base), np.float32)
    values = Values(cast("Plane", view), shown, None, base) if base else None
    return Picture(shown, range=Range(extent.black - base, extent.white - base), values=values)


def check_ends(ends: Ends, dtype: "np.dtype[Any]", name: str, extent: Range) -> None:
    """Refuse a plane without holes that `show` would refuse.

    Args:
        ends: of its values.
        dtype: of these.
        name: of what holds them, for messages.
        extent: black and white.

    Raises:
        InputError: it holds whole numbers above 2**62, or values beyond float32.
    """
    if dtype.kind in "ui" and max(int(ends.most), -int(ends.least)) > LARGEST_WHOLE:
        raise _beyond_whole(name)
    if not np.isfinite(_in_floats(np.array([ends.least, ends.most]), _base(extent))).all():
        raise _beyond_floats(name)


def _base(extent: Range) -> float:
    """Return what is taken off values, so that float32 resolves what is left; 0 nearly always."""
    largest = max(abs(extent.black), abs(extent.white))
    with np.errstate(over="ignore", invalid="ignore"):
        coarse = np.spacing(np.float32(largest)) > _PRECISION * extent.span
    return extent.black if coarse else 0.0


def _in_floats(values: Plane, base: float) -> npt.NDArray[np.float32]:
    with np.errstate(over="ignore", invalid="ignore"):  # which is found afterwards
        if base:
            values = values.astype(np.float64) - base
        return np.array(values, np.float32, order="C")


def _beyond_whole(name: str) -> InputError:
    return InputError(f"{name}: whole numbers beyond 2**62 can't be denoised; scale them")


def _beyond_floats(name: str) -> InputError:
    return InputError(f"{name}: values beyond 32-bit floats can't be denoised; scale them")


def on_range_of(picture: Picture, other: Picture) -> Picture:
    """Return a measurement with black and white of another, so that both can be compared."""
    extent = other.extent
    return replace(picture, range=Range(extent.black - picture.base, extent.white - picture.base))


def looked_at(pictures: Sequence[Picture], like: Picture) -> list[Picture]:
    """Give pictures black and white by which one sees what they hold.

    A camera's counts fill little of 16 bits: nothing would be seen of them but grey. 8-bit pictures
    and such as fill their range stay as they are.

    Args:
        pictures: of one scene and on one scale.
        like: the one of them whose values decide.

    Returns:
        They, with another range or their own.
    """
    if like.depth == 8 or any(picture.depth != like.depth for picture in pictures):
        return list(pictures)
    held = range_of_values([sampled_values(like.pixels)], like.pixels.dtype)
    if held.span >= _LITTLE * like.levels.span:
        return list(pictures)
    return [replace(picture, range=held) for picture in pictures]


def before_and_after(noisy: Picture, denoised: Picture) -> tuple[Picture, Picture, float]:
    """Return a picture before and after, to be looked at, and how much that stretches differences.

    Args:
        noisy: what was read.
        denoised: of the same size and kind.
    """
    before, after = looked_at([replace(noisy, range=denoised.range), denoised], denoised)
    return before, after, denoised.levels.span / after.levels.span


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
