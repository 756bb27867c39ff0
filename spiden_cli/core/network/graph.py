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
from functools import cached_property, lru_cache
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

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


@lru_cache(maxsize=256)
def reach(side: int, kernel: int = 3, stride: int = 1) -> NDArray[np.int64]:
    """Return how many outputs each position along a side reaches, border aware: (side,).

    What is returned can't be written to: it is kept, since a network asks for few of them often.
    """
    position, near = np.arange(side), kernel // 2
    last = np.minimum((position + near) // stride, -(-side // stride) - 1)
    first = np.maximum(-((near - position) // stride), 0)
    reached: NDArray[np.int64] = last - first + 1
    reached.flags.writeable = False
    return reached


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
        population: input channels that are neurons of one and the same current.
    """

    name: str
    channels_in: int
    channels_out: int
    height: int
    width: int
    kernel: int = 3
    stride: int = 1
    population: int = 1

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

    @cached_property
    def depth(self) -> int:
        """Layers of neurons that follow one another on the longest way through the network."""
        deep: dict[str, int] = {}
        for node in self.nodes:
            before = max((deep[name] for name in node.inputs), default=0)
            deep[node.name] = before + isinstance(node, Neurons)
        return deep[self.nodes[-1].name]

    @cached_property
    def neurons_per_position(self) -> float:
        """Neurons for each position of the finest layers; coarser ones count by their share."""
        layers = list(self.of_type(Neurons))
        finest = min(layer.scale for layer in layers)
        return sum(layer.channels * (finest / layer.scale) ** 2 for layer in layers)

    def positions(self, node: Node, height: int, width: int) -> tuple[int, int]:
        """Return rows and columns of a node's value, for a picture of (H, W) pixels."""
        tall, wide = (side + (-side % self.grid) for side in (height, width))
        return tall // node.scale, wide // node.scale

    def convolutions(self, height: int, width: int) -> list[ConvolutionShape]:
        """Return the convolutions over a picture of (H, W) pixels, in the order of the data."""
        return [
            ConvolutionShape(
                node.name, node.channels_in, node.channels,
                *self.positions(source, height, width), node.kernel, node.stride,
                source.population if isinstance(source, Neurons) else 1,
            )
            for node in self.of_type(Convolution)
            for source in self.inputs(node)
        ]  # fmt: skip

    def dense_operations(self, height: int, width: int) -> dict[str, int]:
        """Return the multiply-accumulates of each convolution, done once and densely."""
        return {shape.name: shape.dense_operations for shape in self.convolutions(height, width)}
