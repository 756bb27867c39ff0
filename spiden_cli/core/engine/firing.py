"""Where in a picture the neurons fire: spikes of all layers by position, gathered tile by tile."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spiden_cli.core.engine.tiling import Window
from spiden_cli.core.network.graph import Graph

__all__ = ["FiringCounter", "FiringMap"]


@dataclass(frozen=True, eq=False)
class FiringMap:
    """How often the neurons at each position of a picture fire.

    Attributes:
        rate: (H', W') spikes per neuron and timestep, in [0, 1]. Its mean is the firing rate of the
            network. The last positions may reach beyond the picture.
        scale: pixels of the picture along each side of a position.
    """

    rate: NDArray[np.float32]
    scale: int

    def part(self, window: Window) -> "FiringMap":
        """Return the map of a window, in pixels of the picture."""
        rows, columns = window.positions(self.scale)
        return FiringMap(self.rate[rows, columns], self.scale)


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
        return FiringMap(total, finest)
