r"""The transfer curve of one neuron under a constant current: a clipped staircase.

With currents in units of the threshold, an IF neuron driven by x at each of T timesteps fires

    n(x) = clip(floor(phi + T x), 0, T),

so its k-th spike is won at the edge e_k = (k - phi) / T. A LIF neuron's count is a staircase too,
since it never falls as x grows (docs/analysis.md, section 5), but only two of its edges have a
closed form,

    e_1 = (1 - lambda) (1 - phi lambda^T) / (1 - lambda^T),
    e_T = 1 - phi lambda^T (1 - lambda) / (1 - lambda^T);

the others are found by bisection of the simulated count. A weighted-spike neuron, whose spikes are
the binary digits of n, has the IF neuron's staircase with 2^T levels in place of T,

    n(x) = clip(floor(phi + 2^T x), 0, 2^T - 1),    e_k = (k - phi) / 2^T,

where x is the whole input, and the highest level lies below the threshold.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from spiden_cli.core.neuron.integrate_and_fire import IFParameters, initial_state
from spiden_cli.core.neuron.leaky import LIFParameters, lif_step
from spiden_cli.core.neuron.weighted import weighted_state, weighted_step
from spiden_cli.errors import InputError

Values = npt.NDArray[np.float64]

MOST_TIMESTEPS = 1024
MOST_DIGITS = 10  # as many levels as so many timesteps of equal weight
BISECTIONS = 60


@dataclass(frozen=True)
class Neuron:
    """A neuron whose threshold is the unit of current.

    Attributes:
        initial: phi in [0, 1), the membrane potential before the first step over the threshold.
            Of a weighted-spike neuron: over the level, theta / 2^T.
        leak: lambda in (0, 1], what a step keeps of the potential; 1 is the IF neuron.
        weighted: whether spikes are the binary digits of the level, and not all worth the same.
    """

    initial: float = 0.5
    leak: float = 1.0
    weighted: bool = False

    def __post_init__(self) -> None:
        """Refuse a neuron that could fire without current.

        Raises:
            InputError: phi or the leak is out of range, or weighted spikes have a leak.
        """
        if not 0 <= self.initial < 1:
            raise InputError(f"the initial potential must be in [0, 1), not {self.initial:g}")
        if not 0 < self.leak <= 1:
            raise InputError(f"the leak must be in (0, 1], not {self.leak:g}")
        if self.weighted and self.leak < 1:
            raise InputError("a weighted-spike neuron has no leak: it fires after all of its input")

    @property
    def name(self) -> str:
        """The name that network configurations use: "if", "lif" or "weighted"."""
        if self.weighted:
            return "weighted"
        return "if" if self.leak == 1 else "lif"

    def levels(self, timesteps: int) -> int:
        """Return how many levels there are from zero to the threshold: T, or 2^T."""
        return 2**timesteps if self.weighted else timesteps

    def highest(self, timesteps: int) -> int:
        """Return the highest level that T spikes can stand for: T, or 2^T - 1."""
        return 2**timesteps - 1 if self.weighted else timesteps

    def spikes_won(self, timesteps: int) -> Values:
        """Return how many spikes each level from the first on has more than the one below it.

        One; of weighted spikes, whose number is that of the ones among the binary digits, one less
        for each 1 that the carry turns into 0.
        """
        if not self.weighted:
            return np.ones(timesteps)
        return np.diff(np.bitwise_count(np.arange(2**timesteps)).astype(np.float64))


def check_timesteps(timesteps: int, weighted: bool = False) -> None:
    """Refuse a T that is too small to mean anything, or too large to wait for.

    Raises:
        InputError: T is not 1 to 1024, of weighted spikes 1 to 10.
    """
    most = MOST_DIGITS if weighted else MOST_TIMESTEPS
    if not 1 <= timesteps <= most:
        spikes = " of weighted spikes" if weighted else ""
        raise InputError(f"timesteps{spikes} must be 1 to {most}, not {timesteps}")


class Response(NamedTuple):
    """What neurons make of constant currents, each of the shape of the currents.

    Attributes:
        level: the level n that the spikes stand for, 0 to `Neuron.highest`.
        spikes: their number, 0 to T; the same, unless spikes are weighted.
    """

    level: Values
    spikes: Values


def respond(currents: npt.ArrayLike, neuron: Neuron, timesteps: int) -> Response:
    """Run the network's own neuron, in float64, on constant currents.

    Args:
        currents: in units of the threshold, any shape; of a weighted-spike neuron whole inputs.
        neuron: initial potential, leak, and whether spikes are weighted.
        timesteps: T >= 1.
    """
    current = torch.as_tensor(np.asarray(currents, dtype=np.float64))
    level, spikes = torch.zeros_like(current), torch.zeros_like(current)
    with torch.no_grad():
        for index, fired in enumerate(_fired(current, neuron, timesteps)):
            spikes += fired
            level += fired * (2 ** (timesteps - 1 - index) if neuron.weighted else 1)
    return Response(level.numpy(), spikes.numpy())


def _fired(current: Tensor, neuron: Neuron, timesteps: int) -> Iterator[Tensor]:
    """Yield the spikes of each timestep."""
    one = torch.ones((), dtype=torch.float64)
    fire = IFParameters(one, neuron.initial)
    if neuron.weighted:
        sending = weighted_state(current, fire, timesteps)
        for _ in range(timesteps):
            fired, sending = weighted_step(sending)
            yield fired
        return
    state = initial_state(current, fire)
    for _ in range(timesteps):
        fired, state = lif_step(current, state, LIFParameters(fire, one * neuron.leak))
        yield fired


def edges(neuron: Neuron, timesteps: int) -> Values:
    """Return the smallest currents that reach level 1, 2, ..., in units of the threshold.

    Args:
        neuron: initial potential, leak, and whether spikes are weighted.
        timesteps: 1 <= T <= 1024; of weighted spikes at most 10.

    Returns:
        (T,), of weighted spikes (2^T - 1,), rising; of the LIF neuron only the first and the last
        in closed form.

    Raises:
        InputError: T is out of range.
    """
    check_timesteps(timesteps, neuron.weighted)
    if neuron.leak == 1:
        places = np.arange(1, neuron.highest(timesteps) + 1)
        return np.asarray((places - neuron.initial) / neuron.levels(timesteps))
    rises = simulated_edges(neuron, timesteps)
    kept = neuron.leak**timesteps  # of a potential, after all the steps
    lost = -np.expm1(timesteps * np.log1p(neuron.leak - 1))  # 1 - kept, exact near a leak of one
    share = (1 - neuron.leak) / lost  # 1 over the sum of lambda^t
    rises[0] = share * (1 - neuron.initial * kept)
    rises[-1] = 1 - share * neuron.initial * kept
    return rises


def simulated_edges(neuron: Neuron, timesteps: int) -> Values:
    """Return the same as `edges`, found on the simulated neuron by bisection."""
    wanted = np.arange(1, neuron.highest(timesteps) + 1)
    silent = np.zeros(len(wanted))  # no current, no spike
    firing = np.ones(len(wanted))  # a threshold's worth of current fires at each step
    for _ in range(BISECTIONS):
        middle = (silent + firing) / 2
        reached = respond(middle, neuron, timesteps).level >= wanted
        firing, silent = np.where(reached, middle, firing), np.where(reached, silent, middle)
    return firing
