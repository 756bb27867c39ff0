"""`spiden denoise`: noisy pictures in, clean pictures out."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from spiden_cli.commands import denoise_options as options
from spiden_cli.commands.batch import denoise_all
from spiden_cli.commands.model import EngineName, Ensemble, Model, open_model, weights_files
from spiden_cli.commands.options import Device, Threads, one_sigma, read_region
from spiden_cli.errors import InputError
from spiden_cli.report.comparison import MARK as COMPARED
from spiden_cli.report.comparison import is_folder, plan_comparisons
from spiden_cli.report.console import fail, note, print_json
from spiden_cli.report.denoising import print_reports

if TYPE_CHECKING:
    from collections.abc import Mapping


def denoise(
    pictures: options.Pictures,
    sigma: options.Sigma = "auto",
    strength: options.Strength = 1.0,
    chroma_strength: options.ChromaStrength = None,
    detail: options.Detail = 0.0,
    mask: options.Mask = None,
    region: options.Region = None,
    model: Model = "auto",
    timesteps: options.Timesteps = None,
    ensemble: Ensemble = False,
    output: options.Output = None,
    overwrite: options.Overwrite = False,
    compare: options.Compare = None,
    reference: options.Reference = None,
    white: options.White = None,
    quality: options.Quality = None,
    strip: options.Strip = False,
    show: options.Show = False,
    as_json: options.AsJson = False,
    engine: EngineName = "auto",
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """Remove noise from pictures; 8 or 16 bits, grey or colour, transparency and metadata kept."""
    level = None if sigma == "auto" else one_sigma(sigma)
    part = None if region is None else read_region(region, "--region")
    from spiden_cli.core.engine.engine import check_timesteps
    from spiden_cli.core.files.outputs import MARK, REGION_MARK, check_parts, plan_outputs
    from spiden_cli.core.files.picture_files import check_quality
    from spiden_cli.core.tasks.adjustment import Adjustment
    from spiden_cli.core.tasks.files import Files, Settings

    adjustment = Adjustment(strength, chroma_strength, detail)
    if timesteps is not None:
        check_timesteps(timesteps)

    sources = _sources(pictures)
    if show and len(sources) > 1:
        raise InputError("--show draws a single picture: of several, --compare FOLDER/ draws each")
    clean = {source: _of_same_name(reference, source) for source in sources} if reference else {}
    masks = {source: _of_same_name(mask, source) for source in sources} if mask else {}
    also_read = [*clean.values(), *masks.values(), *weights_files([model])]
    if part is not None and output is not None:
        check_parts(dict.fromkeys(sources, output))
    mark = MARK if part is None else REGION_MARK
    targets = plan_outputs(sources, output, overwrite, also_read, mark)
    if part is not None:
        check_parts(targets)
    for target in targets.values():
        check_quality(target, quality)
    drawings = _drawings(compare, targets, also_read, overwrite)
    opened = open_model(model, engine, device, threads, ensemble)
    if timesteps is not None and model != "auto" and not opened.loaded(False).info.config.spiking:
        raise InputError("a CNN has no timesteps: leave out --timesteps")
    settings = Settings(
        level, timesteps, white, adjustment, quality, strip, part, alone=len(sources) == 1
    )
    jobs = [
        Files(source, target, clean.get(source), drawings.get(source), masks.get(source))
        for source, target in targets.items()
    ]
    reports, failed = denoise_all(opened, settings, jobs, show)
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


def _of_same_name(given: Path, source: Path) -> Path:
    return given / source.name if given.is_dir() else given


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
