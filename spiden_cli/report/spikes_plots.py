"""The spikes of a network as a figure: a raster and a rate map for each layer."""

from pathlib import Path
from typing import TYPE_CHECKING

from spiden_cli.report.figures import drawing, literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from spiden_cli.core.exchange.recording import LayerSpikes, Recording
    from spiden_cli.report.spikes import SpikesReport

COLUMNS = 4  # layers beside one another


def plot_spikes(path: Path, report: "SpikesReport", recording: "Recording") -> None:
    """Draw each layer: what its neurons at one place send, and how often they fire everywhere.

    The raster shows all neurons of the position in the middle, one a row, with time to the right;
    those that fire most are at the top.

    Args:
        path: PNG or SVG file.
        report: what to call the figure.
        recording: the spikes.

    Raises:
        OutputError: the file can't be written.
    """
    layers = list(recording.layers.values())
    columns = min(COLUMNS, len(layers))
    rows = -(-len(layers) // columns)
    with drawing(path, 4.2 * columns, 2.6 * rows + 0.4) as figure:
        told = "" if report.sigma is None else f", sigma {report.sigma:.1f}"
        figure.suptitle(
            literal(f"{report.source.name}: {report.model}, T = {report.timesteps}{told}"),
            fontsize=11,
        )
        grid = figure.subplots(
            rows, 2 * columns, squeeze=False, gridspec_kw={"width_ratios": [1, 2.4] * columns}
        )
        places = [(row[2 * at], row[2 * at + 1]) for row in grid for at in range(columns)]
        for (raster, rates), layer in zip(places, layers, strict=False):
            _raster(raster, layer)
            _rate_map(rates, layer)
        for pair in places[len(layers) :]:
            for axis in pair:
                axis.set_axis_off()


def _raster(axis: "Axes", layer: "LayerSpikes") -> None:
    import numpy as np

    steps, neurons, height, width = layer.shape
    row, column = height // 2, width // 2
    byte, bit = divmod(column, 8)
    sent = (layer.packed[:, :, row, byte] >> (7 - bit)) & 1
    order = np.argsort(-sent.sum(0, dtype=int), kind="stable")
    axis.imshow(
        sent[:, order].T, cmap="binary", vmin=0, vmax=1, aspect="auto", interpolation="nearest",
        extent=(0.5, steps + 0.5, neurons, 0),
    )  # fmt: skip
    axis.set(title=literal(layer.name), xlabel="timestep", ylabel="neurons in the middle")
    axis.set_xticks([1, steps] if steps > 1 else [1])
    axis.grid(False)


def _rate_map(axis: "Axes", layer: "LayerSpikes") -> None:
    shown = axis.imshow(layer.rate_map(), cmap="inferno", vmin=0, interpolation="nearest")
    axis.figure.colorbar(shown, ax=axis, shrink=0.8)
    axis.set_title("rate", loc="right", fontweight="normal", fontsize=8)
    axis.set_axis_off()
