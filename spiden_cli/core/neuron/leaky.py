r"""The Leaky Integrate-and-Fire (LIF) neuron: an IF neuron whose potential decays.

    V'[t] = lambda V[t-1] + I[t],     s[t] = [V'[t] >= theta],     V[t] = V'[t] - theta s[t]

with a learnable leak 0 < lambda <= 1 (Fang et al. 2021, arXiv 2007.05785, learn the membrane time
constant likewise). lambda = 1 is the IF neuron. A leak forgets early currents, so a LIF neuron
loses more of a constant value than an IF neuron of the same threshold.
"""

from typing import NamedTuple

from torch import Tensor

from spiden_cli.core.neuron.integrate_and_fire import IFParameters, NeuronState, if_step


class LIFParameters(NamedTuple):
    """Parameters of a layer of LIF neurons.

    Attributes:
        fire: threshold, initial potential and surrogate, as for IF neurons.
        leak: lambda in (0, 1], broadcastable to the input current: what a step keeps of V.
    """

    fire: IFParameters
    leak: Tensor


def lif_step(current: Tensor, state: NeuronState, p: LIFParameters) -> tuple[Tensor, NeuronState]:
    """Advance LIF neurons by one timestep.

    Args:
        current: input current I[t], any shape.
        state: the state after the step before, of the same shape.
        p: leak, threshold, initial potential and surrogate.

    Returns:
        Spikes in {0, 1}, of the shape of `current`, and the next state.
    """
    return if_step(current, NeuronState(p.leak * state.potential), p.fire)
