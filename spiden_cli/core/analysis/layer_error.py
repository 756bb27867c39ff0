r"""The error of a layer of neurons, in its parts: rounding, clipping and order.

Currents are in units of the threshold of their channel. A neuron gets I[1..T], of mean x, and fires
n spikes. The layer-synchronous quantiser would see all of the input before it fires, n_s =
quantise(x) spikes. With y = max(0, x) and q = n / T the error has three parts,

    q - y = (q_s - min(y, 1)) + (min(y, 1) - y) + (q - q_s),
                 rounding           clipping        order

and the order error is what time costs: spikes that came too early (n > n_s: fired before negative
current arrived, which can't take a spike back) or too late (n < n_s: current that arrived when too
few steps were left to fire it; docs/analysis.md, section 6). It is zero in the first layer, whose
input is constant over time. Rounding and clipping never meet, but order meets both, so that their
mean squares add up to the whole only with a cross term, 2 E[(rounding + clipping) order].

A layer of weighted spikes waits for all of its input, and so is the layer-synchronous quantiser: it
makes no order error, and clips at its highest level, 1 - 2^-T.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from spiden_cli.core.analysis.conversion import decibels


@dataclass(frozen=True)
class LayerError:
    """The conversion error of one layer; mean squares in units of the threshold squared.

    Attributes:
        layer: name in the network.
        neuron: "if", "lif" or "weighted".
        timesteps: T.
        neurons: how many were measured.
        mean: mean current.
        deviation: standard deviation of the current, over all neurons.
        signal: E[y^2].
        rounding: mean square of the rounding part.
        clipping: mean square of the clipping part.
        early: mean square of the order part, of neurons that fired more than the quantiser.
        late: the same of neurons that fired less.
        cross: twice the mean product of order and the other parts.
        early_share: share of neurons that fired too much.
        late_share: share of neurons that fired too little.
        rate: spikes per neuron and timestep.
    """

    layer: str
    neuron: str
    timesteps: int
    neurons: int
    mean: float
    deviation: float
    signal: float
    rounding: float
    clipping: float
    early: float
    late: float
    cross: float
    early_share: float
    late_share: float
    rate: float

    @property
    def order(self) -> float:
        """Mean square of the order part."""
        return self.early + self.late

    @property
    def synchronous_mse(self) -> float:
        """Mean squared error of the layer-synchronous quantiser."""
        return self.rounding + self.clipping

    @property
    def mse(self) -> float:
        """Mean squared error of the neurons as they run."""
        return self.synchronous_mse + self.order + self.cross

    @property
    def synchronous_sqnr(self) -> float:
        """Signal-to-quantisation-noise ratio of the layer-synchronous quantiser, in dB."""
        return decibels(self.signal, self.synchronous_mse)

    @property
    def sqnr(self) -> float:
        """Signal-to-quantisation-noise ratio of the neurons as they run, in dB."""
        return decibels(self.signal, self.mse)

    @property
    def threshold(self) -> float:
        """The learnt threshold, in standard deviations of the current."""
        return 1 / self.deviation if self.deviation > 0 else math.inf

    @property
    def waits(self) -> bool:
        """Whether the layer waits for all of its input, so that there is no order in time."""
        return self.neuron == "weighted"


class Response(NamedTuple):
    """What a layer made of its input, each (B, C, H, W) over the threshold; rates are spikes."""

    value: Tensor
    synchronous: Tensor
    rate: Tensor
    highest: float


def error_sums(x: Tensor, response: Response, timesteps: int) -> Tensor:
    """Sum what a `LayerError` is made of over the neurons of one tile: (12,), float64."""
    value, synchronous, rate, highest = response
    y = x.relu()
    clipped = y.clamp(max=highest)
    rounding, clipping = synchronous - clipped, clipped - y
    order = ((value - synchronous) * timesteps).round() / timesteps  # whole spikes, not roundings
    terms = (
        torch.ones_like(x),
        x,
        x.square(),
        y.square(),
        rounding.square(),
        clipping.square(),
        order.clamp(min=0).square(),
        order.clamp(max=0).square(),
        2 * (rounding + clipping) * order,
        order > 0,
        order < 0,
        rate,
    )
    return torch.stack([term.sum(dtype=torch.float64) for term in terms])


def error_of(name: str, neuron: str, timesteps: int, total: Tensor) -> LayerError:
    """Return the error of a layer from the sums over its neurons; see `error_sums`."""
    count = int(total[0])
    mean, square, *rest = (float(value) for value in total[1:] / count)
    deviation = math.sqrt(max(0.0, square - mean**2))
    return LayerError(name, neuron, timesteps, count, mean, deviation, *rest)
