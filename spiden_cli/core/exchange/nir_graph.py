r"""A network of Integrate-and-Fire neurons in NIR, which other simulators and chips read.

NIR (Pedersen et al. 2024, Nature Communications 15, neuroir.org) describes a network as nodes and
edges; edges that end in one node add. Its IF neurons start at a potential of zero and its readers
take one threshold, not one for each channel. So the file holds, for each neuron of this network,

    current --> diagonal 1 x 1 convolution, 1 / theta --+--> IF, threshold 1
    input ----> 1 x 1 convolution, phi of the kick -----+

where the *kick* is a channel of the input that is 1 in the first timestep and 0 afterwards: it puts
the initial potential there. Neurons of one population are IF nodes of their own, and the kernel
behind them is cut accordingly. Shortcuts are edges. What is left outside is arithmetic on the
picture: moving pixels to channels before, the mean over time and the way back after.

Node names begin with their place in the order of the data, so that a reader that sorts them by name
has that order.
"""

import io
import json
from collections.abc import Iterator, Mapping
from importlib import metadata, util
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spiden_cli.core.atomic import atomic_path
from spiden_cli.core.exchange.timing import NETWORK_INPUT
from spiden_cli.core.network import graph as nodes
from spiden_cli.core.network.folding import FoldedNetwork
from spiden_cli.errors import InputError

if TYPE_CHECKING:
    import nir

__all__ = ["check_nir", "nir_graph", "write_nir"]


def check_nir(network: FoldedNetwork, height: int, width: int) -> None:
    """Check that a network can be written as NIR for pictures of (H, W) pixels.

    Raises:
        InputError: the package nir is missing; the neurons aren't IF neurons; NIR has no such
            node; a side isn't a multiple of the network's grid.
    """
    if util.find_spec("nir") is None:
        raise InputError("NIR needs a package: pip install 'spiden[nir]'")
    if network.config.neuron != "if":
        kind = {"relu": "a CNN", "weighted": "weighted spikes", "lif": "leaky neurons"}
        raise InputError(
            f"NIR is for Integrate-and-Fire neurons of equal weight, and this network has "
            f"{kind[network.config.neuron]}: take base-if, or --format onnx"
        )
    moved = (nodes.Shuffle, nodes.Unshuffle, nodes.Concatenate)
    for node in network.graph.nodes:
        if isinstance(node, moved) or len(set(node.inputs)) < len(node.inputs):
            raise InputError(f"NIR has no node that does what {node.name} does: take a chain")
    grid = network.graph.grid
    if height < 1 or width < 1 or height % grid or width % grid:
        raise InputError(
            f"a NIR file is for one size, both sides multiples of {grid}, not {width} x {height}"
        )


def write_nir(path: Path, network: FoldedNetwork, height: int, width: int, timesteps: int) -> int:
    """Write a network as NIR for pictures of (H, W) pixels; the file is whole or absent.

    Args:
        path: HDF5, usually named .nir.
        network: see `check_nir`.
        height: rows of the picture.
        width: columns of the picture.
        timesteps: T, for which the network was trained: NIR doesn't hold it, the metadata do.

    Returns:
        How many nodes it has.

    Raises:
        InputError: see `check_nir`.
        OutputError: the file can't be written.
    """
    graph = nir_graph(network, height, width, timesteps)
    import h5py
    import nir

    content = io.BytesIO()
    nir.write(content, graph)
    with h5py.File(content, "r+") as file:
        for node in file["node/nodes"].values():
            if "v_reset" in node:  # 0, which it is without, and nir 1.0.4 doesn't know it
                del node["v_reset"]
    with atomic_path(path) as temporary:
        temporary.write_bytes(content.getvalue())
    return len(graph.nodes)


def nir_graph(network: FoldedNetwork, height: int, width: int, timesteps: int) -> "nir.NIRGraph":
    """Return a network as a graph of NIR; see `write_nir`.

    Raises:
        InputError: see `check_nir`.
    """
    check_nir(network, height, width)
    import nir

    draft = _Draft(network, height, width)
    draft.build()
    record = {
        "writer": f"spiden {metadata.version('spiden')}" if _installed() else "spiden",
        "reset": "subtract",
        "fires": "at or above the threshold",
        "dt": "1",
        "timesteps": str(timesteps),
        "picture": json.dumps({"height": height, "width": width}),
        "input": NETWORK_INPUT,
        "output": "current of one timestep; the mean over the timesteps is the predicted noise",
        "layers": json.dumps(draft.layers),
    }
    return nir.NIRGraph(nodes=draft.nodes, edges=draft.edges, metadata=record)


def _installed() -> bool:
    try:
        metadata.version("spiden")
    except metadata.PackageNotFoundError:
        return False
    return True


class _Member(NamedTuple):
    """One neuron of each channel of a layer: an IF node.

    Attributes:
        name: of the node.
        channels: which of the layer's neurons these are.
    """

    name: str
    channels: slice


class _Draft:
    """The nodes and edges so far.

    Attributes:
        nodes: by name.
        edges: from name to name.
        layers: names of the IF nodes by layer, the first neuron of each channel first.
    """

    def __init__(self, network: FoldedNetwork, height: int, width: int) -> None:
        self._network, self._size = network, (height, width)
        self.nodes: dict[str, nir.NIRNode] = {}
        self.edges: list[tuple[str, str]] = []
        self.layers: dict[str, list[str]] = {}
        self._currents: dict[str, list[str]] = {}  # by node: those that add up to it
        self._members: dict[str, list[_Member]] = {}

    def build(self) -> None:
        """Walk over the network."""
        import nir

        config, graph = self._network.config, self._network.graph
        encode = next(graph.of_type(nodes.Encode))
        self._channels = config.encoded_channels + 1  # the kick
        shape = np.array((self._channels, *graph.positions(encode, *self._size)))
        self._input = self._place("input", nir.Input({"input": shape}))
        for node in graph.nodes[1:-1]:
            if isinstance(node, nodes.Neurons):
                self._fire(node)
            elif isinstance(node, nodes.Add):
                self._currents[node.name] = [
                    name for source in node.inputs for name in self._currents[source]
                ]
            else:
                assert isinstance(node, nodes.Convolution)
                self._convolve(node)
        drawn = graph.nodes[-1].inputs[0]
        channels = graph[drawn].channels
        # What ends in an Output isn't added everywhere.
        eye = np.eye(channels, dtype=np.float32)
        joined = self._pointwise("output.sum", graph[drawn], eye, self._currents[drawn])
        shape = np.array((channels, *graph.positions(graph[drawn], *self._size)))
        self._place("output", nir.Output({"output": shape}), [joined])

    def _place(self, name: str, node: "nir.NIRNode", sources: list[str] | None = None) -> str:
        unique = f"n{len(self.nodes):04}_{name.replace('.', '_')}"
        self.nodes[unique] = node
        self.edges += [(source, unique) for source in sources or ()]
        return unique

    def _convolve(self, node: nodes.Convolution) -> None:
        kernel, bias = self._network.convolutions[node.name]
        source = self._network.graph[node.inputs[0]]
        if isinstance(source, nodes.Encode):
            with_kick = np.zeros((len(kernel), self._channels, *kernel.shape[2:]), np.float32)
            with_kick[:, :-1] = kernel
            parts: Iterator[tuple[str, NDArray[Any]]] = iter([(self._input, with_kick)])
        else:
            members = self._members[source.name]
            parts = ((member.name, kernel[:, member.channels]) for member in members)
        placed = []
        for part, (sender, weights) in enumerate(parts):
            placed.append(
                self._place(
                    f"{node.name}.{part}",
                    self._conv2d(weights, source, bias if not part else 0 * bias, node),
                    [sender],
                )
            )
        self._currents[node.name] = placed

    def _fire(self, node: nodes.Neurons) -> None:
        import nir

        threshold, initial, _ = self._network.neurons[node.name]
        source = self._network.graph[node.inputs[0]]
        shape = (node.currents, *self._network.graph.positions(node, *self._size))
        ones, members = np.ones(shape, np.float32), []
        for rank in range(node.population):
            channels = slice(rank * node.currents, (rank + 1) * node.currents)
            kick = np.zeros((node.currents, self._channels), np.float32)
            kick[:, -1] = initial[channels]
            scale = np.diag(1 / threshold[channels])
            name = f"{node.name}.{rank}"
            senders = [
                self._pointwise(f"{name}.scale", source, scale, self._currents[source.name]),
                self._pointwise(f"{name}.start", source, kick, [self._input]),
            ]
            about = {"reset": "subtract", "layer": node.name, "member": str(rank)}
            fires = nir.IF(r=ones, v_threshold=ones, v_reset=0 * ones, metadata=about)
            members.append(_Member(self._place(name, fires, senders), channels))
        self._members[node.name] = members
        self.layers[node.name] = [member.name for member in members]

    def _pointwise(
        self, name: str, at: nodes.Node, weights: NDArray[Any], sources: list[str]
    ) -> str:
        zeros = np.zeros(len(weights), np.float32)
        return self._place(name, self._conv2d(weights[:, :, None, None], at, zeros), sources)

    def _conv2d(
        self, weights: NDArray[Any], at: nodes.Node, bias: NDArray[Any],
        node: nodes.Convolution | None = None,
    ) -> "nir.Conv2d":  # fmt: skip
        import nir

        return nir.Conv2d(
            input_shape=self._network.graph.positions(at, *self._size),
            weight=np.ascontiguousarray(weights, np.float32),
            stride=1 if node is None else node.stride,
            padding=0 if node is None else node.kernel // 2,
            dilation=1,
            groups=1,
            bias=np.ascontiguousarray(bias, np.float32),
        )


def spikes_by_layer(
    layers: Mapping[str, list[str]], spikes: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    """Put together the spikes of a population: (T, N, H', W') by layer.

    Args:
        layers: names of the IF nodes, as the metadata have them.
        spikes: (T, C, H', W') by IF node.
    """
    return {
        layer: np.concatenate([spikes[name] for name in names], axis=1)
        for layer, names in layers.items()
    }
