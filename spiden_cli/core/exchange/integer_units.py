"""The units in which a network of integers counts currents, channel by channel.

Channels whose currents meet, in a sum or by being moved next to each other for one, share a unit.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spiden_cli.core.network import graph as nodes
from spiden_cli.core.network.folding import FoldedNetwork

MOST = 127  # of a weight in int8, on either side
WHITE = 255  # of a pixel; the noise level enters as a multiple of 1/256 of what the network is told
TOLD = 256
UNDRIVEN = 2.0**-16  # unit of a channel whose weights are all zero: only a bias is left


@dataclass(frozen=True, eq=False)
class Units:
    """The units of a network.

    Attributes:
        network: whose they are.
        scales: of the weights of each convolution, (C_out,): what a weight of 1 stands for.
        shifts: by how many bits a sum of such weights is shifted to be in the unit of its channel.
        by_node: of the currents of each node, (C,).
    """

    network: FoldedNetwork
    scales: dict[str, NDArray[np.float64]]
    shifts: dict[str, NDArray[np.int64]]
    by_node: dict[str, NDArray[np.float64]]

    def of(self, name: str) -> NDArray[np.float64]:
        """Return the unit of each channel of a node's current."""
        return self.by_node[name]

    def kernel(self, node: nodes.Convolution) -> NDArray[np.float64]:
        """Return a kernel for whole numbers: pixels and levels in the first, spikes in others."""
        return _whole_kernel(self.network, node)


def current_units(network: FoldedNetwork, timesteps: int) -> Units:
    """Choose the units: for each group of channels the finest of the scales that drive it.

    Args:
        network: of IF or weighted-spike neurons.
        timesteps: T; digits of weighted spikes are added up in units 2^-T as large.
    """
    graph, groups, ids = network.graph, _Groups(), _channel_groups(network)
    groups.join(ids.joined)
    wanted: dict[str, NDArray[np.float64]] = {}
    finest = np.full(ids.count, np.inf)
    for node in graph.of_type(nodes.Convolution):
        largest = np.abs(_whole_kernel(network, node)).max((1, 2, 3)) / MOST
        digit = network.config.weighted and graph.spike_driven(node)
        own = np.where(largest > 0, largest, np.inf) * (2.0**-timesteps if digit else 1)
        wanted[node.name] = own
        np.minimum.at(finest, groups.of(ids.by_node[node.name]), own)
    scales, shifts, by_node = {}, {}, {}
    for name, channels in ids.by_node.items():
        unit = finest[groups.of(channels)]
        by_node[name] = np.where(np.isfinite(unit), unit, UNDRIVEN)
    for node in graph.of_type(nodes.Convolution):
        # The scale must not be below what was wanted: the largest weight would be cut.
        asked = np.where(np.isfinite(wanted[node.name]), wanted[node.name], 0)
        ratio = np.maximum(asked / by_node[node.name], 1)
        shifts[node.name] = np.ceil(np.log2(ratio) - 1e-9).astype(np.int64)
        digit = network.config.weighted and graph.spike_driven(node)
        scale = by_node[node.name] * 2.0 ** shifts[node.name]
        scales[node.name] = scale * (2.0**timesteps if digit else 1)
    return Units(network, scales, shifts, by_node)


def _whole_kernel(network: FoldedNetwork, node: nodes.Convolution) -> NDArray[np.float64]:
    kernel = network.convolutions[node.name].kernel.astype(np.float64)
    if network.graph[node.inputs[0]].kind == "image":
        kernel = kernel / WHITE
        if network.config.noise_map:
            kernel[:, -1] *= WHITE / TOLD
    return kernel


@dataclass(frozen=True, eq=False)
class _Channels:
    """Channels of currents by node as numbers, and which of them must share a unit."""

    by_node: dict[str, NDArray[np.int64]]
    joined: list[tuple[NDArray[np.int64], NDArray[np.int64]]]
    count: int


def _channel_groups(network: FoldedNetwork) -> _Channels:
    by_node: dict[str, NDArray[np.int64]] = {}
    joined, count = [], 0
    for node in network.graph.nodes:
        sources = [by_node[name] for name in node.inputs if name in by_node]
        if isinstance(node, nodes.Convolution):
            by_node[node.name] = np.arange(count, count + node.channels)
            count += node.channels
        elif isinstance(node, nodes.Add):
            joined += [(sources[0], other) for other in sources[1:]]
            by_node[node.name] = sources[0]
        elif isinstance(node, nodes.Concatenate):
            by_node[node.name] = np.concatenate(sources)
        elif isinstance(node, nodes.Shuffle):
            each = sources[0].reshape(node.channels, node.factor**2)
            joined += [(each[:, 0], other) for other in each.T[1:]]
            by_node[node.name] = each[:, 0]
        elif isinstance(node, nodes.Unshuffle):
            by_node[node.name] = np.repeat(sources[0], node.factor**2)
    return _Channels(by_node, joined, count)


class _Groups:
    """Sets that were joined, each known by one of its members (union and find)."""

    def __init__(self) -> None:
        self._leader: dict[int, int] = {}

    def join(self, pairs: list[tuple[NDArray[np.int64], NDArray[np.int64]]]) -> None:
        for ones, others in pairs:
            for one, other in zip(ones.tolist(), others.tolist(), strict=True):
                self._leader[self._find(one)] = self._find(other)

    def of(self, members: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.array([self._find(member) for member in members.tolist()])

    def _find(self, member: int) -> int:
        while (leader := self._leader.get(member, member)) != member:
            member = leader
        return member
