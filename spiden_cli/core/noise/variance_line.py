"""The line of variance over mean, fitted to the flat blocks of a picture.

Which blocks are flat depends on the line, so that the fit is repeated; by weighted least squares,
since a variance is measured the worse the larger it is.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spiden_cli.core.noise.mean_variance import (
    LEAST_BLOCKS,
    Blocks,
    Points,
    Values,
    grouped,
    in_groups,
    lowest,
)
from spiden_cli.core.noise.model import UnknownCounts

__all__ = ["Fit", "Line", "fitted"]

_ROUNDS = 10
_SETTLED = 1e-3
"""Change of the variances from round to round, as a share of them, that is none any more."""
_OUTLYING = 4.0
"""Deviations from the line, in robust ones of all groups, from where on a group has no say."""
_LEAST_VARIANCE = 0.1
"""Share of the median variance below which no group's is believed, lest it have all the weight."""
_CLIPPING_MARGIN, _ENOUGH = 3.0, 0.02
"""Deviations that blocks must be off a clipped end; share of blocks that will do."""


class Line(NamedTuple):
    """variance = slope * mean + intercept.

    Attributes:
        slope: gain, in pixel units.
        intercept: in squared pixel units.
        slope_error: standard error of the slope.
        misfit: weighted root mean square of the groups' relative distance from the line.
    """

    slope: float
    intercept: float
    slope_error: float = 0.0
    misfit: float = 0.0

    @property
    def sureness(self) -> float:
        """How many standard errors the slope is above none."""
        return self.slope / self.slope_error if self.slope_error else math.inf

    def at(self, mean: Values, least: float) -> Values:
        """Return the variance at means, no less than `least`."""
        return np.maximum(self.slope * mean + self.intercept, least)


class Fit(NamedTuple):
    """A line, and what it was fitted to.

    Attributes:
        line: of variance over mean.
        flat: the blocks that it was fitted to.
        points: their groups.
        down_to_black: whether some are black.
        given_up: whether the fit ended since the slope was not sure enough.
    """

    line: Line
    flat: Blocks
    points: Points
    down_to_black: bool
    given_up: bool


def fitted(
    blocks: Blocks, known: UnknownCounts, black: float | None, white: float | None,
    least_sure: float = -math.inf,
) -> Fit:  # fmt: skip
    """Fit the line to flat blocks, which it tells from others itself.

    Args:
        blocks: of a picture, one of which holds some noise at least.
        known: what the line has to keep to.
        black: where the file has clipped, if it has.
        white: likewise.
        least_sure: slopes that are less, in standard errors, both at the start and after a round,
            won't do: the fit ends there.
    """
    points = _calmest(blocks)
    least = _least(points)
    line = _through(points, np.maximum(points.variance, least), known)
    flat, down_to_black, given_up = blocks, False, False
    for _ in range(_ROUNDS):
        before, variance = line, line.at(blocks.around, least)
        usable, down_to_black = _unclipped(blocks, variance, black, white)
        flat = blocks.chosen(usable).flat(variance[usable])
        points = grouped(flat)
        least = _least(points)
        expected = line.at(points.mean, least)
        line = _through(points, expected, known)
        moved = np.abs(line.at(points.mean, least) / expected - 1).max()
        given_up = max(before.sureness, line.sureness) < least_sure
        if moved < _SETTLED or given_up:
            break
    return Fit(line, flat, points, down_to_black, given_up)


def _unclipped(
    blocks: Blocks, variance: Values, black: float | None, white: float | None
) -> tuple[NDArray[np.bool_], bool]:
    """Return which blocks clipping has left alone; if too few, those at black are taken as well.

    What a file calls black is then a count of none, rather than where read noise was cut off.
    """
    margin = _CLIPPING_MARGIN * np.sqrt(variance)
    usable = np.ones(len(variance), bool)
    if white is not None:
        usable = blocks.around + margin < white
    enough = max(LEAST_BLOCKS, _ENOUGH * len(variance))
    if black is None:
        return (usable if usable.sum() >= enough else np.ones_like(usable)), False
    above = usable & (blocks.around - margin > black)
    return (above, False) if above.sum() >= enough else (np.ones_like(usable), True)


def _least(points: Points) -> float:
    """Return a variance, above 0, that all of a picture's are taken to reach."""
    return _LEAST_VARIANCE * _median(points.variance) or float(points.variance.max()) or 1e-12


def _calmest(blocks: Blocks) -> Points:
    """Group the calmest blocks of each brightness: a start, whose variance is somewhat too low."""
    activity, calm = blocks.coarse + blocks.edges, np.zeros(len(blocks.around), bool)
    for values, which in zip(in_groups(activity), in_groups(calm), strict=True):
        which |= lowest(values, 0.3)
    return grouped(blocks.chosen(calm))


def _through(points: Points, variance: Values, known: UnknownCounts) -> Line:
    """Fit a line by weighted least squares; groups far from it have no say.

    Args:
        points: groups of blocks.
        variance: of each, about, > 0: what it is measured with is in proportion.
        known: what the line has to keep to.
    """
    ratio = (points.variance - variance) / variance
    spread = 1.4826 * _median(np.abs(ratio)) + 1e-3
    say = np.clip(1 - (ratio / (_OUTLYING * spread)) ** 2, 0, 1) ** 2
    weights = points.samples * say / (2 * variance**2)
    x, y = points.mean, points.variance
    slope, intercept, slope_variance = _least_squares(x, y, weights, known)
    off = _average(((y - slope * x - intercept) / variance) ** 2, weights)
    expected = _average(2 / points.samples, weights)
    error = math.sqrt(slope_variance * max(1.0, off / expected))
    return Line(slope, intercept, error, math.sqrt(off))


def _least_squares(
    x: Values, y: Values, weights: Values, known: UnknownCounts
) -> tuple[float, float, float]:
    """Return slope, intercept and variance of the slope."""
    total = float(weights.sum())
    if known.gain is not None:
        return known.gain, _average(y - known.gain * x, weights), 0.0
    if known.offset is not None and known.read_noise is not None:  # a point of the line
        away, above = x - known.offset, y - known.read_noise**2
        power = float((weights * away**2).sum())
        if power == 0:
            return 0.0, _average(y, weights), math.inf
        slope = float((weights * away * above).sum()) / power
        return slope, known.read_noise**2 - slope * known.offset, 1 / power
    middle = _average(x, weights)
    power = float((weights * (x - middle) ** 2).sum())
    if power <= 1e-12 * total * max(1.0, middle**2):
        return 0.0, _average(y, weights), math.inf
    slope = float((weights * (x - middle) * y).sum()) / power
    return slope, _average(y, weights) - slope * middle, 1 / power


def _average(values: Values, weights: Values) -> float:
    """Return what `np.average` does, which for a few groups takes most of the time of a fit."""
    return float((values * weights).sum() / weights.sum())


def _median(values: Values) -> float:
    """Return what `np.median` does, likewise."""
    ordered, middle = np.sort(values), len(values) // 2
    return float(ordered[middle] + ordered[middle - 1 + len(values) % 2]) / 2
