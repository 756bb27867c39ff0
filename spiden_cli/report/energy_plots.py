"""The energy of spiking networks as figures: PNG or SVG, by the suffix of the file."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spiden_cli.report.energy import SHOWN
from spiden_cli.report.energy_records import EnergyReport
from spiden_cli.report.figures import drawing, literal, shades

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BASELINES = {"cnn_fp32": "-", "cnn_int8": "--", "cnn_quantised": ":", "dncnn17_fp32": "-."}
NAMES = {
    "cnn_fp32": "CNN twin, fp32",
    "cnn_int8": "CNN twin, int8",
    "cnn_quantised": "CNN twin, low-bit",
    "dncnn17_fp32": "DnCNN-17, fp32",
}


def plot_energy(path: Path, reports: Sequence[EnergyReport]) -> None:
    """Draw energy against T, PSNR against energy, and energy by layer, for each energy model.

    Args:
        path: PNG or SVG file.
        reports: one for each model, noise level and T.

    Raises:
        OutputError: the file can't be written.
    """
    with drawing(path, 14, 3.6 * len(SHOWN)) as figure:
        axes = figure.subplots(len(SHOWN), 3)
        figure.suptitle(literal(f"energy for each picture: {reports[0].source}"), fontsize=11)
        for row, key in zip(axes, SHOWN, strict=True):
            _against_time(row[0], key, reports)
            _trade_off(row[1], key, reports)
            _by_layer(row[2], key, reports)


def pareto_front(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the points (energy, PSNR) that no other beats in both, by rising energy."""
    front: list[tuple[float, float]] = []
    for energy, quality in sorted(points, key=lambda point: (point[0], -point[1])):
        if not front or quality > front[-1][1]:
            front.append((energy, quality))
    return front


def _against_time(axis: "Axes", key: tuple[str, str], reports: Sequence[EnergyReport]) -> None:
    for (name, group), colour in zip(_curves(reports), _colours(reports), strict=True):
        ordered = sorted(group, key=lambda report: report.measurement.timesteps)
        times = [report.measurement.timesteps for report in ordered]
        axis.plot(times, [_millijoules(r, key) for r in ordered], "o-", color=colour, label=name)
        for baseline, style in BASELINES.items():
            costs = [r.per_image(r.verdict(key).baselines[baseline]) * 1e3 for r in ordered]
            axis.plot(times, costs, ls=style, marker="_", color=colour, lw=1, alpha=0.8)
    for baseline, style in BASELINES.items():
        axis.plot([], [], color="#555", ls=style, lw=1, label=NAMES[baseline])
    times = sorted({report.measurement.timesteps for report in reports})
    axis.set(
        title=f"{key[0]}, SNN in {key[1]}", xlabel="timesteps T", ylabel="energy (mJ)",
        xscale="log", yscale="log",
    )  # fmt: skip
    axis.set_xticks(times, [str(count) for count in times])
    axis.minorticks_off()
    axis.legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))


def _trade_off(axis: "Axes", key: tuple[str, str], reports: Sequence[EnergyReport]) -> None:
    """PSNR against energy; the front is drawn for each noise level, CNN twins among the points."""
    for (_, group), colour in zip(_curves(reports), _colours(reports), strict=True):
        for report in group:
            place = _millijoules(report, key), report.measurement.psnr
            axis.plot(*place, "o", color=colour, ms=5)
            axis.annotate(
                str(report.measurement.timesteps), place, xytext=(3, 3),
                textcoords="offset points", fontsize=7,
            )  # fmt: skip
            if report.twin is not None:
                axis.plot(*_twin(report, key), "s", color=colour, ms=5, mfc="none")
    for level in dict.fromkeys(report.measurement.sigma for report in reports):
        group = [report for report in reports if report.measurement.sigma == level]
        points = [(_millijoules(r, key), r.measurement.psnr) for r in group]
        points += [_twin(r, key) for r in group if r.twin is not None]
        axis.step(*zip(*pareto_front(points), strict=True), where="post", color="#999", lw=1)
    axis.plot([], [], "ko", ls="", label="SNN, with its T")
    axis.plot([], [], "ks", ls="", mfc="none", label="CNN twin, fp32")
    axis.plot([], [], color="#999", lw=1, label="Pareto front")
    axis.margins(0.15)
    axis.set(title="quality", xlabel="energy (mJ)", ylabel="PSNR (dB)", xscale="log")
    axis.legend(fontsize=7, loc="best")


def _by_layer(axis: "Axes", key: tuple[str, str], reports: Sequence[EnergyReport]) -> None:
    """Each layer's energy, and that of the CNN twin's layer in the same format; at one sigma."""
    sigma = reports[0].measurement.sigma
    reports = [report for report in reports if report.measurement.sigma == sigma]
    names = [layer.name for layer in max((r.comparison.layers for r in reports), key=len)]
    twins: dict[tuple[float, ...], None] = {}
    for report, colour in zip(reports, shades(len(reports)), strict=True):
        measured, layers = report.measurement, report.comparison.layers
        places = [names.index(layer.name) for layer in layers]
        costs = [report.per_image(sum(layer.energy[key].values())) * 1e3 for layer in layers]
        label = literal(f"{report.label}, T = {measured.timesteps}")
        axis.plot(places, costs, ".-", color=colour, lw=1, label=label)
        twin = tuple(report.per_image(layer.dense_energy[key]) * 1e3 for layer in layers)
        if twin not in twins:  # the same for every T
            axis.plot(places, twin, color="#333", lw=1, ls="--")
            twins[twin] = None
    axis.plot([], [], color="#333", lw=1, ls="--", label="CNN twin, same format")
    axis.set(title=f"layers, sigma {sigma:g}", ylabel="energy (mJ)", yscale="log")
    axis.set_xticks(range(len(names)), names, rotation=60, ha="right", fontsize=7)
    axis.legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))


def _millijoules(report: EnergyReport, key: tuple[str, str]) -> float:
    return report.per_image(report.verdict(key).energy) * 1e3


def _twin(report: EnergyReport, key: tuple[str, str]) -> tuple[float, float]:
    assert report.twin is not None
    energy = report.per_image(report.verdict(key).baselines["cnn_fp32"]) * 1e3
    return energy, report.twin.psnr


def _curves(reports: Sequence[EnergyReport]) -> Iterator[tuple[str, list[EnergyReport]]]:
    """Gather the numbers of timesteps of each model and noise level."""
    gathered: dict[str, list[EnergyReport]] = {}
    for report in reports:
        name = literal(f"{report.label}, sigma {report.measurement.sigma:g}")
        gathered.setdefault(name, []).append(report)
    yield from gathered.items()


def _colours(reports: Sequence[EnergyReport]) -> list[Any]:
    return [f"C{index % 10}" for index, _ in enumerate(_curves(reports))]
