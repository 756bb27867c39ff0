"""What one layer of a network does in an inference, as exact numbers of operations.

A layer is a 3x3 convolution and what its result goes through: the neurons that it drives, or the
read-out. Additions at taps beyond the border are not counted, in a spiking network no more than
in a CNN. Batch normalisation is folded into the kernels, so it costs nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from types import MappingProxyType

from spiden_cli.core.engine.activity import Activity, LayerActivity
from spiden_cli.core.network.geometry import LayerGeometry, layers
from spiden_cli.core.network.presets import NetworkConfig


@dataclass(frozen=True)
class Operations:
    """Numbers of operations; they add up over layers and passes.

    Attributes:
        macs: multiply-accumulates of real values: the encoder, and every layer of a CNN.
        accumulates: a kernel weight added because a spike came in.
        biases: additions of a bias; once in the encoder and in a CNN, else at every timestep.
        integrations: V + I, an addition for each neuron and timestep.
        leaks: lambda V, a multiplication for each LIF neuron and timestep.
        comparisons: V >= theta for each neuron and timestep; max(0, x) in a CNN.
        resets: V - theta, for each spike that the driven neurons send.
        shortcuts: additions of a membrane shortcut, at every timestep; once in a CNN.
        averages: additions that sum the read-out over the timesteps.
        scalings: multiplications of the read-out: 1 / T, and the noise level.
        subtractions: of the predicted noise from the image.
        spikes_in: spikes that enter the convolution.
        spikes_out: spikes that the driven neurons send.
        silent_in: inputs that are zero in the whole inference, as far as measured.
        currents: reads of a current that is kept in memory by the neurons it drives, or copied
            for the shortcut, over all timesteps.
        neurons: driven neurons, times timesteps.
    """

    macs: int = 0
    accumulates: int = 0
    biases: int = 0
    integrations: int = 0
    leaks: int = 0
    comparisons: int = 0
    resets: int = 0
    shortcuts: int = 0
    averages: int = 0
    scalings: int = 0
    subtractions: int = 0
    spikes_in: int = 0
    spikes_out: int = 0
    silent_in: int = 0
    currents: int = 0
    neurons: int = 0

    def __add__(self, other: "Operations") -> "Operations":
        """Return the operations of both."""
        return Operations(
            *(getattr(self, f.name) + getattr(other, f.name) for f in fields(Operations))
        )

    @property
    def additions(self) -> int:
        """All additions and subtractions outside of multiply-accumulates."""
        return self.accumulates + self.biases + self.neuron_additions + self.subtractions

    @property
    def neuron_additions(self) -> int:
        """Additions and subtractions that don't depend on the input spikes."""
        return self.integrations + self.resets + self.shortcuts + self.averages

    @property
    def multiplications(self) -> int:
        """All multiplications outside of multiply-accumulates."""
        return self.leaks + self.scalings


@dataclass(frozen=True)
class LayerCounts:
    """What a layer does in all passes over images (or tiles) of one size.

    Attributes:
        shape: the layer over one such image; it sizes the memories.
        passes: how many images.
        operations: of all passes.
        spike_driven: whether the input is spikes.
        spiking: whether the layer is part of a spiking network.
        population: neurons that each output drives.
    """

    shape: LayerGeometry
    passes: int
    operations: Operations
    spike_driven: bool
    spiking: bool
    population: int = 1

    @property
    def synapses(self) -> int:
        """Multiply-accumulates of the same convolution done densely, once in each pass."""
        return self.shape.dense_operations * self.passes

    @property
    def density(self) -> float:
        """Share of the inputs that are not zero throughout the inference; 1 where not known."""
        return 1 - self.operations.silent_in / (self.shape.inputs * self.passes)

    def silent(self) -> "LayerCounts":
        """Return the same layer without a single spike: what is left are the static terms."""
        silent_in = self.shape.inputs * self.passes if self.spike_driven else 0
        quiet = {"accumulates": 0, "resets": 0, "spikes_in": 0, "spikes_out": 0}
        return replace(self, operations=replace(self.operations, silent_in=silent_in, **quiet))

    def firing_once(self) -> "LayerCounts":
        """Return the same layer if each neuron around it sent one spike in the inference."""
        operations = self.operations
        out = operations.neurons and self.shape.outputs * self.population * self.passes
        once = {"resets": out, "spikes_out": out}
        if self.spike_driven:
            spikes_in = self.shape.inputs * self.passes
            once |= {"accumulates": self.synapses, "spikes_in": spikes_in, "silent_in": 0}
        return replace(self, operations=replace(operations, **once))


@dataclass(frozen=True)
class Passes:
    """Passes through a spiking network over images of one size.

    Attributes:
        count: how many.
        spikes: by spike-driven layer, in the order of the data, of all passes together.
    """

    count: int
    spikes: Activity


def spiking_counts(
    config: NetworkConfig, height: int, width: int, timesteps: int, passes: Passes
) -> list[LayerCounts]:
    """Count what a spiking network does, layer by layer.

    The image is constant over time, so the encoder works once in an inference and its neurons
    read the current that it left at each timestep; every other layer works at every timestep.

    Args:
        config: the shape of the network.
        height: rows of the image, in pixels.
        width: columns of the image, in pixels.
        timesteps: T.
        passes: the spikes that were measured.
    """
    shapes = layers(config, height, width)
    spikes = [passes.spikes.get(shape.name) for shape in shapes]
    counted = []
    for index, shape in enumerate(shapes):
        outputs = shape.outputs * passes.count
        per_step = outputs * timesteps
        driven = 1
        entering = spikes[index]
        if entering is None:
            operations = Operations(macs=shape.dense_operations * passes.count, biases=outputs)
        else:
            operations = Operations(
                accumulates=entering.synaptic_operations,
                spikes_in=entering.spikes,
                silent_in=entering.silent,
                biases=per_step,
            )
        if index == len(shapes) - 1:
            operations += _readout(outputs, scaled=config.noise_map or timesteps > 1)
            operations += Operations(averages=outputs * (timesteps - 1))
        else:
            leaving = spikes[index + 1]
            assert leaving is not None
            driven = shapes[index + 1].channels_in // shape.channels_out
            operations += _neurons(config, shape, entering is None, per_step, leaving)
        counted.append(
            LayerCounts(shape, passes.count, operations, entering is not None, True, driven)
        )
    return counted


def _neurons(
    config: NetworkConfig,
    shape: LayerGeometry,
    encoder: bool,
    per_step: int,
    leaving: LayerActivity,
) -> Operations:
    """Return what the neurons do that a convolution drives, and the shortcut around it.

    In a population each neuron reads the current, and is a neuron like any other.
    """
    joins = _ends_block(config, shape.name)
    neurons = leaving.slots
    # The encoder's current is read at each step, and copied to the stream of currents that the
    # shortcuts add to; a block's end adds to that stream, which its neurons then read.
    reads = encoder * (neurons + config.shortcuts * per_step) + joins * neurons
    return Operations(
        integrations=neurons,
        leaks=neurons if config.neuron == "lif" else 0,
        comparisons=neurons,
        resets=leaving.spikes,
        spikes_out=leaving.spikes,
        shortcuts=per_step if joins else 0,
        currents=reads,
        neurons=neurons,
    )


def dense_counts(
    config: NetworkConfig,
    height: int,
    width: int,
    passes: int,
    spikes: Activity = MappingProxyType({}),
) -> list[LayerCounts]:
    """Count what a CNN of that shape does, layer by layer.

    Args:
        config: the shape of the network.
        height: rows of the image, in pixels.
        width: columns of the image, in pixels.
        passes: how many such images.
        spikes: of the spiking network of that shape; an activation of a quantised CNN is zero
            where the neuron in its place sends no spike (Yan et al. 2024, theorem 1).
    """
    counted = []
    shapes = layers(config, height, width)
    for index, shape in enumerate(shapes):
        outputs = shape.outputs * passes
        silent = 0
        if shape.name in spikes:  # as a share: a population stands for one activation
            sent = spikes[shape.name]
            silent = sent.silent * shape.inputs * passes // sent.neurons
        operations = Operations(
            macs=shape.dense_operations * passes, biases=outputs, silent_in=silent
        )
        if index == len(shapes) - 1:
            operations += _readout(outputs, scaled=config.noise_map)
        else:
            shortcuts = outputs if _ends_block(config, shape.name) else 0
            operations += Operations(comparisons=outputs, shortcuts=shortcuts)
        counted.append(LayerCounts(shape, passes, operations, False, False))
    return counted


def _readout(outputs: int, scaled: bool) -> Operations:
    """Return what follows the last convolution; 1 / T and the noise level are one factor."""
    return Operations(scalings=outputs if scaled else 0, subtractions=outputs)


def _ends_block(config: NetworkConfig, name: str) -> bool:
    return config.shortcuts and name.endswith(".conv2")


def total(counts: Iterable[LayerCounts]) -> Operations:
    """Return the operations of all layers."""
    return sum((layer.operations for layer in counts), Operations())


def by_layer(counts: Sequence[LayerCounts]) -> dict[str, list[LayerCounts]]:
    """Gather the counts of each layer, over the sizes of images."""
    gathered: dict[str, list[LayerCounts]] = {}
    for layer in counts:
        gathered.setdefault(layer.shape.name, []).append(layer)
    return gathered
