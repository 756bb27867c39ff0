"""The shape of a network as data: typed nodes, joined by named edges.

A family of networks (`families/`) is a function from a configuration to a `Graph`. Everything else
that has to know the shape is a fold over its nodes: running it in torch (`execution.py`), the
tensors of a weights file (`parameters.py`), the margin and the grid of tiles, the numbers of
operations, and the program of the event engine.

Three kinds of value travel along the edges. The **image** is what encodes the picture: real
values, constant over time. A **current** drives neurons: real values, at every timestep. **Spikes**
are zeros and ones. Convolutions take the image or spikes and give currents; only neurons make
spikes out of currents; everything between them moves or adds currents. So whatever the family,
every convolution but those of the image sees nothing but spikes.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from spiden_cli.errors import InputError

Kind = Literal["image", "current", "spikes", "result"]


@dataclass(frozen=True)
class Node:
    """One step of a network.

    Attributes:
        name: unique; of a node with parameters, their prefix in a weights file.
        inputs: names of the nodes whose values come in, in order.
        channels: of the value that goes out.
        scale: pixels of the picture along each side of one of its positions.
    """

    name: str
    inputs: tuple[str, ...]
    channels: int
    scale: int

    kind = "current"  # of the value that goes out; a Kind


@dataclass(frozen=True)
class Encode(Node):
    """The picture, `scale` x `scale` pixels to a position, and maybe the noise level."""

    kind = "image"


@dataclass(frozen=True)
class Convolution(Node):
    """A convolution with a square kernel, zero-padded by kernel // 2.

    Attributes:
        channels_in: input channels.
        kernel: side of the kernel; odd.
        stride: positions from one output to the next.
        normalised: carries a batch normalisation (folded away for inference) in place of a bias.
        gain: at which that normalisation starts.
    """

    channels_in: int
    kernel: int = 3
    stride: int = 1
    normalised: bool = True
    gain: float = 1.0


@dataclass(frozen=True)
class Neurons(Node):
    """A layer of neurons: currents in, spikes out.

    Attributes:
        population: neurons for each channel of the current.
        currents: channels of the current, `channels` / `population`.
    """

    population: int
    currents: int

    kind = "spikes"


@dataclass(frozen=True)
class Add(Node):
    """The sum of currents of one shape: a membrane shortcut, or a skip."""


@dataclass(frozen=True)
class Concatenate(Node):
    """Currents of one scale, channel after channel."""


@dataclass(frozen=True)
class Unshuffle(Node):
    """`factor` x `factor` positions of each channel become channels of one position."""

    factor: int


@dataclass(frozen=True)
class Shuffle(Node):
    """The way back: factor^2 channels become `factor` x `factor` positions of one channel."""

    factor: int


@dataclass(frozen=True)
class ReadOut(Node):
    """Does not fire: the mean current over time, moved back to pixels, is the predicted noise."""

    kind = "result"


def reach(side: int, kernel: int = 3, stride: int = 1) -> NDArray[np.int64]:
    """Return how many outputs each position along a side reaches, border aware: (side,)."""
    position, near = np.arange(side), kernel // 2
    last = np.minimum((position + near) // stride, -(-side // stride) - 1)
    first = np.maximum(-((near - position) // stride), 0)
    return last - first + 1


@dataclass(frozen=True)
class ConvolutionShape:
    """One convolution of a network over an image of a certain size.

    Attributes:
        name: of the node, as in the weights file: "encoder", "blocks.0.conv1", ..., "readout".
        channels_in: input channels.
        channels_out: output channels.
        height: rows of input positions.
        width: columns of input positions.
        kernel: side of the kernel.
        stride: input positions from one output to the next.
    """

    name: str
    channels_in: int
    channels_out: int
    height: int
    width: int
    kernel: int = 3
    stride: int = 1

    @property
    def taps(self) -> int:
        """Pairs of input and output position that the kernel joins; none beyond the border."""
        return int(reach(self.height, self.kernel, self.stride).sum()) * int(
            reach(self.width, self.kernel, self.stride).sum()
        )

    @property
    def inputs(self) -> int:
        """Values that enter the convolution."""
        return self.channels_in * self.height * self.width

    @property
    def outputs(self) -> int:
        """Values that leave it."""
        return self.channels_out * -(-self.height // self.stride) * -(-self.width // self.stride)

    @property
    def weights(self) -> int:
        """Weights of the kernel, bias not counted."""
        return self.kernel**2 * self.channels_in * self.channels_out

    @property
    def dense_operations(self) -> int:
        """Multiply-accumulates of the convolution."""
        return self.taps * self.channels_in * self.channels_out


AnyNode = TypeVar("AnyNode", bound=Node)


@dataclass(frozen=True)
class Graph:
    """The nodes of a network, each after its inputs.

    Attributes:
        nodes: the first is the `Encode`, the last the `ReadOut`.
    """

    nodes: tuple[Node, ...]

    def __getitem__(self, name: str) -> Node:
        """Return the node of that name."""
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, Node]:
        return {node.name: node for node in self.nodes}

    def of_type(self, kind: type[AnyNode]) -> Iterator[AnyNode]:
        """Yield the nodes of a type, in the order of the data."""
        return (node for node in self.nodes if isinstance(node, kind))

    def inputs(self, node: Node) -> list[Node]:
        """Return the input nodes of a node."""
        return [self[name] for name in node.inputs]

    def consumers(self, node: Node) -> list[Node]:
        """Return the nodes that take the output of a node, in the order of the data."""
        return self._consumers[node.name]

    @cached_property
    def _consumers(self) -> dict[str, list[Node]]:
        found: dict[str, list[Node]] = {node.name: [] for node in self.nodes}
        for node in self.nodes:
            for name in dict.fromkeys(node.inputs):
                found[name].append(node)
        return found

    def spike_driven(self, node: Node) -> bool:
        """Return whether a node is a convolution whose input is spikes."""
        return isinstance(node, Convolution) and self[node.inputs[0]].kind == "spikes"

    @property
    def spike_convolutions(self) -> list[Convolution]:
        """The convolutions whose input is spikes, in the order of the data."""
        return [node for node in self.of_type(Convolution) if self.spike_driven(node)]

    @cached_property
    def grid(self) -> int:
        """Pixels to a multiple of which each side of a picture is padded; tiles start on it."""
        return math.lcm(*(node.scale for node in self.nodes))

    @cached_property
    def receptive_field(self) -> int:
        """Pixels on each side of an output pixel that can change it."""
        before: dict[str, int] = {}  # of a position's first pixel
        after: dict[str, int] = {}  # likewise; what a position covers is after its first pixel
        for node in self.nodes:
            sources = self.inputs(node)
            before[node.name] = max((before[s.name] for s in sources), default=0)
            after[node.name] = max((after[s.name] for s in sources), default=node.scale - 1)
            if isinstance(node, Convolution):
                wide = node.kernel // 2 * sources[0].scale
                before[node.name] += wide
                after[node.name] += wide
            elif isinstance(node, Unshuffle):
                after[node.name] += node.scale - sources[0].scale
            elif isinstance(node, (Shuffle, ReadOut)):
                before[node.name] += sources[0].scale - node.scale
        return max(before[self.nodes[-1].name], after[self.nodes[-1].name])

    @property
    def margin(self) -> int:
        """Pixels around a tile that it is read with: the receptive field, on the grid."""
        return self.receptive_field + (-self.receptive_field % self.grid)

    def positions(self, node: Node, height: int, width: int) -> tuple[int, int]:
        """Return rows and columns of a node's value, for a picture of (H, W) pixels."""
        tall, wide = (side + (-side % self.grid) for side in (height, width))
        return tall // node.scale, wide // node.scale

    def convolutions(self, height: int, width: int) -> list[ConvolutionShape]:
        """Return the convolutions over a picture of (H, W) pixels, in the order of the data."""
        return [
            ConvolutionShape(
                node.name, node.channels_in, node.channels,
                *self.positions(self[node.inputs[0]], height, width), node.kernel, node.stride,
            )
            for node in self.of_type(Convolution)
        ]  # fmt: skip

    def dense_operations(self, height: int, width: int) -> dict[str, int]:
        """Return the multiply-accumulates of each convolution, done once and densely."""
        return {shape.name: shape.dense_operations for shape in self.convolutions(height, width)}


class GraphBuilder:
    """Writes a graph down node by node, and refuses edges that carry the wrong kind of value.

    Every method returns the node that it added, to be the input of later ones.

    Raises:
        InputError: an input is of the wrong kind or shape, or a name is taken.
    """

    def __init__(self) -> None:
        self._nodes: dict[str, Node] = {}

    def encode(self, channels: int, scale: int) -> Encode:
        """Start from a picture, `scale` x `scale` pixels to a position."""
        return self._add(Encode("image", (), channels, scale))

    def convolution(
        self,
        name: str,
        source: Node,
        channels: int,
        kernel: int = 3,
        stride: int = 1,
        gain: float = 1.0,
        normalised: bool = True,
    ) -> Convolution:
        """Convolve the image or spikes; see `Convolution`."""
        self._want(name, source, "image", "spikes")
        if kernel % 2 == 0:
            raise InputError(f"{name}: a kernel of an odd side is wanted, not {kernel}")
        return self._add(
            Convolution(
                name, (source.name,), channels, source.scale * stride, source.channels, kernel,
                stride, normalised, gain,
            )
        )  # fmt: skip

    def neurons(self, name: str, source: Node, population: int = 1) -> Neurons:
        """Let a current drive neurons, so many for each channel."""
        self._want(name, source, "current")
        channels = source.channels * population
        return self._add(
            Neurons(name, (source.name,), channels, source.scale, population, source.channels)
        )

    def add(self, name: str, *sources: Node) -> Add:
        """Add currents of one shape."""
        shapes = {(source.channels, source.scale) for source in sources}
        self._want(name, sources[0], "current")
        if len(shapes) > 1 or len({source.kind for source in sources}) > 1 or len(sources) < 2:
            raise InputError(f"{name}: only currents of one shape can be added")
        names = tuple(source.name for source in sources)
        return self._add(Add(name, names, sources[0].channels, sources[0].scale))

    def concatenate(self, name: str, *sources: Node) -> Concatenate:
        """Put currents of one scale beside each other."""
        for source in sources:
            self._want(name, source, "current")
        if len({source.scale for source in sources}) > 1 or len(sources) < 2:
            raise InputError(f"{name}: only currents of one scale can be concatenated")
        channels = sum(source.channels for source in sources)
        names = tuple(source.name for source in sources)
        return self._add(Concatenate(name, names, channels, sources[0].scale))

    def unshuffle(self, name: str, source: Node, factor: int) -> Unshuffle:
        """Turn squares of positions into channels."""
        self._want(name, source, "current")
        channels, scale = source.channels * factor**2, source.scale * factor
        return self._add(Unshuffle(name, (source.name,), channels, scale, factor))

    def shuffle(self, name: str, source: Node, factor: int) -> Shuffle:
        """Turn channels into squares of positions."""
        self._want(name, source, "current")
        if source.channels % factor**2 or source.scale % factor:
            raise InputError(f"{name}: {source.channels} channels can't be shuffled by {factor}")
        channels, scale = source.channels // factor**2, source.scale // factor
        return self._add(Shuffle(name, (source.name,), channels, scale, factor))

    def read_out(self, source: Node) -> Graph:
        """End in the predicted noise; `source` has a channel for each pixel of a position."""
        self._want("result", source, "current")
        used = {name for node in self._nodes.values() for name in node.inputs} | {source.name}
        if unused := sorted(self._nodes.keys() - used):
            raise InputError(f"the output of {unused[0]} is never used")
        self._add(ReadOut("result", (source.name,), source.channels // source.scale**2, 1))
        return Graph(tuple(self._nodes.values()))

    def _want(self, name: str, source: Node, *kinds: Kind) -> None:
        if source.kind not in kinds:
            raise InputError(f"{name}: {source.name} gives {source.kind}, not {' or '.join(kinds)}")

    def _add(self, node: AnyNode) -> AnyNode:
        if node.name in self._nodes:
            raise InputError(f"two nodes are named {node.name!r}")
        self._nodes[node.name] = node
        return node
