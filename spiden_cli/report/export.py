"""What `spiden export` wrote, in a few lines or as a record."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from spiden_cli.report.console import data


@dataclass(frozen=True)
class ExportReport:
    """A network that was written for other programs.

    Attributes:
        model: its name, or its file.
        output: the file.
        format: "nir", "onnx" or "int8".
        neuron: kind of its neurons.
        timesteps: T; None for a CNN.
        bytes: size of the file.
        facts: what else there is to say: nodes; width and height of the picture, or the grid of
            which its sides must be multiples; bits of each sum.
    """

    model: str
    output: Path
    format: str
    neuron: str
    timesteps: int | None
    bytes: int
    facts: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """Return the record that `--json` prints."""
        record = asdict(self)
        facts = record.pop("facts")
        return {**record, "output": str(self.output), **facts}


def print_export(report: ExportReport) -> None:
    """Print what was written."""
    sheet = Table.grid(padding=(0, 2))
    sheet.add_column(style="bold")
    sheet.add_column(overflow="fold")
    steps = "" if report.timesteps is None else f", T = {report.timesteps}"
    sheet.add_row("network", f"{report.model}, {report.neuron}{steps}")
    facts = report.facts
    if "nodes" in facts:
        sheet.add_row("nodes", str(facts["nodes"]))
    if "grid" in facts:
        sheet.add_row("pictures", f"of any size; sides multiples of {facts['grid']}")
    else:
        sheet.add_row("pictures", f"of {facts['width']} x {facts['height']} pixels")
    if "bits" in facts:
        widest = max(facts["bits"], key=facts["bits"].__getitem__)
        sheet.add_row("sums", f"of at most {facts['bits'][widest]} bits, in {widest}")
    sheet.add_row("written to", f"{report.output}, {report.bytes / 1e6:.2f} MB")
    data.print(sheet)
