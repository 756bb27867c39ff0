"""A small U-Net (Ronneberger et al. 2015, arXiv 1505.04597) of two resolutions, for spikes.

Half of the blocks run at half the resolution and twice the channels, between a convolution of
stride two and one whose currents are shuffled back to the finer grid. The skip adds currents, so
that every convolution still sees only spikes.
"""

from spiden_cli.core.network.building import GraphBuilder
from spiden_cli.core.network.config import NetworkConfig
from spiden_cli.core.network.families.chain import shortcut_block
from spiden_cli.core.network.graph import Graph, Node
from spiden_cli.errors import InputError


def graph(config: NetworkConfig) -> Graph:
    """Return a U-Net of `config.layers` convolutions: 4 to enter, go down, come up and leave.

    Raises:
        InputError: the other layers can't be shared out in blocks of two, before, at and after
            the coarse resolution.
    """
    blocks, odd = divmod(config.layers - 4, 2)
    if odd or blocks < 3:
        raise InputError(f"{config.layers} layers: a U-Net needs 10, 12, 14, ...")
    before = blocks // 4 or 1
    coarse = blocks - 2 * before
    build = GraphBuilder()
    population = config.inner_population if config.spiking else 1

    def stage(name: str, count: int, current: Node) -> Node:
        for index in range(count):
            current = shortcut_block(build, f"{name}.{index}", current, population, blocks)
        return current

    image = build.encode(config.encoded_channels, config.unshuffle)
    fine = stage("down", before, build.convolution("encoder", image, config.width))
    down = build.neurons("to_coarse.neurons", fine, population)
    low = build.convolution("to_coarse.conv", down, 2 * config.width, stride=2)
    up = build.neurons("to_fine.neurons", stage("coarse", coarse, low), population)
    high = build.convolution("to_fine.conv", up, 4 * config.width, gain=blocks**-0.5)
    back = build.shuffle("to_fine.shuffle", high, 2)
    current = stage("up", before, build.add("skip", fine, back))
    spikes = build.neurons("neurons", current, config.population if config.spiking else 1)
    drawn = build.convolution("readout", spikes, config.pixel_channels, normalised=False)
    return build.read_out(drawn)
