"""`spiden compare`: pictures side by side, and how they differ."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spiden_cli.commands.options import AsJson, Overwrite, Show, read_region
from spiden_cli.errors import InputError, OutputError
from spiden_cli.report.comparison import MARK, SUFFIX
from spiden_cli.report.console import note, print_json
from spiden_cli.report.progress import stepping
from spiden_cli.report.side_by_side import (
    SEEN,
    SideBySide,
    draw_sheet,
    print_side_by_side,
    show_side_by_side,
)

if TYPE_CHECKING:
    from spiden_cli.core.image.picture import Picture
    from spiden_cli.core.image.region import Region

LEAST, MOST = 2, 6


def compare(
    pictures: Annotated[
        list[Path],
        typer.Argument(help=f"{LEAST} to {MOST} pictures of one size.", metavar="PICTURE..."),
    ],
    reference: Annotated[
        Path | None,
        typer.Option(
            help="Clean picture to measure each against; by default the first is what the others "
            "are measured against.",
            metavar="FILE",
            show_default=False,
        ),
    ] = None,
    crop: Annotated[
        str | None,
        typer.Option(
            help="The part to enlarge: left, top, width and height in pixels; by default where "
            "the pictures differ most.",
            metavar="X,Y,W,H",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help=f"The sheet, FILE{SUFFIX}; by default NAME{MARK}{SUFFIX} beside the first.",
            metavar="FILE",
            show_default=False,
        ),
    ] = None,
    overwrite: Overwrite = False,
    show: Show = False,
    as_json: AsJson = False,
) -> None:
    """Draw pictures side by side, with a part enlarged and what differs amplified; PSNR, SSIM."""
    if not LEAST <= len(pictures) <= MOST:
        raise InputError(f"name {LEAST} to {MOST} pictures to compare, not {len(pictures)}")
    region = None if crop is None else read_region(crop, "--crop")
    sheet = pictures[0].with_name(f"{pictures[0].stem}{MARK}{SUFFIX}") if output is None else output
    if sheet.suffix.lower() != SUFFIX:
        raise OutputError(f"can't write {sheet}: the sheet is a {SUFFIX} file")
    from spiden_cli.core.atomic import atomic_path
    from spiden_cli.core.files.origin import drawn_by_spiden
    from spiden_cli.core.preflight import check_writes

    check_writes(
        [*pictures, reference], [sheet], overwrite=overwrite, hint="choose another --output"
    )
    report = _measured(pictures, reference, region)
    page = draw_sheet(report)
    with atomic_path(sheet) as temporary:
        page.save(temporary, "PNG", pnginfo=drawn_by_spiden())
    if show:
        show_side_by_side(report)
    if as_json:
        print_json(report.as_json(sheet))
    else:
        print_side_by_side(report, sheet)


def _measured(files: list[Path], reference: Path | None, crop: "Region | None") -> SideBySide:
    """Read the pictures, refuse those that can't be compared, and measure them."""
    from spiden_cli.core.files.picture_files import read_picture
    from spiden_cli.core.image.views import choose_difference
    from spiden_cli.core.tasks.comparison import check_one_scene, closeness, on_one_scale

    paths = list(dict.fromkeys(files))
    if len(paths) < LEAST:
        raise InputError(f"{paths[0]} is named twice: name another picture to compare it with")
    base = paths[0] if reference is None else reference
    named = list(dict.fromkeys([*paths, base]))
    with stepping("comparing", 2 * len(named) - 1) as step:
        read: dict[Path, Picture] = {}
        for path in named:
            read[path] = read_picture(path)
            check_one_scene(read)
            step()
        if crop is not None:
            crop.check(read[base].width, read[base].height)
        scaled = on_one_scale(read)
        shown = [scaled[path] for path in paths]
        region = crop or choose_difference(
            [p.pixels for p in shown], [p.levels for p in shown], SEEN
        )
        measured = {}
        for path in named:
            if path != base:
                measured[path] = closeness(scaled[path], scaled[base])
                step()
    _tell(read)
    clean = None if reference is None else read[base]
    return SideBySide(
        {path: read[path] for path in paths}, measured, base, clean, region, crop is not None
    )


def _tell(pictures: "dict[Path, Picture]") -> None:
    """Say what reading left behind, and what of the pictures the figures don't see."""
    for path, picture in pictures.items():
        for sentence in picture.told:
            note(f"{path.name}: {sentence}")
    all_of_them = pictures.values()
    if any(picture.alpha is not None for picture in all_of_them):
        note("transparent places are drawn over checks; the figures count the colours under them")
    if len({picture.icc_profile for picture in all_of_them}) > 1:
        note("the pictures have different colour profiles, and are compared as they are stored")
