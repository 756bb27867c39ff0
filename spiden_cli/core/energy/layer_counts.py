"""Numbers of operations, of a layer and of a network."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace

from spiden_cli.core.network.graph import ConvolutionShape


@dataclass(frozen=True)
class Operations:
    """Numbers of operations; they add up over layers and passes.

    Attributes:
        macs: multiply-accumulates of real values: the encoder, and every layer of a CNN.
        accumulates: a kernel weight added because a spike came in.
        biases: additions of a bias; once in the encoder and in a CNN, else at every timestep.
        integrations: V + I, an addition for each neuron and timestep.
        leaks: lambda V, a multiplication for each LIF neuron and timestep.
        doublings: of a current or a potential, with weighted spikes; priced as additions.
        comparisons: V >= theta for each neuron and timestep; max(0, x) in a CNN.
        resets: V - theta, for each spike that the driven neurons send.
        shortcuts: additions of a membrane shortcut, at every timestep; once in a CNN.
        averages: additions that sum the read-out over the timesteps.
        scalings: multiplications of the read-out: 1 / T, and the noise level.
        subtractions: of the predicted noise from the image.
        spikes_in: spikes that enter the convolution.
        spikes_out: spikes that the driven neurons send.
        silent_in: inputs that are zero in the whole inference, as far as measured.
        currents: reads of a current that is kept in memory, by the neurons that it drives, over
            all timesteps.
        copies: words of a constant current that are copied to a stream that is added to, likewise.
        neurons: driven neurons, times timesteps.
    """

    macs: int = 0
    accumulates: int = 0
    biases: int = 0
    integrations: int = 0
    leaks: int = 0
    doublings: int = 0
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
    copies: int = 0
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
        return self.integrations + self.doublings + self.resets + self.shortcuts + self.averages

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

    shape: ConvolutionShape
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


def total_operations(counts: Iterable[LayerCounts]) -> Operations:
    """Return the operations of all layers."""
    return sum((layer.operations for layer in counts), Operations())


def by_layer(counts: Sequence[LayerCounts]) -> dict[str, list[LayerCounts]]:
    """Gather the counts of each layer, over the sizes of images."""
    gathered: dict[str, list[LayerCounts]] = {}
    for layer in counts:
        gathered.setdefault(layer.shape.name, []).append(layer)
    return gathered
