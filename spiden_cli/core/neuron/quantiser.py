r"""The quantiser that T timesteps of an IF neuron are.

An IF neuron with a current that is constant over the T steps, 0 <= x, fires

    n = clip(floor(phi + T x / theta), 0, T)

times: a ReLU, clipped at theta and rounded to T + 1 levels. Where each layer waits for the whole
input of the layer before (layer-synchronous operation), this is the neuron, and one pass over
mean currents stands for T timesteps. That makes it a cheap first phase of training: T times
fewer operations, and weights from which backpropagation through time starts.

The gradient is straight-through (Bengio et al. 2013, arXiv 1308.3432): that of the clipped ReLU.
It is the gradient that an IF neuron has with the rectangular surrogate and a constant current.
"""

import torch
from torch import Tensor


def quantise(current: Tensor, threshold: Tensor, initial: float, timesteps: int) -> Tensor:
    """Return the firing rate of IF neurons under a constant current.

    Args:
        current: mean input current per timestep, any shape.
        threshold: theta > 0, broadcastable to `current`.
        initial: phi, the initial membrane potential as a fraction of the threshold.
        timesteps: T >= 1, the number of levels above zero.

    Returns:
        Spikes per timestep, in {0, 1/T, ..., 1}, of the shape of `current`.
    """
    charge = initial + timesteps * current / threshold
    rate = charge.detach().floor().clamp(0, timesteps) / timesteps
    if not torch.is_grad_enabled():
        return rate
    # floor() lies half a level under the line that it rounds, hence the 1/2.
    line = ((charge - 0.5) / timesteps).clamp(0, 1)
    return line + (rate - line.detach())
