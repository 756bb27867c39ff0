"""The chain with a branch of coarser resolutions: a network that sees further.

In the middle of the chain, u <- u + up(coarse(down(spike(u)))). The branch works at half the
chain's resolution, and has a branch of its own at a quarter of it. On the way down a convolution of
spikes takes every second position; on the way up the currents of a convolution of spikes are
shuffled back to the finer grid. Skips add currents, so that every convolution still sees only
spikes. The gain of the last normalisation of a branch starts at zero: a chain that has been trained
can be grown into this network, and computes at first what it did.
"""

from spiden_cli.core.network.building import GraphBuilder
from spiden_cli.core.network.config import NetworkConfig
from spiden_cli.core.network.families.chain import shortcut_block
from spiden_cli.core.network.graph import Graph, Node
from spiden_cli.errors import InputError


def graph(config: NetworkConfig) -> Graph:
    """Return a chain of `config.layers` convolutions with shortcuts, and its branch.

    Raises:
        InputError: an odd number of layers can't be joined by twos, or there are no shortcuts.
    """
    blocks, odd = divmod(config.layers - 2, 2)
    if odd or not config.shortcuts or blocks < 1:
        raise InputError(f"{config.layers} layers: an even number from 4 on, with shortcuts")
    build = GraphBuilder()
    population = config.inner_population if config.spiking else 1
    image = build.encode(config.encoded_channels, config.unshuffle)
    current: Node = build.convolution("encoder", image, config.width)
    for index in range(blocks):
        current = shortcut_block(build, f"blocks.{index}", current, population, blocks)
        if index == blocks // 2:
            widths = (config.width * 3 // 2, config.width * 2)
            current = _branch(build, ("coarse", "coarser"), widths, current, population)
    spikes = build.neurons("neurons", current, config.population if config.spiking else 1)
    drawn = build.convolution("readout", spikes, config.pixel_channels, normalised=False)
    return build.read_out(drawn)


def _branch(
    build: GraphBuilder,
    names: tuple[str, ...],
    widths: tuple[int, ...],
    current: Node,
    population: int,
) -> Node:
    """Add to a current what a branch makes of it: a block, the next branch, a block.

    Args:
        build: the graph so far.
        names: of this branch and those within it.
        widths: their channels.
        current: u.
        population: neurons for each channel.
    """
    (name, *within), (width, *narrower) = names, widths
    spikes = build.neurons(f"{name}.down.neurons", current, population)
    low: Node = build.convolution(f"{name}.down.conv", spikes, width, stride=2)
    low = shortcut_block(build, f"{name}.0", low, population, 2)
    if within:
        low = _branch(build, tuple(within), tuple(narrower), low, population)
    low = shortcut_block(build, f"{name}.1", low, population, 2)
    spikes = build.neurons(f"{name}.up.neurons", low, population)
    high = build.convolution(f"{name}.up.conv", spikes, 4 * current.channels, gain=0.0)
    return build.add(f"{name}.sum", current, build.shuffle(f"{name}.up.shuffle", high, 2))
