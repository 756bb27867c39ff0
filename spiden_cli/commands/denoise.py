"""`spiden denoise`: noisy pictures in, clean pictures out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spiden_cli.commands.model import EngineName, Ensemble, Model, open_model, weights_files
from spiden_cli.commands.options import AsJson, Device, Threads, one_sigma
from spiden_cli.errors import InputError, SpidenError
from spiden_cli.report.console import fail, note, print_json, warn
from spiden_cli.report.denoising import DenoiseReport, print_reports
from spiden_cli.report.progress import counting

if TYPE_CHECKING:
    from spiden_cli.core.tasks.model import Model as OpenedModel


def denoise(
    pictures: Annotated[
        list[str], typer.Argument(help="Pictures, folders or patterns.", metavar="PICTURE...")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="File or folder; by default NAME_denoised beside each picture.",
            show_default=False,
        ),
    ] = None,
    sigma: Annotated[
        str, typer.Option(help="Noise level in 8-bit units, or auto to estimate it.")
    ] = "auto",
    timesteps: Annotated[
        int | None,
        typer.Option(help="T, the simulated timesteps; by default what the model was trained for."),
    ] = None,
    model: Model = "auto",
    white: Annotated[
        float | None,
        typer.Option(
            help="Value of white in 16-bit pictures, such as 4095; by default what the file says, "
            "or the bits that its pixels fill.",
            show_default=False,
        ),
    ] = None,
    reference: Annotated[
        Path | None,
        typer.Option(
            help="Clean picture (or folder, same names) to measure PSNR and SSIM against."
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Allow an output to replace an input.")] = False,
    engine: EngineName = "auto",
    ensemble: Ensemble = False,
    device: Device = "auto",
    threads: Threads = None,
    as_json: AsJson = False,
) -> None:
    """Remove noise from pictures; 8 or 16 bits, grey or colour, transparency and metadata kept."""
    level = None if sigma == "auto" else one_sigma(sigma)
    from spiden_cli.core.engine.engine import check_timesteps
    from spiden_cli.core.files.outputs import plan_outputs

    if timesteps is not None:
        check_timesteps(timesteps)

    sources = _sources(pictures)
    clean = {source: _clean(reference, source) for source in sources} if reference else {}
    targets = plan_outputs(sources, output, overwrite, [*clean.values(), *weights_files([model])])
    opened = open_model(model, engine, device, threads, ensemble)
    if timesteps is not None and model != "auto" and not opened.loaded(False).info.config.spiking:
        raise InputError("a CNN has no timesteps: leave out --timesteps")
    reports, failed = [], None
    for source, target in targets.items():
        try:
            reports.append(_one(opened, source, target, level, timesteps, white, clean.get(source)))
        except SpidenError as error:
            if len(targets) == 1:
                raise
            fail(str(error))
            failed = error
    if as_json:
        print_json([report.as_json() for report in reports])
    else:
        print_reports(reports)
    if failed is not None:
        fail(f"{len(targets) - len(reports)} of {len(targets)} pictures were not denoised")
        raise typer.Exit(failed.exit_code)


def _sources(pictures: list[str]) -> list[Path]:
    """Find the pictures; in folders and patterns, pass over what an earlier call made."""
    from spiden_cli.core.files.outputs import MARK
    from spiden_cli.core.files.picture_files import find_pictures

    found = find_pictures(pictures)
    sources = [path for path in found if not path.stem.endswith(MARK) or str(path) in pictures]
    if not sources:
        raise InputError("all of these pictures were denoised before: name one to do it again")
    if len(sources) < len(found):
        note(f"passed over {len(found) - len(sources)} pictures named *{MARK}")
    return sources


def _clean(reference: Path, source: Path) -> Path:
    return reference / source.name if reference.is_dir() else reference


def _one(
    opened: "OpenedModel", source: Path, target: Path, level: float | None, timesteps: int | None,
    white: float | None, reference: Path | None,
) -> DenoiseReport:  # fmt: skip
    from spiden_cli.core.atomic import making_folder
    from spiden_cli.core.files.picture_files import (
        check_output,
        losses,
        read_picture,
        write_picture,
    )
    from spiden_cli.core.image.metrics import check_alike, quality

    picture = read_picture(source)
    check_output(target, picture.width, picture.height)
    clean = None
    if reference is not None:
        clean = read_picture(reference).pixels
        check_alike(picture.pixels, clean)  # refused before the work
    for sentence in (*picture.notes, *losses(target, picture)):
        note(f"{source.name}: {sentence}")
    with counting(f"denoising {source.name}") as on_tile:
        result = opened.denoise(picture, level, timesteps=timesteps, white=white, on_tile=on_tile)
    with making_folder(target.parent):
        write_picture(target, result.image)
    for sentence in result.notes:
        warn(f"{source.name}: {sentence}")
    scores = None
    if clean is not None:
        pixels, levels = result.image.pixels, result.image.levels
        scores = quality(picture.pixels, pixels, clean, levels)
    return DenoiseReport.of(source, target, picture, result, scores)
