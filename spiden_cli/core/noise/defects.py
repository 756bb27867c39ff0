"""Faults of a detector that are no noise: stuck pixels, faulty lines, offsets of rows and columns.

A stuck pixel (hot, or dead) stands far from its neighbours, alone. A star or a bead is as bright,
but the optics have spread it over several pixels; texture varies among the neighbours as well. So a
pixel is stuck if it lies further off all of its 24 neighbours, one of them apart, which may be
stuck too, than noise would take it, and several times as far as these lie off their median.

Offsets of rows (or columns) are alike over the whole width. So they are measured in four parts of
the width apart, each against the rows around: they are offsets if the parts agree.

A faulty row (or column), or two beside each other, stands off those around in all four parts, and
the next ones do not: what optics have drawn has flanks, and hardly ever spans the picture. Where
what it holds besides is what the rows beside it hold, and as noisy, only its offset is taken off:
a dead row has no noise, a hot one no structure.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spiden_cli.core.image.picture import Picture, Pixels
from spiden_cli.core.noise.anscombe import Anscombe
from spiden_cli.core.noise.model import PoissonGaussian

__all__ = ["Repairs", "repaired"]

Values = NDArray[np.float32]

_AROUND = [(y, x) for y in range(-2, 3) for x in range(-2, 3) if (y, x) != (0, 0)]
_BESIDE = [k for k, (y, x) in enumerate(_AROUND) if max(abs(y), abs(x)) == 1]
_FAR, _FURTHER, _NEARLY = 6.0, 5.0, 3.0
"""Deviations of noise that a stuck pixel lies off the others; how many times as far as they lie off
their median by more than so many deviations."""

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


class Repairs(NamedTuple):
    """What was repaired of a picture.

    Attributes:
        stuck: pixels that were replaced by the median of their neighbours.
        lines: faulty rows and columns that were replaced by the mean of those beside them.
        rows: standard deviation of the offsets that were taken off rows, in pixel units; 0: none.
        columns: likewise.
    """

    stuck: int = 0
    lines: int = 0
    rows: float = 0.0
    columns: float = 0.0

    def __str__(self) -> str:
        """Say in plain words what was done; nothing where nothing was."""
        said = []
        if self.stuck:
            said.append(f"{self.stuck} stuck {'pixel' if self.stuck == 1 else 'pixels'} replaced")
        if self.lines:
            said.append(f"{self.lines} faulty {'line' if self.lines == 1 else 'lines'} replaced")
        for what, offset in (("rows", self.rows), ("columns", self.columns)):
            if offset:
                said.append(f"offsets of {what} taken off, {offset:.2g} on average")
        return ", ".join(said)


class _Profiles(NamedTuple):
    """How far rows stand off those around them, in parts of the width, in pixel units.

    Attributes:
        of_rows: (4, H).
        errors: of each part, (4, 1).
    """

    of_rows: Values
    errors: Values


def repaired(picture: Picture, noise: PoissonGaussian) -> tuple[Picture, Repairs]:
    """Replace stuck pixels, and take off the offsets of rows and columns.

    Args:
        picture: grey or in colour, whose channels are seen to one by one.
        noise: in the units of the file.

    Returns:
        The picture in floats, its metadata left out, or the same object where there was nothing to
        repair; and what was.
    """
    noise = replace(noise, offset=noise.offset - picture.base)
    pixels = picture.pixels
    channels = [pixels] if pixels.ndim == 2 else [pixels[..., k] for k in range(3)]
    planes, repairs = zip(*(_repaired(plane, noise) for plane in channels), strict=True)
    done = Repairs(
        sum(part.stuck for part in repairs),
        sum(part.lines for part in repairs),
        max(part.rows for part in repairs),
        max(part.columns for part in repairs),
    )
    if not any(done):
        return picture, done
    whole = planes[0] if pixels.ndim == 2 else np.stack(planes, 2)
    return Picture(whole, range=picture.levels), done


def _repaired(pixels: Pixels, noise: PoissonGaussian) -> tuple[Values, Repairs]:
    values: Values = pixels.astype(np.float32)
    # Lines and offsets first: they would hide among each other what sticks out.
    by_row = _profiles(values, noise)
    rows = _mended(values, by_row)
    by_column = _profiles(values.T, noise)
    columns = _mended(values.T, by_column)
    # To measure takes longest, and is done again only where something has changed.
    if rows.any or columns.any:
        by_row = _profiles(values, noise)
    offsets_of_rows = _offsets(values, noise, by_row)
    values -= offsets_of_rows[:, None]
    if columns.any or offsets_of_rows.any():
        by_column = _profiles(values.T, noise)
    offsets_of_columns = _offsets(values.T, noise, by_column)
    values -= offsets_of_columns
    where, by = _stuck(Anscombe(noise).forward(values), values)
    values[where] = by
    return values, Repairs(
        len(by),
        rows.replaced + columns.replaced,
        float((rows.offsets + offsets_of_rows).std()),
        float((columns.offsets + offsets_of_columns).std()),
    )


def _stuck(white: Values, values: Values) -> tuple[tuple[NDArray[np.intp], ...], Values]:
    """Find stuck pixels.

    Args:
        white: (H, W) with noise of a deviation of 1.
        values: (H, W) in pixel units.

    Returns:
        Their rows and columns, and what replaces them: the median of those beside them.
    """
    from scipy.ndimage import uniform_filter

    # Few pixels are candidates: those far from the mean around them.
    mean = (25 * uniform_filter(white, 5, mode="mirror") - white) / 24
    rows, columns = np.nonzero(np.abs(white - mean) > _FAR)
    padded, own = np.pad(white, 2, mode="reflect"), white[rows, columns]
    around = np.stack([padded[rows + 2 + y, columns + 2 + x] for y, x in _AROUND], -1)
    if not len(rows):
        return (rows, columns), np.zeros(0, np.float32)
    around.sort(axis=1)
    median = np.median(around, axis=1)
    hot = own > median
    # The second of its neighbours: one of them may be stuck as well.
    nearest = np.where(hot, around[:, -2], around[:, 1])
    spread = np.maximum(0, np.abs(nearest - median) - _NEARLY)
    distance = np.where(hot, own - nearest, nearest - own)
    stuck = distance > _FAR + _FURTHER * spread
    rows, columns = rows[stuck], columns[stuck]
    marked = np.zeros(values.shape, bool)
    marked[rows, columns] = True
    values, marked = np.pad(values, 1, mode="reflect"), np.pad(marked, 1, mode="reflect")
    beside = [(rows + 1 + _AROUND[k][0], columns + 1 + _AROUND[k][1]) for k in _BESIDE]
    good = np.stack([np.where(marked[at], np.nan, values[at]) for at in beside], -1)
    by = np.nanmedian(good, axis=1) if len(rows) else np.zeros(0)
    return (rows, columns), by.astype(np.float32)


class _Mended(NamedTuple):
    """What was done to rows that stood out.

    Attributes:
        replaced: how many of them.
        offsets: what was taken off each row, (H,).
    """

    replaced: int
    offsets: Values

    @property
    def any(self) -> bool:
        """Whether any was changed."""
        return self.replaced > 0 or bool(self.offsets.any())


def _mended(values: Values, measured: _Profiles | None) -> _Mended:
    """Replace faulty rows, in place, by the mean of those beside them, or take offsets off."""
    number, offsets = 0, np.zeros(len(values), np.float32)
    if measured is None:
        return _Mended(number, offsets)
    profiles = measured.of_rows
    profiles = profiles - np.median(profiles, axis=1, keepdims=True)  # not a mean: lines move that
    away, signs = np.abs(profiles), np.sign(profiles)
    clear = (away > _FAULTY * measured.errors).all(0) & (np.abs(signs.sum(0)) == _PARTS)
    edges = np.flatnonzero(np.diff(clear.astype(np.int8), prepend=0, append=0))
    for first, end in zip(edges[::2], edges[1::2], strict=True):
        if end - first > _WIDEST:
            continue
        beside = [row for row in (first - 1, end) if 0 <= row < len(values)]
        if away[:, beside].max() > _FLANK * away.min(0)[first:end].max():
            continue
        good = values[beside].mean(0)
        for row in range(first, end):
            if _is_like(values, row, good):
                offsets[row] = np.median(values[row] - good)
                values[row] -= offsets[row]
            else:
                values[row] = good
                number += 1
    return _Mended(number, offsets)


def _is_like(values: Values, row: int, good: Values) -> bool:
    """Return whether a row holds what `good` does, from those beside it, but for an offset."""
    near = values[max(0, row - _ROWS) : row + _ROWS + 1]
    usual = _spread(near[1:-1] - (near[:-2] + near[2:]) / 2)
    grain = _spread(np.diff(near, axis=1))
    (apart,), (own,) = _spread((values[row] - good)[None]), _spread(np.diff(values[row])[None])
    return bool(apart <= _LIKE * np.median(usual) and own >= _NOISY * np.median(grain))


def _spread(rows: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the deviation of each row about its median, robustly."""
    away = np.abs(rows - np.median(rows, axis=1, keepdims=True))
    spread: NDArray[np.floating] = 1.4826 * np.median(away, axis=1)
    return spread


def _profiles(values: Values, noise: PoissonGaussian) -> _Profiles | None:
    """Measure how far each row stands off those around it; None: the picture is too small."""
    values = _thinned(values)
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
    seen = size / _deviation(_thinned(values), noise, np.median)
    usual = shared.clip(-3 * size, 3 * size)
    smooth = float((usual[1:] * usual[:-1]).mean() / (usual**2).mean())
    if unlike or clear < _CLEAR or seen < _SEEN or smooth > _SMOOTH:
        return none
    offsets: Values = np.where(np.abs(shared) > _OF_THE_PICTURE * size, 0, shared)
    return offsets.astype(np.float32)


def _thinned(values: Values) -> Values:
    return values[:, :: max(1, values.shape[1] // _MOST_COLUMNS)]


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
