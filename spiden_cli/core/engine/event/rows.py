"""Which rows of one node another needs: the arithmetic behind rings and schedules."""

import numpy as np
from numpy.typing import NDArray

from spiden_cli.core.network.graph import Convolution, Graph, Node, Shuffle

Rows = NDArray[np.int64]


def rows_due(graph: Graph, nodes: list[Node], rows: Rows) -> list[Rows]:
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


def oldest_input(node: Node, row: Rows) -> Rows:
    """Return the first row of its input that a node needs to make a row."""
    if isinstance(node, Convolution):
        return row * node.stride - 1
    return row // node.factor if isinstance(node, Shuffle) else row


def first_rows(nodes: list[Node], first: int) -> Rows:
    """Return the first row that each operation must make, which may lie above the picture."""
    index = {node.name: at for at, node in enumerate(nodes)}
    begin = np.full(len(nodes), np.iinfo(np.int64).max)
    begin[-1] = first - 1  # the row above, whose spikes the kernel reaches
    for at in range(len(nodes) - 1, -1, -1):
        oldest = begin[at] if at == len(nodes) - 1 else oldest_input(nodes[at], begin[at])
        for name in nodes[at].inputs:
            if name in index:
                begin[index[name]] = min(begin[index[name]], oldest)
    return begin
