r"""The Integrate-and-Fire (IF) neuron with soft reset: a pure step over an explicit state.

    V'[t] = V[t-1] + I[t]             integrate the input current
    s[t]  = 1 if V'[t] >= theta       fire; V' = theta fires
    V[t]  = V'[t] - theta s[t]        soft reset: what is above the threshold stays

with V[0] = phi * theta. The soft reset loses nothing: after T steps the emitted charge is

    theta * sum_t s[t] = V[0] + sum_t I[t] - V[T],

so the spike count is the integral of the current, quantised to T + 1 levels. phi = 1/2 makes that
quantisation round to nearest ("midtread"); phi = 0 rounds down, as in the neuron of Castagnetti et
al., "Trainable quantization for speedy spiking neural networks", Front. Neurosci. 2023, whose
threshold, like ours, is learnt. A neuron fires at most once per step, and what stays above the
threshold may fire at the next one.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from spiden_cli.core.neuron.surrogate import Surrogate, rectangular, spike


class NeuronState(NamedTuple):
    """What a neuron carries from one timestep to the next.

    Attributes:
        potential: membrane potential V, of the shape of the input current.
    """

    potential: Tensor


class IFParameters(NamedTuple):
    """Parameters of a layer of IF neurons.

    Attributes:
        threshold: theta > 0, broadcastable to the input current.
        initial: phi, the initial membrane potential as a fraction of the threshold; a number, or
            broadcastable like the threshold.
        surrogate: stand-in for the derivative of a spike.
    """

    threshold: Tensor
    initial: float | Tensor = 0.5
    surrogate: Surrogate = rectangular


def initial_state(current: Tensor, p: IFParameters) -> NeuronState:
    """Return the state before the first timestep, V = phi * theta, for currents of that shape."""
    return NeuronState(p.initial * p.threshold * torch.ones_like(current))


def if_step(current: Tensor, state: NeuronState, p: IFParameters) -> tuple[Tensor, NeuronState]:
    """Advance IF neurons by one timestep.

    Args:
        current: input current I[t], any shape.
        state: the state after the step before, of the same shape.
        p: threshold, initial potential and surrogate.

    Returns:
        Spikes in {0, 1}, of the shape of `current`, and the next state.
    """
    potential = state.potential + current
    spikes = spike(potential, p.threshold, p.surrogate)
    return spikes, NeuronState(potential - p.threshold * spikes)
