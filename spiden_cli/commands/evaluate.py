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
    weights_files,
)
from spiden_cli.commands.options import (
    AsJson,
    DataDir,
    Device,
    Threads,
    check_data_dir,
    counts,
    listed,
    model_names,
    one_sigma,
)
from spiden_cli.errors import InputError
from spiden_cli.report.console import print_json
from spiden_cli.report.evaluation import EvaluationReport, print_evaluations
from spiden_cli.report.progress import downloading, stepping

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from spiden_cli.core.tasks.evaluation import Shown
    from spiden_cli.core.tasks.subjects import Subject

    Run = tuple[Subject, float, int]

SavedFiles = dict[Path, tuple[Path, Path]]
"""Clean picture -> where its noisy and its denoised form are kept."""


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
    check_data_dir(data_dir, [dataset])
    levels = listed(sigma, one_sigma)
    steps = list(dict.fromkeys(counts(timesteps, "timesteps"))) if timesteps is not None else None
    from spiden_cli.core.data.datasets import find_dataset
    from spiden_cli.core.tasks.evaluation import evaluate as evaluate_engine

    names = model_names(model)
    opened = [open_model(name, engine, device, threads, ensemble) for name in names]
    with downloading() as on_progress:
        images = find_dataset(dataset, data_dir, on_progress)
    runs = [
        (subject, level, count)
        for subject in find_subjects(opened, images.paths)
        for level in levels
        for count in subject.timesteps(steps)
    ]
    if steps and not any(subject.engine.config.spiking for subject, *_ in runs):
        raise InputError("a CNN has no timesteps: leave out --timesteps")
    planned = _plan_images(save_images, runs, images.paths, names)
    reports = []
    total = sum(len(subject.paths) for subject, *_ in runs)
    with stepping(f"evaluating on {images.name}", total) as step:
        for (subject, level, count), files in zip(runs, planned, strict=True):
            tell_doubt(level, subject.info)
            result = evaluate_engine(
                subject.engine, subject.paths, level, count,
                on_image=lambda _: step(),
                show=_saver(files),
                seeds=subject.seeds,
            )  # fmt: skip
            reports.append(EvaluationReport(images.name, subject.name, subject.engine, result))
    if as_json:
        print_json([report.as_json() for report in reports])
    else:
        print_evaluations(reports, per_image or len(reports) == 1)


def _plan_images(
    folder: Path | None, runs: "Sequence[Run]", images: "Sequence[Path]", models: list[str]
) -> list[SavedFiles]:
    """Choose, and check, where the images of each run go; nowhere without a folder."""
    from spiden_cli.core.files.outputs import distinct_names
    from spiden_cli.core.preflight import check_writes

    if folder is None:
        return [{} for _ in runs]
    names = dict(zip(images, distinct_names(images), strict=True))
    planned: list[SavedFiles] = []
    for subject, level, count in runs:
        place = folder / f"{Path(subject.name).stem}-sigma{level:g}-T{count}"
        planned.append(
            {
                path: (place / f"{names[path]}_noisy.png", place / f"{names[path]}_denoised.png")
                for path in subject.paths
            }
        )
    writes = [path for files in planned for pair in files.values() for path in pair]
    check_writes(
        [*images, *weights_files(models)], writes, folders={path.parent for path in writes},
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
