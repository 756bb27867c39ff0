r"""The weighted-spike neuron: its T spikes are the binary digits of a value.

The neuron waits until its input is complete, and then sends one digit a timestep, the most
significant first. With x the whole input, V[0] = x + phi theta / 2^T and theta[0] = theta,

    theta[t] = theta[t-1] / 2             the threshold halves
    s[t] = 1 if V[t-1] >= theta[t]        fire
    V[t] = V[t-1] - theta[t] s[t]         soft reset

(on a chip, the potential doubles instead). The spike of step t weighs theta / 2^t, so that T spikes
stand for theta n / 2^T with

    n = clip(floor(phi + 2^T x / theta), 0, 2^T - 1):

a clipped ReLU, rounded to 2^T levels, where T spikes of equal weight carry T + 1. phi = 1/2 rounds
to nearest. Kim et al. 2018 (Neurocomputing 311, "Deep neural networks with weighted spikes"),
Stoeckl and Maass 2021 (Nature Machine Intelligence 3, few-spikes neurons, arXiv 2002.00860), and
Wang et al. 2021 (radix encoding, arXiv 2105.06943) code values so. It needs layers that wait for
each other: a digit sent before the input is complete can't be taken back (arXiv 2408.17245). An
image therefore passes L layers in L T timesteps, and in a pipeline one image leaves every T.

Since a convolution is linear, the T planes of spikes drive the next layer by what one pass over
their weighted sum does: training and the dense engine run that.
"""

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

from spiden_cli.core.neuron.integrate_and_fire import IFParameters
from spiden_cli.core.neuron.quantiser import quantise


class WeightedState(NamedTuple):
    """What a neuron carries from one timestep to the next.

    Attributes:
        potential: membrane potential V, of the shape of the input.
        threshold: that of the step before, broadcastable to V.
    """

    potential: Tensor
    threshold: Tensor


def weighted_state(total: Tensor, p: IFParameters, timesteps: int) -> WeightedState:
    """Return the state before the first timestep.

    Args:
        total: the whole input x, any shape.
        p: threshold and initial potential; the surrogate has no part in this.
        timesteps: T, the number of digits that will be sent.
    """
    return WeightedState(total + p.initial * p.threshold * 2.0**-timesteps, p.threshold)


def weighted_step(state: WeightedState) -> tuple[Tensor, WeightedState]:
    """Advance weighted-spike neurons by one timestep.

    Returns:
        Spikes in {0, 1}, of the shape of the potential, and the next state.
    """
    threshold = state.threshold / 2
    spikes = (state.potential >= threshold).to(state.potential.dtype)
    return spikes, WeightedState(state.potential - threshold * spikes, threshold)


def weighted_values(total: Tensor, p: IFParameters, timesteps: int) -> Tensor:
    """Return what T timesteps of spikes add up to, in units of the threshold: one pass for all.

    Args:
        total: the whole input x, any shape.
        p: threshold and initial potential.
        timesteps: T.

    Returns:
        Multiples of 2^-T in [0, 1), of the shape of `total`.
    """
    levels = 2**timesteps
    return quantise(total, p.threshold, p.initial, levels, levels - 1)


def digits(values: Tensor, timesteps: int) -> Tensor:
    """Return the spikes that stand for values.

    Args:
        values: (B, ...), multiples of 2^-T in [0, 1).
        timesteps: T.

    Returns:
        (T, B, ...) in {0, 1}, the most significant digit first.
    """
    planes, left = [], values
    for _ in range(timesteps):
        left = left * 2
        planes.append(left.floor())
        left = left - planes[-1]
    return torch.stack(planes)


class _Spikes(torch.autograd.Function):
    """The number of ones among the digits, with the slope of what it is on average."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, timesteps: int) -> Tensor:  # noqa: ANN401
        ctx.save_for_backward(values)
        ctx.timesteps = timesteps
        # Whole numbers of one byte, where they fit: this runs at every layer of a training step.
        numbers = (values * 2**timesteps).to(torch.uint8 if timesteps <= 8 else torch.int64)
        count = numbers & 1
        for place in range(1, timesteps):
            count += (numbers >> place) & 1
        return count.to(values.dtype)  # type: ignore[no-any-return]

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        (values,) = ctx.saved_tensors
        most = 2.0**ctx.timesteps
        slope: Tensor = (most / (2 * math.log(2))) / (1 + most * values)
        return slope.mul_(grads[0]), None


def spike_count(values: Tensor, timesteps: int) -> Tensor:
    """Return how many spikes stand for each value: the ones among its digits.

    The numbers 0 to n have about log2(n + 1) / 2 ones on average. Its slope stands in for the
    derivative, so that a penalty on spikes finds the way to fewer.

    Args:
        values: multiples of 2^-T in [0, 1), any shape.
        timesteps: T.

    Returns:
        0 to T, of the shape of `values`.
    """
    return _Spikes.apply(values, timesteps)  # type: ignore[no-any-return,no-untyped-call]
