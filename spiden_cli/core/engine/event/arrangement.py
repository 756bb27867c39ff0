"""The numbers of a folded network, arranged as the kernels read them, in float32 or in int16."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spiden_cli.core.engine.event.tables import LARGEST, Array, Arrays
from spiden_cli.core.engine.event.vectors import READOUT_BYTES, VECTOR_BYTES, WORD
from spiden_cli.core.network.folding import FoldedNetwork
from spiden_cli.core.network.graph import Add, Convolution, Graph, Neurons, Node, Shuffle
from spiden_cli.errors import InputError

NOTHING = ""  # the bias of what lacks none
_LARGEST_THRESHOLD = 4096  # so that a potential has room for eight of them

Floats = NDArray[np.float32]


class Arranged(NamedTuple):
    """All numbers of a network, and where those of a node start.

    Attributes:
        arrays: for the kernels.
        weights: offset by convolution.
        bias: offset by convolution.
        neurons: offset by layer of neurons.
        lanes: channels of a vector.
    """

    arrays: Arrays
    weights: dict[str, int]
    bias: dict[str, int]
    neurons: dict[str, int]
    lanes: int


def arrange(network: FoldedNetwork, dtype: type[np.float32] | type[np.int16]) -> Arranged:
    """Lay out a spiking network whose nodes all have a kernel.

    Args:
        network: what to lay out.
        dtype: of weights, currents and potentials.

    Raises:
        InputError: LIF neurons in int16, whose leak would be rounded away.
    """
    graph, whole = network.graph, dtype is np.int16
    if whole and network.config.neuron == "lif":
        raise InputError("int16 weights are for neurons without a leak: run LIF in float32")
    lanes = VECTOR_BYTES // np.dtype(dtype).itemsize
    units = _units(network) if whole else {}

    def unit(node: Node) -> Floats:
        return units.get(node.name, np.ones(1, np.float32))

    def padded(values: Floats, filling: float = 0.0) -> Floats:
        values = np.rint(values) if whole else values
        return np.pad(values, (0, -len(values) % lanes), constant_values=filling)

    first, *inner, last = graph.of_type(Convolution)
    biases = {NOTHING: np.zeros(_padded_channels(graph, lanes), np.float32)}
    kernels, neurons = {}, {}
    for node in inner:
        kernel, bias = network.convolutions[node.name]
        scaled = _by_rank(kernel * unit(node).reshape(-1, 1, 1, 1), _currents(graph, node))
        kernels[node.name] = _rows(np.rint(scaled) if whole else scaled, lanes)
        biases[node.name] = padded(bias * unit(node))
    for layer in graph.of_type(Neurons):
        source = graph[layer.inputs[0]]
        lacking = biases[source.name if lacks_bias(graph, source) else NOTHING]
        scale = unit(source)
        neurons[layer.name] = np.concatenate(
            [
                np.concatenate(
                    (
                        lacking[: -(-layer.currents // lanes) * lanes],
                        # The threshold of the padding is out of reach.
                        padded(threshold * scale, float(LARGEST) if whole else np.inf),
                        padded(threshold * initial * scale),
                        padded(leak, 1.0),
                    )
                )
                for threshold, initial, leak in zip(
                    *(part.reshape(layer.population, -1) for part in network.neurons[layer.name]),
                    strict=True,
                )
            ]
        )
    encoder, readout = network.convolutions[first.name], network.convolutions[last.name]
    return Arranged(
        Arrays(
            encoder=_aligned(_encoder(encoder.kernel * unit(first).reshape(-1, 1, 1, 1), lanes)),
            encoder_bias=np.pad(encoder.bias * unit(first), (0, -first.channels % lanes)),
            weights=_flat(kernels, dtype),
            bias=_flat(biases, dtype),
            neurons=_flat(neurons, dtype),
            readout=_aligned(_readout(readout.kernel, _currents(graph, last))),
        ),
        _starts(kernels), _starts(biases), _starts(neurons), lanes,
    )  # fmt: skip


def _flat(arrays: dict[str, Floats], dtype: type[np.float32] | type[np.int16]) -> Array:
    """Lay arrays behind one another."""
    return _aligned(np.concatenate([np.zeros(0, np.float32), *arrays.values()]).astype(dtype))


def _starts(arrays: dict[str, Floats]) -> dict[str, int]:
    """Return where each of the arrays starts in `_flat`."""
    ends = np.cumsum([array.size for array in arrays.values()])
    return {
        name: int(end) - array.size for (name, array), end in zip(arrays.items(), ends, strict=True)
    }


def lacks_bias(graph: Graph, node: Node) -> bool:
    """Return whether a convolution leaves its bias to the one that reads it.

    Neurons and sums add it at no cost. Where several read, or one that can't, the convolution adds
    its own.
    """
    if not graph.spike_driven(node):
        return False  # the encoder's is in its currents
    readers = graph.consumers(node)
    if len(readers) != 1:
        return False
    added = isinstance(readers[0], Add) and readers[0].inputs[0] != node.name
    return added or isinstance(readers[0], Neurons)


def _padded_channels(graph: Graph, lanes: int) -> int:
    most = max(node.channels for node in graph.nodes if node.kind == "current")
    return -(-most // lanes) * lanes


def _currents(graph: Graph, node: Convolution) -> int:
    """Return the channels of the layer of neurons before a convolution, without its ranks."""
    layer = graph[node.inputs[0]]
    assert isinstance(layer, Neurons)
    return layer.currents


def _units(network: FoldedNetwork) -> dict[str, Floats]:
    """Return what 1 becomes in int16, by current and channel: each (C,).

    A threshold becomes at most `_LARGEST_THRESHOLD`, and no sum of a kernel's weights leaves the
    range. Currents that meet in a sum, or are rearranged, share their units.
    """
    graph = network.graph
    units: dict[str, Floats] = {}
    for node in graph.nodes[:-2]:
        if node.kind != "current":
            continue
        unit = np.full(node.channels, np.inf, np.float32)
        if graph.spike_driven(node):
            kernel, bias = network.convolutions[node.name]
            largest = np.maximum(np.abs(kernel).sum((1, 2, 3)) + np.abs(bias), 1e-6)
            unit = (LARGEST - np.float32(kernel[0].size / 2 + 1)) / largest
        for layer in graph.consumers(node):
            if isinstance(layer, Neurons):
                thresholds = network.neurons[layer.name].threshold.reshape(layer.population, -1)
                unit = np.minimum(unit, _LARGEST_THRESHOLD / thresholds.max(0))
        units[node.name] = unit
    while _shared(graph, units):
        pass
    return units


def _shared(graph: Graph, units: dict[str, Floats]) -> bool:
    """Let units that must be equal be the smaller of them; return whether any changed."""
    changed = False
    for node in graph.nodes:
        if isinstance(node, Add):
            names = (node.name, *node.inputs)
            least: Floats = np.minimum.reduce([units[name] for name in names])
            wanted = dict.fromkeys(names, least)
        elif isinstance(node, Shuffle):
            source, parts = node.inputs[0], node.factor**2
            least = np.minimum(units[node.name], units[source].reshape(-1, parts).min(1))
            wanted = {node.name: least, source: np.repeat(least, parts)}
        else:
            continue
        for name, unit in wanted.items():
            changed |= not np.array_equal(units[name], unit)
            units[name] = unit
    return changed


def _encoder(kernel: Floats, lanes: int) -> Floats:
    """Arrange the first kernel (C, C_in, 3, 3): vector, kh, kw, c_in, lane; flat.

    Its channels are padded to whole vectors of the currents that it leaves.
    """
    wide = VECTOR_BYTES // 4
    padded = np.pad(kernel, ((0, -len(kernel) % lanes), (0, 0), (0, 0), (0, 0)))
    split = padded.reshape(-1, wide, *padded.shape[1:])  # vector, lane, c_in, kh, kw
    return split.transpose(0, 3, 4, 2, 1).ravel()


def _rows(kernel: Floats, lanes: int) -> Floats:
    """Arrange a kernel (C_out, C_in, kh, kw) as rows: vector, kh, c_in, 2 - kw, lane; flat."""
    padded = np.pad(kernel[..., ::-1], ((0, -len(kernel) % lanes), (0, 0), (0, 0), (0, 0)))
    split = padded.reshape(-1, lanes, *padded.shape[1:])  # vector, lane, c_in, kh, 2 - kw
    return split.transpose(0, 3, 2, 4, 1).ravel()


def _by_rank(kernel: Floats, currents: int) -> Floats:
    """Pad the input channels of a kernel, so that each rank of a population fills whole words."""
    ranks = kernel.reshape(len(kernel), -1, currents, 3, 3)  # out, rank, c_in, kh, kw
    padded = np.pad(ranks, ((0, 0), (0, 0), (0, -currents % WORD), (0, 0), (0, 0)))
    return padded.reshape(len(kernel), -1, 3, 3)


def _readout(kernel: Floats, currents: int) -> Floats:
    """Arrange the read-out's kernel: kernel rows and outputs side by side in a vector; flat."""
    padded = _by_rank(kernel, currents)
    stacked = padded.transpose(2, 0, 1, 3).reshape(-1, padded.shape[1], 1, 3)  # kh out, c_in, 1, kw
    return _rows(stacked, READOUT_BYTES // 4)


def _aligned(values: Array) -> Array:
    """Copy to memory that starts at a cache line, so that no row of weights touches one more."""
    line = 64
    memory = np.empty(values.nbytes + line, np.uint8)
    start = -memory.ctypes.data % line
    aligned: Array = memory[start : start + values.nbytes].view(values.dtype)
    aligned = aligned.reshape(values.shape)
    aligned[...] = values
    return aligned
