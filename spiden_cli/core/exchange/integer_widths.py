"""How wide the sums of an integer network can get, whatever the picture.

Interval arithmetic over the graph, channel by channel: each weight meets the end of its input's
range that makes the sum largest, or smallest. Border positions have fewer taps, and stay within.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spiden_cli.core.network import graph as nodes
from spiden_cli.core.network.folding import FoldedNetwork

__all__ = ["LEVELS", "PIXELS", "accumulator_bits"]

PIXELS = (-1024, 1279)
"""Of what enters: four times 255, the largest noise level, beyond black and white."""
LEVELS = (0, 1020)
"""Of the noise level, 4 sigma."""

Range = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Lowest and highest value of each channel."""


def accumulator_bits(
    network: FoldedNetwork, arrays: Mapping[str, NDArray[Any]], timesteps: int
) -> dict[str, int]:
    """Return the bits of signed numbers that hold every sum, by convolution and by neurons.

    Args:
        network: its shape is used.
        arrays: its integers; see `IntegerNetwork`.
        timesteps: T.
    """
    graph, weighted = network.graph, network.config.weighted
    ranges: dict[str, Range] = {}
    bits: dict[str, int] = {}
    for node in graph.nodes[1:-1]:
        sources = [ranges[name] for name in node.inputs if name in ranges]
        if isinstance(node, nodes.Convolution):
            ranges[node.name], bits[node.name] = _driven(network, node, arrays, timesteps)
        elif isinstance(node, nodes.Add):
            low, high = (np.sum(ends, 0) for ends in zip(*sources, strict=True))
            ranges[node.name] = low, high
        elif isinstance(node, nodes.Neurons):
            bits[node.name] = _potential(node, sources[0], arrays, timesteps, weighted)
        elif isinstance(node, nodes.Concatenate):
            low, high = (np.concatenate(ends) for ends in zip(*sources, strict=True))
            ranges[node.name] = low, high
        elif isinstance(node, nodes.Shuffle):
            low, high = (end.reshape(node.channels, -1) for end in sources[0])
            ranges[node.name] = low.min(1), high.max(1)
        elif isinstance(node, nodes.Unshuffle):
            low, high = (np.repeat(end, node.factor**2) for end in sources[0])
            ranges[node.name] = low, high
    return bits


def _driven(
    network: FoldedNetwork, node: nodes.Convolution, arrays: Mapping[str, NDArray[Any]], steps: int
) -> tuple[Range, int]:
    """Return the range of a convolution's current in its unit, and the bits of its sums."""
    weights = arrays[f"{node.name}/weights"].astype(np.int64)
    driven = network.graph.spike_driven(node)
    spikes = 0, 2**steps - 1 if network.config.weighted else 1
    lowest, highest = (np.full(node.channels_in, end) for end in (spikes if driven else PIXELS))
    if network.config.noise_map and not driven:
        lowest[-1], highest[-1] = LEVELS
    low, high = _extremes(weights, lowest, highest)
    own = arrays[f"{node.name}/shift"].astype(np.int64)
    bias = arrays[f"{node.name}/bias"]
    ends = (low << own) + bias, (high << own) + bias
    return ends, max(_bits(low), _bits(high), *map(_bits, ends))


def _extremes(
    weights: NDArray[np.int64], lowest: NDArray[np.int64], highest: NDArray[np.int64]
) -> Range:
    down = lowest[:, None, None] * weights
    up = highest[:, None, None] * weights
    return np.minimum(down, up).clip(max=0).sum((1, 2, 3)), np.maximum(down, up).clip(min=0).sum(
        (1, 2, 3)
    )


def _potential(
    node: nodes.Neurons, current: Range, arrays: Mapping[str, NDArray[Any]], steps: int,
    weighted: bool,
) -> int:  # fmt: skip
    start = arrays[f"{node.name}/start"]
    low, high = (np.tile(end, node.population) for end in current)
    if weighted:
        ends = (low << steps) + start, (high << steps) + start
    else:  # it is driven down at each step, or up, less the spikes that it sends
        ends = start + steps * low.clip(max=0), start + steps * high.clip(min=0)
    threshold = arrays[f"{node.name}/threshold"] << (steps if weighted else 0)
    return max(_bits(ends[0]), _bits(ends[1]), _bits(threshold))


def _bits(values: NDArray[np.int64]) -> int:
    """Return the bits of two's complement that hold whole numbers."""
    most, least = int(values.max()), int(values.min())
    return 1 + max(max(most, 0).bit_length(), max(-least - 1, 0).bit_length())
