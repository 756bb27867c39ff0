"""The network as it is deployed: no batch normalisation, one kernel and bias per convolution.

In plain arrays, so that running a network takes no torch. Every engine starts from these, so that
all of them compute with the same numbers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from spiden_cli.core.network.config import NetworkConfig
from spiden_cli.core.network.families import graph_of
from spiden_cli.core.network.graph import Convolution, Graph, Neurons

if TYPE_CHECKING:
    from spiden_cli.core.network.denoiser import Denoiser

Array = NDArray[np.float32]  # or float64, of a network in double precision
Tensors = Mapping[str, NDArray[Any]]

NORM_EPSILON = np.float32(1e-5)  # torch.nn.BatchNorm2d's own


class FoldedConvolution(NamedTuple):
    """A convolution and its normalisation in one.

    Attributes:
        kernel: (C_out, C_in, k, k) float32.
        bias: (C_out,) float32.
    """

    kernel: Array
    bias: Array


class NeuronParameters(NamedTuple):
    """A layer of K neurons for each of C channels, the first neuron of each channel first.

    Attributes:
        threshold: (K C,) float32, theta > 0.
        initial: (K C,) float32, the potential before the first timestep over the threshold.
        leak: (K C,) float32, what a timestep keeps of the potential; 1 for IF neurons.
    """

    threshold: Array
    initial: Array
    leak: Array


@dataclass(frozen=True)
class FoldedNetwork:
    """A network ready to run.

    Attributes:
        config: its shape.
        convolutions: by node.
        neurons: by node; empty for a CNN.
    """

    config: NetworkConfig
    convolutions: Mapping[str, FoldedConvolution]
    neurons: Mapping[str, NeuronParameters]

    @cached_property
    def graph(self) -> Graph:
        """The nodes."""
        return graph_of(self.config)


def fold_tensors(config: NetworkConfig, tensors: Tensors) -> FoldedNetwork:
    """Make batch normalisations part of the convolutions.

    The result computes what the network does in evaluation mode, up to the rounding of float32.
    Spikes are {0, 1} in both: a threshold scales no spike, the kernels carry it all.

    Args:
        config: the shape of the network.
        tensors: all that `parameter_shapes` names.
    """
    graph = graph_of(config)
    convolutions = {node.name: _convolution(node, tensors) for node in graph.of_type(Convolution)}
    layers = graph.of_type(Neurons) if config.spiking else ()
    neurons = {node.name: _neurons(node, config, tensors) for node in layers}
    return FoldedNetwork(config, convolutions, neurons)


def folded(network: "FoldedNetwork | Denoiser") -> FoldedNetwork:
    """Return a network ready to run; one that learns, on any device, stays as it is."""
    if isinstance(network, FoldedNetwork):
        return network
    tensors = {name: tensor.detach().cpu() for name, tensor in network.state_dict().items()}
    return fold_tensors(network.config, {name: t.numpy() for name, t in tensors.items()})


def fold(network: "Denoiser") -> "Denoiser":
    """Return a copy in torch whose batch normalisations are part of plain convolutions.

    In evaluation mode, and without gradients: a teacher, or a network to look into.
    """
    import copy

    from torch import nn

    deployed = copy.deepcopy(network).eval()
    for name, layer in list(deployed.conv_norms()):
        kernel, bias = layer.folded()
        there = layer.conv
        conv = nn.Conv2d(
            there.in_channels, there.out_channels, kernel.shape[2], padding=kernel.shape[2] // 2,
            stride=there.stride[0],
        )  # fmt: skip
        conv.weight.data, conv.bias.data = kernel.detach(), bias.detach()  # type: ignore[union-attr]
        deployed.set_submodule(name, conv)
    return deployed.requires_grad_(False)


def _convolution(node: Convolution, tensors: Tensors) -> FoldedConvolution:
    if not node.normalised:
        return FoldedConvolution(
            tensors[f"{node.name}.weight"].copy(), tensors[f"{node.name}.bias"].copy()
        )
    gain, shift, mean, variance = (
        tensors[f"{node.name}.norm.{part}"]
        for part in ("weight", "bias", "running_mean", "running_var")
    )
    scale = gain * (np.float32(1) / np.sqrt(variance + NORM_EPSILON))
    kernel = tensors[f"{node.name}.conv.weight"] * scale[:, None, None, None]
    return FoldedConvolution(cast(Array, kernel), cast(Array, shift - mean * scale))


def _neurons(node: Neurons, config: NetworkConfig, tensors: Tensors) -> NeuronParameters:
    """Turn stored logarithms and logits into what they stand for; see `neuron.layer`."""
    # In double precision, so that the result does not hang on a library's single-precision exp.
    logarithm = tensors[f"{node.name}.log_threshold"]
    threshold = np.exp(logarithm.astype(np.float64)).astype(logarithm.dtype)
    ranks = np.arange(node.population, dtype=np.float32)
    phases = np.float32(config.initial_potential) + (ranks + np.float32(0.5)) / np.float32(
        node.population
    )
    initial = np.repeat(phases - np.float32(0.5), node.currents)
    if config.learn_initial:
        initial = initial + tensors[f"{node.name}.initial_shift"]
    leak = np.ones_like(threshold)
    if config.neuron == "lif":
        logit = tensors[f"{node.name}.logit_leak"].astype(np.float64)
        leak = (1 / (1 + np.exp(-logit))).astype(threshold.dtype)
    return NeuronParameters(threshold, initial, leak)
