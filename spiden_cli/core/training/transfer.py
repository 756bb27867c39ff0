r"""Starting a run from weights that exist: the same kind of network, or its CNN twin.

From a CNN twin, thresholds are set so that T spikes span what the ReLU used to pass on. An IF
neuron stands for clip(u / theta, 0, 1) where the twin had relu(u), so theta goes into the kernels
that follow: W' = theta W. For u ~ N(0, s^2), E[relu(u)^2] = s^2 / 2, which gives each channel's s
from measured activations; theta = threshold * s, with the preset's threshold in units of s.

Where a layer is a population of K F neurons per channel and the source's of K (or of one), each of
its neurons is split into F, and the kernel that follows is divided by F: the mean of them.

A network with a branch whose last gain is zero can start from the chain without it: it is grown.

A colour network can start from a grey one: what it then does to the mean of the colours is what the
grey one did to its image.
"""

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from spiden_cli.core.network.config import NetworkConfig
from spiden_cli.core.network.denoiser import Denoiser
from spiden_cli.core.network.families import graph_of
from spiden_cli.core.network.folding import fold
from spiden_cli.core.network.graph import Convolution, Neurons
from spiden_cli.core.network.layers import ConvNorm
from spiden_cli.core.neuron.layer import IFLayer
from spiden_cli.core.noise.training import Batch
from spiden_cli.core.weights import load_weights
from spiden_cli.errors import TrainingError


def start_from(network: Denoiser, path: Path, calibration: Batch) -> None:
    """Load the weights of `path` into `network`, turning a CNN twin's into a spiking network's.

    Args:
        network: what to fill; its topology must be that of the file.
        path: a weights file.
        calibration: patches on which a twin's activations are measured.

    Raises:
        WeightsError: the file can't be read.
        TrainingError: it holds another topology, or a spiking network for a CNN to start from.
    """
    source, info = load_weights(path)
    if network.config.image_channels > source.config.image_channels:
        source = _coloured(source)
    if info.config.spiking and not network.config.spiking:
        raise TrainingError(f"{path} holds a spiking network: a CNN can't start from it")
    narrow = _narrowed(network, info.config)
    if not network.config.spiking and _can_grow(source, network):
        narrow.load_state_dict(source.state_dict(), strict=False)
        return
    if _topology(source) != _topology(narrow):
        raise TrainingError(f"{path} holds a network of another shape: choose its preset")
    if network.config.spiking and not info.config.spiking:
        _from_twin(narrow, source, calibration)
    else:
        narrow.load_state_dict(
            source.state_dict(), strict=False
        )  # a leak or a learnt potential may be extra
    if narrow is not network:
        _widen(network, narrow)


def load_teacher(path: Path, network: Denoiser) -> Denoiser:
    """Load a network to learn from, folded.

    Args:
        path: a weights file; of any shape, as long as it is for the same kind of image.
        network: what learns from it.

    Raises:
        WeightsError: the file can't be read.
        TrainingError: it is for grey images and the network for colour, or the other way round.
    """
    teacher, _ = load_weights(path)
    if teacher.config.image_channels != network.config.image_channels:
        raise TrainingError(f"{path} can't teach: one network is for grey, the other for colour")
    folded = fold(teacher)
    folded.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return folded


def _coloured(grey: Denoiser) -> Denoiser:
    """Return a colour network that sees the mean of three colours, and corrects each alike."""
    network = Denoiser(replace(grey.config, image_channels=3))
    tensors, pixels = grey.state_dict(), grey.config.unshuffle**2
    *_, last = grey.graph.of_type(Convolution)
    for node in grey.graph.of_type(Convolution):
        if not grey.graph.spike_driven(node):  # it sees the image
            kernel = tensors[f"{node.name}.conv.weight"]
            colours = [kernel[:, :pixels] / 3] * 3
            tensors[f"{node.name}.conv.weight"] = torch.cat([*colours, kernel[:, pixels:]], dim=1)
    tensors[f"{last.name}.weight"] = tensors[f"{last.name}.weight"].repeat(3, 1, 1, 1)
    tensors[f"{last.name}.bias"] = tensors[f"{last.name}.bias"].repeat(3)
    network.load_state_dict(tensors)
    return network.eval()


def _topology(network: Denoiser) -> dict[str, torch.Size]:
    tensors = network.state_dict()
    return {name: t.shape for name, t in tensors.items() if not _is_neuron(name)}


def _can_grow(source: Denoiser, network: Denoiser) -> bool:
    """Return whether a network is a chain with a branch, and the source is that chain."""
    chain = replace(network.config, family="chain")
    return network.config.family == "branched" and source.graph == graph_of(chain)


def _is_neuron(name: str) -> bool:
    return name.endswith(("log_threshold", "logit_leak", "initial_shift"))


def _narrowed(network: Denoiser, source: NetworkConfig) -> Denoiser:
    """Return a network with the source's populations, if they can be split; or itself."""
    config = network.config

    def narrowed(wanted: int, there: int) -> int:
        return there if wanted % there == 0 else wanted

    narrow = replace(
        config,
        population=narrowed(config.population, source.population),
        inner_population=narrowed(config.inner_population, source.inner_population),
    )
    return network if narrow == config else Denoiser(narrow)


def _widen(network: Denoiser, narrow: Denoiser) -> None:
    """Fill a network with populations from one where a single neuron stands for several of them.

    One of K neurons has the initial potential in the middle of those of the F that follow it among
    K F, and starts as their mean.
    """
    tensors = narrow.state_dict()
    wide = network.state_dict()

    def split(name: str, along: int, channels: int) -> Tensor:
        factor = wide[name].shape[along] // tensors[name].shape[along]
        ranks = tensors[name].unflatten(along, (-1, channels)).repeat_interleave(factor, along)
        mean: Tensor = ranks.flatten(along, along + 1) / (factor if along else 1)
        return mean

    for node in network.graph.of_type(Neurons):
        for name in wide:
            if name.startswith(f"{node.name}.") and _is_neuron(name):
                tensors[name] = split(name, 0, node.currents)
        for reader in network.graph.consumers(node):
            name = f"{reader.name}.weight"
            name = name if name in wide else f"{reader.name}.conv.weight"
            tensors[name] = split(name, 1, node.currents)
    network.load_state_dict(tensors)


@torch.no_grad()
def _from_twin(network: Denoiser, twin: Denoiser, calibration: Batch) -> None:
    squares: dict[str, Tensor] = {}

    def observe(name: str, activations: Tensor) -> None:
        squares[name] = activations.square().mean((0, 2, 3))

    twin(calibration.noisy.cpu(), calibration.sigma.cpu(), observe=observe)
    network.load_state_dict(twin.state_dict(), strict=False)
    for node in network.graph.spike_convolutions:
        spread = (2 * squares[node.name]).sqrt()
        # A channel that the twin left silent keeps a small threshold rather than none.
        threshold = network.config.threshold * spread.clamp_min(0.01 * float(spread.max()))
        layer = network.get_submodule(node.inputs[0])
        assert isinstance(layer, IFLayer)
        layer.log_threshold.copy_(threshold.log())
        driven = network.get_submodule(node.name)
        weight = driven.conv.weight if isinstance(driven, ConvNorm) else driven.weight
        assert isinstance(weight, Tensor)
        weight.mul_(threshold.to(weight)[:, None, None])
