"""What one layer of a network does in an inference, as exact numbers of operations.

A layer is a convolution and what its result goes through: sums, rearrangements, and the neurons
that it drives, or the read-out. Where several convolutions add to the current of some neurons, the
last of them has the neurons. Additions at taps beyond the border are not counted, in a spiking
network no more than in a CNN. Batch normalisation is folded into the kernels, so it costs nothing,
and so does moving a current to another position or resolution.

Where spikes weigh by when they are sent (`neuron.weighted`), what a layer has received doubles
before each timestep's spikes but the first arrive, and its neurons' potentials before each of the T
comparisons; bias, shortcut and integration then happen once, when the input is complete.
"""

import math
from dataclasses import dataclass
from types import MappingProxyType

from spiden_cli.core.energy.layer_counts import LayerCounts, Operations
from spiden_cli.core.engine.activity import Activity, LayerActivity
from spiden_cli.core.network.config import NetworkConfig
from spiden_cli.core.network.families import graph_of
from spiden_cli.core.network.graph import Add, Convolution, Graph, Neurons, Node


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

    The image is constant over time, so what reads it works once in an inference, and the neurons
    read the current that it left at each timestep; every other layer works at every timestep.

    Args:
        config: the shape of the network.
        height: rows of the image, in pixels.
        width: columns of the image, in pixels.
        timesteps: T.
        passes: the spikes that were measured.
    """
    graph = graph_of(config)
    counted = []
    for shape in graph.convolutions(height, width):
        outputs = shape.outputs * passes.count
        held = 1 if config.weighted else timesteps  # how often a current is made
        entering = passes.spikes.get(shape.name)
        if entering is None:
            operations = Operations(macs=shape.dense_operations * passes.count, biases=outputs)
        else:
            operations = Operations(
                accumulates=entering.synaptic_operations,
                spikes_in=entering.spikes,
                silent_in=entering.silent,
                biases=outputs * held,
                doublings=outputs * (timesteps - held),
            )
        driven, shortcuts = _driven(graph, shape.name, height, width)
        operations += Operations(shortcuts=shortcuts * held * passes.count)
        if _is_last(graph, shape.name):
            drawn = _words(graph, graph.nodes[-1], height, width) * passes.count
            operations += _readout(drawn, scaled=config.noise_map or timesteps > 1)
            operations += Operations(averages=drawn * (held - 1))
        elif entering is None and any(
            isinstance(reader, Add) for reader in graph.consumers(graph[shape.name])
        ):  # the shortcuts add to a copy of what does not change over time
            operations += Operations(copies=outputs * held)
        for layer in driven:
            leaving = passes.spikes[graph.consumers(layer)[0].name]
            # Events land on the potential itself where it is one neuron's alone.
            direct = entering is not None and layer.inputs[0] == shape.name
            direct = direct and layer.population == 1
            operations += _neurons(config, leaving, stored=not direct)
        counted.append(
            LayerCounts(
                shape, passes.count, operations, entering is not None, True,
                sum(layer.population for layer in driven) or 1,
            )
        )  # fmt: skip
    return counted


def _driven(graph: Graph, name: str, height: int, width: int) -> tuple[list[Neurons], int]:
    """Return the neurons that a convolution drives, and the additions of sums that it completes.

    Both are its own where it is the last convolution that adds to a current.

    Args:
        graph: the nodes.
        name: of the convolution.
        height: rows of the image, in pixels.
        width: columns of the image, in pixels.
    """
    layers, additions = [], 0
    for node in graph.nodes:
        if isinstance(node, (Neurons, Add)) and _last_before(graph, node) == name:
            if isinstance(node, Neurons):
                layers.append(node)
            else:
                additions += (len(node.inputs) - 1) * _words(graph, node, height, width)
    return layers, additions


def _words(graph: Graph, node: Node, height: int, width: int) -> int:
    """Return the numbers in a node's value."""
    return node.channels * math.prod(graph.positions(node, height, width))


def _last_before(graph: Graph, node: Node) -> str:
    """Return the last of the convolutions whose currents meet in the input of a node."""
    order = [other.name for other in graph.nodes]
    return max(_convolutions_before(graph, node), key=order.index)


def _convolutions_before(graph: Graph, node: Node) -> set[str]:
    """Return the convolutions whose currents meet in the input of a node."""
    found: set[str] = set()
    for source in graph.inputs(node):
        found |= (
            {source.name}
            if isinstance(source, Convolution)
            else _convolutions_before(graph, source)
        )
    return found


def _is_last(graph: Graph, name: str) -> bool:
    return _last_before(graph, graph.nodes[-1]) == name


def _neurons(config: NetworkConfig, leaving: LayerActivity, stored: bool) -> Operations:
    """Return what a layer of neurons does; in a population each is a neuron like any other.

    Args:
        config: says whether they leak.
        leaving: the spikes that they send.
        stored: whether they read their current from memory; else events land on their potentials.
    """
    neurons = leaving.slots
    currents = leaving.neurons if config.weighted else neurons
    return Operations(
        integrations=currents,
        leaks=neurons if config.neuron == "lif" else 0,
        doublings=neurons if config.weighted else 0,
        comparisons=neurons,
        resets=leaving.spikes,
        spikes_out=leaving.spikes,
        currents=currents if stored else 0,
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
    graph = graph_of(config)
    for shape in graph.convolutions(height, width):
        outputs = shape.outputs * passes
        silent = 0
        if shape.name in spikes:  # as a share: a population stands for one activation
            sent = spikes[shape.name]
            silent = sent.silent * shape.inputs * passes // sent.neurons
        driven, shortcuts = _driven(graph, shape.name, height, width)
        operations = Operations(
            macs=shape.dense_operations * passes,
            biases=outputs,
            silent_in=silent,
            comparisons=sum(_words(graph, layer, height, width) for layer in driven) * passes,
            shortcuts=shortcuts * passes,
        )
        if _is_last(graph, shape.name):
            drawn = _words(graph, graph.nodes[-1], height, width) * passes
            operations += _readout(drawn, scaled=config.noise_map)
        counted.append(LayerCounts(shape, passes, operations, False, False))
    return counted


def _readout(drawn: int, scaled: bool) -> Operations:
    """Return what follows the last convolution; 1 / T and the noise level are one factor."""
    return Operations(scalings=drawn if scaled else 0, subtractions=drawn)
