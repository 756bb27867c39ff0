"""A graph as a program for the kernels: operations on rings of rows, and when each row is due.

Each node becomes an operation that makes one row of positions at a time and keeps no more rows of
it than its consumers still need (docs/event-engine.md). What does not depend on the size of a
picture, the arranged weights and the operations, is made once for a network (`compile_network`);
`layout.py` adds what does: where each ring lies in memory, and which rows are due when.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from spiden_cli.core.engine.event.arrangement import Arranged, arrange
from spiden_cli.core.engine.event.rows import Rows, oldest_input, rows_due
from spiden_cli.core.engine.event.tables import ADD, CONVOLVE, ENCODE, FIRE, READ, SHUFFLE
from spiden_cli.core.network.folding import FoldedNetwork
from spiden_cli.core.network.graph import Add, Convolution, Encode, Graph, Neurons, Node, Shuffle
from spiden_cli.errors import UnsupportedNodeError

PERIODS = 4  # of the coarsest grid: enough rows to see every ring at its fullest


class Operation(NamedTuple):
    """What one node does, as far as it does not depend on the size of the picture.

    Attributes:
        node: its node.
        kind: ENCODE, CONVOLVE, FIRE, ADD, SHUFFLE or READ.
        source: the operation whose rows it reads; of ENCODE, itself.
        other: the operation whose rows an ADD adds to `source`; else itself.
        target: the operation whose ring it writes to: itself, or of an ADD in place, `source`'s.
        ring: rows that its own ring holds; 0 where it writes to another's.
    """

    node: Node
    kind: int
    source: int
    other: int
    target: int
    ring: int


@dataclass(frozen=True)
class Program:
    """A network for the kernels.

    Attributes:
        graph: its nodes.
        operations: in the order of the data.
        arranged: weights, biases and neurons as flat arrays.
        scale: pixels of a position where the read-out works.
        weighted: whether spikes weigh by when they are sent.
    """

    graph: Graph
    operations: tuple[Operation, ...]
    arranged: Arranged
    scale: int
    weighted: bool


def compile_network(network: FoldedNetwork, dtype: type[np.float32] | type[np.int16]) -> Program:
    """Arrange a spiking network for the kernels.

    Args:
        network: any network whose nodes the kernels know.
        dtype: of weights, currents and potentials. In int16 each channel's unit is chosen such
            that no sum of weights can leave the range.

    Raises:
        UnsupportedNodeError: there is no kernel for a node.
        InputError: LIF neurons in int16, whose leak would be rounded away.
    """
    graph = network.graph
    check_nodes(graph)
    operations = _operations(graph)
    arranged, scale = arrange(network, dtype), operations[-1].node.scale
    return Program(graph, operations, arranged, scale, network.config.weighted)


def check_nodes(graph: Graph) -> None:
    """Refuse a graph that the kernels can't run.

    Raises:
        UnsupportedNodeError: there is no kernel for a node; the message names it.
    """
    last = graph.nodes[-2]
    for node in graph.nodes:
        problem = ""
        if isinstance(node, Convolution):
            first = graph[node.inputs[0]].kind == "image"
            strides = (1,) if first or node is last else (1, 2)
            if node.kernel != 3 or node.stride not in strides:
                problem = f"a {node.kernel} x {node.kernel} kernel of stride {node.stride}"
            elif first and graph.consumers(graph[node.inputs[0]])[0] is not node:
                problem = "a second convolution of the image"
        elif isinstance(node, Neurons):
            if len(graph.consumers(node)) != 1:
                problem = "spikes that enter several convolutions"
        elif isinstance(node, Add):
            if len(node.inputs) != 2:
                problem = "a sum of more than two currents"
        elif node.kind == "current" and not isinstance(node, Shuffle):
            problem = type(node).__name__.lower()
        if problem:
            raise UnsupportedNodeError(f"the event engine has no kernel for {node.name}: {problem}")
    if not graph.spike_driven(last) or last.scale != min(n.scale for n in graph.nodes[:-1]):
        raise UnsupportedNodeError(
            "the event engine has no kernel for a read-out other than a convolution of spikes at "
            "the finest resolution"
        )


def _operations(graph: Graph) -> tuple[Operation, ...]:
    nodes = [node for node in graph.nodes[:-1] if not isinstance(node, Encode)]
    index = {node.name: at for at, node in enumerate(nodes)}
    due = rows_due(graph, nodes, np.arange(-PERIODS * graph.grid, PERIODS * graph.grid))
    targets: list[int] = []
    found = []
    for at, node in enumerate(nodes):
        sources = [index[name] for name in node.inputs if name in index] or [at]
        target = at
        if isinstance(node, Add):
            stream = targets[sources[0]]
            others = [index[c.name] for c in graph.consumers(nodes[sources[0]]) if c is not node]
            # In place, if all others that read the current have done so by then.
            if all(other < at and (due[other] >= due[at]).all() for other in others):
                target = stream
        targets.append(target)
        found.append((node, _kind(graph, node), sources[0], sources[-1], target))
    return tuple(
        Operation(*parts, ring=_ring(graph, nodes, targets, due, at) if parts[4] == at else 0)
        for at, parts in enumerate(found)
    )


def _kind(graph: Graph, node: Node) -> int:
    if isinstance(node, Convolution):
        if graph[node.inputs[0]].kind == "image":
            return ENCODE
        return READ if node is graph.nodes[-2] else CONVOLVE
    return FIRE if isinstance(node, Neurons) else ADD if isinstance(node, Add) else SHUFFLE


def _ring(
    graph: Graph,
    nodes: list[Node],
    targets: list[int],
    due: list[Rows],
    at: int,
) -> int:
    """Return how many rows the ring of an operation holds at its fullest.

    At each step an operation runs until its row is due, then those that read it do. So a ring
    holds what lies between the newest row of its writer and the oldest that a reader, from
    where it stood after the step before, still needs.
    """
    if at == len(nodes) - 1:
        return 3  # the sums of the read-out: three kernel rows
    newest, rows = due[at][1:], 1
    for writer in (k for k, target in enumerate(targets) if target == at):
        for reader in graph.consumers(nodes[writer]):
            before = due[next(k for k, node in enumerate(nodes) if node is reader)][:-1]
            # The read-out takes its spikes row by row.
            oldest = before + 1 if reader is nodes[-1] else oldest_input(reader, before + 1)
            rows = max(rows, int((newest - oldest).max()) + 1)
    return rows
