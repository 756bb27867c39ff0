"""The engine that runs on spikes: what it costs grows with them."""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import numpy as np

from spiden_cli.core.engine.activity import Activity, counted
from spiden_cli.core.engine.engine import OnSpikes, Pass
from spiden_cli.core.engine.event.encoding import encode, subtract_noise
from spiden_cli.core.engine.event.kernels import run_band
from spiden_cli.core.engine.event.layout import Band, Layout, plan
from spiden_cli.core.engine.event.program import compile_network
from spiden_cli.core.engine.event.tables import Counts
from spiden_cli.core.engine.tiling import Window, counting_window
from spiden_cli.core.image.pixels import Planes
from spiden_cli.core.network.folding import FoldedNetwork, folded
from spiden_cli.core.network.graph import Neurons, reach
from spiden_cli.core.noise.model import Level
from spiden_cli.errors import InputError

if TYPE_CHECKING:
    from spiden_cli.core.network.denoiser import Denoiser

_NUMBERS: dict[str, type[np.float32] | type[np.int16]] = {
    "float32": np.float32,
    "int16": np.int16,
}
_LEAST_ROWS = 32  # of a band: above and below it, some rows are computed twice
_PLANS = 8
"""For sizes of pictures and tiles: a small one takes as long to plan as a sixth of its network."""


class EventEngine:
    """Compiled loops over spikes, on the CPU.

    Args:
        network: a spiking network.
        threads: how many bands of rows run side by side; None: as many as there are cores.
        numbers: "float32", for the spikes of the dense engine, or "int16", for rounded weights
            that are half as large.

    Raises:
        InputError: the network is a CNN, or its neurons leak and `numbers` is "int16".
        UnsupportedNodeError: there is no kernel for one of its nodes.
    """

    passes = 1
    tile = (2048, 1024)  # a few rows at a time are at work, so that it may be tall

    def __init__(
        self,
        network: "FoldedNetwork | Denoiser",
        threads: int | None = None,
        numbers: str = "float32",
    ) -> None:
        if not network.config.spiking:
            raise InputError("a CNN sends no spikes: run it on the dense engine")
        self.name = "event" if numbers == "float32" else f"event-{numbers}"
        self.config = network.config
        self.threads = threads or available_cores()
        ready = folded(network)
        self._program = compile_network(ready, _NUMBERS[numbers])
        self._planned = lru_cache(maxsize=_PLANS)(partial(plan, self._program))
        self._bias = ready.convolutions[self._program.operations[-1].node.name].bias
        # Compiling the kernels, or reading them from disk, does not count as time of any picture.
        side = 2 * ready.graph.grid
        self.run(np.zeros((self.config.image_channels, side, side), np.float32), 0.0, 1)

    def run(
        self,
        noisy: Planes,
        level: Level,
        timesteps: int,
        window: Window | None = None,
        on_spikes: OnSpikes | None = None,
    ) -> Pass:
        """Denoise one image; see `Engine.run`."""
        program, grid = self._program, self._program.graph.grid
        image = encode(noisy, level, self.config, grid)
        height, width = image.shape[0] - 2, image.shape[1] - 2
        inside = counting_window(window, noisy.shape[1], noisy.shape[2], grid)
        edges = _bands(height, self.threads, grid // program.scale)
        layout, bands = self._planned(height, width, timesteps, edges, inside.ends)
        layers = int(layout.table["count"].max()) + 1
        rows, columns = (int(layout.table[side].max()) for side in ("height", "width"))
        places = np.zeros((layers, rows, columns) if on_spikes else (0, 0, 0), np.int32)
        sums = np.zeros((3, layers, rows), np.int64)
        counts = Counts(sums[0], sums[1], sums[2], places)
        drawn = np.empty((height, width, len(self._bias)), np.float32)

        def run(band: Band) -> None:
            run_band(
                image, program.arranged.arrays, *band, timesteps, program.weighted,
                layout.numbers, layout.planes, layout.words, counts, drawn,
            )  # fmt: skip

        if height < 2 * _LEAST_ROWS:  # it takes a moment, as long as signals can wait
            for band in bands:
                run(band)
        else:  # even one: while compiled code runs, no signal is heard in its thread
            with ThreadPoolExecutor(len(bands)) as pool:
                list(pool.map(run, bands))
        if not self.config.weighted:
            drawn /= np.float32(timesteps)
        drawn += self._bias
        denoised = subtract_noise(noisy, drawn, level, self.config)
        size = noisy.shape[1:]
        return Pass(denoised, self._activity(layout, counts, inside, size, timesteps, on_spikes))

    def _activity(
        self,
        layout: Layout,
        counts: Counts,
        window: Window,
        size: tuple[int, ...],
        timesteps: int,
        on_spikes: OnSpikes | None,
    ) -> Activity:
        graph, result = self._program.graph, {}
        shapes = {shape.name: shape for shape in graph.convolutions(*size)}
        for row, operation in zip(layout.table, self._program.operations, strict=True):
            if not isinstance(operation.node, Neurons):
                continue
            (reader,) = graph.consumers(operation.node)
            shape, k = shapes[reader.name], row["count"]
            rows = reach(shape.height, shape.kernel, shape.stride)
            reached = int(counts.reached[k, : shape.height] @ rows)
            inside = window.positions(operation.node.scale)
            spikes, fired = int(counts.spikes[k].sum()), int(counts.fired[k].sum())
            result[shape.name] = counted(shape, inside, spikes, fired, reached, timesteps)
            if on_spikes is not None:
                on_spikes(shape.name, counts.places[k][inside])
        return {name: result[name] for name in shapes if name in result}


def available_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _bands(height: int, threads: int, grid: int) -> tuple[int, ...]:
    """Return where bands of rows begin and end: on the grid, and not too thin."""
    count = max(1, min(threads, height // _LEAST_ROWS))
    return (*(height * band // count // grid * grid for band in range(count)), height)
