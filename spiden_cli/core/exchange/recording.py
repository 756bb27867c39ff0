"""The spikes of a whole network for one picture: every layer, every neuron, every timestep.

A layer is named by the node that fires. Spikes are kept as bits, eight neurons of a row to a byte,
since a picture has millions of them. `record` computes what the dense engine computes, with its
convolutions, and so finds the same spikes.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spiden_cli.core.engine.dense import FoldedLayers
from spiden_cli.core.engine.engine import check_timesteps
from spiden_cli.core.image.pixels import as_planes
from spiden_cli.core.network.encoding import encode
from spiden_cli.core.network.execution import execute
from spiden_cli.core.network.folding import FoldedNetwork, NeuronParameters, folded
from spiden_cli.core.network.graph import Convolution, Graph, Neurons
from spiden_cli.core.neuron.integrate_and_fire import IFParameters, initial_state
from spiden_cli.core.neuron.layer import repeat_channels
from spiden_cli.core.neuron.leaky import LIFParameters, lif_step
from spiden_cli.core.neuron.weighted import digits, weighted_state, weighted_values
from spiden_cli.core.noise.model import Level
from spiden_cli.errors import InputError

if TYPE_CHECKING:
    from spiden_cli.core.network.denoiser import Denoiser

__all__ = ["MOST_PIXELS", "LayerSpikes", "OnLayer", "Recording", "record"]

OnLayer = Callable[[int, int], None]
"""Called with the number of layers done, and of all layers."""

MOST_PIXELS = 2**22
"""Larger pictures are refused: the currents of a layer are held for all timesteps at once."""


@dataclass(frozen=True, eq=False)
class LayerSpikes:
    """What one layer of neurons sent.

    Attributes:
        name: of the layer.
        packed: (T, N, H', ceil(W' / 8)) uint8, the spikes as bits along a row, the first neuron in
            the highest bit. N = K C: the first neuron of each of the C channels comes first.
        width: W', positions in a row.
        population: K, neurons for each channel.
        scale: pixels of the picture along each side of a position.
        parameters: threshold, initial potential over the threshold, and leak, (N,) each.
        potentials: (T, N, H', W') float32, V after each timestep and its reset; None where they
            were not recorded.
    """

    name: str
    packed: NDArray[np.uint8]
    width: int
    population: int
    scale: int
    parameters: NeuronParameters
    potentials: NDArray[np.float32] | None = None

    @property
    def spikes(self) -> NDArray[np.uint8]:
        """The spikes as numbers, (T, N, H', W') in {0, 1}."""
        return np.unpackbits(self.packed, axis=-1, count=self.width)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """T, N, H' and W'."""
        steps, neurons, height, _ = self.packed.shape
        return steps, neurons, height, self.width

    @property
    def channels(self) -> int:
        """Channels of the current that drives the neurons, N / K."""
        return self.shape[1] // self.population

    def counts(self) -> NDArray[np.int64]:
        """Return the spikes of each timestep and neuron over all positions, (T, N)."""
        counted: NDArray[np.int64] = np.bitwise_count(self.packed).sum((2, 3), dtype=np.int64)
        return counted

    def rate_map(self) -> NDArray[np.float64]:
        """Return spikes per neuron and timestep at each position, (H', W') in [0, 1]."""
        total = np.zeros(self.shape[2:], np.int64)
        for step in self.packed:  # one at a time: a byte for each bit
            total += np.unpackbits(step, axis=-1, count=self.width).sum(0, dtype=np.int64)
        mapped: NDArray[np.float64] = total / (self.shape[0] * self.shape[1])
        return mapped

    def silent(self) -> float:
        """Return the share of neurons, over all positions, that sent no spike."""
        fired = np.bitwise_or.reduce(self.packed, axis=0)
        return 1 - int(np.bitwise_count(fired).sum()) / int(np.prod(self.shape[1:]))


@dataclass(frozen=True, eq=False)
class Recording:
    """The spikes of a network for one picture.

    Attributes:
        neuron: "if", "lif" or "weighted"; see docs/analysis.md.
        timesteps: T.
        layers: by name, in the order of the data.
        encoded: (C', H', W') float32: what the first convolution sees at each timestep, the pixels
            of each position and, where the network is told it, the noise level over 64.
        drawn: (C'', H', W') float32: the mean current of the read-out, the predicted noise in units
            of the noise level where the network is told it, else of the range from black to white.
    """

    neuron: str
    timesteps: int
    layers: Mapping[str, LayerSpikes]
    encoded: NDArray[np.float32]
    drawn: NDArray[np.float32]


def layer_names(graph: Graph) -> list[str]:
    """Return the layers of neurons of a network, in the order of the data."""
    return [node.name for node in graph.of_type(Neurons)]


@torch.inference_mode()
def record(
    network: "FoldedNetwork | Denoiser",
    noisy: NDArray[np.floating[Any]],
    level: Level,
    timesteps: int,
    *,
    layers: Collection[str] | None = None,
    potentials: bool = False,
    on_layer: OnLayer = lambda done, of: None,
) -> Recording:
    """Run a network on one picture, on the CPU, and keep what its neurons send.

    Args:
        network: a spiking one.
        noisy: (C, H, W) of any float type, C the channels of the network, range [0, 1] plus noise.
        level: what the network is told of the noise.
        timesteps: T, 1 to 64.
        layers: those to keep; None: all.
        potentials: keep membrane potentials, too: 32 times the memory of unpacked bits.
        on_layer: told the number of layers of neurons done, kept or not, and of all.

    Raises:
        InputError: the network is a CNN; there is no such layer; the picture has more than
            `MOST_PIXELS`, another shape or other channels than the network, or whole numbers; T is
            out of range.
    """
    noisy, ready = as_planes(noisy), folded(network)
    config, graph = ready.config, ready.graph
    check_timesteps(timesteps)
    if not config.spiking:
        raise InputError("a CNN sends no spikes: name a spiking network")
    if noisy.shape[0] != config.image_channels:
        raise InputError(
            f"the network is for {config.image_channels} channels, the picture has {noisy.shape[0]}"
        )
    if noisy[0].size > MOST_PIXELS:
        raise InputError(
            f"the spikes of {noisy[0].size / 1e6:.1f} megapixels don't fit: cut out a part of the "
            f"picture, at most {MOST_PIXELS / 1e6:.1f} megapixels"
        )
    names = layer_names(graph)
    if unknown := sorted(set(layers or ()) - set(names)):
        raise InputError(f"no layer {unknown[0]!r}: the layers are {', '.join(names)}")
    recorder = _Recorder(ready, set(names if layers is None else layers), potentials, on_layer)
    image = torch.from_numpy(noisy)[None].contiguous(memory_format=torch.channels_last)
    sigma = torch.as_tensor(level, dtype=image.dtype)
    encoded = encode(image, sigma[None, None] if sigma.ndim else sigma[None], config, graph.grid)
    steps = 1 if config.one_pass else timesteps
    drawn = execute(graph, recorder, encoded, timesteps, steps)
    return Recording(
        config.neuron, timesteps, recorder.layers, _array(encoded[0]), _array(drawn[0])
    )


class _Recorder:
    """The layers of a folded network, as `execute` asks for them; keeps what they send."""

    def __init__(
        self, network: FoldedNetwork, kept: set[str], potentials: bool, on_layer: OnLayer
    ) -> None:
        self._network, self._dense = network, FoldedLayers(network, torch.device("cpu"))
        self._kept, self._potentials, self._on_layer = kept, potentials, on_layer
        self._fired = 0
        self.layers: dict[str, LayerSpikes] = {}

    def convolve(self, node: Convolution, x: Tensor) -> Tensor:
        return self._dense.convolve(node, x)

    def fire(self, node: Neurons, current: Tensor, timesteps: int) -> Tensor:
        if node.name not in self._kept:
            sent = self._dense.fire(node, current, timesteps)
        elif self._network.config.weighted:
            sent = self._digits(node, current, timesteps)
        else:
            sent = self._step_by_step(node, current, timesteps)
        self._fired += 1
        self._on_layer(self._fired, len(self._network.neurons))
        return sent

    def _step_by_step(self, node: Neurons, current: Tensor, timesteps: int) -> Tensor:
        threshold, initial, leak = self._dense.neurons[node.name]
        p = LIFParameters(IFParameters(threshold, initial), leak)
        currents = repeat_channels(current, node.population).chunk(timesteps)
        state, sent, left = initial_state(currents[0], p.fire), [], []
        for now in currents:  # with a leak of 1, an IF neuron's step to the bit
            fired, state = lif_step(now, state, p)
            sent.append(fired)
            left.append(state.potential)
        spikes = torch.cat(sent)
        self._keep(node, spikes, left)
        return spikes

    def _digits(self, node: Neurons, total: Tensor, timesteps: int) -> Tensor:
        threshold, initial, _ = self._dense.neurons[node.name]
        p = IFParameters(threshold, initial)
        total = repeat_channels(total, node.population)
        values = weighted_values(total, p, timesteps)
        spikes = digits(values, timesteps)[:, 0]
        potential, left = weighted_state(total, p, timesteps).potential, []
        for step, fired in enumerate(spikes, 1):
            potential = potential - threshold * 2.0**-step * fired
            left.append(potential)
        self._keep(node, spikes, left)
        return values

    def _keep(self, node: Neurons, spikes: Tensor, left: list[Tensor]) -> None:
        self.layers[node.name] = LayerSpikes(
            node.name,
            np.packbits(spikes.numpy() > 0, axis=-1),
            spikes.shape[-1],
            node.population,
            node.scale,
            self._network.neurons[node.name],
            _array(torch.cat(left)) if self._potentials else None,
        )


def _array(values: Tensor) -> NDArray[np.float32]:
    return np.ascontiguousarray(values.numpy())
