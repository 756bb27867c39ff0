r"""The generalised Anscombe transform: counts whose noise is made white, and the exact way back.

A pixel z of a counting detector holds a Poisson number of counts, a gain and read noise:

    z = gain p + offset + n,    p ~ Poisson(x),  n ~ N(0, read_noise^2)

With y = (z - offset) / gain and s = read_noise / gain, both in counts, the transform

    f(z) = 2 sqrt(max(0, y + 3/8 + s^2))

has noise of a standard deviation of about 1 whatever the brightness x (Anscombe 1948, Biometrika
35, for s = 0; Starck, Murtagh, Bijaoui 1998, "Image Processing and Data Analysis", for any s):
within 4 % from x = 3 on, while for darker pixels it is lower, and at x = 0 and s = 0 there is none.

A denoiser of f(z) estimates the mean E[f(z) | x], and the algebraic inverse of f, applied to a
mean, is biased. The exact unbiased inverse is the function that takes E[f(z) | x] back to x:
Makitalo, Foi 2011, "Optimal Inversion of the Anscombe Transformation in Low-Count Poisson Image
Denoising", IEEE TIP 20(1), for s = 0; 2013, "Optimal Inversion of the Generalized Anscombe
Transformation for Poisson-Gaussian Noise", IEEE TIP 22(1), for any s. It is tabulated here from the
definition: a sum over p and an integral over n for x up to 150 counts; beyond, Taylor's expansion
of f around the mean up to the fourth central moment. What lies below the mean without any light
becomes x = 0, as in both papers.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from spiden_cli.core.noise.model import PoissonGaussian

__all__ = ["Anscombe"]

Values = NDArray[np.float32]

_ANSCOMBE = 3 / 8
_SUMMED = 150.0
"""Counts up to which the mean of the transform is summed: its expansion is exact to 1e-6 there."""
_MOST_COUNTS = 1e10
_NORMAL = np.linspace(-8, 8, 801)  # where the density of read noise is integrated, in deviations


@dataclass(frozen=True)
class Anscombe:
    """The transform for one kind of counts, and its exact unbiased inverse.

    Attributes:
        noise: gain, offset and read noise, in the units of the values that are transformed.
    """

    noise: PoissonGaussian

    def forward(self, values: NDArray[np.number]) -> Values:
        """Return f(z): noise of a standard deviation of about 1.

        Args:
            values: z, of any shape, in the units of the noise; any number is fine.

        Returns:
            float32 of the same shape, >= 0; a value of x counts becomes about 2 sqrt(x).
        """
        scaled = np.asarray(values, np.float32) - np.float32(self.noise.offset)
        scaled *= np.float32(1 / self.noise.gain)
        scaled += np.float32(_ANSCOMBE + self._read_variance)
        np.maximum(scaled, 0, out=scaled)
        np.sqrt(scaled, out=scaled)
        scaled *= 2
        return scaled

    def inverse(self, means: NDArray[np.number]) -> Values:
        """Return the brightness whose transform has a mean: the exact unbiased inverse.

        Args:
            means: E[f(z) | x], of any shape, such as what a denoiser made of f(z).

        Returns:
            float32 of the same shape, gain x + offset, in the units of the noise; >= offset. It
            does not fall where `means` does not.
        """
        at, correction = self._table
        mean = np.maximum(np.asarray(means, np.float32), np.float32(at[0]))
        # x = D^2 / 4 + a correction that hardly changes, so that few points of it will do.
        counts = np.interp(mean, at, correction).astype(np.float32)
        counts += mean * mean / 4
        np.maximum(counts, 0, out=counts)
        counts *= np.float32(self.noise.gain)
        counts += np.float32(self.noise.offset)
        return counts

    def expected(self, values: NDArray[np.number]) -> Values:
        """Return E[f(z) | x] of clean values: what `inverse` takes back.

        Args:
            values: gain x + offset, of any shape, in the units of the noise; below the offset
                there is no light.

        Returns:
            float32 of the same shape.
        """
        counts = (np.asarray(values, np.float64) - self.noise.offset) / self.noise.gain
        counts = counts.clip(0, _MOST_COUNTS)
        means, correction = self._table
        at = means**2 / 4 + correction
        # D^2 / 4 less x hardly changes, as in the inverse.
        squares = 4 * (counts - np.interp(counts, at, correction))
        expected: Values = np.sqrt(squares.clip(means[0] ** 2, None)).astype(np.float32)
        return expected

    def mean(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return E[f(z) | x], the mean of the transform.

        Args:
            counts: x >= 0, of any shape, not in pixel units but in counts.
        """
        flat = np.ravel(np.asarray(counts, np.float64))
        means = self._expanded(flat)
        few = flat < _SUMMED
        if few.any():
            means[few] = self._summed(flat[few])
        return means.reshape(np.shape(counts))

    @property
    def _read_variance(self) -> float:
        """Variance of the read noise, in counts squared: s^2."""
        return (self.noise.read_noise / self.noise.gain) ** 2

    @cached_property
    def _table(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Means D in rising order, and x - D^2 / 4 at each."""
        few = np.linspace(0, np.sqrt(_SUMMED), 400, endpoint=False) ** 2
        counts = np.concatenate([few, np.geomspace(_SUMMED, _MOST_COUNTS, 800)])
        means = self.mean(counts)
        return means, counts - means**2 / 4

    def _summed(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        from scipy.stats import poisson  # slow to import, and few pictures need it

        deviation = np.sqrt(self._read_variance)
        density = np.exp(-(_NORMAL**2) / 2)
        density /= density.sum()
        number = np.arange(int(_SUMMED + 12 * np.sqrt(_SUMMED)))
        under_root = number[:, None] + deviation * _NORMAL + _ANSCOMBE + self._read_variance
        of_number = 2 * np.sqrt(under_root.clip(min=0)) @ density
        probability = poisson.pmf(number, counts[:, None])
        means: NDArray[np.float64] = probability @ of_number
        return means

    def _expanded(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        root = counts + _ANSCOMBE + self._read_variance
        variance = counts + self._read_variance
        # Central moments of y: variance, x, 3 variance^2 + x; derivatives of 2 sqrt(root).
        means: NDArray[np.float64] = (
            2 * np.sqrt(root)
            - variance / 4 * root**-1.5
            + counts / 8 * root**-2.5
            - 15 / 192 * (3 * variance**2 + counts) * root**-3.5
        )
        return means
