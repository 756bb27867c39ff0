"""What `spiden denoise` did, as a table or as records."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from spiden_cli.report.console import data
from spiden_cli.report.numbers import finite, quantity

if TYPE_CHECKING:
    from spiden_cli.core.tasks.denoising import Denoised


@dataclass(frozen=True)
class DenoiseReport:
    """One picture: where from, where to, what it took.

    Attributes:
        source: the noisy picture.
        target: the file that was written.
        result: the core's result.
        model: name or file of the weights.
        timesteps: T.
        engine: name of the engine that ran.
        estimated: whether sigma was estimated from the picture.
        noisy_psnr: of the noisy file against the reference, in dB, if there is one.
        psnr: of the result against the reference, in dB.
        ssim: of the result against the reference.
    """

    source: Path
    target: Path
    result: "Denoised"
    model: str
    timesteps: int
    engine: str
    estimated: bool
    noisy_psnr: float | None
    psnr: float | None
    ssim: float | None

    @property
    def firing_rate(self) -> float:
        """Spikes per neuron and timestep; NaN for a CNN."""
        from spiden_cli.core.engine.activity import mean_firing_rate

        return mean_firing_rate(self.result.activity)

    @property
    def synaptic_operations(self) -> int:
        """Synaptic operations of the whole picture; 0 for a CNN."""
        from spiden_cli.core.engine.activity import synaptic_operations

        return synaptic_operations(self.result.activity)

    @property
    def pixels(self) -> int:
        """Pixels of the picture."""
        return self.result.picture.width * self.result.picture.height

    def as_json(self) -> dict[str, Any]:
        """Return the record that `--json` prints."""
        picture = self.result.picture
        return {
            "source": str(self.source),
            "output": str(self.target),
            "width": picture.width,
            "height": picture.height,
            "depth": picture.depth,
            "sigma": round(self.result.sigma, 3),
            "sigma_estimated": self.estimated,
            "model": self.model,
            "timesteps": self.timesteps,
            "engine": self.engine,
            "firing_rate": finite(self.firing_rate),
            "synaptic_operations": self.synaptic_operations,
            "seconds": round(self.result.seconds, 4),
            "seconds_per_megapixel": round(self.result.seconds / self.pixels * 1e6, 4),
            "synaptic_operations_per_second": round(self.synaptic_operations / self.result.seconds),
            "noisy_psnr": finite(self.noisy_psnr),
            "psnr": finite(self.psnr),
            "ssim": finite(self.ssim),
        }


def print_reports(reports: Sequence[DenoiseReport]) -> None:
    """Print what was done: a few lines for one picture, a table for several."""
    if len(reports) == 1:
        data.print(_sheet(reports[0]))
    elif reports:
        data.print(_table(reports))


def _sheet(report: DenoiseReport) -> Table:
    picture, result = report.result.picture, report.result
    sheet = Table.grid(padding=(0, 2))
    sheet.add_column(style="bold")
    sheet.add_column(overflow="fold")
    kind = "grey" if picture.pixels.ndim == 2 else "colour"
    sheet.add_row(
        "picture",
        f"{report.source.name}: {picture.width} x {picture.height}, {kind}, {picture.depth} bits",
    )
    origin = "estimated from the picture" if report.estimated else "as given"
    sheet.add_row("sigma", f"{result.sigma:.1f} ({origin})")
    sheet.add_row("model", Path(report.model).name)
    if result.activity:
        per_pixel = report.synaptic_operations / report.pixels
        sheet.add_row("timesteps", str(report.timesteps))
        sheet.add_row("firing rate", f"{report.firing_rate:.3f} spikes per neuron and timestep")
        sheet.add_row(
            "operations",
            f"{quantity(report.synaptic_operations)} synaptic ({quantity(per_pixel)} per pixel)",
        )
    speed = f"{result.seconds / report.pixels * 1e6:.2f} s per megapixel"
    sheet.add_row("time", f"{result.seconds:.2f} s on the {report.engine} engine, {speed}")
    if result.activity:
        rate = quantity(report.synaptic_operations / result.seconds)
        sheet.add_row("speed", f"{rate} synaptic operations per second")
    if report.psnr is not None:
        sheet.add_row("PSNR", f"{report.noisy_psnr:.2f} dB noisy, {report.psnr:.2f} dB denoised")
        sheet.add_row("SSIM", f"{report.ssim:.4f}")
    sheet.add_row("written to", str(report.target))
    return sheet


def _table(reports: Sequence[DenoiseReport]) -> Table:
    measured = any(report.psnr is not None for report in reports)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("picture", "size", "sigma", "rate", "SynOps", "time"):
        table.add_column(name, justify="left" if name == "picture" else "right")
    for name in ("noisy dB", "PSNR dB", "SSIM") if measured else ():
        table.add_column(name, justify="right")
    for report in reports:
        picture, spiking = report.result.picture, bool(report.result.activity)
        scores = (report.noisy_psnr, report.psnr, report.ssim) if measured else ()
        table.add_row(
            report.source.name,
            f"{picture.width} x {picture.height}",
            f"{'~' if report.estimated else ''}{report.result.sigma:.1f}",
            f"{report.firing_rate:.3f}" if spiking else "-",
            quantity(report.synaptic_operations) if spiking else "-",
            f"{report.result.seconds:.2f} s",
            *("-" if score is None else f"{score:.4g}" for score in scores),
        )
    return table
