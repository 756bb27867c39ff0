r"""The quantiser that T timesteps of an IF neuron are.

An IF neuron with a current that is constant over the T steps, 0 <= x, fires

    n = clip(floor(phi + T x / theta), 0, T)

times: a ReLU, clipped at theta and rounded to T + 1 levels. Where each layer waits for the whole
input of the layer before (layer-synchronous operation), this is the neuron, and one pass over
mean currents stands for T timesteps. That makes it a cheap first phase of training: T times
fewer operations, and weights from which backpropagation through time starts.

A weighted-spike neuron (`weighted.py`) is the same with 2^T levels, the highest 2^T - 1.

The gradient is straight-through (Bengio et al. 2013, arXiv 1308.3432): that of the clipped ReLU.
At T = 1 it is also the gradient that the IF neuron has with the rectangular surrogate.
"""

from typing import Any

import torch
from torch import Tensor


class _Quantise(torch.autograd.Function):
    """One pass each way where autograd would take ten: training spends its time here."""

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401
        current: Tensor,
        threshold: Tensor,
        initial: float | Tensor,
        levels: int,
        highest: int,
    ) -> Tensor:
        charge = (current * (levels / threshold)).add_(initial)
        ctx.save_for_backward(current, threshold, charge)
        ctx.highest = highest
        return charge.floor().clamp_(0, highest).mul_(1 / levels)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None, None, None]:  # noqa: ANN401
        current, threshold, charge = ctx.saved_tensors
        # floor() lies half a level under the line that it rounds, hence the 1/2.
        slope = torch.ops.aten.hardtanh_backward(grads[0], charge, 0.5, ctx.highest + 0.5)
        to_current = slope.div_(threshold)
        to_threshold = -(to_current * current).sum_to_size(threshold.shape) / threshold
        return to_current.to(current.dtype), to_threshold, None, None, None


def quantise(
    current: Tensor,
    threshold: Tensor,
    initial: float | Tensor,
    levels: int,
    highest: int | None = None,
) -> Tensor:
    """Return the firing rate of IF neurons under a constant current.

    Args:
        current: mean input current per timestep, any shape.
        threshold: theta > 0, broadcastable to `current`.
        initial: phi, the initial membrane potential as a fraction of a level.
        levels: from zero to the threshold; T >= 1 for IF neurons.
        highest: the level that larger currents have; None for `levels`.

    Returns:
        Spikes per timestep, in {0, 1/levels, ..., highest/levels}, of the shape of `current`.
    """
    highest = levels if highest is None else highest
    return _Quantise.apply(current, threshold, initial, levels, highest)  # type: ignore[no-any-return,no-untyped-call]
