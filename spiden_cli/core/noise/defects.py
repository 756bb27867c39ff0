"""Faults of a detector that are no noise: stuck pixels; and all of them taken out of a picture.

A stuck pixel (hot, or dead) stands far from its neighbours, alone. A star or a bead is as bright,
but the optics have spread it over several pixels; texture varies among the neighbours as well. So a
pixel is stuck if it lies further off all of its 24 neighbours, one of them apart, which may be
stuck too, than noise would take it, and several times as far as these lie off their median.
"""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spiden_cli.core.image.picture import Picture, Pixels
from spiden_cli.core.noise.anscombe import Anscombe
from spiden_cli.core.noise.faulty_lines import Faults, faults_of
from spiden_cli.core.noise.model import PoissonGaussian

__all__ = ["Repairs", "repaired", "repaired_window"]

Values = NDArray[np.float32]
Window = tuple[slice, slice]
"""Rows and columns."""

_AROUND = [(y, x) for y in range(-2, 3) for x in range(-2, 3) if (y, x) != (0, 0)]
_BESIDE = [k for k, (y, x) in enumerate(_AROUND) if max(abs(y), abs(x)) == 1]
_FAR, _FURTHER, _NEARLY = 6.0, 5.0, 3.0
"""Deviations of noise that a stuck pixel lies off the others; how many times as far as they lie off
their median by more than so many deviations."""

_REACH = 3
"""Pixels from a stuck one to those that say so, or that stand for it and may be stuck as well."""


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


def repaired(
    picture: Picture, noise: PoissonGaussian, faults: Faults | None = None
) -> tuple[Picture, Repairs]:
    """Replace stuck pixels, and take off the offsets of rows and columns.

    Args:
        picture: grey or in colour, whose channels are seen to one by one.
        noise: in the units of the file.
        faults: of the lines of a grey picture, if they are known.

    Returns:
        The picture in floats, its metadata left out, or the same object where there was nothing to
        repair; and what was.
    """
    noise = replace(noise, offset=noise.offset - picture.base)
    pixels = picture.pixels
    channels = [pixels] if pixels.ndim == 2 else [pixels[..., k] for k in range(3)]
    planes, repairs = zip(*(_repaired(plane, noise, faults) for plane in channels), strict=True)
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


def _repaired(
    pixels: Pixels, noise: PoissonGaussian, known: Faults | None
) -> tuple[Values, Repairs]:
    faults = known or faults_of(pixels, noise)
    values = faults.mended(pixels, (slice(0, pixels.shape[0]), slice(0, pixels.shape[1])))
    where, by = _stuck(Anscombe(noise).forward(values), values)
    values[where] = by
    rows, columns = (float(part.all_offsets.std()) for part in faults)
    return values, Repairs(len(by), sum(part.replaced for part in faults), rows, columns)


def repaired_window(
    pixels: Any, noise: PoissonGaussian, faults: Faults, window: Window  # noqa: ANN401
) -> Values:  # fmt: skip
    """Return a window of a channel as `repaired` returns it.

    Args:
        pixels: (H, W), an array or a view.
        noise: in the units of the pixels.
        faults: of its lines.
        window: rows and columns, from and to a number.
    """
    sides = list(zip(window, pixels.shape, strict=True))
    rows, columns = (
        slice(max(0, side.start - _REACH), min(length, side.stop + _REACH))
        for side, length in sides
    )
    values = faults.mended(pixels, (rows, columns))
    where, by = _stuck(Anscombe(noise).forward(values), values)
    values[where] = by
    return values[
        window[0].start - rows.start : window[0].stop - rows.start,
        window[1].start - columns.start : window[1].stop - columns.start,
    ]


def _stuck(white: Values, values: Values) -> tuple[tuple[NDArray[np.intp], ...], Values]:
    """Find stuck pixels.

    Args:
        white: (H, W) with noise of a deviation of 1.
        values: (H, W) in pixel units.

    Returns:
        Their rows and columns, and what replaces them: the median of those beside them.
    """
    # Few pixels are candidates: those far from the mean around them.
    padded = np.pad(white, 2, mode="reflect")
    mean = (_sum_of_five(_sum_of_five(padded).T).T - white) / 24
    rows, columns = np.nonzero(np.abs(white - mean) > _FAR)
    own = white[rows, columns]
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


def _sum_of_five(padded: Values) -> Values:
    """Return sums over five rows; in an order that does not depend on where the picture begins."""
    total = padded[:-4].copy()
    for first in range(1, 5):
        total += padded[first : len(padded) - 4 + first]
    return total
