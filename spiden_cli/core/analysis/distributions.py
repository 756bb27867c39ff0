r"""What is known of a neuron's input: its tail moments.

They are all that the closed form asks for:

    H_0(a) = P(x >= a),    H_1(a) = E[max(0, x - a)],    H_2(a) = E[max(0, x - a)^2].

Every distribution here has a standard deviation of one (the rectified Gaussian: before it is
rectified), so thresholds are in units of the input's standard deviation.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from scipy.special import ndtr, ndtri

from spiden_cli.core.analysis.staircase import Values
from spiden_cli.errors import InputError

LOWEST_MEAN, HIGHEST_MEAN = -3, 10
LAPLACE_SCALE = 0.5**0.5  # b, for a standard deviation sqrt(2) b of one


class Tail(NamedTuple):
    """Tail moments H_0, H_1, H_2, each of the shape of the points that were asked for."""

    probability: Values
    excess: Values
    squared_excess: Values


class Distribution(Protocol):
    """The distribution of an input current, constant over time."""

    @property
    def reach(self) -> float:
        """A current that the input as good as never exceeds."""

    def tail(self, at: Values) -> Tail:
        """Return the tail moments at each of these currents."""

    def points(self, count: int) -> Values:
        """Return at most `count` equally likely currents, rising, to simulate with."""


@dataclass(frozen=True)
class Gaussian:
    """Normal distribution of unit variance.

    Attributes:
        mean: in standard deviations.
    """

    mean: float = 0.0

    @property
    def reach(self) -> float:
        """Exceeded with a probability under 1e-15."""
        return max(self.mean, 0) + 8

    def tail(self, at: Values) -> Tail:
        """Return Q(z), p(z) - z Q(z), (1 + z^2) Q(z) - z p(z); z = a - mean, p the density."""
        z = at - self.mean
        density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
        above = ndtr(-z)
        return Tail(above, density - z * above, (1 + z**2) * above - z * density)

    def points(self, count: int) -> Values:
        """Return the quantiles in the middle of `count` equal parts."""
        return np.asarray(self.mean + ndtri((np.arange(count) + 0.5) / count))


@dataclass(frozen=True)
class RectifiedGaussian(Gaussian):
    """max(0, x) of a Gaussian: the input when the layer before has rectified already.

    To a neuron it is the same as the Gaussian, since a negative current and none both fire nothing.
    """

    def tail(self, at: Values) -> Tail:
        """Return the Gaussian's moments; below zero, those of a variable that is always above."""
        zero = super().tail(np.zeros(()))
        below = at <= 0
        lowered = Tail(
            np.ones_like(at),
            zero.excess - at,
            zero.squared_excess - 2 * at * zero.excess + at**2,
        )
        pairs = zip(lowered, super().tail(at), strict=True)
        return Tail(*(np.where(below, low, high) for low, high in pairs))

    def points(self, count: int) -> Values:
        """Return the Gaussian's points, rectified."""
        return super().points(count).clip(min=0)


@dataclass(frozen=True)
class Laplace:
    """Double exponential distribution of unit variance: sparser and heavier-tailed.

    Attributes:
        mean: in standard deviations.
    """

    mean: float = 0.0

    @property
    def reach(self) -> float:
        """Exceeded with a probability under 1e-15."""
        return max(self.mean, 0) + 25

    def tail(self, at: Values) -> Tail:
        """Return e / 2, b e / 2, b^2 e with e = exp(-(a - mean) / b); mirrored below the mean."""
        d = at - self.mean
        b = LAPLACE_SCALE
        e = np.exp(-np.abs(d) / b)
        return Tail(
            np.where(d >= 0, e / 2, 1 - e / 2),
            np.where(d >= 0, b * e / 2, b * e / 2 - d),
            np.where(d >= 0, b**2 * e, d**2 + 2 * b**2 - b**2 * e),
        )

    def points(self, count: int) -> Values:
        """Return the quantiles in the middle of `count` equal parts."""
        p = (np.arange(count) + 0.5) / count
        distance = -LAPLACE_SCALE * np.log(2 * np.minimum(p, 1 - p))
        return np.asarray(self.mean + np.copysign(distance, p - 0.5))


class Sample:
    """Measured currents, in units of their own standard deviation.

    Args:
        currents: any number of values, in any unit.

    Attributes:
        deviation: the standard deviation, in that unit.

    Raises:
        InputError: no current is positive, or all are the same.
    """

    def __init__(self, currents: Values) -> None:
        currents = np.sort(np.asarray(currents, dtype=np.float64).ravel())
        if not len(currents) or currents[-1] <= 0:
            raise InputError("these neurons never get a positive current: nothing to convert")
        if currents[0] == currents[-1]:
            raise InputError("these neurons all get the same current: nothing to compare it with")
        self.deviation = float(currents.std())
        self.values = currents / self.deviation
        self._sums = _sums_from(self.values), _sums_from(self.values**2)

    @property
    def reach(self) -> float:
        """The largest of the currents."""
        return float(self.values[-1])

    def tail(self, at: Values) -> Tail:
        """Return the moments of the sample itself: sums over the values from `at` on."""
        first = np.searchsorted(self.values, at, side="left")
        count = len(self.values) - first
        total, squares = (sums[first] for sums in self._sums)
        excess = total - at * count
        squared = squares - 2 * at * total + at**2 * count
        size = len(self.values)
        return Tail(count / size, excess.clip(min=0) / size, squared.clip(min=0) / size)

    def points(self, count: int) -> Values:
        """Return the currents, or, of more than `count`, an even choice."""
        size = len(self.values)
        chosen = np.arange(size) if size <= count else (np.arange(count) + 0.5) * size / count
        return np.asarray(self.values[chosen.astype(int)])


def _sums_from(values: Values) -> Values:
    """Sums over the values from each index on, and from beyond the last: one longer."""
    return np.append(np.cumsum(values[::-1])[::-1], 0.0)


DISTRIBUTIONS: dict[str, Callable[[float], Distribution]] = {
    "gaussian": Gaussian,
    "laplace": Laplace,
    "rectified-gaussian": RectifiedGaussian,
}


def distribution_named(name: str, mean: float = 0.0) -> Distribution:
    """Return the distribution of that name, with a mean in standard deviations.

    Raises:
        InputError: there is none of that name; or the mean is out of range: so low that hardly
            any current is positive, or not a number.
    """
    if name not in DISTRIBUTIONS:
        names = ", ".join(DISTRIBUTIONS)
        raise InputError(f"unknown distribution {name!r}: choose one of {names}")
    if not LOWEST_MEAN <= mean <= HIGHEST_MEAN:
        raise InputError(
            f"the mean must be {LOWEST_MEAN} to {HIGHEST_MEAN} standard deviations, not {mean:g}"
        )
    return DISTRIBUTIONS[name](mean)
