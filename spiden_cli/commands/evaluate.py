"""`spiden evaluate`: PSNR, SSIM and spikes on a set of clean images with known noise."""

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
)
from spiden_cli.commands.options import AsJson, DataDir, Device, Threads, counts, one_sigma
from spiden_cli.errors import OutputError
from spiden_cli.report.console import print_json
from spiden_cli.report.evaluation import EvaluationReport, print_evaluations
from spiden_cli.report.progress import downloading, stepping

if TYPE_CHECKING:
    from collections.abc import Callable

    from spiden_cli.core.tasks.evaluation import Shown


def evaluate(
    dataset: Annotated[
        str,
        typer.Option(help="set12, bsd68, cbsd68 (fetched once, if need be), or a folder."),
    ] = "set12",
    sigma: Annotated[str, typer.Option(help="Noise levels in 8-bit units, with commas.")] = "25",
    timesteps: Annotated[
        str | None,
        typer.Option(help="Numbers of timesteps, with commas; by default the model's own."),
    ] = None,
    model: Models = "auto",
    per_image: Annotated[
        bool, typer.Option(help="List each image, also where several settings are compared.")
    ] = False,
    save_images: Annotated[
        Path | None, typer.Option(help="Folder for the noisy and the denoised images.")
    ] = None,
    engine: EngineName = "auto",
    ensemble: Ensemble = False,
    data_dir: DataDir = None,
    device: Device = "auto",
    threads: Threads = None,
    as_json: AsJson = False,
) -> None:
    """Measure a model as the field does: seeded Gaussian noise, 8-bit output, mean over images."""
    levels = [one_sigma(part) for part in sigma.split(",")]
    steps = counts(timesteps, "timesteps") if timesteps is not None else None
    from spiden_cli.core.data.datasets import find_dataset
    from spiden_cli.core.tasks.evaluation import evaluate as evaluate_engine

    opened = [
        open_model(name, engine, device, threads, ensemble)
        for name in dict.fromkeys(model.split(","))
    ]
    with downloading() as on_progress:
        images = find_dataset(dataset, data_dir, on_progress)
    runs = [
        (subject, level, count)
        for subject in find_subjects(opened, images.paths)
        for level in levels
        for count in subject.timesteps(steps)
    ]
    reports = []
    total = sum(len(subject.paths) for subject, *_ in runs)
    with stepping(f"evaluating on {images.name}", total) as step:
        for subject, level, count in runs:
            tell_doubt(level, subject.info)
            folder = f"{Path(subject.name).stem}-sigma{level:g}-T{count}"
            result = evaluate_engine(
                subject.engine, subject.paths, level, count,
                on_image=lambda _: step(),
                show=_saver(save_images / folder if save_images else None),
                seeds=subject.seeds,
            )  # fmt: skip
            reports.append(EvaluationReport(images.name, subject.name, subject.engine, result))
    if as_json:
        print_json([report.as_json() for report in reports])
    else:
        print_evaluations(reports, per_image or len(reports) == 1)


def _saver(folder: Path | None) -> "Callable[[Shown], None]":
    """Return what writes the images of an evaluation into `folder`, or does nothing."""
    if folder is None:
        return lambda shown: None
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"can't make the folder {folder}: {error.strerror}") from error

    def save(shown: "Shown") -> None:
        from spiden_cli.core.files.picture_files import write_picture
        from spiden_cli.core.image.picture import Picture

        stem = shown.path.name  # with its suffix: a.png and a.bmp are two pictures
        write_picture(folder / f"{stem}_noisy.png", Picture(shown.noisy))
        write_picture(folder / f"{stem}_denoised.png", Picture(shown.denoised))

    return save
