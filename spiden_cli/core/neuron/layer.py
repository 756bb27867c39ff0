"""A layer of neurons: learnable thresholds, and the only loop over time.

Everything else in the network works on T * B images at once; only here does the order of the
timesteps matter.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from spiden_cli.core.neuron.integrate_and_fire import (
    IFParameters,
    NeuronState,
    initial_state,
)
from spiden_cli.core.neuron.leaky import LIFParameters, lif_step
from spiden_cli.core.neuron.quantiser import quantise
from spiden_cli.core.neuron.surrogate import surrogate_named
from spiden_cli.core.neuron.unrolled import unrolled
from spiden_cli.core.neuron.weighted import weighted_values

Step = Callable[[Tensor, NeuronState], tuple[Tensor, NeuronState]]


def run(
    currents: Sequence[Tensor], state: NeuronState, step: Step
) -> tuple[list[Tensor], NeuronState]:
    """Drive neurons with T timesteps of current.

    Args:
        currents: T currents of one shape.
        state: the state before the first step, of that shape.
        step: one timestep, with its parameters bound.

    Returns:
        T tensors of spikes in {0, 1}, and the state after the last step.
    """
    spikes = []
    for current in currents:
        fired, state = step(current, state)
        spikes.append(fired)
    return spikes, state


def repeat_channels(current: Tensor, population: int) -> Tensor:
    """Give each of K neurons the current of its channel: (N, C, H, W) to (N, K C, H, W)."""
    return current if population == 1 else torch.cat([current] * population, dim=1)


class IFLayer(nn.Module):
    """A layer of Integrate-and-Fire neurons, one learnable threshold per channel.

    The threshold is stored as its logarithm, so that it stays positive whatever the optimiser does.

    Args:
        channels: C, channels of the input current.
        threshold: starting value of theta.
        initial: phi, the initial membrane potential as a fraction of the threshold.
        surrogate: name of the surrogate gradient.
        population: K neurons for each channel. All K have its current, and initial potentials
            phi + (k + 1/2) / K - 1/2, so that together they round to K T + 1 levels (Hermite's
            identity: the sum over k of floor(y + k / K) is floor(K y)).
        learn_initial: whether these are only where each neuron's initial potential starts. It is
            learnt through time; the quantiser, which has no first timestep, leaves it as it is.
    """

    def __init__(
        self,
        channels: int,
        threshold: float,
        initial: float = 0.5,
        surrogate: str = "rectangular",
        population: int = 1,
        learn_initial: bool = False,
    ) -> None:
        super().__init__()
        thresholds = torch.full((population * channels,), math.log(threshold))
        self.log_threshold = nn.Parameter(thresholds)
        self.initial_shift = nn.Parameter(torch.zeros_like(thresholds)) if learn_initial else None
        self.initial, self.population = initial, population
        self.surrogate = surrogate_named(surrogate)

    @property
    def threshold(self) -> Tensor:
        """Thresholds theta > 0, shape (K C, 1, 1)."""
        return self.log_threshold.exp()[:, None, None]

    @property
    def initial_potential(self) -> Tensor:
        """Initial membrane potentials over the threshold, shape (K C, 1, 1)."""
        ranks = torch.arange(self.population).to(self.log_threshold)
        phases = self.initial + (ranks + 0.5) / self.population - 0.5
        channels = len(self.log_threshold) // self.population
        initial = phases.repeat_interleave(channels)
        if self.initial_shift is not None:
            initial = initial + self.initial_shift
        return initial[:, None, None]

    def forward(self, current: Tensor, timesteps: int, quantised: bool = False) -> Tensor:
        """Turn currents into spikes.

        Args:
            current: (T * B, C, H, W), timestep by timestep; with `quantised`, (B, C, H, W).
            timesteps: T >= 1.
            quantised: stand for T layer-synchronous timesteps by one pass over mean currents.

        Returns:
            Spikes in {0, 1}, (T * B, K C, H, W), the first neuron of each channel first; with
            `quantised`, firing rates in {0, 1/T, ..., 1}.
        """
        alike = self.population == 1 and self.initial_shift is None
        p = IFParameters(
            self.threshold, self.initial if alike else self.initial_potential, self.surrogate
        )
        current = repeat_channels(current, self.population)
        if quantised:
            return self._quantise(current, p, timesteps)
        return self._unroll(current, p, timesteps)

    def _unroll(self, current: Tensor, p: IFParameters, timesteps: int) -> Tensor:
        return unrolled(current, p, timesteps)

    def _quantise(self, current: Tensor, p: IFParameters, timesteps: int) -> Tensor:
        return quantise(current, p.threshold, p.initial, timesteps)


class LIFLayer(IFLayer):
    """A layer of Leaky Integrate-and-Fire neurons, one learnable leak per channel.

    The leak is stored as its logit, so that it stays in (0, 1). Under a leak the spike count is no
    plain rounding of the current, so the quantised phase runs the T timesteps on the mean current.
    """

    def __init__(
        self,
        channels: int,
        threshold: float,
        initial: float = 0.5,
        surrogate: str = "rectangular",
        population: int = 1,
        learn_initial: bool = False,
    ) -> None:
        super().__init__(channels, threshold, initial, surrogate, population, learn_initial)
        self.logit_leak = nn.Parameter(torch.full_like(self.log_threshold, 3.0))  # lambda = 0.95

    @property
    def leak(self) -> Tensor:
        """Leaks lambda in (0, 1), shape (C, 1, 1)."""
        return self.logit_leak.sigmoid()[:, None, None]

    def _unroll(self, current: Tensor, p: IFParameters, timesteps: int) -> Tensor:
        currents = current.chunk(timesteps)
        spikes, _ = run(currents, initial_state(currents[0], p), self._step(p))
        return torch.cat(spikes)  # unlike stack, it keeps a channels-last layout

    def _quantise(self, current: Tensor, p: IFParameters, timesteps: int) -> Tensor:
        spikes, _ = run([current] * timesteps, initial_state(current, p), self._step(p))
        return torch.stack(spikes).mean(0)

    def _step(self, p: IFParameters) -> Step:
        return partial(lif_step, p=LIFParameters(p, self.leak))


class WeightedLayer(IFLayer):
    """A layer of weighted-spike neurons, one learnable threshold per channel.

    It gives what their T digits add up to, in {0, 1/2^T, ..., 1 - 1/2^T}, for one pass stands for
    T timesteps exactly (see `neuron.weighted`); a quantised network is this network.
    """

    def forward(self, current: Tensor, timesteps: int, quantised: bool = False) -> Tensor:
        """Turn whole inputs (B, C, H, W) into values (B, K C, H, W)."""
        initial = self.initial if self.population == 1 else self.initial_potential
        current = repeat_channels(current, self.population)
        return weighted_values(current, IFParameters(self.threshold, initial), timesteps)


class ReLULayer(nn.Module):
    """The CNN twin's neuron: a rectified linear unit, to which time means nothing."""

    def forward(self, current: Tensor, timesteps: int, quantised: bool = False) -> Tensor:
        """Return max(0, current), of the same shape."""
        return current.relu()
