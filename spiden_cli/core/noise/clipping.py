r"""Noise that a file has clipped: what it did to the mean and the deviation, and how to undo it.

A file holds nothing darker than black nor lighter than white, so that noise is cut off there: the
mean of noisy black is above black, and a denoised picture is grey where it should be black. With
phi and Phi the density and distribution of the standard normal, a value x under noise of sigma has
the mean, once clipped at 0,

    h(x) = x Phi(x / sigma) + sigma phi(x / sigma)

(Foi 2009, "Clipped noisy images: heteroskedastic modeling and practical denoising", Signal
Processing 89(12), eq. 10 for one end), and likewise at white. A network estimates h(x); its inverse
gives x. How many pixels lie at black and at white says how strong the noise was at each end: strong
noise clips many, noise that is weaker in the dark, or none, clips few, and then nothing is undone.
"""

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spiden_cli.core.image.picture import Pixels, Range
from spiden_cli.core.image.pixels import Planes, in_8_bit_units
from spiden_cli.core.image.plane_view import squares_of

__all__ = [
    "Clipping",
    "before_clipping",
    "clipping_of",
    "deviation_after_clipping",
    "mean_after_clipping",
]

Values = NDArray[np.float64]

_SIDE = 4  # pixels a side of the squares whose means stand for what a network would give
_MAXIMUM_SQUARES = 100_000
_LEAST = 0.5
"""Level in 8-bit units below which rounding hides what clipping did."""
_MARGIN = 1.3
"""How much stronger than the level found the noise at an end may be taken to be."""
_FAR = 6.0
"""Sigma from an end beyond which nothing is clipped."""
_HALVINGS = 36
_STRENGTHS = 4096
"""In so many steps the strength at an end is found."""
_TABLE = 4096  # values of h and Phi that are computed; between them they are nearly straight
_ERFC = np.frompyfunc(math.erfc, 1, 1)


@dataclass(frozen=True)
class Clipping:
    """How strong the noise was where it was clipped, in 8-bit units; 0 where none was.

    Attributes:
        black: standard deviation near black.
        white: near white.
    """

    black: float
    white: float

    def restored(self, planes: Planes, share: float = 1.0) -> Planes:
        """Return what a denoised image was before clipping moved its means.

        Args:
            planes: (C, H, W) float32, black 0 and white 1; denoised.
            share: of the noise, what was removed, 0 to 1; the rest still has its means where they
                were.

        Returns:
            The same shape; black and white are reached again. Values stay in order.
        """
        black, white = self.black * share, self.white * share
        if max(black, white) <= _LEAST:
            return planes
        values = planes.astype(np.float64)
        if black > _LEAST:
            values = _unclipped(values, black / 255)
        if white > _LEAST:
            values = 1 - _unclipped(1 - values, white / 255)
        return values.clip(0, 1).astype(np.float32)  # beyond, the inverse says little


def clipping_of(pixels: Pixels, range: Range, sigma: float) -> Clipping:
    """Find how strong the noise was at black and at white, from how many pixels lie there.

    Args:
        pixels: (H, W) or (H, W, 3) noisy whole numbers.
        range: their black and white.
        sigma: the noise level of the picture, in 8-bit units, 0 to 255.
    """
    if sigma <= _LEAST:
        return Clipping(0.0, 0.0)
    squares = _squares(pixels, range)
    means = squares.mean(1)
    most = min(_MARGIN * before_clipping(sigma), 255.0)
    black = _strength(means, float((squares <= 0).mean()), most)
    white = _strength(255 - means, float((squares >= 255).mean()), most)
    return Clipping(black, white)


def mean_after_clipping(values: Values, sigma: float) -> Values:
    """Return the mean of max(0, x + n) for normal n: h(x) of the module's description.

    Args:
        values: x, any shape.
        sigma: > 0, the standard deviation of n, in the same units.
    """
    scaled = np.asarray(values, np.float64) / sigma
    density = np.exp(-(scaled**2) / 2) / math.sqrt(2 * math.pi)
    mean: Values = sigma * (scaled * _distribution(scaled) + density)
    return mean


def deviation_after_clipping(sigma: float) -> float:
    """Return what is left of noise around middle grey, clipped at black and white.

    Args:
        sigma: before, in 8-bit units.

    Returns:
        The standard deviation of clip(127.5 + n, 0, 255) for normal n of that sigma.
    """
    if sigma < 10:  # 12 sigma from both ends
        return sigma
    a = 127.5 / sigma
    inside = math.erf(a / math.sqrt(2))
    density = math.exp(-(a**2) / 2) / math.sqrt(2 * math.pi)
    return sigma * math.sqrt(inside - 2 * a * density + a**2 * (1 - inside))


def before_clipping(sigma: float) -> float:
    """Return the inverse of `deviation_after_clipping`; 255 at most."""
    low, high = sigma, 255.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if deviation_after_clipping(middle) < sigma else (low, middle)
    return high


def _squares(pixels: Pixels, range: Range) -> NDArray[np.float32]:
    """(N, 16) squares of pixels of one channel, on a regular grid, in 8-bit units."""
    grid = squares_of(pixels, _SIDE, _MAXIMUM_SQUARES)
    return in_8_bit_units(grid.transpose(0, 2, 4, 1, 3).reshape(-1, _SIDE**2), range)


def _strength(means: NDArray[np.float32], clipped: float, most: float) -> float:
    """Return the sigma at which as many pixels would be clipped at 0 as were; 0 to `most`."""
    if not clipped:
        return 0.0
    number = clipped * len(means)
    means = np.sort(means[means < _FAR * most + 0.5])  # np.interp looks near the last one first
    step = most / _STRENGTHS
    low, high, below, above = 0, _STRENGTHS, -number, _number(means, most) - number
    if above < 0:
        return (high - 1) * step
    while high - low > 1:  # Illinois: a straight line, and an end that stays has its miss halved
        guess = round(low + (high - low) * below / (below - above)) if above else low + 1
        guess = min(max(guess, low + 1), high - 1)
        if (miss := _number(means, guess * step) - number) < 0:
            low, below, above = guess, miss, above / 2
        else:
            high, above, below = guess, miss, below / 2
    return low * step


def _number(means: NDArray[np.float32], sigma: float) -> float:
    """Return how many pixels noise would clip to 0, of places with clipped means."""
    # What rounds to 0 is 0.
    away = 0.5 / sigma - _unclipped_in_sigma(means / sigma)
    return float(np.interp(away, *_distribution_table()).sum())


def _unclipped(means: NDArray[Any], sigma: float) -> Values:
    """Return x for h(x), in any units; where clipping left nothing of x, x is 8 sigma below 0."""
    scaled = means / sigma
    return np.where(scaled < _table()[1][-1], sigma * _unclipped_in_sigma(scaled), means)


def _unclipped_in_sigma(scaled: NDArray[Any]) -> Values:
    """Return x for h(x), both in sigma. Far above 0 nothing is clipped, and they are equal."""
    x, y = _table()
    return np.where(scaled < y[-1], np.interp(scaled, y, x), scaled)


def _distribution(scaled: Values) -> Values:
    """Return Phi. scipy.special has it, and takes longer to import than a picture to denoise."""
    return np.asarray(_ERFC(-scaled / math.sqrt(2)), np.float64) / 2


@cache
def _distribution_table() -> tuple[Values, Values]:
    """Return x, and Phi(x)."""
    x = np.linspace(-_FAR, _FAR, _TABLE)
    return x, _distribution(x)


@cache
def _table() -> tuple[Values, Values]:
    """Return x, and h(x), for a sigma of 1."""
    x = np.linspace(-8, 6, _TABLE)
    return x, mean_after_clipping(x, 1.0)
