"""What `spiden evaluate` measured, as tables or as records."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.table import Table

from spiden_cli.report.console import data, note
from spiden_cli.report.numbers import quantity

if TYPE_CHECKING:
    from spiden_cli.core.engine.engine import Engine
    from spiden_cli.core.tasks.evaluation import Evaluation, ImageScore

PROTOCOL = (
    "noise: white Gaussian, seeded per image, not clipped; "
    "output: clipped, 8 bits; PSNR per image, then averaged"
)
MEASURES = ("noisy_psnr", "psnr", "ssim", "firing_rate", "synaptic_operations", "seconds")


@dataclass(frozen=True)
class EvaluationReport:
    """One model at one noise level and number of timesteps.

    Attributes:
        dataset: name of the set.
        model: name or file of the weights.
        engine: what ran.
        result: the core's result.
    """

    dataset: str
    model: str
    engine: "Engine"
    result: "Evaluation"

    @property
    def spiking(self) -> bool:
        """Whether T and firing rate mean anything."""
        return self.engine.config.spiking

    def means(self) -> dict[str, float]:
        """Return the mean over the images of each measure."""
        return {name: self.result.mean(name) for name in MEASURES}

    def as_json(self) -> dict[str, Any]:
        """Return the record that `--json` prints."""
        return {
            "dataset": self.dataset,
            "model": self.model,
            "neuron": self.engine.config.neuron,
            "engine": self.engine.name,
            "sigma": self.result.sigma,
            "timesteps": self.result.timesteps if self.spiking else None,
            "protocol": PROTOCOL,
            "mean": self.means(),
            "firing_rates": {
                name: layer.firing_rate for name, layer in self.result.activity.items()
            },
            "images": [_record(score) for score in self.result.scores],
        }


def print_evaluations(reports: Sequence[EvaluationReport], per_image: bool) -> None:
    """Print one row for each setting, and below it, if asked, one for each image."""
    several = len(reports) > 1
    if several or not per_image:
        table = _table(("model", "sigma", "T"))
        for report in reports:
            table.add_row(*_setting(report), *_cells(report.means(), report.spiking))
        data.print(table)
    if per_image:
        for report in reports:
            model, sigma, steps = _setting(report)
            timesteps = f", T = {steps}" if report.spiking else ""
            title = f"{report.dataset}, {model}, sigma {sigma}{timesteps}"
            table = _table(("image",), title)
            for score in report.result.scores:
                values = {name: getattr(score, name) for name in MEASURES}
                table.add_row(score.name, *_cells(values, report.spiking))
            table.add_section()
            table.add_row("mean", *_cells(report.means(), report.spiking), style="bold")
            data.print(table)
    note(PROTOCOL)


def _table(first: Sequence[str], title: str | None = None) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", title=title, title_justify="left")
    table.add_column(first[0])
    for name in (*first[1:], "noisy dB", "PSNR dB", "SSIM", "rate", "ops/pixel", "time"):
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _setting(report: EvaluationReport) -> tuple[str, str, str]:
    steps = str(report.result.timesteps) if report.spiking else "-"
    return report.model, f"{report.result.sigma:g}", steps


def _cells(values: dict[str, Any], spiking: bool) -> tuple[str, ...]:
    unit = "AC" if spiking else "MAC"
    return (
        f"{values['noisy_psnr']:.2f}",
        f"{values['psnr']:.2f}",
        f"{values['ssim']:.4f}",
        f"{values['firing_rate']:.3f}" if spiking else "-",
        f"{quantity(values['synaptic_operations'])} {unit}",
        f"{values['seconds']:.2f} s",
    )


def _record(score: "ImageScore") -> dict[str, Any]:
    measured = {name: getattr(score, name) for name in MEASURES}
    return {"name": score.name, "width": score.width, "height": score.height, **measured}
