"""`spiden denoise`: noisy pictures in, clean pictures out."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spiden_cli.commands.model import EngineName, Ensemble, Model, open_model, weights_files
from spiden_cli.commands.options import MODEL, Device, Threads, one_sigma
from spiden_cli.errors import InputError, SpidenError
from spiden_cli.report.comparison import MARK as COMPARED
from spiden_cli.report.comparison import draw_comparison, is_folder, plan_comparisons
from spiden_cli.report.console import fail, note, print_json, warn
from spiden_cli.report.denoising import DenoiseReport, print_reports
from spiden_cli.report.progress import counting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spiden_cli.core.image.picture import Picture
    from spiden_cli.core.tasks.adjustment import Adjustment
    from spiden_cli.core.tasks.model import Model as OpenedModel

STRENGTH, FILES = "How strong", "Files"

EXAMPLES = """Examples:

spiden denoise noisy.jpg: the level is estimated

spiden denoise noisy.jpg --compare look.png: and what was done is drawn

spiden denoise noisy.jpg --strength 0.7 --detail 0.2: gentler, leaves grain

spiden denoise noisy.jpg --chroma-strength 1.5: more against spots of colour

spiden denoise scans/ -o clean/ --sigma 10: a folder, at a level of your own
"""


def denoise(
    pictures: Annotated[
        list[str], typer.Argument(help="Pictures, folders or patterns.", metavar="PICTURE...")
    ],
    sigma: Annotated[
        str,
        typer.Option(
            help="Noise level in 8-bit units, or auto to estimate it.", rich_help_panel=STRENGTH
        ),
    ] = "auto",
    strength: Annotated[
        float,
        typer.Option(
            help="Factor of the noise level, 0 to 2: 1 is what was estimated or given, more "
            "removes more, 0 leaves the picture as it is.",
            metavar="FACTOR",
            rich_help_panel=STRENGTH,
        ),
    ] = 1.0,
    chroma_strength: Annotated[
        float | None,
        typer.Option(
            help="The same for colour noise alone; by default as --strength. Another takes twice "
            "the time.",
            metavar="FACTOR",
            show_default=False,
            rich_help_panel=STRENGTH,
        ),
    ] = None,
    detail: Annotated[
        float,
        typer.Option(
            help="Share of the removed luminance to put back, 0 to 1: some grain looks less "
            "plastic than none.",
            metavar="SHARE",
            rich_help_panel=STRENGTH,
        ),
    ] = 0.0,
    model: Model = "auto",
    timesteps: Annotated[
        int | None,
        typer.Option(
            help="T, the simulated timesteps; by default what the model was trained for.",
            rich_help_panel=MODEL,
        ),
    ] = None,
    ensemble: Ensemble = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="File or folder; by default NAME_denoised beside each picture.",
            show_default=False,
            rich_help_panel=FILES,
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option(help="Allow an output to replace an input.", rich_help_panel=FILES)
    ] = False,
    compare: Annotated[
        Path | None,
        typer.Option(
            help="Draw noisy, denoised, removed and the firing rate side by side: FILE.png, or a "
            "folder, for NAME_compare.png of each.",
            metavar="FILE|FOLDER",
            show_default=False,
            rich_help_panel=FILES,
        ),
    ] = None,
    reference: Annotated[
        Path | None,
        typer.Option(
            help="Clean picture (or folder, same names) to measure PSNR and SSIM against.",
            rich_help_panel=FILES,
        ),
    ] = None,
    white: Annotated[
        float | None,
        typer.Option(
            help="Value of white in 16-bit pictures, such as 4095; by default what the file says, "
            "or the bits that its pixels fill.",
            show_default=False,
            rich_help_panel=FILES,
        ),
    ] = None,
    quality: Annotated[
        int | None,
        typer.Option(
            help="Of JPEG, WebP and AVIF, 1 to 100; by default a JPEG's own, else 95, and lossless "
            "WebP.",
            show_default=False,
            rich_help_panel=FILES,
        ),
    ] = None,
    strip: Annotated[
        bool,
        typer.Option(
            "--strip",
            help="Leave out what is said of the picture: camera, place, owner, words.",
            rich_help_panel=FILES,
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the result as JSON.", rich_help_panel=FILES)
    ] = False,
    engine: EngineName = "auto",
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """Remove noise from pictures; 8 or 16 bits, grey or colour, transparency and metadata kept."""
    level = None if sigma == "auto" else one_sigma(sigma)
    from spiden_cli.core.engine.engine import check_timesteps
    from spiden_cli.core.files.outputs import plan_outputs
    from spiden_cli.core.files.picture_files import check_quality
    from spiden_cli.core.tasks.adjustment import Adjustment

    adjustment = Adjustment(strength, chroma_strength, detail)
    if timesteps is not None:
        check_timesteps(timesteps)

    sources = _sources(pictures)
    clean = {source: _clean(reference, source) for source in sources} if reference else {}
    also_read = [*clean.values(), *weights_files([model])]
    targets = plan_outputs(sources, output, overwrite, also_read)
    for target in targets.values():
        check_quality(target, quality)
    drawings = _drawings(compare, targets, also_read, overwrite)
    opened = open_model(model, engine, device, threads, ensemble)
    if timesteps is not None and model != "auto" and not opened.loaded(False).info.config.spiking:
        raise InputError("a CNN has no timesteps: leave out --timesteps")
    settings = _Settings(
        opened, level, timesteps, white, adjustment, quality, strip, alone=len(sources) == 1
    )
    reports, failed = [], None
    for source, target in targets.items():
        try:
            reports.append(_one(settings, source, target, clean.get(source), drawings.get(source)))
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

    found, made = find_pictures(pictures), (MARK, COMPARED)
    sources = [path for path in found if not path.stem.endswith(made) or str(path) in pictures]
    if not sources:
        raise InputError("all of these pictures were denoised before: name one to do it again")
    if len(sources) < len(found):
        note(f"passed over {len(found) - len(sources)} pictures named *{MARK} or *{COMPARED}")
    return sources


def _clean(reference: Path, source: Path) -> Path:
    return reference / source.name if reference.is_dir() else reference


def _drawings(
    compare: Path | None, targets: "Mapping[Path, Path]", also_read: list[Path], overwrite: bool
) -> dict[Path, Path]:
    """Choose, and check, where comparisons go; nowhere if none are wanted."""
    from spiden_cli.core.preflight import check_writes

    if compare is None:
        return {}
    planned = plan_comparisons(list(targets), compare)
    check_writes(
        [*targets, *also_read],
        [*targets.values(), *planned.values()],
        folders={*(t.parent for t in targets.values()), *([compare] if is_folder(compare) else ())},
        replacing={target: source for source, target in targets.items()},
        overwrite=overwrite,
        hint="choose another --compare",
    )
    return planned


@dataclass(frozen=True)
class _Settings:
    """What is the same for every picture."""

    opened: "OpenedModel"
    level: float | None
    timesteps: int | None
    white: float | None
    adjustment: "Adjustment"
    quality: int | None
    strip: bool
    alone: bool

    def check(self, picture: "Picture", name: str) -> None:
        if self.alone and self.adjustment.chroma_strength is not None and not picture.is_colour:
            raise InputError(f"{name} is grey: leave out --chroma-strength")


def _one(
    settings: _Settings, source: Path, target: Path, reference: Path | None, drawing: Path | None
) -> DenoiseReport:
    from spiden_cli.core.atomic import making_folder
    from spiden_cli.core.files.picture_files import (
        check_output,
        losses,
        read_picture,
        stripped,
        write_picture,
    )
    from spiden_cli.core.image.metrics import check_alike, quality

    picture = read_picture(source)
    if settings.strip:
        picture = stripped(picture)
    settings.check(picture, source.name)
    check_output(target, picture.width, picture.height)
    clean = None
    if reference is not None:
        clean = read_picture(reference).pixels
        check_alike(picture.pixels, clean)  # refused before the work
    for sentence in (*picture.notes, *losses(target, picture)):
        note(f"{source.name}: {sentence}")
    with counting(f"denoising {source.name}") as on_tile:
        result = settings.opened.denoise(
            picture, settings.level, timesteps=settings.timesteps, white=settings.white,
            adjustment=settings.adjustment, map_firing=drawing is not None, on_tile=on_tile,
        )  # fmt: skip
    with making_folder(target.parent):
        write_picture(target, result.image, settings.quality)
    for sentence in result.notes:
        warn(f"{source.name}: {sentence}")
    scores = None
    if clean is not None:
        pixels, levels = result.image.pixels, result.image.levels
        scores = quality(picture.pixels, pixels, clean, levels)
    report = DenoiseReport.of(source, target, picture, result, scores, drawing)
    if drawing is not None:
        with making_folder(drawing.parent):
            draw_comparison(drawing, picture, result.image, result.firing_map, report)
    return report
