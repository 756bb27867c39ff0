"""What `spiden energy` found, as tables."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from spiden_cli.report.console import data, note, titled
from spiden_cli.report.energy_records import EnergyReport
from spiden_cli.report.numbers import quantity

if TYPE_CHECKING:
    from spiden_cli.core.energy.comparison import Verdict
    from spiden_cli.core.energy.layer_counts import Operations
    from spiden_cli.core.energy.measurement import Measurement

SHOWN = (("operations", "fp32"), ("lemaire", "int32"), ("movement", "fp32"))
"""Model and format that the per-layer table prices in: the 32-bit one of each."""
BREAK_EVEN = SHOWN[:2]
SWEEP = (*SHOWN[:2], ("operations", "int8/32"), ("lemaire", "int8"), ("movement", "int8"))
"""What a sweep shows of them: no 8-bit sums, which favour spikes."""
LEGEND = (
    "s/n: spikes per neuron and inference; s/ch: per channel and position, however many neurons it "
    "has. even: s/n at which the spiking network (SNN) costs as much as its CNN twin in the same "
    "format"
)
LAYER_LEGEND = (
    "MAC: multiply-accumulates, of the encoder alone, once per inference. AC: accumulates, one "
    "for each spike at each synapse. Energies of layers: SNN in fp32, lemaire in int32"
)
VERDICT_LEGEND = (
    "CNN, DnCNN columns: energy of the SNN over that of the CNN; W: it wins, L: it loses"
)


def print_reports(reports: Sequence[EnergyReport]) -> None:
    """Print layers and verdict for one setting; for several, a table with a row for each."""
    if len(reports) == 1:
        _print_one(reports[0])
    else:
        _print_sweep(reports)


def _print_one(report: EnergyReport) -> None:
    measured = report.measurement
    setting = f"sigma {measured.sigma:g}, T = {measured.timesteps}, {_per(measured)}"
    data.print(titled(report.label, f" on {report.source}: {setting}"), soft_wrap=True)
    data.print(_quality(report), soft_wrap=True)
    data.print()
    data.print(_work(report))
    data.print()
    data.print(_costs(report))
    data.print()
    data.print(_verdicts(report))
    note(f"{LEGEND}. {LAYER_LEGEND}. {VERDICT_LEGEND}")
    _tell_latency([report])


def _print_sweep(reports: Sequence[EnergyReport]) -> None:
    first = reports[0].measurement
    data.print(titled(reports[0].source, f": {_per(first)}"), soft_wrap=True)
    data.print()
    data.print(_settings(reports))
    for key in SWEEP:
        data.print()
        data.print(_swept(reports, key))
    note(f"{LEGEND}. {VERDICT_LEGEND}. All formats and layers: --json, --csv")
    _tell_latency(reports)


def _tell_latency(reports: Sequence[EnergyReport]) -> None:
    """Say what weighted spikes cost in time, which no energy shows."""
    waits = {
        report.measurement.timesteps: report.comparison.latency
        for report in reports
        if report.measurement.config.weighted
    }
    if waits:
        each = ", ".join(f"{latency} timesteps at T = {t}" for t, latency in sorted(waits.items()))
        note(
            "weighted spikes: a layer waits for all spikes of the one before, so that a picture "
            f"takes {each}; in a pipeline one ends every T"
        )


def _per(measured: "Measurement") -> str:
    if measured.images > 1:
        return f"mean of {measured.images} pictures"
    ((height, width),) = measured.pictures
    return f"{width} x {height} pixels"


def _quality(report: EnergyReport) -> str:
    measured = report.measurement
    twin = f", CNN twin {report.twin.psnr:.2f} dB" if report.twin else ""
    return f"PSNR {measured.psnr:.2f} dB{twin} (noisy {measured.noisy_psnr:.2f} dB)"


def _work(report: EnergyReport) -> Table:
    """Spikes and operations of each layer."""
    table = _by_layer("s/n", "s/ch", "MAC", "AC", "neuron ops")
    comparison = report.comparison
    for layer in comparison.layers:
        spikes = layer.spikes_per_neuron
        table.add_row(
            layer.name,
            "" if spikes is None else _coloured(spikes, layer.break_even),
            "" if layer.spikes_per_channel is None else f"{layer.spikes_per_channel:.3f}",
            *_operations(report, layer.operations),
        )
    table.add_section()
    table.add_row(
        "all",
        _coloured(
            comparison.spikes_per_neuron, {k: report.verdict(k).break_even for k in BREAK_EVEN}
        ),
        f"{comparison.spikes_per_channel:.3f}",
        *_operations(report, comparison.operations),
        style="bold",
    )
    return table


def _costs(report: EnergyReport) -> Table:
    """Break-even points and energy of each layer."""
    table = _by_layer(
        "even\noper.", "even\nlemaire", "energy\noper.", "energy\nlemaire", "energy\nmovement"
    )
    for layer in report.comparison.layers:
        even = [_number(layer.break_even[key]) if layer.break_even else "" for key in BREAK_EVEN]
        energies = (sum(layer.energy[key].values()) for key in SHOWN)
        table.add_row(layer.name, *even, *(_joules(report.per_image(spent)) for spent in energies))
    table.add_section()
    table.add_row(
        "all",
        *(_number(report.verdict(key).break_even) for key in BREAK_EVEN),
        *(_joules(report.per_image(report.verdict(key).energy)) for key in SHOWN),
        style="bold",
    )
    return table


def _by_layer(*headings: str) -> Table:
    table = _table(())
    table.add_column("layer", no_wrap=True)
    for heading in headings:
        table.add_column(Text(heading), justify="right", no_wrap=True)
    return table


def _operations(report: EnergyReport, operations: "Operations") -> list[str]:
    """Multiply-accumulates, accumulates, and the operations of the neurons."""
    neuron = operations.neuron_additions + operations.comparisons + operations.leaks
    numbers = (operations.macs, operations.accumulates, neuron)
    return [quantity(report.per_image(number)) if number else "-" for number in numbers]


def _coloured(spikes: float, even: Any) -> Text:  # noqa: ANN401
    """Colour a number of spikes: green below both break-even points, red above both."""
    wins = sum(spikes < even[key] for key in BREAK_EVEN)
    return Text(f"{spikes:.3f}", style=("red", "yellow", "green")[wins])


def _settings(reports: Sequence[EnergyReport]) -> Table:
    table = _table(("model", "sigma", "T"))
    for heading in (
        "PSNR\ndB", "CNN\ndB", "s/n", "s/ch", "MAC", "AC", "neuron\nops", "QNN\nbits",
    ):  # fmt: skip
        table.add_column(Text(heading), justify="right", no_wrap=True)
    for report in reports:
        measured, operations = report.measurement, report.comparison.operations
        table.add_row(
            *_setting(report),
            f"{measured.psnr:.2f}",
            f"{report.twin.psnr:.2f}" if report.twin else "-",
            f"{report.comparison.spikes_per_neuron:.3f}",
            f"{report.comparison.spikes_per_channel:.3f}",
            *_operations(report, operations),
            str(report.comparison.equivalent_bits),
        )
    return table


def _verdicts(report: EnergyReport) -> Table:
    """Energy under each model and format, and the ratio to each baseline."""
    table = _priced(("energy model", "SNN"), f"{report.comparison.equivalent_bits}-bit")
    for verdict in report.comparison.verdicts:
        table.add_row(verdict.model, verdict.precision.name, *_judged(report, verdict))
    return table


def _swept(reports: Sequence[EnergyReport], key: tuple[str, str]) -> Table:
    """The same of one model and format, a row for each setting."""
    table = _priced(("model", "sigma", "T"), "low-bit", f"{key[0]}, SNN in {key[1]}")
    for report in reports:
        table.add_row(*_setting(report), *_judged(report, report.verdict(key)))
    return table


def _priced(first: Sequence[str], low: str, title: str | None = None) -> Table:
    table = _table(first)
    table.title, table.title_justify, table.title_style = title, "left", "bold"
    for heading in (
        "energy", "even\ns/n", "CNN\nsame", "CNN\nfp32", "CNN\nint8", f"CNN\n{low}", "DnCNN\nfp32",
    ):  # fmt: skip
        table.add_column(Text(heading), justify="right", no_wrap=True)
    return table


def _judged(report: EnergyReport, verdict: "Verdict") -> list[str | Text]:
    ratios = [_ratio(verdict.ratio(key)) for key in verdict.baselines]
    return [_joules(report.per_image(verdict.energy)), _number(verdict.break_even), *ratios]


def _table(first: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    for name in first:
        left = name in ("model", "energy model", "SNN")
        table.add_column(name, justify="left" if left else "right", no_wrap=left)
    return table


def _setting(report: EnergyReport) -> tuple[str, str, str]:
    return report.label, f"{report.measurement.sigma:g}", str(report.measurement.timesteps)


def _ratio(value: float) -> Text:
    """Show a ratio, and by a letter as well as by colour who wins."""
    if not math.isfinite(value):
        return Text("-")
    digits = "<0.01" if value < 0.01 else f"{value:.2f}" if value < 10 else f"{value:.0f}"
    letter, style = ("W", "green") if value < 1 else ("L", "red")
    return Text(f"{digits} {letter}", style=style)


def _number(value: float) -> str:
    return "never" if value <= 0 else f"{value:.2f}" if math.isfinite(value) else "always"


def _joules(value: float) -> str:
    """Write an energy with a metric prefix: 12.3 mJ."""
    for factor, prefix in ((1.0, ""), (1e-3, "m"), (1e-6, "u"), (1e-9, "n")):
        if abs(value) >= factor:
            return f"{value / factor:.3g} {prefix}J"
    return f"{value / 1e-12:.3g} pJ"
