"""Networks small enough to be run by hand, and such whose sums are exact."""

from dataclasses import replace

import numpy as np

from spiden_cli.core.network.config import NetworkConfig
from spiden_cli.core.network.families import graph_of
from spiden_cli.core.network.folding import FoldedConvolution, FoldedNetwork, NeuronParameters
from spiden_cli.core.network.graph import Convolution, Graph, Neurons
from spiden_cli.core.network.presets import preset

LEAST_LAYERS = {"unet": 10}
"""Of the presets that can't be as shallow as others."""

SIGMA = 32.0
"""A noise level whose place in the noise map is a binary fraction."""


SPIKING = [
    ("base", {}),
    ("base-if", {"learn_initial": True}),
    ("tiny-if", {"neuron": "lif"}),
    ("unet", {}),
    ("dncnn17", {}),
]
"""Presets and changes to them, for `shrunk`: every kind of neuron and every family."""


def shrunk(name: str, **changes: object) -> NetworkConfig:
    """A preset of few channels and layers: shrunk("base", neuron="lif", layers=8)."""
    settings = {"image_channels": 1, "width": 5, "layers": 6, **changes}
    settings["layers"] = max(settings["layers"], LEAST_LAYERS.get(name, 0))
    return replace(preset(name), **settings)


def exact(
    config: NetworkConfig, seed: int, graph: Graph | None = None, parts: int = 64
) -> FoldedNetwork:
    """A network whose kernels and biases are binary fractions, and whose neurons fire often.

    Their sums are exact in float32, whatever the order: no spike hangs on a rounding.

    Args:
        config: of the network.
        seed: of its numbers.
        graph: its nodes; None: those of the configuration.
        parts: of 1, that kernels and biases are multiples of.
    """
    random = np.random.default_rng(seed)
    nodes = graph or graph_of(config)

    def rounded(values: np.ndarray) -> np.ndarray:
        return (np.rint(values * parts) / parts).astype(np.float32)

    convolutions, neurons = {}, {}
    for node in nodes.of_type(Convolution):
        size = (node.channels, node.channels_in, node.kernel, node.kernel)
        spread = node.gain * np.sqrt((2 if node.normalised else 1 / 3) / (size[1] * size[2] ** 2))
        convolutions[node.name] = FoldedConvolution(
            rounded(random.normal(0, spread, size)),
            rounded(random.normal(0, 0.25, node.channels)),
        )
    for node in nodes.of_type(Neurons):
        phases = config.initial_potential + (np.arange(node.population) + 0.5) / node.population
        initial = np.repeat(phases - 0.5, node.currents)
        if config.learn_initial:
            initial = initial + random.uniform(-1, 0.5, node.channels)
        leak = random.uniform(0.7, 1, node.channels) if config.neuron == "lif" else 1.0
        neurons[node.name] = NeuronParameters(
            np.exp(random.uniform(-1, 0.5, node.channels)).astype(np.float32),
            initial.astype(np.float32),
            np.broadcast_to(np.float32(leak), node.channels).astype(np.float32),
        )
    network = FoldedNetwork(config, convolutions, neurons)
    vars(network)["graph"] = nodes  # as if it had been looked up
    return network


def picture(config: NetworkConfig, height: int, width: int, seed: int = 0) -> np.ndarray:
    """Noise whose values are binary fractions, (C, H, W) float32."""
    size = (config.image_channels, height, width)
    return (np.random.default_rng(seed).integers(-64, 320, size) / 256).astype(np.float32)
