"""Where in a picture the neurons fire: spikes of all layers by position, gathered tile by tile."""

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
    """

    def __init__(self, graph: Graph, height: int, width: int, timesteps: int) -> None:
        self._graph, self._size, self._timesteps = graph, (height, width), timesteps
        self._spikes: dict[int, NDArray[np.float32]] = {}  # by scale
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
        top, left = (side.start for side in window.positions(source.scale))
        height, width = spikes.shape
        self._spikes[source.scale][top : top + height, left : left + width] += spikes
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
        total *= np.float32(total.size / self._slots)
        return FiringMap(total, finest)
