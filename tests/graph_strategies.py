"""Graphs of any form, drawn at random: chains, shortcuts, skips, several resolutions."""

from hypothesis import strategies as st

from spiden_cli.core.network.building import GraphBuilder
from spiden_cli.core.network.config import NetworkConfig
from spiden_cli.core.network.graph import Graph, Node

CHANNELS = (1, 2, 5, 12, 33, 64, 70)
COARSEST = 4  # times the scale of the read-out


class _Drawing:
    """Adds nodes at random, and knows the currents that there are.

    Attributes:
        currents: those that nothing reads yet come last.
    """

    def __init__(self, draw: st.DrawFn, config: NetworkConfig, channels: tuple[int, ...]) -> None:
        self.draw, self.config, self.widths = draw, config, channels
        self.build = GraphBuilder()
        self.base = config.unshuffle
        self.count = 0
        self.ends_in_sum = False
        image = self.build.encode(config.encoded_channels, config.unshuffle)
        first = self.build.convolution("encoder", image, self.channels())
        self.currents: list[Node] = [first]
        self.unheard: dict[str, Node] = {first.name: first}

    def channels(self) -> int:
        return self.draw(st.sampled_from(self.widths))

    def name(self, kind: str) -> str:
        self.count += 1
        return f"{kind}{self.count}"

    def current(self) -> Node:
        """Any current; often one that nothing reads yet."""
        return self.draw(st.sampled_from([*self.currents, *self.unheard.values()]))

    def made(self, node: Node, *sources: Node) -> Node:
        for source in sources:
            self.unheard.pop(source.name, None)
        self.unheard[node.name] = node
        self.currents.append(node)
        return node

    def driven(self, source: Node, channels: int, kernel: int = 3, stride: int = 1) -> Node:
        """Let a current drive neurons, and their spikes another current."""
        population = self.draw(st.sampled_from([1, 1, 2, 3]))
        spikes = self.build.neurons(self.name("neurons"), source, population)
        node = self.build.convolution(self.name("conv"), spikes, channels, kernel, stride)
        return self.made(node, source)

    def layer(self) -> None:
        self.driven(self.current(), self.channels())

    def shortcut(self) -> None:
        source = self.current()
        self.add(source, self.driven(self.driven(source, self.channels()), source.channels))

    def down(self) -> None:
        source = self.current()
        if source.scale * 2 <= COARSEST * self.base:
            self.driven(source, self.channels(), stride=2)

    def up(self) -> None:
        source = self.current()
        if source.scale >= 2 * self.base:
            self.shuffled(self.driven(source, 4 * self.channels()))

    def spread(self) -> None:
        """Shuffle a current as it is."""
        source = self.current()
        if source.scale >= 2 * self.base and source.channels % 4 == 0:
            self.shuffled(source)

    def shuffled(self, source: Node) -> Node:
        return self.made(self.build.shuffle(self.name("shuffle"), source, 2), source)

    def add(self, *sources: Node) -> Node:
        order = self.draw(st.permutations(sources))
        return self.made(self.build.add(self.name("sum"), *order), *sources)

    def sum(self) -> None:
        """Add any two currents of one shape, or one to itself."""
        first = self.current()
        alike = [
            other for other in self.currents
            if (other.channels, other.scale) == (first.channels, first.scale)
        ]  # fmt: skip
        self.add(first, self.draw(st.sampled_from(alike)))

    def other_kernel(self) -> None:
        kernel, stride = self.draw(st.sampled_from([(1, 1), (5, 1), (5, 2), (1, 2)]))
        source = self.current()
        if source.scale * stride <= COARSEST * self.base:
            self.driven(source, self.channels(), kernel, stride)

    def fan_out(self) -> None:
        """Let spikes enter two convolutions."""
        source = self.current()
        spikes = self.build.neurons(self.name("neurons"), source)
        for _ in range(2):
            node = self.build.convolution(self.name("conv"), spikes, self.channels())
            self.made(node, source)

    def concatenate(self) -> None:
        first = self.current()
        alike = [other for other in self.currents if other.scale == first.scale]
        others = self.draw(st.lists(st.sampled_from(alike), min_size=1, max_size=2))
        node = self.build.concatenate(self.name("beside"), first, *others)
        self.made(node, first, *others)

    def unshuffle(self) -> None:
        source = self.current()
        if source.scale * 2 <= COARSEST * self.base and source.channels <= 5:
            self.made(self.build.unshuffle(self.name("unshuffle"), source, 2), source)

    def three(self) -> None:
        first = self.current()
        self.add(first, *(self.driven(first, first.channels) for _ in range(2)))

    def finish(self) -> Graph:
        """Bring all that nothing reads together, and read it out."""
        channels = self.channels()
        ends = []
        for source in list(self.unheard.values()):
            end = source
            while end.scale > self.base:
                end = self.shuffled(self.driven(end, 4 * channels))
            ends.append(end if end.channels == channels else self.driven(end, channels))
        total = ends[0]
        for end in ends[1:]:
            total = self.add(total, end)
        population = self.draw(st.sampled_from([1, 2, 3]))
        spikes = self.build.neurons("neurons", total, population)
        outputs = self.config.pixel_channels
        drawn: Node = self.build.convolution("readout", spikes, outputs, normalised=False)
        if self.ends_in_sum:
            again = self.build.neurons("neurons_again", total)
            other = self.build.convolution("readout_again", again, outputs)
            drawn = self.build.add("both", drawn, other)
        return self.build.read_out(drawn)

    def end_in_sum(self) -> None:
        """Read out a sum of two convolutions."""
        self.ends_in_sum = True


SMALL = st.builds(
    NetworkConfig,
    image_channels=st.sampled_from([1, 3]),
    unshuffle=st.sampled_from([1, 2]),
    noise_map=st.booleans(),
)
KNOWN = ("layer", "shortcut", "down", "up", "spread", "sum")
OTHERS = ("other_kernel", "fan_out", "concatenate", "unshuffle", "three", "end_in_sum")
ALL = KNOWN + OTHERS


@st.composite
def graphs(
    draw: st.DrawFn, kinds: tuple[str, ...] = KNOWN, channels: tuple[int, ...] = CHANNELS
) -> tuple[NetworkConfig, Graph]:
    """A configuration that says what enters and leaves, and a graph for it.

    Args:
        draw: hypothesis's own.
        kinds: what the graph is made of: methods of `_Drawing`.
        channels: that its currents may have.
    """
    config = draw(SMALL)
    drawing = _Drawing(draw, config, channels)
    for kind in draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=7)):
        getattr(drawing, kind)()
    return config, drawing.finish()
