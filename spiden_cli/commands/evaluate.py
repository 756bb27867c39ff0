"""`spiden evaluate`: PSNR, SSIM and spikes on clean images with known noise, or on real pairs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spiden_cli.commands.model import (
    EngineName,
    Ensemble,
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
)
from spiden_cli.errors import InputError
from spiden_cli.report.console import print_json, warn
from spiden_cli.report.evaluation import EvaluationReport, print_evaluations, records
from spiden_cli.report.progress import downloading, stepping

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from spiden_cli.core.data.datasets import Dataset
    from spiden_cli.core.tasks.evaluation import Evaluation, Shown
    from spiden_cli.core.tasks.subjects import Subject
    from spiden_cli.core.weights import WeightsInfo

    Run = tuple[Subject, float | None, int]

DEFAULT_SIGMA = 25.0

SavedFiles = dict[Path, tuple[Path, Path]]
"""Clean picture -> where its noisy and its denoised form are kept."""


def evaluate(
    dataset: Annotated[
        str,
        typer.Option(
            help="set12, bsd68, cbsd68, nam25 (fetched once, if need be), or a folder of clean "
            "images; nam25, and a folder with noisy/ and clean/, are pairs: no noise is added."
        ),
    ] = "set12",
    sigma: Annotated[
        str | None,
        typer.Option(
            help="Noise levels in 8-bit units, with commas; on pairs also auto, which estimates it "
            "for each picture. [default: 25; on pairs auto]",
            show_default=False,
        ),
    ] = None,
    timesteps: Annotated[
        str | None,
        typer.Option(help="Numbers of timesteps, with commas; by default the model's own."),
    ] = None,
    model: Models = "auto",
    seed: Annotated[
        int | None,
        typer.Option(
            help="Seed of the noise that is added; the first of several. [default: 0]",
            min=0,
            show_default=False,
        ),
    ] = None,
    repeats: Annotated[
        int | None,
        typer.Option(
            help="Draws of noise to try, each with the next seed; the PSNR is then mean ± standard "
            "deviation over them. [default: 1]",
            min=1,
            show_default=False,
        ),
    ] = None,
    per_image: Annotated[
        bool, typer.Option(help="List each image, also where several settings are compared.")
    ] = False,
    save_images: Annotated[
        Path | None,
        typer.Option(help="Folder for the noisy and the denoised images, of the first seed."),
    ] = None,
    overwrite: Overwrite = False,
    engine: EngineName = "auto",
    ensemble: Ensemble = False,
    data_dir: DataDir = None,
    device: Device = "auto",
    threads: Threads = None,
    as_json: AsJson = False,
) -> None:
    """Measure a model as the field does, on seeded Gaussian noise or on real noisy pictures."""
    check_data_dir(data_dir, [dataset])
    levels = listed(sigma, _level) if sigma is not None else None
    steps = list(dict.fromkeys(counts(timesteps, "timesteps"))) if timesteps is not None else None
    from spiden_cli.core.data.datasets import find_dataset
    from spiden_cli.core.tasks.evaluation import evaluate as evaluate_engine

    names = model_names(model)
    opened = [open_model(name, engine, device, threads, ensemble) for name in names]
    with downloading() as on_progress:
        images = find_dataset(dataset, data_dir, on_progress)
    seeds = _seeds(seed, repeats, images)
    runs = [
        (subject, level, count)
        for subject in find_subjects(opened, images.samples)
        for level in _levels(levels, images)
        for count in subject.timesteps(steps)
    ]
    if steps and not any(subject.spiking for subject, *_ in runs):
        raise InputError("a CNN has no timesteps: leave out --timesteps")
    planned = _plan_images(save_images, runs, images, names, overwrite)
    reports = []
    total = len(seeds) * sum(len(subject.samples) for subject, *_ in runs)
    with stepping(f"evaluating on {images.name}", total) as step:
        for ((loaded, samples), level, count), files in zip(runs, planned, strict=True):
            if level is not None:
                tell_doubt(level, loaded.info)
            result = evaluate_engine(
                loaded.engine, samples, level, count,
                on_image=lambda _: step(),
                show=_saver(files),
for_camera=loaded.info.for_camera,
                seeds=seeds,
            )  # fmt: skip
            if level is None:
                _tell_doubts(result, loaded.info)
            reports.append(
                EvaluationReport(images.name, images.has_noise, loaded.name, loaded.engine, result)
            )
    if as_json:
        print_json(records(reports))
    else:
        print_evaluations(reports, per_image or len(reports) == 1)


def _level(text: str) -> float | None:
    """Read "25", or "auto" as None."""
    return None if text == "auto" else one_sigma(text)


def _levels(given: "Sequence[float | None] | None", images: "Dataset") -> "Sequence[float | None]":
    """Return the levels to try: those given, or what suits the set.

    Raises:
        InputError: a level is to be estimated, and noise of a known level is added.
    """
    if given is None:
        return [None if images.has_noise else DEFAULT_SIGMA]
    if None in given and not images.has_noise:
        raise InputError(
            f"--sigma auto needs pictures with noise of their own, and {images.name} is a set of "
            "clean images: give the level of the noise to add, as in --sigma 25"
        )
    return given


def _seeds(first: int | None, repeats: int | None, images: "Dataset") -> range:
    """Return the seeds of the draws of noise to try.

    Raises:
        InputError: no noise is added, or there are not so many seeds.
    """
    from spiden_cli.core.data.samples import SEEDS

    if images.has_noise and (first is not None or repeats is not None):
        option = "--seed" if first is not None else "--repeats"
        raise InputError(
            f"{images.name} is a set of pairs, to which no noise is added: leave out {option}"
        )
    seeds = range(first or 0, (first or 0) + (repeats or 1))
    if seeds.stop > SEEDS:
        raise InputError(f"seeds go up to {SEEDS - 1}: {seeds.stop - 1} is too high")
    return seeds


def _tell_doubts(result: "Evaluation", info: "WeightsInfo") -> None:
    """Tell the user of each estimated level that the model was not trained for."""
    for image in result.scores:
        if image.sigma is not None and (doubt := info.doubt(image.sigma)):
            warn(f"{image.name}: {doubt}")


def _plan_images(
    folder: Path | None,
    runs: "Sequence[Run]",
    images: "Dataset",
    models: list[str],
    overwrite: bool,
) -> list[SavedFiles]:
    """Choose, and check, where the images of each run go; nowhere without a folder."""
    from spiden_cli.core.files.outputs import distinct_names
    from spiden_cli.core.preflight import check_writes

    if folder is None:
        return [{} for _ in runs]
    names = dict(zip(images.paths, distinct_names(images.paths), strict=True))
    planned: list[SavedFiles] = []
    for (model, samples), level, count in runs:
        setting = "auto" if level is None else f"sigma{level:g}"
        place = folder / f"{Path(model.name).stem}-{setting}-T{count}"
        planned.append(
            {
                path: (place / f"{names[path]}_noisy.png", place / f"{names[path]}_denoised.png")
                for path in (sample.clean for sample in samples)
            }
        )
    writes = [path for files in planned for pair in files.values() for path in pair]
    check_writes(
        [*images.paths, *images.noisy, *weights_files(models)], writes,
        folders={path.parent for path in writes},
        overwrite=overwrite,
        hint="choose another --save-images, or models and levels whose names differ",
    )  # fmt: skip
    return planned


def _saver(files: SavedFiles) -> "Callable[[Shown], None] | None":
    """Return what writes the images of a run to their files; None without any."""

    def save(shown: "Shown") -> None:
        from spiden_cli.core.atomic import making_folder
        from spiden_cli.core.files.picture_files import write_picture
        from spiden_cli.core.image.picture import Picture

        for path, pixels in zip(files[shown.path], (shown.noisy, shown.denoised), strict=True):
            with making_folder(path.parent):
                write_picture(path, Picture(pixels))

    return save if files else None
