"""What a pass through the network took: spikes per layer, and the additions they caused.

A synaptic operation is one spike reaching one synapse: a kernel weight added to a membrane
potential. At the border of an image some taps of the kernel fall outside; they are not counted,
in the spiking network no more than in the CNN beside it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class LayerActivity:
    """The input of one spike-driven convolution, over all timesteps.

    Attributes:
        spikes: spikes that came in.
        neurons: neurons that could have sent one.
        slots: chances to fire, neurons times timesteps; sums over images and tiles.
        silent: neurons that sent none in a whole inference.
        synaptic_operations: additions to membrane potentials that the spikes caused.
        dense_operations: multiply-accumulates of the same convolution, done once and densely.
    """

    spikes: int
    neurons: int
    slots: int
    silent: int
    synaptic_operations: int
    dense_operations: int

    def __add__(self, other: "LayerActivity") -> "LayerActivity":
        """Return the activity of both passes together."""
        return LayerActivity(
            self.spikes + other.spikes,
            self.neurons + other.neurons,
            self.slots + other.slots,
            self.silent + other.silent,
            self.synaptic_operations + other.synaptic_operations,
            self.dense_operations + other.dense_operations,
        )

    @property
    def firing_rate(self) -> float:
        """Spikes per neuron and timestep, in [0, 1]."""
        return self.spikes / self.slots

    @property
    def spikes_per_neuron(self) -> float:
        """Spikes per neuron and inference, in [0, T]."""
        return self.spikes / self.neurons


Activity = Mapping[str, LayerActivity]
"""By layer, in the order of the data; empty for a CNN, which has no spikes."""


def reach(side: int) -> Tensor:
    """Return how many positions a kernel of three reaches from each along a side, border aware."""
    inside = torch.full((side,), 3.0, dtype=torch.float64)
    inside[0] -= 1
    inside[-1] -= 1
    return inside


def taps(height: int, width: int) -> Tensor:
    """Return how many positions a 3x3 kernel reaches from each position: (H, W), border aware."""
    return torch.outer(reach(height), reach(width))


def layer_activity(
    spike_counts: Tensor, silent: int, channels_in: int, channels_out: int, timesteps: int
) -> LayerActivity:
    """Count what the spikes of one image cause in the 3x3 convolution that they enter.

    Args:
        spike_counts: (H, W), spikes of all channels and timesteps at each position, on the CPU.
        silent: neurons that sent no spike.
        channels_in: input channels of the convolution.
        channels_out: output channels of the convolution.
        timesteps: T.
    """
    counts = spike_counts.double()
    reached = taps(*counts.shape)
    neurons = counts.numel() * channels_in
    return LayerActivity(
        spikes=int(counts.sum()),
        neurons=neurons,
        slots=neurons * timesteps,
        silent=silent,
        synaptic_operations=int((counts * reached).sum()) * channels_out,
        dense_operations=int(reached.sum()) * channels_in * channels_out,
    )


def total(activities: Iterable[Activity]) -> Activity:
    """Return the sum over passes of the same network."""
    result: dict[str, LayerActivity] = {}
    for activity in activities:
        for name, layer in activity.items():
            result[name] = result[name] + layer if name in result else layer
    return result


def mean_firing_rate(activity: Activity) -> float:
    """Return spikes per neuron and timestep over the whole network; NaN for a CNN."""
    slots = sum(layer.slots for layer in activity.values())
    return sum(layer.spikes for layer in activity.values()) / slots if slots else float("nan")


def synaptic_operations(activity: Activity) -> int:
    """Return the synaptic operations of all layers."""
    return sum(layer.synaptic_operations for layer in activity.values())
