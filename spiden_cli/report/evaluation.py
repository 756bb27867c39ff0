"""What `spiden evaluate` measured, as tables or as records."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.table import Table

from spiden_cli.report.console import data, note
from spiden_cli.report.numbers import quantity

if TYPE_CHECKING:
    from spiden_cli.core.engine.engine import Engine
    from spiden_cli.core.tasks.evaluation import Evaluation, ImageScore

_SCORING = "output: clipped, 8 bits; PSNR per image, then averaged"
_NOISE = f"noise: white Gaussian, seeded per image{{draws}}, not clipped; {_SCORING}"
PROTOCOL = _NOISE.format(draws="")
PAIRS_PROTOCOL = f"noise: that of the noisy pictures, none added; {_SCORING}"
LEGEND = (
    "rate: spikes per neuron and timestep; s/ch: spikes per channel, position and inference, "
    "however many neurons a channel has; both, and operations per pixel, of a set as a whole"
)
MEASURES = (
    "noisy_psnr", "psnr", "change", "ssim", "firing_rate", "spikes_per_channel",
    "synaptic_operations", "seconds",
)  # fmt: skip


@dataclass(frozen=True)
class EvaluationReport:
    """One model at one noise level and number of timesteps.

    Attributes:
        dataset: name of the set.
        pairs: whether it is one of pairs, with noise of its own.
        model: name or file of the weights.
        engine: what ran.
        result: the core's result.
    """

    dataset: str
    pairs: bool
    model: str
    engine: "Engine"
    result: "Evaluation"

    @property
    def spiking(self) -> bool:
        """Whether T and firing rate mean anything."""
        return self.engine.config.spiking

    @property
    def level(self) -> str:
        """The noise level that was given, or auto."""
        return "auto" if self.result.sigma is None else f"{self.result.sigma:g}"

    @property
    def steps(self) -> str:
        """The number of timesteps, or a dash."""
        return str(self.result.timesteps) if self.spiking else "-"

    @property
    def protocol(self) -> str:
        """How it was measured, in a line."""
        return PAIRS_PROTOCOL if self.pairs else _NOISE.format(draws=_draws(self.result.seeds))

    def means(self) -> dict[str, float]:
        """Return the mean over the set of each measure; see `Evaluation.mean`."""
        return {name: self.result.mean(name) for name in MEASURES}

    def as_json(self) -> dict[str, Any]:
        """Return the record that `--json` prints."""
        worst = self.result.worst
        return {
            "dataset": self.dataset,
            "pairs": self.pairs,
            "model": self.model,
            "neuron": self.engine.config.neuron,
            "engine": self.engine.name,
            "sigma": self.result.sigma,
            "sigma_estimated": self.result.sigma is None,
            "timesteps": self.result.timesteps if self.spiking else None,
            "seed": None if self.pairs else self.result.seeds[0],
            "repeats": None if self.pairs else len(self.result.seeds),
            "protocol": self.protocol,
            "mean": self.means(),
            "psnr_deviation": self.result.psnr_deviation,
            "worst": {"name": worst.name, "change": worst.change},
            "worse": self.result.worse,
            "firing_rates": {
                name: layer.firing_rate for name, layer in self.result.activity.items()
            },
            "images": [_record(score) for score in self.result.scores],
        }


def records(reports: Sequence[EvaluationReport]) -> list[dict[str, Any]]:
    """Return what `--json` prints of several settings."""
    best = best_levels(reports)
    return [{**report.as_json(), "best_single_level": report in best} for report in reports]


def best_levels(reports: Sequence[EvaluationReport]) -> list[EvaluationReport]:
    """Return, of each model and T on pairs, the given level with the highest mean PSNR.

    Where noise is added, its level is the task; there, and where there is no choice, none is best.
    """
    groups: dict[tuple[Any, ...], list[EvaluationReport]] = {}
    for report in reports:
        if report.pairs and report.result.sigma is not None:
            groups.setdefault((report.model, report.steps), []).append(report)
    return [
        max(group, key=lambda report: report.result.mean("psnr"))
        for group in groups.values()
        if len(group) > 1
    ]


def _draws(seeds: Sequence[int]) -> str:
    """Say which draws of noise were tried, where it is not the first one alone."""
    if len(seeds) > 1:
        return f" with seeds {seeds[0]} to {seeds[-1]} (mean ± standard deviation over them)"
    return f" with seed {seeds[0]}" if seeds[0] else ""


class _Column(NamedTuple):
    """A column of a table, and its cell for a setting or an image.

    Both have the measures, and the deviation of the PSNR.
    """

    heading: str
    cell: Callable[[EvaluationReport, dict[str, Any]], str]


_QUALITY = (
    _Column("noisy dB", lambda _, values: f"{values['noisy_psnr']:.2f}"),
    _Column("PSNR dB", lambda _, values: _varying(values["psnr"], values["psnr_deviation"])),
)
_CHANGE = _Column("change", lambda _, values: f"{values['change']:+.2f}")
_SSIM = _Column("SSIM", lambda _, values: f"{values['ssim']:.4f}")
_COST = (
    _Column(
        "rate", lambda report, values: f"{values['firing_rate']:.3f}" if report.spiking else "-"
    ),
    _Column(
        "s/ch",
        lambda report, values: f"{values['spikes_per_channel']:.2f}" if report.spiking else "-",
    ),
    _Column(
        "ops/pixel",
        lambda report, values: (
            f"{quantity(values['synaptic_operations'])} {'AC' if report.spiking else 'MAC'}"
        ),
    ),
    _Column("time", lambda _, values: f"{values['seconds']:.2f} s"),
)
_USED = _Column("sigma", lambda report, values: _used(report, values.get("sigma")))
_WORST = (
    _Column("worst", lambda report, _: f"{report.result.worst.change:+.2f}"),
    _Column("worse", lambda report, _: str(report.result.worse)),
)

_OF_SETTINGS = {False: (*_QUALITY, _SSIM, *_COST), True: (*_QUALITY, _CHANGE, *_WORST, _SSIM)}
_OF_IMAGES = {False: (*_QUALITY, _SSIM, *_COST), True: (*_QUALITY, _CHANGE, _USED, _SSIM, *_COST)}
"""Columns, by whether the set is one of pairs."""


def print_evaluations(reports: Sequence[EvaluationReport], per_image: bool) -> None:
    """Print one row for each setting, and below it, if asked, one for each image."""
    if len(reports) > 1 or not per_image:
        data.print(_settings_table(reports))
    for report in reports if per_image else ():
        data.print(_images_table(report))
    note(reports[0].protocol)
    if any(report.spiking for report in reports) and (per_image or not reports[0].pairs):
        note(LEGEND)


def _settings_table(reports: Sequence[EvaluationReport]) -> Table:
    columns = _OF_SETTINGS[reports[0].pairs]
    table = _table(("model", "sigma", "T"), columns)
    best = best_levels(reports)
    for report in reports:
        level = f"{report.level} (best)" if report in best else report.level
        table.add_row(report.model, level, report.steps, *_cells(columns, report, _means(report)))
    return table


def _images_table(report: EvaluationReport) -> Table:
    columns, result = _OF_IMAGES[report.pairs], report.result
    timesteps = f", T = {report.steps}" if report.spiking else ""
    title = f"{report.dataset}, {report.model}, sigma {report.level}{timesteps}"
    table = _table(("image",), columns, title)
    for score in result.scores:
        table.add_row(score.name, *_cells(columns, report, _record(score)))
    table.add_section()
    table.add_row("mean", *_cells(columns, report, _means(report)), style="bold")
    if report.pairs:
        table.caption = (
            f"worst change: {result.worst.change:+.2f} dB ({result.worst.name}); "
            f"{result.worse} of {len(result.scores)} pictures got worse"
        )
    return table


def _table(first: Sequence[str], columns: Sequence[_Column], title: str | None = None) -> Table:
    table = Table(
        box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold", title=title,
        title_justify="left", caption_justify="left",
    )  # fmt: skip
    table.add_column(first[0], overflow="fold")
    for name in (*first[1:], *(column.heading for column in columns)):
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _cells(
    columns: Sequence[_Column], report: EvaluationReport, values: dict[str, Any]
) -> list[str]:
    return [column.cell(report, values) for column in columns]


def _means(report: EvaluationReport) -> dict[str, Any]:
    return {**report.means(), "psnr_deviation": report.result.psnr_deviation}


def _varying(mean: float, deviation: float) -> str:
    """Write a mean, and what it varies by if that is known: 30.17 ± 0.01."""
    return f"{mean:.2f}" if math.isnan(deviation) else f"{mean:.2f} ± {deviation:.2f}"


def _used(report: EvaluationReport, sigma: float | None) -> str:
    """Write the level that the network was told, marked where it was estimated."""
    if sigma is None:
        return "-"
    return f"~{sigma:.1f}" if report.result.sigma is None else f"{sigma:g}"


def _record(score: "ImageScore") -> dict[str, Any]:
    return {
        "name": score.name,
        "width": score.width,
        "height": score.height,
        "sigma": score.sigma,
        "noise_found": None if score.estimate is None else str(score.estimate),
        **{name: getattr(score, name) for name in MEASURES},
        "psnr_deviation": score.psnr_deviation,
    }
