r"""The error of converting a value into spikes, split into rounding and clipping.

The value is the rectified current, y = max(0, x), as a CNN would pass it on. The spikes stand for
q = theta n / L, with L levels up to the threshold: T, of weighted spikes 2^T. With y clipped at the
highest level in between, c = theta, of weighted spikes theta (1 - 2^-T),

    q - y = (q - min(y, c)) + (min(y, c) - y)
               rounding          clipping

and one of the two is always zero, because from x = c on the neuron fires at each step. So the mean
squares of the parts add up to the whole exactly (docs/analysis.md, sections 2 and 8).

The closed form sums the tail moments of `distributions` over the edges of `staircase`; the
simulation runs the network's own neuron on equally likely currents.
"""

import math
from dataclasses import dataclass

import numpy as np

from spiden_cli.core.analysis.distributions import Distribution, Tail
from spiden_cli.core.analysis.staircase import Neuron, Values, edges, respond
from spiden_cli.errors import InputError

POINTS = 100_000  # at mean zero within 1e-4 of the signal's power; the far tail is missing


@dataclass(frozen=True)
class Conversion:
    """What becomes of a random value in T timesteps; errors in units of the input's variance.

    Attributes:
        timesteps: T.
        threshold: theta, in standard deviations of the input.
        signal: E[y^2], power of the rectified value.
        rounding: mean square of the rounding part (for LIF, with the bias that the leak makes).
        clipping: mean square of the clipping part.
        affine: mean squared error that is left by the best a + b q; the next layer's weights and
            bias are free to hold that a and b.
        rate: spikes per neuron and timestep.
        silent: share of neurons that never fire.
    """

    timesteps: int
    threshold: float
    signal: float
    rounding: float
    clipping: float
    affine: float
    rate: float
    silent: float

    @property
    def mse(self) -> float:
        """Mean squared error E[(q - y)^2]."""
        return self.rounding + self.clipping

    @property
    def sqnr(self) -> float:
        """Signal-to-quantisation-noise ratio in dB."""
        return decibels(self.signal, self.mse)

    @property
    def affine_sqnr(self) -> float:
        """The same after the best affine read-out."""
        return decibels(self.signal, self.affine)

    @property
    def sparsity(self) -> float:
        """Share of timesteps without a spike."""
        return 1 - self.rate

    @property
    def spikes(self) -> float:
        """Spikes per neuron and inference."""
        return self.rate * self.timesteps


def decibels(signal: float, noise: float) -> float:
    """Return 10 log10(signal / noise); infinite without noise."""
    return 10 * math.log10(signal / noise) if noise > 0 and signal > 0 else math.inf


def closed_form(
    x: Distribution, neuron: Neuron, timesteps: int, threshold: float, steps: Values | None = None
) -> Conversion:
    """Integrate the conversion of a constant random current, level by level.

    Args:
        x: distribution of the current, in standard deviations.
        neuron: initial potential, leak, and whether spikes are weighted.
        timesteps: T >= 1.
        threshold: theta > 0, in standard deviations.
        steps: `edges(neuron, timesteps)`, where they are known already.

    Raises:
        InputError: T or the threshold is out of range.
    """
    _check_threshold(threshold)
    rises = threshold * (edges(neuron, timesteps) if steps is None else steps)
    zero = np.zeros(1)
    height = threshold / neuron.levels(timesteps)
    levels = height * np.arange(len(rises) + 1, dtype=np.float64)
    highest = height * neuron.highest(timesteps)
    starts, ends = np.append(zero, rises), np.append(rises, highest)
    squares = _squares_above(x, starts, levels) - _squares_above(x, ends, levels)
    top, all_of_it = x.tail(np.full(1, highest)), x.tail(zero)

    above = x.tail(rises)
    mean_q = height * float(above.probability.sum())
    product, square_q = map(float, _moments(above, rises, np.asarray(height)))
    return Conversion(
        timesteps=timesteps,
        threshold=threshold,
        signal=float(all_of_it.squared_excess[0]),
        rounding=max(0.0, float(squares.sum())),
        clipping=float(top.squared_excess[0]),
        affine=_affine_error(
            float(all_of_it.excess[0]),
            float(all_of_it.squared_excess[0]),
            mean_q,
            square_q,
            product,
        ),
        rate=float(_rate(above, neuron, timesteps)),
        silent=float(1 - above.probability[0]),
    )


def simulate(
    x: Distribution, neuron: Neuron, timesteps: int, threshold: float, points: int = POINTS
) -> Conversion:
    """Run neurons on equally likely constant currents; arguments and result as `closed_form`.

    Raises:
        InputError: the threshold is out of range.
    """
    _check_threshold(threshold)
    currents = x.points(points)
    level, spikes = respond(currents / threshold, neuron, timesteps)
    height = threshold / neuron.levels(timesteps)
    q = height * level
    y = currents.clip(min=0)
    clipped = y.clip(max=height * neuron.highest(timesteps))
    return Conversion(
        timesteps=timesteps,
        threshold=threshold,
        signal=float((y**2).mean()),
        rounding=float(((q - clipped) ** 2).mean()),
        clipping=float(((clipped - y) ** 2).mean()),
        affine=_affine_error(
            float(y.mean()),
            float((y**2).mean()),
            float(q.mean()),
            float((q**2).mean()),
            float((q * y).mean()),
        ),
        rate=float(spikes.mean() / timesteps),
        silent=float((spikes == 0).mean()),
    )


def errors_and_rates(
    x: Distribution, neuron: Neuron, timesteps: int, steps: Values, thresholds: Values
) -> tuple[Values, Values]:
    """Return the error and the rate alone, at many thresholds at once.

    Args:
        x: distribution of the current, in standard deviations.
        neuron: initial potential, leak, and whether spikes are weighted.
        timesteps: T >= 1.
        steps: the neuron's `edges`.
        thresholds: (N,), in standard deviations.

    Returns:
        E[y^2] - 2 E[q y] + E[q^2], in units of the input's variance, and spikes per timestep; (N,).
    """
    currents = np.outer(thresholds, steps)
    above = x.tail(currents)
    product, square = _moments(above, currents, thresholds / neuron.levels(timesteps))
    errors = x.tail(np.zeros(1)).squared_excess - 2 * product + square
    return np.asarray(errors), _rate(above, neuron, timesteps)


def _rate(above: Tail, neuron: Neuron, timesteps: int) -> Values:
    """Spikes per timestep, from the tails at the edges; last axis."""
    won = above.probability * neuron.spikes_won(timesteps)
    return np.asarray(won.sum(axis=-1) / timesteps)


def _moments(above: Tail, rises: Values, height: Values) -> tuple[Values, Values]:
    """E[q y] and E[q^2], from the tails at the currents where q rises by one height; last axis."""
    odd = 2 * np.arange(1, rises.shape[-1] + 1) - 1
    product = height * (above.excess + rises * above.probability).sum(axis=-1)
    return product, height**2 * (odd * above.probability).sum(axis=-1)


def _squares_above(x: Distribution, at: Values, level: Values) -> Values:
    """E[(x - level)^2; x >= at], from the tail moments about `at`."""
    tail, d = x.tail(at), at - level
    return tail.squared_excess + 2 * d * tail.excess + d**2 * tail.probability


def _affine_error(
    mean_y: float, square_y: float, mean_q: float, square_q: float, product: float
) -> float:
    """Var y - Cov(y, q)^2 / Var q: what linear regression of y on q leaves."""
    variance_q = square_q - mean_q**2
    explained = (product - mean_y * mean_q) ** 2 / variance_q if variance_q > 0 else 0.0
    return max(0.0, square_y - mean_y**2 - explained)


def _check_threshold(threshold: float) -> None:
    if not 0 < threshold < math.inf:
        raise InputError(f"the threshold must be positive, not {threshold:g}")
