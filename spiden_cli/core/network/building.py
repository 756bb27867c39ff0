"""Writing a graph down node by node; edges of the wrong kind are refused."""

from spiden_cli.core.network.graph import (
    Add,
    AnyNode,
    Concatenate,
    Convolution,
    Encode,
    Graph,
    Kind,
    Neurons,
    Node,
    ReadOut,
    Shuffle,
    Unshuffle,
)
from spiden_cli.errors import InputError


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
