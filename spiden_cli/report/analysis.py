"""The analysis of spiking neurons as tables, JSON and CSV."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from spiden_cli.report.console import data, print_json, talk, titled
from spiden_cli.report.csv_files import write_csv

if TYPE_CHECKING:
    from spiden_cli.core.analysis.conversion import Conversion
    from spiden_cli.core.analysis.layer_error import LayerError
    from spiden_cli.core.analysis.sweep import Point, Sweep

EDGES_SHOWN = 8
NAMES = {"if": "IF neuron", "lif": "LIF neuron", "weighted": "weighted-spike neuron"}

COLUMNS = (
    "theta", "round.", "clip.", "early", "late", "cross", "sync.", "SQNR", "n early", "rate",
)  # fmt: skip
WAITING_COLUMNS = ("theta", "round.", "clip.", "SQNR", "rate")
WAITING = (
    "Weighted spikes: each layer waits for all of its input before it fires, so no",
    "spike comes too early or too late: there is no order error.",
)


def report(
    source: str,
    sweeps: Sequence["Sweep"],
    layers: Sequence["LayerError"],
    plots: Sequence[Path],
    csv_file: Path | None,
    as_json: bool,
) -> None:
    """Write the files that were asked for, and print the tables or the JSON.

    Args:
        source: what the input is.
        sweeps: one for each T; none where whole networks are compared.
        layers: measured layers; none where the input is a formula.
        plots: PNG and SVG files.
        csv_file: where the rows of the tables go, too.
        as_json: print JSON.

    Raises:
        OutputError: a file can't be written.
    """
    from spiden_cli.report.analysis_plots import plot_layers, plot_sweeps

    for path in plots:
        if sweeps:
            plot_sweeps(path, source, sweeps, layers)
        else:
            plot_layers(path, source, layers)
    if csv_file is not None:
        write_csv(csv_file, table_rows(sweeps, layers))
    if as_json:
        records = {"sweeps": sweep_records(sweeps), "layers": layer_records(layers)}
        print_json({"input": source, **records})
        return
    if sweeps:
        show_sweeps(source, sweeps)
    if layers:
        show_layers(source, layers)


def show_sweeps(source: str, sweeps: Sequence["Sweep"]) -> None:
    """Print the transfer curve, a table for each T, and the thresholds of least error."""
    neuron = sweeps[0].neuron
    leak = f", leak {neuron.leak:.3g}" if neuron.leak < 1 else ""
    data.print(titled(NAMES[neuron.name], f": phi {neuron.initial:g}{leak}"))
    data.print(titled("input", f": {source}"), soft_wrap=True)
    sent = "sent as 1, 2, ... 2^T - 1" if neuron.weighted else "that fires 1, 2, ... T spikes"
    _show(f"transfer curve: least current / threshold {sent}", _edges(sweeps))
    for sweep in sweeps:
        _show(f"T = {sweep.timesteps}", _points(sweep))
    _show("thresholds to choose", _choices(sweeps))
    _explain(
        "theta: threshold in standard deviations of the input. MSE: in units of its variance; "
        "round., clip.: its two parts; sim.: simulated. SQNR in dB; affine: after the best "
        "a + b q, which the next layer can hold. sparse: share of timesteps without a spike. "
        "spikes: per inference. least: least error; wanted: least error at the wanted sparsity; "
        "learnt: by training."
    )
    if neuron.weighted:
        _explain("The highest value is theta (1 - 2^-T): what is above it is clipped.")


def show_layers(source: str, layers: Sequence["LayerError"]) -> None:
    """Print what each layer loses, with the error that time adds on its own."""
    data.print(titled("layers", f": {source}"), soft_wrap=True)
    waiting = any(layer.waits for layer in layers)
    for line in WAITING if waiting else ():
        data.print(line)
    columns = WAITING_COLUMNS if waiting else COLUMNS
    for timesteps in dict.fromkeys(layer.timesteps for layer in layers):
        table = _table(*columns, first="layer")
        for layer in layers:
            if layer.timesteps == timesteps:
                cells = _layer_cells(layer)
                table.add_row(layer.layer, *(cells[column] for column in columns))
        _show(f"T = {timesteps}", table)
    threshold = "theta: learnt threshold in standard deviations of the layer's current. "
    if waiting:
        _explain(
            f"{threshold}Squared error in % of the signal's power: rounding; clipping at theta "
            "(1 - 2^-T). SQNR in dB. rate: spikes per neuron and timestep."
        )
        return
    _explain(
        f"{threshold}Squared error in % of the signal's power: rounding; clipping; spikes that "
        "came too early, too late; and what these share with the first two. SQNR in dB as the "
        "neurons run; sync.: of neurons that wait for all of their input. n early: neurons that "
        "fired too early, in %. rate: spikes per neuron and timestep."
    )


def sweep_records(sweeps: Sequence["Sweep"]) -> list[dict[str, Any]]:
    """Return sweeps for JSON."""
    return [
        {
            "neuron": sweep.neuron.name,
            "initial": sweep.neuron.initial,
            "leak": sweep.neuron.leak,
            "timesteps": sweep.timesteps,
            "edges": sweep.edges.tolist(),
            "simulated_edges": sweep.simulated_edges.tolist(),
            "points": [
                {
                    "mark": mark,
                    "closed_form": _conversion(point.closed),
                    "simulated": _conversion(point.simulated),
                }
                for mark, point in _marked(sweep)
            ],
        }
        for sweep in sweeps
    ]


def layer_records(layers: Sequence["LayerError"]) -> list[dict[str, Any]]:
    """Return layers for JSON."""
    derived = ("order", "mse", "synchronous_mse", "sqnr", "synchronous_sqnr", "threshold")
    return [asdict(layer) | {name: getattr(layer, name) for name in derived} for layer in layers]


def table_rows(sweeps: Sequence["Sweep"], layers: Sequence["LayerError"]) -> list[dict[str, Any]]:
    """Return the sweeps, or without any the layers, a record for each row of the tables."""
    return [
        {"neuron": s["neuron"], "initial": s["initial"], "leak": s["leak"], "mark": p["mark"]}
        | p["closed_form"]
        | {f"simulated_{name}": value for name, value in p["simulated"].items()}
        for s in sweep_records(sweeps)
        for p in s["points"]
    ] or layer_records(layers)


def _marked(sweep: "Sweep") -> Iterator[tuple[str, "Point"]]:
    """Yield all points by rising threshold, each with what marks it out."""
    points = [("", point) for point in sweep.points] + [("least", sweep.best)]
    points += [("wanted", sweep.sparse)] if sweep.sparse else []
    points += [("learnt", sweep.learnt)] if sweep.learnt else []
    yield from sorted(points, key=lambda pair: pair[1].closed.threshold)


def _edges(sweeps: Sequence["Sweep"]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("T", justify="right")
    table.add_column("edges")
    table.add_column("off sim. by", justify="right", no_wrap=True)
    for sweep in sweeps:
        shown = [f"{edge:.4f}" for edge in sweep.edges[:EDGES_SHOWN]]
        if len(sweep.edges) > EDGES_SHOWN:
            shown[-1] = "..."
        off = abs(sweep.edges - sweep.simulated_edges).max()
        table.add_row(str(sweep.timesteps), "  ".join(shown), f"{off:.0e}")
    return table


def _points(sweep: "Sweep") -> Table:
    table = _table(
        "theta", "MSE", "sim.", "round.", "clip.", "SQNR", "affine", "sparse", "sim.", "spikes",
    )  # fmt: skip
    table.add_column("")
    for mark, point in _marked(sweep):
        c, s = point.closed, point.simulated
        table.add_row(
            _fixed(c.threshold, 3),
            *(_fixed(value, 5) for value in (c.mse, s.mse, c.rounding, c.clipping)),
            f"{c.sqnr:.2f}",
            f"{c.affine_sqnr:.2f}",
            f"{c.sparsity:.4f}",
            f"{s.sparsity:.4f}",
            f"{c.spikes:.3f}",
            mark,
            style="bold green" if mark else None,
        )
    return table


def _choices(sweeps: Sequence["Sweep"]) -> Table:
    """The trade-off in short: for each T its best threshold, and the others that are marked."""
    table = _table("T", "theta", "SQNR", "sparse", "spikes")
    table.add_column("")
    for sweep in sweeps:
        for mark, point in _marked(sweep):
            c = point.closed
            if mark:
                table.add_row(
                    str(c.timesteps),
                    _fixed(c.threshold, 4),
                    f"{c.sqnr:.2f}",
                    f"{c.sparsity:.4f}",
                    f"{c.spikes:.3f}",
                    mark,
                    style="bold green" if mark == "least" else None,
                )
    return table


def _layer_cells(layer: "LayerError") -> dict[str, str]:
    """Return what stands in each of `COLUMNS`."""
    rate = f"{layer.rate:.3f}"
    if layer.signal == 0:
        return dict.fromkeys(COLUMNS, "-") | {"rate": rate}
    parts = (layer.rounding, layer.clipping, layer.early, layer.late, layer.cross)
    cells = (
        f"{layer.threshold:.2f}",
        *(f"{100 * part / layer.signal:.1f}" for part in parts),
        f"{layer.synchronous_sqnr:.1f}",
        f"{layer.sqnr:.1f}",
        f"{100 * layer.early_share:.1f}",
        rate,
    )
    return dict(zip(COLUMNS, cells, strict=True))


def _conversion(c: "Conversion") -> dict[str, Any]:
    derived = ("mse", "sqnr", "affine_sqnr", "sparsity", "spikes")
    return asdict(c) | {name: getattr(c, name) for name in derived}


def _table(*numbers: str, first: str | None = None) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    if first is not None:
        table.add_column(first, no_wrap=True)
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _show(title: str, table: Table) -> None:
    data.print()
    data.print(titled(title))
    data.print(table)


def _fixed(value: float, decimals: int) -> str:
    """Write a positive number in the same width up to 10 ** decimals: columns keep to 80."""
    digits = len(str(int(value))) - 1
    return f"{value:.{max(0, decimals - digits)}f}"


def _explain(columns: str) -> None:
    talk.print(Text(columns, style="dim"))
