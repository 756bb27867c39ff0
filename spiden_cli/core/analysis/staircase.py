r"""The transfer curve of one neuron under a constant current: a staircase of T levels, clipped.

With currents in units of the threshold, an IF neuron driven by x at each of T timesteps fires

    n(x) = clip(floor(phi + T x), 0, T),

so its k-th spike is won at the edge e_k = (k - phi) / T. A LIF neuron's count is a staircase too,
since it never falls as x grows (docs/analysis.md, section 5), but only two of its edges have a
closed form,

    e_1 = (1 - lambda) (1 - phi lambda^T) / (1 - lambda^T),
    e_T = 1 - phi lambda^T (1 - lambda) / (1 - lambda^T);

the others are found by bisection of the simulated count.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import torch

from spiden_cli.core.neuron.integrate_and_fire import IFParameters, initial_state
from spiden_cli.core.neuron.layer import run
from spiden_cli.core.neuron.leaky import LIFParameters, lif_step
from spiden_cli.errors import InputError

Values = npt.NDArray[np.float64]

MOST_TIMESTEPS = 1024
BISECTIONS = 60
BLOCK = 2**22  # spikes


@dataclass(frozen=True)
class Neuron:
    """A neuron whose threshold is the unit of current.

    Attributes:
        initial: phi in [0, 1), the membrane potential before the first step over the threshold.
        leak: lambda in (0, 1], what a step keeps of the potential; 1 is the IF neuron.
    """

    initial: float = 0.5
    leak: float = 1.0

    def __post_init__(self) -> None:
        """Refuse a neuron that could fire without current.

        Raises:
            InputError: phi or the leak is out of range.
        """
        if not 0 <= self.initial < 1:
            raise InputError(f"the initial potential must be in [0, 1), not {self.initial:g}")
        if not 0 < self.leak <= 1:
            raise InputError(f"the leak must be in (0, 1], not {self.leak:g}")

    @property
    def name(self) -> str:
        """The name that network configurations use: "if" or "lif"."""
        return "if" if self.leak == 1 else "lif"


def check_timesteps(timesteps: int) -> None:
    """Refuse a T that is too small to mean anything, or too large to wait for.

    Raises:
        InputError: T is not 1 to 1024.
    """
    if not 1 <= timesteps <= MOST_TIMESTEPS:
        raise InputError(f"timesteps must be 1 to {MOST_TIMESTEPS}, not {timesteps}")


def spike_counts(currents: npt.ArrayLike, neuron: Neuron, timesteps: int) -> Values:
    """Run the network's own neuron, in float64, on constant currents.

    Args:
        currents: in units of the threshold, any shape.
        neuron: initial potential and leak.
        timesteps: T >= 1.

    Returns:
        Number of spikes, 0 to T, of the shape of `currents`.
    """
    current = torch.as_tensor(np.asarray(currents, dtype=np.float64))
    one = torch.ones((), dtype=torch.float64)
    p = LIFParameters(IFParameters(one, neuron.initial), one * neuron.leak)
    step = partial(lif_step, p=p)
    counts = torch.zeros_like(current).flatten()
    side = max(1, BLOCK // timesteps)
    with torch.no_grad():
        # `run` keeps the spikes of every timestep, hence in blocks.
        for start in range(0, len(counts), side):
            part = current.flatten()[start : start + side]
            spikes, _ = run([part] * timesteps, initial_state(part, p.fire), step)
            counts[start : start + side] = torch.stack(spikes).sum(0)
    return np.asarray(counts.reshape(current.shape).numpy())


def edges(neuron: Neuron, timesteps: int) -> Values:
    """Return the smallest currents that fire 1, 2, ..., T spikes, in units of the threshold.

    Args:
        neuron: initial potential and leak.
        timesteps: 1 <= T <= 1024.

    Returns:
        (T,), rising; of the LIF neuron only the first and the last in closed form.

    Raises:
        InputError: T is out of range.
    """
    check_timesteps(timesteps)
    if neuron.leak == 1:
        return np.asarray((np.arange(1, timesteps + 1) - neuron.initial) / timesteps)
    rises = simulated_edges(neuron, timesteps)
    kept = neuron.leak**timesteps  # of a potential, after all the steps
    lost = -np.expm1(timesteps * np.log1p(neuron.leak - 1))  # 1 - kept, exact near a leak of one
    share = (1 - neuron.leak) / lost  # 1 over the sum of lambda^t
    rises[0] = share * (1 - neuron.initial * kept)
    rises[-1] = 1 - share * neuron.initial * kept
    return rises


def simulated_edges(neuron: Neuron, timesteps: int) -> Values:
    """Return the same as `edges`, found on the simulated neuron by bisection."""
    wanted = np.arange(1, timesteps + 1)
    silent = np.zeros(timesteps)  # no current, no spike
    firing = np.ones(timesteps)  # a threshold's worth of current fires at each step
    for _ in range(BISECTIONS):
        middle = (silent + firing) / 2
        reached = spike_counts(middle, neuron, timesteps) >= wanted
        firing, silent = np.where(reached, middle, firing), np.where(reached, silent, middle)
    return firing
