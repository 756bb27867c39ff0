"""A program for one size of picture: where each ring lies in memory, and when each row is due."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from spiden_cli.core.engine.event.arrangement import NOTHING, lacks_bias
from spiden_cli.core.engine.event.program import Operation, Program
from spiden_cli.core.engine.event.rows import first_rows, rows_due
from spiden_cli.core.engine.event.tables import ADD, CONVOLVE, FIRE, OPERATION, READ, Array
from spiden_cli.core.engine.event.vectors import WORD
from spiden_cli.core.engine.tiling import Window
from spiden_cli.core.network.graph import Add, Convolution, Neurons, Shuffle


class Layout(NamedTuple):
    """A program for pictures of one width: where each ring lies.

    Attributes:
        table: (M,) of OPERATION; what depends on the band is not yet filled in.
        numbers: size of all rings of currents, after a row that convolutions share.
        planes: size of what the T digits of a row of weighted spikes drive, before it is added up.
        words: size of all rings of spikes.
    """

    table: Array
    numbers: int
    planes: int
    words: int


def lay_out(program: Program, height: int, width: int, timesteps: int) -> Layout:
    """Place the rings of all operations for a picture of so many positions of the read-out."""
    graph, arranged, lanes = program.graph, program.arranged, program.arranged.lanes
    table = np.zeros(len(program.operations), OPERATION)
    words = layers = 0
    weighted = program.weighted
    held = 1 if weighted else timesteps  # of current, between operations
    numbers = _largest_row(program, width, shared_only=True) * held
    planes = _largest_row(program, width) * timesteps if weighted else 0
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
            row["target_size"] = row["channels"] * held * (row["width"] + 2)
            shared = hands_on(program, at)
            row["target"], row["target_rows"] = 0 if shared else numbers, operation.ring
            numbers += 0 if shared else operation.ring * int(row["target_size"])
        if isinstance(node, Convolution) and operation.kind == CONVOLVE:
            row["weights"], row["bias"] = arranged.weights[node.name], arranged.bias[node.name]
            row["stored"], row["step"] = not lacks_bias(graph, node), node.stride
        elif isinstance(node, Add):
            other = graph[node.inputs[1]]
            row["bias"] = arranged.bias[other.name if lacks_bias(graph, other) else NOTHING]
        elif isinstance(node, Shuffle):
            row["step"], row["channels"] = node.factor, node.channels
    return Layout(table, numbers, planes, words)


def hands_on(program: Program, at: int) -> bool:
    """Return whether a convolution's one row is gone once the next operation has run.

    Such rows share their memory: what all layers use in turn stays in the cache. Not so where a
    shuffle comes back to the row, or a sum is made in its place.
    """
    operation, following = program.operations[at], program.operations[at + 1]
    readers = program.graph.consumers(operation.node)
    return (
        operation.kind == CONVOLVE
        and operation.ring == 1
        and readers == [following.node]
        and following.kind in (FIRE, ADD)
        and following.target != at
    )


def _largest_row(program: Program, width: int, shared_only: bool = False) -> int:
    """Return the size of the largest row of currents of one timestep, in numbers.

    Args:
        program: the network.
        width: positions of the read-out in a row.
        shared_only: of the rows that are only handed on.
    """
    lanes, sizes = program.arranged.lanes, [0]
    for at, operation in enumerate(program.operations[:-1]):
        node = operation.node
        if hands_on(program, at) if shared_only else operation.kind == CONVOLVE:
            columns = width * program.scale // node.scale + 2
            sizes.append(-(-node.channels // lanes) * lanes * columns)
    return max(sizes)


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
    begin = first_rows(nodes, first)
    end = table["height"] - 1
    begin[:-1], end[-1] = np.maximum(begin[:-1], 0), last
    # Early enough for every operation to start with its first row.
    ramp = 2 * graph.margin // scale + graph.grid
    due = np.stack(rows_due(graph, nodes, np.arange(first - ramp, last)), axis=1)
    for row, node in zip(table, nodes, strict=True):
        rows, columns = window.positions(node.scale)
        row["first"] = max(rows.start, first * scale // node.scale)
        row["last"] = min(rows.stop, -(-last * scale // node.scale))
        row["left"], row["right"] = columns.start, columns.stop
    return Band(table, np.clip(due, begin - 1, end), begin)


class Plan(NamedTuple):
    """A program for one size of picture, in bands of rows that run side by side."""

    layout: Layout
    bands: tuple[Band, ...]


def plan(
    program: Program, height: int, width: int, timesteps: int, edges: tuple[int, ...],
    inside: tuple[int, int, int, int],
) -> Plan:  # fmt: skip
    """Lay out a program, and schedule its bands.

    Args:
        program: the network.
        height: of the picture, in positions of the read-out.
        width: likewise.
        timesteps: T.
        edges: where bands begin and the last one ends; on the grid, or the end of the picture.
        inside: first row, row after the last, first column and column after the last of the window
            where spikes are counted, in pixels.
    """
    layout = lay_out(program, height, width, timesteps)
    window = Window(slice(*inside[:2]), slice(*inside[2:]))
    bands = (schedule(program, layout, *ends, window) for ends in pairwise(edges))
    return Plan(layout, tuple(bands))
