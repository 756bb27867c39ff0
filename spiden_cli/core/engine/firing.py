"""Where in a picture the neurons fire: spikes of all layers by position, gathered tile by tile."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from spiden_cli.core.engine.tiling import Window
from spiden_cli.core.network.graph import Graph

__all__ = ["LAYER_SIDE", "FiringCounter", "FiringMap"]

LAYER_SIDE = 512
"""Most positions along a side of the map of one layer; of more, neighbours are averaged. There may
be dozens of layers, and a picture of any size."""


@dataclass(frozen=True, eq=False)
class FiringMap:
    """How often the neurons at each position of a picture fire.

    Attributes:
        rate: (H', W') spikes per neuron and timestep, in [0, 1]. Its mean is the firing rate of the
            network, or layer. The last positions may reach beyond the picture.
        scale: pixels of the picture along each side of a position.
        layers: the same of the neurons that feed each spike-driven convolution, by its name, as in
            `Activity`; at most `LAYER_SIDE` positions a side. Of a layer's own map: none.
    """

    rate: NDArray[np.float32]
    scale: int
    layers: "Mapping[str, FiringMap]" = field(default_factory=dict)

    def part(self, window: Window) -> "FiringMap":
        """Return the map of a window, in pixels of the picture; of layers, what reaches into it."""
        rows, columns = (
            slice(side.start // self.scale, -(-side.stop // self.scale)) for side in window
        )
        layers = {name: layer.part(window) for name, layer in self.layers.items()}
        return FiringMap(self.rate[rows, columns], self.scale, layers)


class FiringCounter:
    """Gathers the spikes of a picture.

    Each layer has neurons at every `scale`-th pixel along a side. The spikes of a coarse position
    are spread evenly over the fine ones that it covers, which leaves the mean as it is
    (`activity.mean_firing_rate`).

    Args:
        graph: the network.
        height: rows of the picture, in pixels.
        width: columns.
        timesteps: T.
        within: the window of the picture that is looked at, on the network's grid; None: all.
    """

    def __init__(
        self, graph: Graph, height: int, width: int, timesteps: int, within: Window | None = None
    ) -> None:
        self._within = within or Window(slice(0, height), slice(0, width))
        self._graph, self._size, self._timesteps = graph, self._within.shape, timesteps
        self._spikes: dict[int, NDArray[np.float32]] = {}  # by scale
        self._looked_at: dict[tuple[int, int], int] = {}  # pixels of each window, by its corner
        self._slots = 0
        self._layers: dict[str, _Layer] = {}

    def add(self, window: Window, name: str, spikes: NDArray[np.integer]) -> None:
        """Add what came in to one convolution.

        Args:
            window: the pixels of the picture that were looked at.
            name: of the convolution.
            spikes: of all channels and timesteps, (H', W') at the positions of the window and,
                where it ends with the picture, of the padding.
        """
        source = self._graph[self._graph[name].inputs[0]]
        if source.scale not in self._spikes:
            shape = self._graph.positions(source, *self._size)
            self._spikes[source.scale] = np.zeros(shape, np.float32)
        inside = window.seen_from(self._within)
        top, left = (side.start for side in inside.positions(source.scale))
        height, width = spikes.shape
        self._spikes[source.scale][top : top + height, left : left + width] += spikes
        self._looked_at[window.rows.start, window.columns.start] = math.prod(window.shape)
        self._slots += source.channels * self._timesteps * spikes.size
        if name not in self._layers:
            shape = self._spikes[source.scale].shape
            self._layers[name] = _Layer(shape, source.scale, source.channels * self._timesteps)
        self._layers[name].add(top, left, spikes)

    def result(self) -> FiringMap | None:
        """Return the map; None if nothing was gathered: a CNN sends no spikes."""
        if not self._spikes:
            return None
        finest = min(self._spikes)
        total = np.zeros_like(self._spikes[finest])
        for scale, spikes in self._spikes.items():
            ratio = scale // finest
            total += spikes.repeat(ratio, 0).repeat(ratio, 1) / np.float32(ratio**2)
        share = sum(self._looked_at.values()) / math.prod(self._size)
        total *= np.float32(share * total.size / self._slots)
        return FiringMap(total, finest, {n: layer.result() for n, layer in self._layers.items()})


class _Layer:
    """Gathers the spikes of one layer in squares of its positions.

    Args:
        shape: its positions, (H', W').
        scale: pixels of the picture along each side of a position.
        chances: to fire at each position: channels times timesteps.
    """

    def __init__(self, shape: tuple[int, int], scale: int, chances: int) -> None:
        self._side = max(1, -(-max(shape) // LAYER_SIDE))
        self._scale, self._chances = scale, chances
        squares = -(-shape[0] // self._side), -(-shape[1] // self._side)
        self._spikes = np.zeros(squares)
        self._positions = np.zeros(squares, np.int64)

    def add(self, top: int, left: int, spikes: NDArray[np.integer]) -> None:
        """Add spikes (h, w), whose first position is at `top` and `left`."""
        (first, starts, tall), (second, breaks, wide) = (
            self._squares(*side) for side in zip((top, left), spikes.shape, strict=True)
        )
        inside = slice(first, first + len(tall)), slice(second, second + len(wide))
        sums = np.add.reduceat(np.add.reduceat(spikes, starts, 0, np.int64), breaks, 1)
        self._spikes[inside] += sums
        self._positions[inside] += np.multiply.outer(tall, wide)

    def _squares(self, start: int, length: int) -> tuple[int, list[int], list[int]]:
        """Return the first square along a side, where each begins, and how much of it there is."""
        first = start // self._side
        edges = range((first + 1) * self._side, start + length, self._side)
        starts = [0, *(edge - start for edge in edges)]
        return first, starts, np.diff([*starts, length]).tolist()

    def result(self) -> FiringMap:
        """Return the map of the layer; 0 where nothing was looked at."""
        rate = self._spikes / np.maximum(self._positions * self._chances, 1)
        return FiringMap(rate.astype(np.float32), self._scale * self._side)
