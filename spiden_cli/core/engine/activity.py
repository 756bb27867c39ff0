"""What a pass through the network took: spikes per layer, and the additions they caused.

A synaptic operation is one spike reaching one synapse: a kernel weight added to a membrane
potential. At the border of an image some taps of the kernel fall outside; they are not counted,
in the spiking network no more than in the CNN beside it. Nor is the margin that a tile is read
with: the numbers are those of the picture, whatever it was cut into.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spiden_cli.core.engine.tiling import Window
from spiden_cli.core.network.graph import ConvolutionShape, reach


@dataclass(frozen=True)
class LayerActivity:
    """The input of one spike-driven convolution, over all timesteps.

    Attributes:
        spikes: spikes that came in.
        neurons: neurons that could have sent one.
        channels: values that they stand for, channels times positions: fewer than the neurons
            where each channel has a population of them.
        slots: chances to fire, neurons times timesteps; sums over images and tiles.
        silent: neurons that sent none in a whole inference.
        synaptic_operations: additions to membrane potentials that the spikes caused.
        dense_operations: multiply-accumulates of the same convolution, done once and densely.
    """

    spikes: int
    neurons: int
    channels: int
    slots: int
    silent: int
    synaptic_operations: int
    dense_operations: int

    def __add__(self, other: "LayerActivity") -> "LayerActivity":
        """Return the activity of both passes together."""
        return LayerActivity(
            self.spikes + other.spikes,
            self.neurons + other.neurons,
            self.channels + other.channels,
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

    @property
    def spikes_per_channel(self) -> float:
        """Spikes per channel, position and inference, in [0, K T] with K neurons a channel."""
        return self.spikes / self.channels


Activity = Mapping[str, LayerActivity]
"""By layer, in the order of the data; empty for a CNN, which has no spikes."""


def layer_activity(
    shape: ConvolutionShape,
    window: Window,
    spikes: NDArray[np.integer],
    fired: NDArray[np.integer],
    timesteps: int,
) -> LayerActivity:
    """Count what the spikes of one image cause in the convolution that they enter.

    Args:
        shape: the convolution over the image.
        window: the input positions that count: a tile's margin is another tile's work.
        spikes: (H, W), spikes of all channels and timesteps at each position of the image.
        fired: (H, W), neurons that sent at least one.
        timesteps: T.
    """
    rows = reach(shape.height, shape.kernel, shape.stride)[window.rows]
    columns = reach(shape.width, shape.kernel, shape.stride)[window.columns]
    counts = spikes[window].astype(np.int64)
    return counted(
        shape, window, int(counts.sum()), int(fired[window].sum()),
        int(rows @ counts @ columns), timesteps,
    )  # fmt: skip


def counted(
    shape: ConvolutionShape, window: Window, spikes: int, fired: int, reached: int, timesteps: int
) -> LayerActivity:
    """Return the activity of a convolution whose input has been counted.

    Args:
        shape: the convolution over the image.
        window: the input positions that were counted.
        spikes: spikes that came in.
        fired: neurons that sent at least one.
        reached: output positions that the spikes reached, summed over the spikes.
        timesteps: T.
    """
    tall, wide = window.shape
    neurons = shape.channels_in * tall * wide
    taps = int(reach(shape.height, shape.kernel, shape.stride)[window.rows].sum()) * int(
        reach(shape.width, shape.kernel, shape.stride)[window.columns].sum()
    )
    return LayerActivity(
        spikes=spikes,
        neurons=neurons,
        channels=neurons // shape.population,
        slots=neurons * timesteps,
        silent=neurons - fired,
        synaptic_operations=reached * shape.channels_out,
        dense_operations=taps * shape.channels_in * shape.channels_out,
    )


def sum_activities(activities: Iterable[Activity]) -> Activity:
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


def mean_spikes_per_channel(activity: Activity) -> float:
    """Return spikes per channel, position and inference over the whole network; NaN for a CNN."""
    channels = sum(layer.channels for layer in activity.values())
    return sum(layer.spikes for layer in activity.values()) / channels if channels else float("nan")


def synaptic_operations(activity: Activity) -> int:
    """Return the synaptic operations of all layers."""
    return sum(layer.synaptic_operations for layer in activity.values())
