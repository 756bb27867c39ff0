"""Gain, offset and read noise of a counting detector, from one picture or from repeated frames.

The variance of counts grows with the mean along a straight line (photon transfer: Janesick 2007,
"Photon Transfer", SPIE; for one picture Foi et al. 2008, IEEE TIP 17(10)):

    variance = gain (mean - offset) + read_noise^2 = slope * mean + intercept

The line is all that a picture shows: gain is its slope, while offset and read noise may be moved
along it together. Where neither is known, the offset is taken to be the darkest level of the
picture, as far as the line allows it; what is denoised depends on that at very few counts alone.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spiden_cli.core.image.picture import Pixels, Range
from spiden_cli.core.noise.mean_variance import (
    Blocks,
    Points,
    Values,
    blocks_of,
    blocks_of_frames,
    grouped,
)
from spiden_cli.core.noise.model import PoissonGaussian, UnknownCounts

__all__ = ["CountsEstimate", "estimate_counts", "photon_transfer"]

_GROUPS = 24
_ROUNDS = 10
_OUTLYING = 4.0
"""Deviations from the line, in robust ones of all groups, from where on a group has no say."""
_LEAST_VARIANCE = 0.1
"""Share of the median variance below which no group's is believed, lest it have all the weight."""
_ONE_LEVEL = 1000.0
"""Read noise over gain, where noise is the same at all levels, for all that any picture holds."""
_END = 0.001
"""Quantile of the blocks that stands for the darkest and the lightest level."""
_OF_BLOCKS, _OF_SQUARES = 3.1 / 8, 3.8 / 2
"""How far such quantiles lie below the level of a dark area, in deviations of a pixel: of means of
8 x 8 pixels, and of the least of 16 means of 2 x 2."""
_MOST_READ_NOISE = 5.0
"""In counts: where a picture has nothing dark, its offset would be mistaken for a light one."""
_DETECTED = 3.0
"""Standard errors that a slope must be away from none, to be used where counts are asked for."""

# Counts are evident from here on; chosen on the pictures of tests/core/noise/test_evidence.py.
_SIGNIFICANT, _GROWS, _MISFIT, _WHITE, _FLAT_SHARE = 8.0, 1.25, 0.2, (0.85, 1.2), 0.1


@dataclass(frozen=True)
class CountsEstimate:
    """What was found of the noise of counts, in the units of the pixels.

    Attributes:
        noise: gain, offset and read noise; where no gain was found, one level for all pixels.
        gain_error: standard error of the gain; 0 where it was given, infinite where none was found.
        dark: the darkest level of the picture.
        light: the lightest one.
        evident: whether the noise of this picture is clearly that of counts: it is white and grows
            with brightness as counts would have it.
    """

    noise: PoissonGaussian
    gain_error: float
    dark: float
    light: float
    evident: bool

    @property
    def found(self) -> bool:
        """Whether there is a gain, or one level alone."""
        return math.isfinite(self.gain_error)

    def sigma(self, value: float) -> float:
        """Return the standard deviation of the noise of a pixel of a brightness."""
        counts = max(0.0, value - self.noise.offset)
        return math.sqrt(self.noise.gain * counts + self.noise.read_noise**2)

    def __str__(self) -> str:
        """Say in plain words what was found."""
        noise = self.noise
        if not self.found:
            return f"of one level, {noise.read_noise:.3g}: it does not grow with brightness"
        error = f" ± {self.gain_error:.1g}" if self.gain_error else ""
        return (
            f"of counts: gain {noise.gain:.3g}{error}, offset {noise.offset:.4g}, "
            f"read noise {noise.read_noise:.3g}"
        )


class _Line(NamedTuple):
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

    def at(self, mean: Values, least: float) -> Values:
        """Return the variance at means, no less than `least`."""
        return np.maximum(self.slope * mean + self.intercept, least)


def estimate_counts(
    pixels: Pixels, extent: Range | None = None, known: UnknownCounts | None = None
) -> CountsEstimate:
    """Estimate the noise of counts from one picture.

    docs/counts.md has the errors, as `benchmarks/counts.py` measures them. Fine texture that covers
    a whole picture reads as noise. The gain of a picture of one brightness can't be found.

    Args:
        pixels: (H, W) or (H, W, 3), of any type of number.
        extent: black and white, where the file has clipped; None: the full range of the type.
            Floats are taken for not clipped.
        known: what is known already; None: nothing.

    Raises:
        InputError: the picture is too small to tell, or clipped nearly everywhere.
    """
    floating = pixels.dtype.kind == "f"
    limits = None if floating else extent or Range.full(pixels.dtype)
    return _estimate(blocks_of(pixels, limits), known or UnknownCounts())


def photon_transfer(
    frames: NDArray[np.number], known: UnknownCounts | None = None
) -> CountsEstimate:
    """Estimate the noise of counts from frames of the same scene, under the same light.

    Frames tell more than one picture does: texture does not disturb.

    Args:
        frames: (N, H, W), N >= 2, of any type of number.
        known: what is known already; None: nothing.

    Raises:
        InputError: there are no two frames, or they are too small.
    """
    return _estimate(blocks_of_frames(frames), known or UnknownCounts())


def _estimate(blocks: Blocks, known: UnknownCounts) -> CountsEstimate:
    line, flat, points = _fitted(blocks, known)
    dark, light = _ends(blocks, line)
    found = line.slope > _DETECTED * line.slope_error and math.isfinite(line.slope_error)
    if not found:
        variance = float(np.average(points.variance, weights=points.samples))
        return CountsEstimate(_one_level(variance, dark), math.inf, dark, light, evident=False)
    noise = _noise_on(line, dark, known)
    ends = line.at(np.array([dark, light]), 1e-3 * float(np.median(points.variance)))
    whiteness = float(np.median(flat.edges) / np.median(flat.fine)) if flat.edges.any() else 1.0
    evident = (
        line.slope > _SIGNIFICANT * line.slope_error
        and ends[1] > _GROWS * ends[0]
        and line.misfit < _MISFIT
        and _WHITE[0] < whiteness < _WHITE[1]
        and len(flat.mean) > _FLAT_SHARE * len(blocks.mean)
    )
    return CountsEstimate(noise, line.slope_error, dark, light, evident)


def _fitted(blocks: Blocks, known: UnknownCounts) -> tuple[_Line, Blocks, Points]:
    """Fit the line to flat blocks, which it tells from others itself: the fit is repeated."""
    points = _calmest(blocks)
    line = _through(points, points.variance, known)
    flat = blocks
    for _ in range(_ROUNDS):
        least = _LEAST_VARIANCE * float(np.median(points.variance)) or 1e-12
        flat = blocks.flat(line.at(blocks.around, least))
        points = grouped(flat, _GROUPS)
        line = _through(points, line.at(points.mean, least), known)
    return line, flat, points


def _calmest(blocks: Blocks) -> Points:
    """Group the calmest blocks of each brightness: a start, whose variance is somewhat too low."""
    order = np.argsort(blocks.around, kind="stable")
    activity = blocks.coarse + blocks.edges
    chosen = []
    for part in np.array_split(order, _GROUPS):
        chosen.append(part[activity[part] <= np.quantile(activity[part], 0.3)])
    return grouped(blocks.chosen(np.concatenate(chosen)), _GROUPS)


def _through(points: Points, variance: Values, known: UnknownCounts) -> _Line:
    """Fit a line by weighted least squares; groups far from it have no say.

    Args:
        points: groups of blocks.
        variance: of each, about, > 0: what it is measured with is in proportion.
        known: what the line has to keep to.
    """
    ratio = (points.variance - variance) / variance
    spread = 1.4826 * float(np.median(np.abs(ratio))) + 1e-3
    say = np.clip(1 - (ratio / (_OUTLYING * spread)) ** 2, 0, 1) ** 2
    weights = points.samples * say / (2 * variance**2)
    x, y = points.mean, points.variance
    slope, intercept, slope_variance = _least_squares(x, y, weights, known)
    off = np.average(((y - slope * x - intercept) / variance) ** 2, weights=weights)
    expected = np.average(2 / points.samples, weights=weights)
    error = math.sqrt(slope_variance * max(1.0, off / expected))
    return _Line(slope, intercept, error, math.sqrt(off))


def _least_squares(
    x: Values, y: Values, weights: Values, known: UnknownCounts
) -> tuple[float, float, float]:
    """Return slope, intercept and variance of the slope."""
    total = float(weights.sum())
    if known.gain is not None:
        return known.gain, float(np.average(y - known.gain * x, weights=weights)), 0.0
    if known.offset is not None and known.read_noise is not None:  # a point of the line
        away, above = x - known.offset, y - known.read_noise**2
        power = float((weights * away**2).sum())
        if power == 0:
            return 0.0, float(np.average(y, weights=weights)), math.inf
        slope = float((weights * away * above).sum()) / power
        return slope, known.read_noise**2 - slope * known.offset, 1 / power
    middle = float(np.average(x, weights=weights))
    power = float((weights * (x - middle) ** 2).sum())
    if power <= 1e-12 * total * max(1.0, middle**2):
        return 0.0, float(np.average(y, weights=weights)), math.inf
    slope = float((weights * (x - middle) * y).sum()) / power
    return slope, float(np.average(y, weights=weights)) - slope * middle, 1 / power


def _ends(blocks: Blocks, line: _Line) -> tuple[float, float]:
    """Return the darkest and the lightest level, without what noise adds to such quantiles."""
    dark, light = (float(q) for q in np.quantile(blocks.mean, (_END, 1 - _END)))
    deviation = math.sqrt(max(0.0, line.slope * dark + line.intercept))
    within = float(np.quantile(blocks.darkest, _END)) + _OF_SQUARES * deviation
    return min(dark + _OF_BLOCKS * deviation, within), light


def _noise_on(line: _Line, dark: float, known: UnknownCounts) -> PoissonGaussian:
    """Choose offset and read noise on a line, as far as they are not known."""
    gain, intercept = line.slope, line.intercept
    if known.offset is not None and known.read_noise is not None:
        return PoissonGaussian(gain, known.offset, known.read_noise)
    if known.read_noise is not None:
        return PoissonGaussian(gain, (known.read_noise**2 - intercept) / gain, known.read_noise)
    if known.offset is None:  # without read noise it is the least, with much of it the darkest
        least = -intercept / gain
        offset = float(np.clip(dark, least, least + gain * _MOST_READ_NOISE**2))
    else:
        offset = known.offset
    return PoissonGaussian(gain, offset, math.sqrt(max(0.0, intercept + gain * offset)))


def _one_level(variance: float, dark: float) -> PoissonGaussian:
    """Return noise of one level: counts so many and small that they tell no brightness apart."""
    deviation = math.sqrt(variance) or 1e-6
    return PoissonGaussian(deviation / _ONE_LEVEL, dark - 10 * deviation, deviation)
