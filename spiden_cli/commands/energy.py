"""`spiden energy`: what a spiking network does on real pictures, and what that costs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from spiden_cli.commands.model import (
    EngineName,
    Models,
    find_subjects,
    open_model,
    tell_doubt,
    weights_files,
)
from spiden_cli.commands.options import (
    AsJson,
    DataDir,
    Device,
    Overwrite,
    Threads,
    check_data_dir,
    counts,
    listed,
    model_names,
    one_sigma,
    was_given,
)
from spiden_cli.commands.report_files import Csv, Plot, check_report_files
from spiden_cli.errors import InputError
from spiden_cli.report.console import print_json, warn
from spiden_cli.report.progress import downloading, stepping

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from spiden_cli.core.data.datasets import Dataset
    from spiden_cli.core.data.samples import Sample
    from spiden_cli.core.energy.measurement import Measurement
    from spiden_cli.core.engine.engine import Engine
    from spiden_cli.core.tasks.subjects import Subject


def energy(
    context: typer.Context,
    pictures: Annotated[
        list[str] | None,
        typer.Argument(
            help="Clean pictures, folders or patterns; by default a bundled picture.",
            metavar="[PICTURE...]",
            show_default=False,
        ),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(help="In place of pictures: set12, bsd68, cbsd68, or a folder."),
    ] = None,
    sigma: Annotated[str, typer.Option(help="Noise to add, in 8-bit units; with commas.")] = "25",
    timesteps: Annotated[
        str | None,
        typer.Option(help="Numbers of timesteps, with commas; by default the model's own."),
    ] = None,
    model: Models = "auto",
    constants: Annotated[
        Path | None,
        typer.Option(help="Constants of the energy models, as TOML.", metavar="FILE"),
    ] = None,
    print_constants: Annotated[
        bool, typer.Option("--print-constants", help="Print the constants, with sources; leave.")
    ] = False,
    csv: Csv = None,
    plot: Plot = None,
    overwrite: Overwrite = False,
    data_dir: DataDir = None,
    engine: EngineName = "auto",
    device: Device = "auto",
    threads: Threads = None,
    as_json: AsJson = False,
) -> None:
    """Count spikes and operations on real pictures; price them beside four CNNs."""
    from spiden_cli.core.energy.constants import constants_toml, load_constants

    if print_constants:
        _refuse_others(context, "print_constants")
        typer.echo(constants_toml(), nl=False)
        return
    if pictures and dataset is not None:
        raise InputError("give pictures, or --dataset; not both")
    check_data_dir(data_dir, [] if dataset is None else [dataset])
    levels = listed(sigma, one_sigma)
    names = model_names(model)
    steps = list(dict.fromkeys(counts(timesteps, "timesteps"))) if timesteps is not None else None
    from spiden_cli.core.energy.comparison import compare
    from spiden_cli.report.energy import print_reports
    from spiden_cli.report.energy_plots import plot_energy
    from spiden_cli.report.energy_records import EnergyReport, write_csv

    prices = load_constants(constants)
    images = _pictures(pictures, dataset, data_dir)
    reads = [constants, *weights_files(names), *images.paths]
    check_report_files(plot, csv, reads, overwrite)
    models = [
        _with_twin(subject, device, threads)
        for subject in _subjects(names, engine, device, threads, images.samples)
    ]
    for measured in models:
        for level in levels:
            tell_doubt(level, measured.subject.model.info)
    reports = [
        EnergyReport(images.name, name, compare(measured, prices), twin)
        for name, measured, twin in _measure(models, levels, steps)
    ]
    if csv is not None:
        write_csv(csv, reports)
    for path in plot or []:
        plot_energy(path, reports)
    if as_json:
        print_json([report.as_json() for report in reports])
    else:
        print_reports(reports)


def _refuse_others(context: typer.Context, alone: str) -> None:
    """Refuse every other option beside one that leaves no use for it.

    Raises:
        InputError: one was given.
    """
    for parameter in context.command.params:
        name = parameter.name or ""
        if name != alone and was_given(context, name):
            option = max(parameter.opts, key=len)
            raise InputError(f"--{alone.replace('_', '-')} goes alone: leave out {option}")


class _Pair(NamedTuple):
    """A spiking network, and its CNN twin where there is one."""

    subject: "Subject"
    twin: "Engine | None"


def _subjects(
    names: list[str], engine: str, device: str, threads: int | None, samples: "Sequence[Sample]"
) -> "list[Subject]":
    opened = [open_model(name, engine, device, threads) for name in names]
    found = find_subjects(opened, samples)
    for subject in found:
        if not subject.spiking:
            raise InputError(
                f"{subject.model.name} is a CNN, with no spikes to count: name the spiking "
                "network, and its CNN twin is in every table"
            )
    return found


def _with_twin(subject: "Subject", device: str, threads: int | None) -> _Pair:
    from spiden_cli.core.bundled import find_weights
    from spiden_cli.core.energy.twins import are_twins, find_twin
    from spiden_cli.core.weights import read_info

    cnn = find_twin(find_weights(subject.model.name))
    if cnn is not None and not are_twins(subject.model.info.config, read_info(cnn).config):
        warn(f"{cnn.name} is not of the topology of {subject.model.name}: its PSNR is left out")
        cnn = None
    if cnn is None:
        return _Pair(subject, None)
    return _Pair(subject, open_model(str(cnn), "dense", device, threads).loaded(False).engine)


def _pictures(pictures: list[str] | None, dataset: str | None, data_dir: Path | None) -> "Dataset":
    """Return the clean pictures, with what to call them."""
    from spiden_cli.core.data.datasets import Dataset, find_dataset

    if dataset is not None:
        with downloading() as on_progress:
            found = find_dataset(dataset, data_dir, on_progress)
        return Dataset(found.name, found.paths)
    if pictures:
        from spiden_cli.core.files.finding import find_pictures

        paths = find_pictures(pictures)
        return Dataset(paths[0].name if len(paths) == 1 else f"{len(paths)} pictures", tuple(paths))
    from spiden_cli.core.bundled import sample_picture

    return Dataset(sample_picture().name, (sample_picture(),))


def _measure(
    models: list[_Pair], levels: list[float], steps: list[int] | None
) -> "Iterator[tuple[str, Measurement, Measurement | None]]":
    """Yield each model at each noise level and T, and its twin at that level."""
    from spiden_cli.core.energy.measurement import measure

    runs = sum(
        len(levels) * (len(subject.timesteps(steps)) + (twin is not None)) * len(subject.samples)
        for subject, twin in models
    )
    with stepping("counting spikes", runs) as step:
        for subject, twin in models:
            model, samples = subject
            for level in levels:
                beside = None
                if twin is not None:
                    beside = measure(twin, samples, level, 1, step)
                for count in subject.timesteps(steps):
                    result = measure(model.engine, samples, level, count, step)
                    yield model.name, result, beside
