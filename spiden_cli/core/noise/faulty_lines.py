"""Faulty lines of a detector, and offsets of its rows and columns.

Offsets of rows (or columns) are alike over the whole width. So they are measured in four parts of
the width apart, each against the rows around: they are offsets if the parts agree.

A faulty row (or column), or two beside each other, stands off those around in all four parts, and
the next ones do not: what optics have drawn has flanks, and hardly ever spans the picture. Where
what it holds besides is what the rows beside it hold, and as noisy, only its offset is taken off:
a dead row has no noise, a hot one no structure.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spiden_cli.core.image.plane_view import PlaneView
from spiden_cli.core.noise.model import PoissonGaussian

__all__ = ["Faults", "faults_of"]

Values = NDArray[np.float32]
Window = tuple[slice, slice]
"""Rows and columns."""

_PARTS, _LEAST_PART, _MOST_COLUMNS = 4, 24, 1024
_ROWS = 8  # on each side, to which a row is compared
_UNLIKE, _SHARE, _CLEAR, _SEEN, _SMOOTH = 1.7, 0.5, 3.0, 0.2, 0.35
"""The parts may differ by so many deviations of noise (robustly: structures make them differ by
more), or by such a share of the offsets; offsets are so many deviations of their own error, and
such a share of that of a pixel's noise, at least; and are correlated by less than so much with the
next row's, as structures are."""
_OF_THE_PICTURE = 5.0
"""An offset as many times as large as usual is none, but an edge of the picture."""
_FAULTY, _FLANK, _WIDEST = 6.0, 0.25, 2
"""Deviations of its error that a faulty line stands off in each part; share of it, at most, that
the lines beside it stand off by; lines beside each other."""
_LIKE, _NOISY = 1.4, 0.6
"""A row with an offset differs from those beside it, its offset taken off, by at most so many times
as rows around usually do, and from one pixel to the next by at least such a share."""
_OF_MEDIAN = 1.2533
"""Deviation of a median of n normal values, times the root of n: the root of pi / 2."""


class _Profiles(NamedTuple):
    """How far rows stand off those around them, in parts of the width, in pixel units.

    Attributes:
        of_rows: (4, H).
        errors: of each part, (4, 1).
    """

    of_rows: Values
    errors: Values


class Lines(NamedTuple):
    """Faults of the rows, or of the columns, of a picture.

    Attributes:
        standing_out: rows that stand out, those beside them, and what is taken off each; None: it
            is replaced by the mean of those.
        offsets: what is taken off each row besides, in pixel units.
    """

    standing_out: tuple[tuple[int, tuple[int, ...], np.float32 | None], ...]
    offsets: Values

    @property
    def replaced(self) -> int:
        """How many rows are replaced."""
        return sum(offset is None for _, _, offset in self.standing_out)

    @property
    def all_offsets(self) -> Values:
        """All that is taken off each row."""
        total = self.offsets.copy()
        for row, _, offset in self.standing_out:
            total[row] += offset or 0
        return total

    @property
    def change_any(self) -> bool:
        """Whether any row that stands out is changed."""
        return any(offset is None or offset != 0 for _, _, offset in self.standing_out)


class Faults(NamedTuple):
    """Faults of the lines of one channel; those of single pixels show around them.

    Attributes:
        rows: of the rows.
        columns: of the columns.
    """

    rows: Lines
    columns: Lines

    def mended(self, pixels: Any, window: Window) -> Values:  # noqa: ANN401
        """Return a window without faults of lines.

        Args:
            pixels: (H, W), an array or a view.
            window: rows and columns, from and to a number.

        Returns:
            float32, a copy.
        """
        values, left = self._with_good_rows(pixels, window), window[1].start
        for column, beside, offset in self.columns.standing_out:
            if not left <= column < window[1].stop:
                continue
            if offset is None:
                good = [self._with_good_rows(pixels, (window[0], slice(one, one + 1)))
                        for one in beside]  # fmt: skip
                values[:, column - left] = np.concatenate(good, 1).T.mean(0)
            else:
                values[:, column - left] -= offset
        values -= self.rows.offsets[window[0], None]
        values -= self.columns.offsets[window[1]]
        return values

    def _with_good_rows(self, pixels: Any, window: Window) -> Values:  # noqa: ANN401
        values: Values = pixels[window].astype(np.float32)
        top = window[0].start
        for row, beside, offset in self.rows.standing_out:
            if not top <= row < window[0].stop:
                continue
            if offset is None:
                good = [pixels[one : one + 1, window[1]].astype(np.float32) for one in beside]
                values[row - top] = np.concatenate(good).mean(0)
            else:
                values[row - top] -= offset
        return values


def faults_of(pixels: Any, noise: PoissonGaussian) -> Faults:  # noqa: ANN401
    """Find the faults of the lines of a channel.

    Args:
        pixels: (H, W), an array or a view.
        noise: in the units of the pixels.
    """
    faults = Faults(*(Lines((), np.zeros(length, np.float32)) for length in pixels.shape))
    # Lines and offsets first: they would hide among each other what sticks out.
    by_row = _profiles(_across(pixels, faults), noise)
    faults = _with_standing_out(pixels, faults, 0, by_row)
    by_column = _profiles(_down(pixels, faults), noise)
    faults = _with_standing_out(pixels, faults, 1, by_column)
    # To measure takes longest, and is done again only where something has changed.
    thinned = _across(pixels, faults)
    if faults.rows.change_any or faults.columns.change_any:
        by_row = _profiles(thinned, noise)
    offsets = _offsets(thinned, noise, by_row)
    faults = faults._replace(rows=faults.rows._replace(offsets=offsets))
    thinned = _down(pixels, faults)
    if faults.columns.change_any or offsets.any():
        by_column = _profiles(thinned, noise)
    offsets = _offsets(thinned, noise, by_column)
    return faults._replace(columns=faults.columns._replace(offsets=offsets))


def _with_standing_out(
    pixels: Any, faults: Faults, axis: int, measured: _Profiles | None  # noqa: ANN401
) -> Faults:  # fmt: skip
    """Add rows that stand out, or columns: replaced by what is beside them, or shifted."""
    length = pixels.shape[axis]

    def lines(first: int, end: int) -> Values:
        window = [slice(0, pixels.shape[0]), slice(0, pixels.shape[1])]
        window[axis] = slice(max(0, first), min(length, end))
        found = faults.mended(pixels, (window[0], window[1]))
        return found if axis == 0 else np.ascontiguousarray(found.T)

    for first, end, beside in _edges(measured, length):
        good = np.concatenate([lines(one, one + 1) for one in beside]).mean(0)
        for row in range(first, end):
            near = lines(row - _ROWS, row + _ROWS + 1)
            own = near[row - max(0, row - _ROWS)]
            alike = _is_like(near, own, good)
            offset = np.float32(np.median(own - good)) if alike else None
            more = (*faults[axis].standing_out, (row, beside, offset))
            changed = faults[axis]._replace(standing_out=more)
            faults = faults._replace(**{("rows", "columns")[axis]: changed})
    return faults


def _across(pixels: Any, faults: Faults) -> Values:  # noqa: ANN401
    """Return some of the columns, (H, N), without faults that are known."""
    return _thinned(pixels, faults, 1)


def _down(pixels: Any, faults: Faults) -> Values:  # noqa: ANN401
    """Return some of the rows as columns, (W, N), without faults that are known."""
    return np.ascontiguousarray(_thinned(pixels, faults, 0).T)


def _thinned(pixels: Any, faults: Faults, axis: int) -> Values:  # noqa: ANN401
    """Return every so many rows or columns, about `_MOST_COLUMNS` of them."""
    step = max(1, pixels.shape[axis] // _MOST_COLUMNS)
    sides = [slice(None, None, step if k == axis else 1) for k in range(2)]
    if isinstance(pixels, PlaneView):
        lengths = [len(range(*s.indices(n))) for s, n in zip(sides, pixels.shape, strict=True)]
        found = np.empty(lengths, np.float32)
        for window in pixels.windows():
            first = window[axis].start + -window[axis].start % step
            if first >= window[axis].stop:
                continue
            local = [slice(first - window[axis].start, None, step) if k == axis else slice(None)
                     for k in range(2)]  # fmt: skip
            part = faults.mended(pixels, window)[tuple(local)]
            place = [slice(first // step, first // step + part.shape[axis]) if k == axis
                     else window[k] for k in range(2)]  # fmt: skip
            found[tuple(place)] = part
        return found
    height, width = pixels.shape
    values = faults.mended(pixels, (slice(0, height), slice(0, width)))
    return np.ascontiguousarray(values[tuple(sides)])


def _edges(measured: _Profiles | None, length: int) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """Find rows, of so many, that stand out: first, after the last, and those beside them."""
    if measured is None:
        return
    profiles = measured.of_rows
    profiles = profiles - np.median(profiles, axis=1, keepdims=True)  # not a mean: lines move that
    away, signs = np.abs(profiles), np.sign(profiles)
    clear = (away > _FAULTY * measured.errors).all(0) & (np.abs(signs.sum(0)) == _PARTS)
    edges = np.flatnonzero(np.diff(clear.astype(np.int8), prepend=0, append=0))
    for first, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if end - first > _WIDEST:
            continue
        beside = [row for row in (first - 1, end) if 0 <= row < length]
        if away[:, beside].max() <= _FLANK * away.min(0)[first:end].max():
            yield first, end, tuple(beside)


def _is_like(near: Values, own: Values, good: Values) -> bool:
    """Return whether a row holds what `good` does, from those beside it, but for an offset.

    Args:
        near: the rows around it, and itself.
        own: the row.
        good: the mean of those beside it.
    """
    usual = _spread(near[1:-1] - (near[:-2] + near[2:]) / 2)
    grain = _spread(np.diff(near, axis=1))
    (apart,), (of_own,) = _spread((own - good)[None]), _spread(np.diff(own)[None])
    return bool(apart <= _LIKE * np.median(usual) and of_own >= _NOISY * np.median(grain))


def _spread(rows: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the deviation of each row about its median, robustly."""
    away = np.abs(rows - np.median(rows, axis=1, keepdims=True))
    spread: NDArray[np.floating] = 1.4826 * np.median(away, axis=1)
    return spread


def _profiles(values: Values, noise: PoissonGaussian) -> _Profiles | None:
    """Measure how far each row stands off those around it; None: the picture is too small."""
    height, width = values.shape
    if width < _PARTS * _LEAST_PART or height < 4 * _ROWS:
        return None
    parts = np.array_split(values, _PARTS, axis=1)
    profiles = np.stack([_profile(part) for part in parts])
    errors = np.array([[_OF_MEDIAN * _deviation(part, noise, np.mean)] for part in parts])
    return _Profiles(profiles, (errors / np.sqrt(width / _PARTS)).astype(np.float32))


def _offsets(values: Values, noise: PoissonGaussian, measured: _Profiles | None) -> Values:
    """Return the offset of each row, in pixel units; zeros where they are not clearly there."""
    none = np.zeros(len(values), np.float32)
    if measured is None:
        return none
    profiles, errors = measured
    weights = 1 / errors**2
    shared = (profiles * weights).sum(0) / weights.sum()
    size = 1.4826 * float(np.median(np.abs(shared)))  # a few rows that differ are of the picture
    if size == 0:
        return none
    apart = 1.4826 * np.abs(profiles - shared) / np.sqrt(1 - 1 / _PARTS)
    unlike = np.median(apart / errors) > _UNLIKE and np.median(apart) > _SHARE * size
    clear = size * np.sqrt(weights.sum())
    seen = size / _deviation(values, noise, np.median)
    usual = shared.clip(-3 * size, 3 * size)
    smooth = float((usual[1:] * usual[:-1]).mean() / (usual**2).mean())
    if unlike or clear < _CLEAR or seen < _SEEN or smooth > _SMOOTH:
        return none
    offsets: Values = np.where(np.abs(shared) > _OF_THE_PICTURE * size, 0, shared)
    return offsets.astype(np.float32)


def _deviation(
    values: Values, noise: PoissonGaussian, of: Callable[[Values], np.floating]
) -> float:
    """Return the typical deviation of the noise of a pixel, in pixel units."""
    counted = noise.gain * np.maximum(values - np.float32(noise.offset), 0)
    return float(np.sqrt(of(counted) + noise.read_noise**2)) or 1e-12


def _profile(part: Values) -> Values:
    """Return how far the median of each row lies off those around it."""
    from scipy.ndimage import median_filter

    against: Values = median_filter(part, (2 * _ROWS + 1, 1), mode="mirror")
    profile: Values = np.median(part - against, axis=1).astype(np.float32)
    return profile - np.float32(profile.mean())
