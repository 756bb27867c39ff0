"""What each layer of a trained network loses, measured on an image."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from spiden_cli.core.analysis.distributions import Sample
from spiden_cli.core.analysis.layer_error import LayerError, Response, error_of, error_sums
from spiden_cli.core.analysis.staircase import Neuron, check_timesteps
from spiden_cli.core.network.denoiser import Denoiser
from spiden_cli.core.network.graph import Neurons
from spiden_cli.core.neuron.layer import IFLayer, LIFLayer, WeightedLayer, repeat_channels
from spiden_cli.core.neuron.weighted import spike_count
from spiden_cli.errors import InputError

TILE = 256  # pixels
SAMPLE = 200_000  # currents kept for a threshold sweep


@dataclass(frozen=True, eq=False)
class LayerMeasurement:
    """What one image drives through a network.

    Attributes:
        layers: the error of each measured layer of spiking neurons; none for a CNN twin.
        sample: mean currents of the one layer that was asked for.
        neuron: that layer's neuron, of its mean leak and initial potential; None for a CNN twin.
    """

    layers: tuple[LayerError, ...]
    sample: Sample | None = None
    neuron: Neuron | None = None


def neuron_layers(network: Denoiser) -> dict[str, nn.Module]:
    """Return each layer of neurons by name, in the order of the data."""
    nodes = network.graph.of_type(Neurons)
    return {node.name: network.get_submodule(node.name) for node in nodes}


def tiles_of(image: Tensor) -> list[Tensor]:
    """Cut an image (C, H, W) into near-equal parts of at most 256 x 256 pixels.

    Each then is measured as an image of its own: its edges see the network's zero padding.
    """
    rows = torch.tensor_split(image, math.ceil(image.shape[1] / TILE), dim=1)
    columns = math.ceil(image.shape[2] / TILE)
    return [tile for row in rows for tile in torch.tensor_split(row, columns, dim=2)]


@torch.inference_mode()
def measure(
    network: Denoiser,
    tiles: Sequence[Tensor],
    sigma: float,
    timesteps: int,
    layer: str | None = None,
    on_progress: Callable[[], None] = lambda: None,
) -> LayerMeasurement:
    """Run the tiles of an image through a network, and measure its layers of neurons.

    Memory does not grow with their number. Layers are summed over all of their neurons; of the one
    named layer, an even sample of mean currents is kept as well.

    Args:
        network: in evaluation mode; a CNN twin too, of which only a sample can be had.
        tiles: each (C, H, W), range [0, 1]; noise may leave that range.
        sigma: noise level that the network is told, in 8-bit units.
        timesteps: T >= 1.
        layer: measure this layer alone, and keep a sample of it.
        on_progress: called after each tile.

    Raises:
        InputError: no layer of that name, T out of range, a CNN twin without a layer to sample, or
            a layer that no positive current reaches.
    """
    check_timesteps(timesteps)
    layers = _chosen(network, layer)
    sums: dict[str, Tensor] = {}
    kept: list[Tensor] = []
    generator = torch.Generator().manual_seed(0)

    def record(name: str, neurons: nn.Module, current: Tensor, spikes: Tensor) -> None:
        mean = current
        if isinstance(neurons, IFLayer):
            mean, response = _response(neurons, current, spikes, timesteps)
            sums[name] = sums.get(name, torch.zeros(())) + error_sums(mean, response, timesteps)
        if layer is not None:
            kept.append(_choose(mean.flatten(), SAMPLE // len(tiles), generator))

    with _hooks(layers, record):
        for tile in tiles:
            network(tile[None], sigma, timesteps)
            on_progress()
    kind = network.config.neuron
    errors = tuple(error_of(name, kind, timesteps, total) for name, total in sums.items())
    if layer is None:
        return LayerMeasurement(errors)
    sample = Sample(torch.cat(kept).double().numpy())
    return LayerMeasurement(errors, sample, _neuron_of(layers[layer]))


def _neuron_of(layer: nn.Module) -> Neuron | None:
    if not isinstance(layer, IFLayer):
        return None
    leak = float(layer.leak.mean()) if isinstance(layer, LIFLayer) else 1.0
    initial = min(max(float(layer.initial_potential.mean()), 0.0), 0.999)  # at 1 it fires at rest
    return Neuron(initial, leak, isinstance(layer, WeightedLayer))


def _response(
    neurons: IFLayer, current: Tensor, output: Tensor, timesteps: int
) -> tuple[Tensor, Response]:
    """Return mean currents over the threshold, and what the neurons made of them."""
    if isinstance(neurons, WeightedLayer):
        mean, highest = current, 1 - 0.5**timesteps
        response = Response(output, output, spike_count(output, timesteps) / timesteps, highest)
    else:
        mean = _by_timestep(current, timesteps).mean(0)
        synchronous = neurons.forward(mean, timesteps, quantised=True)  # calls no hook
        rate = _by_timestep(output, timesteps).mean(0)
        response = Response(rate, synchronous, rate, 1.0)
    return repeat_channels(mean, neurons.population) / neurons.threshold, response


def _chosen(network: Denoiser, layer: str | None) -> dict[str, nn.Module]:
    layers = neuron_layers(network)
    if layer is None:
        if not network.config.spiking:
            raise InputError(
                "a CNN twin has no spikes in time: name a layer, to convert its currents"
            )
        return layers
    if layer not in layers:
        raise InputError(f"no layer of neurons {layer!r}: choose one of {', '.join(layers)}")
    return {layer: layers[layer]}


@contextmanager
def _hooks(
    layers: dict[str, nn.Module], record: Callable[[str, nn.Module, Tensor, Tensor], None]
) -> Iterator[None]:
    """Call `record` with the input and output of each layer, whenever it runs."""

    def hook_of(name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        return lambda module, inputs, output: record(name, module, inputs[0], output)

    handles = [module.register_forward_hook(hook_of(name)) for name, module in layers.items()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _by_timestep(values: Tensor, timesteps: int) -> Tensor:
    """Reshape (T * B, C, H, W) to (T, B, C, H, W)."""
    return values.reshape(timesteps, -1, *values.shape[1:])


def _choose(values: Tensor, most: int, generator: torch.Generator) -> Tensor:
    """Return at most that many of the values, drawn at random."""
    if len(values) <= most:
        return values
    return values[torch.randint(len(values), (most,), generator=generator)]
