"""Gain, offset and read noise of a counting detector, from one picture or from repeated frames.

The variance of counts grows with the mean along a straight line (photon transfer: Janesick 2007,
"Photon Transfer", SPIE; for one picture Foi et al. 2008, IEEE TIP 17(10)):

    variance = gain (mean - offset) + read_noise^2 = slope * mean + intercept

The line is all that a picture shows: gain is its slope, while offset and read noise may be moved
along it together. Where neither is known, the offset is taken to be the darkest level of the
picture, as far as the line allows it; what is denoised depends on that at very few counts alone.
"""

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spiden_cli.core.image.picture import Pixels, Range
from spiden_cli.core.image.plane_view import windows_of
from spiden_cli.core.noise.mean_variance import (
    Blocks,
    Grids,
    Points,
    blocks_of_frames,
)
from spiden_cli.core.noise.model import PoissonGaussian, UnknownCounts
from spiden_cli.core.noise.variance_line import Line, fitted

__all__ = ["CountsEstimate", "estimate_counts", "photon_transfer"]

_END = 0.001
"""Quantile of the blocks that stands for the darkest and the lightest level."""
_OF_BLOCKS, _OF_SQUARES = 3.1 / 8, 3.8 / 2
"""How far such quantiles lie below the level of a dark area, in deviations of a pixel: of means of
8 x 8 pixels, and of the least of 16 means of 2 x 2."""
_MOST_READ_NOISE = 5.0
"""In counts: where a picture has nothing dark, its offset would be mistaken for a light one."""
_CLIPPED = 1e-4
"""Share of pixels at an end from where on it has clipped."""
_DETECTED = 3.0
"""Standard errors that a slope must be away from none, to be used where counts are asked for."""

# Counts are evident from here on: chosen so that photographs, clean or with white noise, are not.
_GROWS_FROM_BLACK, _MISFIT = 20.0, 0.2


class _Evidence(NamedTuple):
    """What noise that grows along a line has to show beside, to be that of counts.

    Attributes:
        significant: standard errors of the gain.
        edges: strength of noise in horizontal and vertical detail over that in diagonal detail,
            least and most. The noise of a camera that has interpolated is stronger there.
        coarse: the same of what is larger. Smooth structures show there as well; less than in
            detail it is in what has been sharpened, or has grain.
        flat: share of blocks that hold noise alone, at least.
        growth: variance in the light over that in the dark, at least.
    """

    significant: float
    edges: tuple[float, float]
    coarse: tuple[float, float]
    flat: float
    growth: float


_IN_8_BITS = (
    _Evidence(8.0, (0.85, 1.2), (0.9, 1.3), 0.2, 1.25),
    _Evidence(15.0, (0.85, 1.25), (0.9, 3.0), 0.3, 50.0),
)
"""Most pictures of 8 bits are photographs: either of these."""
_DEEPER = (
    _Evidence(6.0, (0.85, 1.15), (0.9, 10.0), 0.1, 1.25),
    _Evidence(15.0, (0.85, 1.3), (0.9, 10.0), 0.2, 50.0),
)
_PROMISING = 0.5
"""Share of the standard errors asked for that a slope reaches soon, or never: of 921 simulated
pictures of counts that were evident none was below 0.8, and of photographs three in four are."""
_AT_A_GLANCE = 0.2
"""The same of one grid of blocks of 8 bits, most of which are photographs: of 1,000 simulated
pictures of counts that were evident two were below, and of those under white noise nine in ten."""


@dataclass(frozen=True)
class CountsEstimate:
    """What was found of the noise of counts, in the units of the pixels.

    Attributes:
        noise: gain, offset and read noise; None where no gain was found, as in a picture of one
            brightness, or of so little light that read noise hides the counts.
        gain_error: standard error of the gain; 0 where it was given, infinite where none was found.
        level: standard deviation of the noise over all pixels.
        dark: the darkest level of the picture.
        light: the lightest one.
        evident: whether the noise of this picture is clearly that of counts: it is white and grows
            with brightness as counts would have it.
    """

    noise: PoissonGaussian | None
    gain_error: float
    level: float
    dark: float
    light: float
    evident: bool

    def moved(self, by: float) -> "CountsEstimate":
        """Return the estimate for the same pixels with a number added to each."""
        noise = self.noise
        if noise is not None:
            noise = replace(noise, offset=noise.offset + by)
        return replace(self, noise=noise, dark=self.dark + by, light=self.light + by)

    def __str__(self) -> str:
        """Say in plain words what was found."""
        noise = self.noise
        if noise is None:
            return f"noise of one level, {self.level:.3g}: it does not grow with brightness"
        error = f" ± {self.gain_error:.1g}" if self.gain_error else ""
        return (
            f"photon counts, gain {noise.gain:.3g}{error}, offset {noise.offset:.4g}, "
            f"read noise {noise.read_noise:.3g}"
        )


def estimate_counts(
    pixels: Pixels,
    extent: Range | None = None,
    known: UnknownCounts | None = None,
    only_evident: bool = False,
) -> CountsEstimate:
    """Estimate the noise of counts from one picture.

    docs/counts.md has the errors, as `benchmarks/counts.py` measures them. Fine texture that covers
    a whole picture reads as noise. The gain of a picture of one brightness can't be found.

    Args:
        pixels: (H, W) or (H, W, 3), of any type of number.
        extent: black and white, where the file has clipped; None: the full range of the type.
            Floats are taken for not clipped.
        known: what is known already; None: nothing.
        only_evident: look no further where counts won't be evident; what is returned is then
            hardly more than that, its ends NaN.

    Raises:
        InputError: the picture is too small to tell, or clipped nearly everywhere.
    """
    floating = pixels.dtype.kind == "f"
    limits = None if floating else extent or Range.full(pixels.dtype)
    black, white = (None, None) if limits is None else _clipped_ends(pixels, limits)
    in_8_bits, known = pixels.dtype.itemsize == 1, known or UnknownCounts()
    asked, least_sure = _IN_8_BITS if in_8_bits else _DEEPER, -math.inf
    grids = Grids(pixels)
    if only_evident:
        least = min(one.significant for one in asked)
        least_sure = _PROMISING * least
        if in_8_bits:
            glance = fitted(grids.blocks(1), known, black, white, _AT_A_GLANCE * least)
            if glance.given_up:
                return _nothing(glance.points)
    found = _estimate(grids.blocks(), known, black, white, asked, least_sure)
    if not found.evident or found.noise is None:
        return found
    noise, lowest = found.noise, -math.inf if limits is None else limits.black
    # No file of counts has its zero far below its black.
    return replace(found, evident=noise.offset > lowest - noise.gain)


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


def _clipped_ends(pixels: Pixels, extent: Range) -> tuple[float | None, float | None]:
    """Return black and white, each where pixels have reached it."""
    least = _CLIPPED * pixels.size
    at_black = at_white = 0
    for part in windows_of(pixels):
        at_black += int(np.count_nonzero(part <= extent.black))
        at_white += int(np.count_nonzero(part >= extent.white))
    return (
        extent.black if at_black > least else None,
        extent.white if at_white > least else None,
    )


def _estimate(
    blocks: Blocks,
    known: UnknownCounts,
    black: float | None = None,
    white: float | None = None,
    asked: tuple[_Evidence, ...] = _DEEPER,
    least_sure: float = -math.inf,
) -> CountsEstimate:
    """Estimate from blocks, some of which are clipped at black or white, if these are given."""
    fit = fitted(blocks, known, black, white, least_sure)
    if fit.given_up:
        return _nothing(fit.points)
    line, flat, points = fit.line, fit.flat, fit.points
    level = _level(points)
    dark, light = _ends(blocks, line)
    dark = dark if black is None else min(dark, black)
    if not _DETECTED * line.slope_error < line.slope:
        return CountsEstimate(None, math.inf, level, dark, light, evident=False)
    noise = _noise_on(line, dark, known)
    least = 1e-3 * float(np.median(points.variance))
    ends = line.at(np.array([dark, light]), least)
    share = blocks.are_flat(line.at(blocks.around, least)).mean()
    growth = ends[1] / ends[0]
    evident = line.misfit < _MISFIT and any(
        growth > max(one.growth, _GROWS_FROM_BLACK if fit.down_to_black else 0)
        and line.sureness > one.significant
        and share > one.flat
        and _is_white(flat, one)
        for one in asked
    )
    return CountsEstimate(noise, line.slope_error, level, dark, light, evident)


def _nothing(points: Points) -> CountsEstimate:
    return CountsEstimate(None, math.inf, _level(points), math.nan, math.nan, evident=False)


def _level(points: Points) -> float:
    return math.sqrt(float(np.average(points.variance, weights=points.samples)))


def _is_white(flat: Blocks, asked: _Evidence) -> bool:
    """Return whether noise is as strong in all details; of frames that isn't known."""
    fine = float(np.median(flat.fine))
    if fine == 0 or not flat.edges.any():
        return fine > 0
    edges, coarse = (float(np.median(part)) / fine for part in (flat.edges, flat.coarse))
    (least, most), (least_coarse, most_coarse) = asked.edges, asked.coarse
    return least < edges < most and least_coarse < coarse < most_coarse


def _ends(blocks: Blocks, line: Line) -> tuple[float, float]:
    """Return the darkest and the lightest level, without what noise adds to such quantiles."""
    dark, light = (float(q) for q in np.quantile(blocks.mean, (_END, 1 - _END)))
    deviation = math.sqrt(max(0.0, line.slope * dark + line.intercept))
    within = float(np.quantile(blocks.darkest, _END)) + _OF_SQUARES * deviation
    return min(dark + _OF_BLOCKS * deviation, within), light


def _noise_on(line: Line, dark: float, known: UnknownCounts) -> PoissonGaussian:
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
