"""A graph as a program for the kernels: operations on rings of rows, and when each row is due.

Each node becomes an operation that makes one row of positions at a time and keeps no more rows of
it than its consumers still need (docs/event-engine.md). What does not depend on the size of a
picture, the arranged weights and the operations, is made once for a network (`compile_network`);
where each ring lies in memory and which rows are due when, for each width and band (`Layout`,
`schedule`).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spiden_cli.core.engine.event.arrangement import NOTHING, Arranged, arrange, lacks_bias
from spiden_cli.core.engine.event.kernels import (
    ADD,
    CONVOLVE,
    ENCODE,
    FIRE,
    OPERATION,
    READ,
    SHUFFLE,
    Array,
)
from spiden_cli.core.engine.event.vectors import WORD
from spiden_cli.core.engine.tiling import Window
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
    """

    graph: Graph
    operations: tuple[Operation, ...]
    arranged: Arranged
    scale: int


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
    return Program(graph, operations, arrange(network, dtype), operations[-1].node.scale)


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
    due = _due(graph, nodes, np.arange(-PERIODS * graph.grid, PERIODS * graph.grid))
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


def _due(graph: Graph, nodes: list[Node], rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return the last row that each operation must have made before a row of the result is.

    Args:
        graph: the nodes.
        nodes: those that are operations.
        rows: of the result, in positions of the read-out.

    Returns:
        For each operation, (len(rows),) int64: a row of its own resolution; may lie outside of
        the picture.
    """
    index = {node.name: at for at, node in enumerate(nodes)}
    due = [np.full_like(rows, np.iinfo(np.int64).min) for _ in nodes]
    due[-1] = rows + 1  # the row below, whose spikes the kernel reaches
    for at in range(len(nodes) - 1, -1, -1):
        node = nodes[at]
        needed = due[at]
        if isinstance(node, Convolution) and at < len(nodes) - 1:
            needed = needed * node.stride + 1
        elif isinstance(node, Shuffle):
            needed = needed // node.factor
        for name in node.inputs:
            if name in index:
                due[index[name]] = np.maximum(due[index[name]], needed)
    return due


def _oldest(node: Node, row: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the first row of its input that a node needs to make a row."""
    if isinstance(node, Convolution):
        return row * node.stride - 1
    return row // node.factor if isinstance(node, Shuffle) else row


def _ring(
    graph: Graph,
    nodes: list[Node],
    targets: list[int],
    due: list[NDArray[np.int64]],
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
            oldest = before + 1 if reader is nodes[-1] else _oldest(reader, before + 1)
            rows = max(rows, int((newest - oldest).max()) + 1)
    return rows


class Layout(NamedTuple):
    """A program for pictures of one width: where each ring lies.

    Attributes:
        table: (M,) of OPERATION; what depends on the band is not yet filled in.
        numbers: size of all rings of currents.
        words: size of all rings of spikes.
    """

    table: Array
    numbers: int
    words: int


def lay_out(program: Program, height: int, width: int, timesteps: int) -> Layout:
    """Place the rings of all operations for a picture of so many positions of the read-out."""
    graph, arranged, lanes = program.graph, program.arranged, program.arranged.lanes
    table = np.zeros(len(program.operations), OPERATION)
    numbers = words = layers = 0
    for at, operation in enumerate(program.operations):
        node, row = operation.node, table[at]
        side = node.scale, program.scale
        row["kind"], row["step"], row["count"] = operation.kind, 1, -1
        row["height"], row["width"] = (length * side[1] // side[0] for length in (height, width))
        row["channels"] = -(-node.channels // lanes) * lanes
        _connect(row, table, operation)
        if isinstance(node, Neurons):
            row["channels"] = -(-node.currents // lanes) * lanes
            row["words"] = node.population * -(-row["channels"] // WORD)
            row["target_size"] = timesteps * row["width"] * row["words"]
            row["target"], row["target_rows"] = words, operation.ring
            words += operation.ring * int(row["target_size"])
            (reader,) = graph.consumers(node)
            row["neurons"] = arranged.neurons[node.name]
            row["count"], row["step"] = layers, getattr(reader, "stride", 1)
            layers += 1
        elif operation.kind == READ:
            lanes_out = arranged.arrays.readout.size // (row["source_words"] * WORD * 3)
            row["target_size"] = lanes_out * (row["width"] + 2)
        elif operation.target == at:
            row["target_size"] = row["channels"] * timesteps * (row["width"] + 2)
            row["target"], row["target_rows"] = numbers, operation.ring
            numbers += operation.ring * int(row["target_size"])
        if isinstance(node, Convolution) and operation.kind == CONVOLVE:
            row["weights"], row["bias"] = arranged.weights[node.name], arranged.bias[node.name]
            row["stored"], row["step"] = not lacks_bias(graph, node), node.stride
        elif isinstance(node, Add):
            other = graph[node.inputs[1]]
            row["bias"] = arranged.bias[other.name if lacks_bias(graph, other) else NOTHING]
        elif isinstance(node, Shuffle):
            row["step"], row["channels"] = node.factor, node.channels
    return Layout(table, numbers, words)


def _connect(row: Array, table: Array, operation: Operation) -> None:
    """Tell an operation where the rings are that it reads, and the one that it adds to."""
    source, other, target = (table[k] for k in operation[2:5])
    row["source"], row["source_rows"] = source["target"], source["target_rows"]
    row["source_size"], row["source_words"] = source["target_size"], source["words"]
    row["source_height"], row["source_width"] = source["height"], source["width"]
    row["other"], row["other_rows"] = other["target"], other["target_rows"]
    if operation.kind == ADD:
        row["target"], row["target_rows"] = target["target"], target["target_rows"]
        row["target_size"] = target["target_size"]


class Band(NamedTuple):
    """What the kernels are to do for some rows of the result.

    Attributes:
        table: (M,) of OPERATION, complete.
        due: (S, M) int64, the last row that each operation makes in each step.
        begin: (M,) int64, the first row that each makes.
    """

    table: Array
    due: Array
    begin: Array


def schedule(program: Program, layout: Layout, first: int, last: int, window: Window) -> Band:
    """Schedule the rows from `first` to before `last`.

    Operations near the input run a few rows more on either side, those that later ones need.

    Args:
        program: the network.
        layout: for the size of the picture.
        first: first row, in positions of the read-out; on the grid.
        last: row after the last; on the grid, or the end of the picture.
        window: where to count spikes, in pixels.
    """
    graph, scale = program.graph, program.scale
    nodes = [operation.node for operation in program.operations]
    table = layout.table.copy()
    begin = _begin(nodes, first)
    end = table["height"] - 1
    begin[:-1], end[-1] = np.maximum(begin[:-1], 0), last
    # Early enough for every operation to start with its first row.
    ramp = 2 * graph.margin // scale + graph.grid
    due = np.stack(_due(graph, nodes, np.arange(first - ramp, last)), axis=1)
    for row, node in zip(table, nodes, strict=True):
        rows, columns = window.positions(node.scale)
        row["first"] = max(rows.start, first * scale // node.scale)
        row["last"] = min(rows.stop, -(-last * scale // node.scale))
        row["left"], row["right"] = columns.start, columns.stop
    return Band(table, np.clip(due, begin - 1, end), begin)


def _begin(nodes: list[Node], first: int) -> NDArray[np.int64]:
    """Return the first row that each operation must make, which may lie above the picture."""
    index = {node.name: at for at, node in enumerate(nodes)}
    begin = np.full(len(nodes), np.iinfo(np.int64).max)
    begin[-1] = first - 1  # the row above, whose spikes the kernel reaches
    for at in range(len(nodes) - 1, -1, -1):
        oldest = begin[at] if at == len(nodes) - 1 else _oldest(nodes[at], begin[at])
        for name in nodes[at].inputs:
            if name in index:
                begin[index[name]] = min(begin[index[name]], oldest)
    return begin
