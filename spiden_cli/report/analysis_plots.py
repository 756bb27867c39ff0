"""The analysis of spiking neurons as figures: PNG or SVG, by the suffix of the file."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spiden_cli.report.analysis import NAMES
from spiden_cli.report.figures import drawing, literal, shades

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from spiden_cli.core.analysis.layer_error import LayerError
    from spiden_cli.core.analysis.sweep import Sweep

CURVE_POINTS = 80
PARTS = {
    "rounding": "#4c78a8",
    "clipping": "#f2a23a",
    "early": "#d1495b",
    "late": "#8d6cab",
}
ORDER = ("early", "late")


def plot_sweeps(
    path: Path, source: str, sweeps: Sequence["Sweep"], layers: Sequence["LayerError"] = ()
) -> None:
    """Draw the transfer curve, the error against the threshold, and the trade-off.

    Args:
        path: PNG or SVG file.
        source: what the input is.
        sweeps: one for each T.
        layers: the layer that the input was measured in, to show it as it runs.

    Raises:
        OutputError: the file can't be written.
    """
    with drawing(path, 14, 7.4) as figure:
        axes = figure.subplots(2, 3)
        neuron = sweeps[0].neuron
        leak = f", leak {neuron.leak:.3g}" if neuron.leak < 1 else ""
        figure.suptitle(
            literal(f"{NAMES[neuron.name]} (phi = {neuron.initial:g}{leak}), {source}"),
            fontsize=11,
        )
        _transfer(axes[0, 0], sweeps)
        _input(axes[0, 1], sweeps)
        _parts(axes[0, 2], sweeps)
        _quality(axes[1, 0], sweeps, layers)
        _trade_off(axes[1, 1], sweeps, "sparsity", "sparsity: share of timesteps without a spike")
        _trade_off(axes[1, 2], sweeps, "spikes", "spikes per neuron and inference")


def plot_layers(path: Path, source: str, layers: Sequence["LayerError"]) -> None:
    """Draw the parts of each layer's error, one panel for each T.

    Raises:
        OutputError: the file can't be written.
    """
    by_timesteps: dict[int, list[LayerError]] = {}
    for layer in layers:
        by_timesteps.setdefault(layer.timesteps, []).append(layer)
    waiting = any(layer.waits for layer in layers)
    parts = [part for part in PARTS if not (waiting and part in ORDER)]
    with drawing(path, 10, 1 + 2.1 * len(by_timesteps)) as figure:
        figure.suptitle(literal(f"conversion error of each layer, {source}"), fontsize=11)
        axes = figure.subplots(len(by_timesteps), sharex=True, squeeze=False)[:, 0]
        for axis, (timesteps, group) in zip(axes, by_timesteps.items(), strict=True):
            _bars(axis, timesteps, group, parts)
        axes[0].legend(ncols=len(parts) + 1, loc="lower right", bbox_to_anchor=(1, 1), fontsize=8)


def _transfer(axis: "Axes", sweeps: Sequence["Sweep"]) -> None:
    import numpy as np

    from spiden_cli.core.analysis.staircase import respond

    axis.plot([-0.25, 0, 1, 1.5], [0, 0, 1, 1], color="#999", lw=1, ls="--", label="clipped ReLU")
    dots = np.linspace(-0.2, 1.45, 34)
    for sweep, colour in zip(sweeps, shades(len(sweeps)), strict=True):
        neuron, highest = sweep.neuron, len(sweep.edges)
        levels = neuron.levels(sweep.timesteps)
        steps = np.concatenate([[-0.25], sweep.edges, [1.5]])
        values = np.append(np.arange(highest + 1), highest) / levels
        axis.step(steps, values, where="post", color=colour, label=f"T = {sweep.timesteps}")
        reached = respond(dots, neuron, sweep.timesteps).level
        axis.plot(dots, reached / levels, ".", color=colour, ms=4)
    axis.set(
        title="transfer curve (dots: simulated)",
        xlabel="current / threshold",
        ylabel="value / threshold" if sweeps[0].neuron.weighted else "firing rate",
    )
    axis.legend(loc="upper left", fontsize=8)


def _input(axis: "Axes", sweeps: Sequence["Sweep"]) -> None:
    """The distribution, by differences of its tail, and where the best thresholds cut it off."""
    import numpy as np

    bins = np.linspace(-3, max(3.5, 1.2 * max(s.best.closed.threshold for s in sweeps)), 90)
    share = -np.diff(sweeps[-1].x.tail(bins).probability)
    axis.stairs(share / np.diff(bins), bins, fill=True, color="#c9d3df")
    for sweep, colour in zip(sweeps, shades(len(sweeps)), strict=True):
        axis.axvline(sweep.best.closed.threshold, color=colour)
    axis.plot([], [], color="#333", label="threshold of least error")
    axis.set(
        title="input",
        xlabel="current / standard deviation",
        ylabel="density",
        ylim=(0, 1.25 * float((share / np.diff(bins))[1:].max())),
    )
    axis.legend(loc="upper left", fontsize=8)


def _parts(axis: "Axes", sweeps: Sequence["Sweep"]) -> None:
    for sweep, colour in zip(sweeps, shades(len(sweeps)), strict=True):
        curve = _curve(sweep)
        at = [c.threshold for c in curve]
        axis.plot(at, [c.mse for c in curve], color=colour)
        axis.plot(at, [c.rounding for c in curve], color=colour, lw=1, ls=":")
        axis.plot(at, [c.clipping for c in curve], color=colour, lw=1, ls="--")
        axis.plot(
            [p.closed.threshold for p in sweep.points],
            [p.simulated.mse for p in sweep.points],
            ".", color=colour, ms=4,
        )  # fmt: skip
    for style, width, label in (
        ("-", 1.6, "total (dots: simulated)"),
        (":", 1, "rounding"),
        ("--", 1, "clipping"),
    ):
        axis.plot([], [], color="#333", ls=style, lw=width, label=label)
    smallest = min(sweep.best.closed.mse for sweep in sweeps)
    axis.set(
        title="rounding and clipping",
        xlabel="threshold / standard deviation of the input",
        ylabel="mean squared error / variance",
        yscale="log",
        ylim=(smallest / 10, 1),
    )
    axis.legend(loc="lower right", fontsize=8)


def _quality(axis: "Axes", sweeps: Sequence["Sweep"], layers: Sequence["LayerError"]) -> None:
    for sweep, colour in zip(sweeps, shades(len(sweeps)), strict=True):
        curve = _curve(sweep)
        axis.plot([c.threshold for c in curve], [c.sqnr for c in curve], color=colour)
        best = sweep.best.closed
        axis.plot(best.threshold, best.sqnr, "o", color=colour, ms=6)
        axis.annotate(
            f"T = {sweep.timesteps}: {best.threshold:.2f}, {best.sqnr:.1f} dB",
            (best.threshold, best.sqnr),
            xytext=(4, 6),
            textcoords="offset points",
            fontsize=8,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
        )
        for layer in layers:
            if layer.timesteps == sweep.timesteps and sweep.learnt:
                axis.plot(layer.threshold, layer.sqnr, "x", color=colour, ms=7, mew=2)
    if layers:
        axis.plot([], [], "kx", ls="", label="learnt threshold, as the layer runs")
    axis.plot([], [], "ko", ls="", label="least error")
    low, high = axis.get_ylim()
    axis.set_ylim(low - 0.25 * (high - low), high + 0.1 * (high - low))  # room for legend, labels
    axis.set(
        title="which threshold",
        xlabel="threshold / standard deviation of the input",
        ylabel="SQNR (dB)",
    )
    axis.legend(loc="lower right", fontsize=8)


def _trade_off(axis: "Axes", sweeps: Sequence["Sweep"], cost: str, label: str) -> None:
    for sweep, colour in zip(sweeps, shades(len(sweeps)), strict=True):
        curve = _curve(sweep)
        axis.plot([getattr(c, cost) for c in curve], [c.sqnr for c in curve], color=colour)
        for point, marker in ((sweep.best, "o"), (sweep.sparse, "D")):
            if point is not None:
                place = getattr(point.closed, cost)
                axis.plot(place, point.closed.sqnr, marker, color=colour, ms=6)
    axis.plot([], [], "ko", ls="", label="least error")
    if sweeps[0].sparse:
        axis.plot([], [], "kD", ls="", label="least error at the wanted sparsity")
    axis.set(
        title=f"error against {cost}",
        xlabel=label,
        ylabel="SQNR (dB)",
    )
    low, high = axis.get_ylim()
    axis.set_ylim(low, high + 0.25 * (high - low))  # room for the legend
    axis.legend(loc="upper left" if cost == "sparsity" else "upper right", fontsize=8)


def _bars(
    axis: "Axes", timesteps: int, layers: Sequence["LayerError"], parts: Sequence[str]
) -> None:
    places = range(len(layers))
    floor = [0.0] * len(layers)
    for part in parts:
        heights = [getattr(layer, part) / (layer.signal or 1) for layer in layers]
        label = f"order: too {part}" if part in ORDER else part
        axis.bar(places, heights, bottom=floor, color=PARTS[part], label=label, width=0.7)
        floor = [low + height for low, height in zip(floor, heights, strict=True)]
    totals = [layer.mse / (layer.signal or 1) for layer in layers]
    label = "total, with the cross term" if len(parts) > 2 else "total"
    axis.plot(places, totals, "k_", ms=12, mew=1.6, label=label)
    highest = max(*floor, *totals)
    axis.set(title=f"T = {timesteps}", ylabel="error / signal", ylim=(0, 1.08 * highest or 1))
    axis.set_xticks(places, [layer.layer for layer in layers], rotation=40, ha="right", fontsize=8)
    axis.grid(axis="x", visible=False)


def _curve(sweep: "Sweep") -> list[Any]:
    """Closed form on a fine grid that spans the thresholds of the sweep."""
    import numpy as np

    from spiden_cli.core.analysis.sweep import curve

    marked = [sweep.best, sweep.sparse, sweep.learnt]
    at = [p.closed.threshold for p in (*sweep.points, *marked) if p]
    return curve(
        sweep.x, sweep.neuron, sweep.timesteps, np.linspace(min(at), max(at), CURVE_POINTS)
    )
