"""What weights files say of themselves, as a table or as records."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from spiden_cli.report.console import data, note
from spiden_cli.report.numbers import quantity

if TYPE_CHECKING:
    from spiden_cli.core.network.graph import Graph
    from spiden_cli.core.weights import WeightsInfo

SIDE = 512  # the picture that costs are stated for; the border's share is small
NAME = 15  # the least width of a name: that of the longest that ships


@dataclass(frozen=True)
class ModelReport:
    """One weights file.

    Attributes:
        name: as the user gave it, or the bundled name.
        path: the file.
        info: its metadata.
    """

    name: str
    path: Path
    info: "WeightsInfo"

    @property
    def graph(self) -> "Graph":
        """The nodes of the network."""
        from spiden_cli.core.network.families import graph_of

        return graph_of(self.info.config)

    @property
    def parameters(self) -> int:
        """How many numbers the network learnt."""
        from spiden_cli.core.network.parameters import parameter_count

        return parameter_count(self.info.config)

    @property
    def operations_per_pixel(self) -> float:
        """Multiply-accumulates per pixel of the same network run densely, once."""
        graph = self.graph
        return sum(graph.dense_operations(SIDE, SIDE).values()) / SIDE**2

    def as_json(self) -> dict[str, Any]:
        """Return the record that `--json` prints."""
        return {
            "name": self.name,
            "bytes": self.path.stat().st_size,
            "parameters": self.parameters,
            "neurons_per_position": self.graph.neurons_per_position,
            "dense_operations_per_pixel": round(self.operations_per_pixel),
            **asdict(self.info),
        }


def print_models(reports: Sequence[ModelReport]) -> None:
    """Print a table, one model a row."""
    from spiden_cli.core.bundled import model_for

    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("name", overflow="fold")
    for heading in ("kind", "images", "T", "sigma", "size", "MAC", "rate"):
        table.add_column(heading, no_wrap=True)
    levels = sorted({level for report in reports for level in report.info.validation_psnr}, key=_by)
    for level in levels:
        heading = level if level[0].isdigit() else level[:3]
        table.add_column(heading, justify="right", no_wrap=True)
    for report in reports:
        info, config = report.info, report.info.config
        low, high = info.sigma
        table.add_row(
            report.name,
            config.neuron,
            "grey" if config.image_channels == 1 else "colour",
            str(info.timesteps[0]) if config.spiking else "-",
            f"{low:g}" if low == high else f"{low:g}:{high:g}",
            quantity(report.parameters).replace(" ", ""),
            quantity(report.operations_per_pixel).replace(" ", ""),
            "-" if info.firing_rate is None else f"{info.firing_rate:.2f}",
            *(_decibels(info.validation_psnr.get(level)) for level in levels),
        )
    least = _least_width(table)
    if least > data.width:
        table.width = least
    data.print(table, crop=False)
    note(
        "size: parameters; MAC: per pixel, of the same network run densely, once; a "
        "spiking one adds only where spikes are: rate is spikes per neuron and timestep; 15, 25, "
        "50, cam: PSNR in dB at that sigma, and with camera noise, on held-out training images"
    )
    grey, colour, photo = model_for(False), model_for(True), model_for(True, coarse=True)
    note(
        f"by default: {photo} for colour pictures with camera noise, {colour} for those with white "
        f"noise, {grey} for grey ones"
    )


def _least_width(table: Table) -> int:
    """Return the width that leaves all but the names whole: those may be paths of any length."""
    whole = [[str(cell) for cell in (column.header, *column.cells)] for column in table.columns[1:]]
    return NAME + sum(1 + max(map(len, cells)) for cells in whole)


def _by(level: str) -> float:
    """Sort camera noise, which has no level, before the levels of white noise."""
    return float(level) if level[0].isdigit() else -1.0


def _decibels(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
