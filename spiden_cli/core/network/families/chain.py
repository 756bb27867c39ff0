"""A straight chain of layers, as the paper's is taken to be, and the same with membrane shortcuts.

Plain, it is DnCNN (Zhang et al. 2017, arXiv 1608.03981): u <- conv(spike(u)). With shortcuts, two
layers make a block that adds to the current, u <- u + conv(spike(conv(spike(u)))) (MS-ResNet: Hu
et al. 2024, arXiv 2112.08954): currents flow between blocks, and spikes never leave one.
"""

from spiden_cli.core.network.building import GraphBuilder
from spiden_cli.core.network.config import NetworkConfig
from spiden_cli.core.network.graph import Graph, Node
from spiden_cli.errors import InputError


def graph(config: NetworkConfig) -> Graph:
    """Return the chain of `config.layers` convolutions.

    Raises:
        InputError: an odd number of layers can't be joined by twos.
    """
    if config.shortcuts and config.layers % 2:
        raise InputError(f"{config.layers} layers: an even number is needed with shortcuts")
    build = GraphBuilder()
    spiking = config.spiking
    inner = config.inner_population if spiking else 1
    image = build.encode(config.encoded_channels, config.unshuffle)
    current: Node = build.convolution("encoder", image, config.width)
    if config.shortcuts:
        blocks = (config.layers - 2) // 2
        for index in range(blocks):
            current = shortcut_block(build, f"blocks.{index}", current, inner, blocks)
    else:
        for index in range(config.layers - 2):
            spikes = build.neurons(f"blocks.{index}.neurons", current, inner)
            current = build.convolution(f"blocks.{index}.conv", spikes, config.width)
    spikes = build.neurons("neurons", current, config.population if spiking else 1)
    drawn = build.convolution("readout", spikes, config.pixel_channels, normalised=False)
    return build.read_out(drawn)


def shortcut_block(
    build: GraphBuilder, name: str, current: Node, population: int, blocks: int
) -> Node:
    """Add u + conv2(spike(conv1(spike(u)))).

    The second normalisation starts at a gain of 1 / sqrt(blocks), so that the current's variance
    no more than doubles along the depth, whatever the depth.

    Args:
        build: the graph so far.
        name: prefix of the block's nodes.
        current: u.
        population: neurons for each channel.
        blocks: how many such blocks add to the current in all.
    """
    channels = current.channels
    inner = build.convolution(
        f"{name}.conv1", build.neurons(f"{name}.neurons1", current, population), channels
    )
    update = build.convolution(
        f"{name}.conv2", build.neurons(f"{name}.neurons2", inner, population), channels,
        gain=blocks**-0.5,
    )  # fmt: skip
    return build.add(f"{name}.sum", current, update)
