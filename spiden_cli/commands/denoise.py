"""`spiden denoise`: noisy pictures in, clean pictures out."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from spiden_cli.commands.model import EngineName, Ensemble, Model, check_sigma, open_model
from spiden_cli.commands.options import AsJson, Device, Threads, one_sigma
from spiden_cli.errors import InputError, SpidenError
from spiden_cli.report.console import fail, note, print_json, warn
from spiden_cli.report.denoising import DenoiseReport, print_reports
from spiden_cli.report.progress import counting

if TYPE_CHECKING:
    from collections.abc import Callable

    from spiden_cli.core.engine.engine import Engine
    from spiden_cli.core.weights import WeightsInfo


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
    from spiden_cli.core.files.outputs import plan_outputs

    sources = _sources(pictures)
    targets = plan_outputs(sources, output, overwrite)
    if timesteps is not None and timesteps < 1:
        raise InputError(f"the number of timesteps must be at least 1, not {timesteps}")

    @cache
    def opened(name: str) -> "Opened":
        network, info = open_model(name, engine, device, threads, ensemble)
        if level is not None:
            check_sigma(level, info)
        return Opened(name, network, info)

    if model != "auto":
        opened(model)  # a model that is none is told before any picture is read
    reports, failed = [], None
    for source, target in targets.items():
        try:
            reports.append(_one(opened, model, source, target, level, timesteps, reference))
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


class Opened(NamedTuple):
    """A model that is ready to run."""

    name: str
    engine: "Engine"
    info: "WeightsInfo"


def _one(
    opened: "Callable[[str], Opened]", model: str, source: Path, target: Path,
    level: float | None, timesteps: int | None, reference: Path | None,
) -> DenoiseReport:  # fmt: skip
    from spiden_cli.core.bundled import model_for
    from spiden_cli.core.files.picture_files import losses, read_picture, write_picture
    from spiden_cli.core.image.metrics import psnr, ssim
    from spiden_cli.core.tasks.denoising import denoise_picture

    picture = read_picture(source)
    clean = None
    if reference is not None:
        clean = read_picture(reference / source.name if reference.is_dir() else reference).pixels
        psnr(picture.pixels, clean)  # a reference of another size is refused before the work
    name, engine, info = opened(model_for(picture.pixels.ndim == 3) if model == "auto" else model)
    steps = info.timesteps[0] if timesteps is None else timesteps
    for sentence in (*picture.notes, *losses(target, picture)):
        note(f"{source.name}: {sentence}")
    with counting(f"denoising {source.name}") as on_tile:
        result = denoise_picture(engine, picture, level, steps, on_tile=on_tile)
    write_picture(target, result.picture)
    if level is None:
        check_sigma(result.sigma, info)
    if picture.depth == 8 and result.sigma == 0:
        warn(f"{source.name}: no noise was found in it")
    pixels = result.picture.pixels
    return DenoiseReport(
        source, target, result, name, steps, engine.name, estimated=level is None,
        noisy_psnr=None if clean is None else psnr(picture.pixels, clean),
        psnr=None if clean is None else psnr(pixels, clean),
        ssim=None if clean is None else ssim(pixels, clean),
    )  # fmt: skip
