"""Pictures denoised one after the other, with progress, reports and failures."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from spiden_cli.errors import SpidenError
from spiden_cli.report.comparison import draw_comparison, show_denoised
from spiden_cli.report.console import fail, note, warn
from spiden_cli.report.denoising import DenoiseReport
from spiden_cli.report.progress import counting

if TYPE_CHECKING:
    from spiden_cli.core.tasks.files import Files, Settings
    from spiden_cli.core.tasks.model import Model


def denoise_all(
    model: "Model", settings: "Settings", jobs: "Sequence[Files]", show: bool = False
) -> tuple[list[DenoiseReport], SpidenError | None]:
    """Denoise picture by picture; one that fails does not stop the others.

    Args:
        model: denoises.
        settings: how.
        jobs: what to read and write.
        show: draw each in the terminal, before and after.

    Returns:
        A report for each that was denoised, and the last error.

    Raises:
        SpidenError: the only picture failed.
    """
    reports, failed = [], None
    for files in jobs:
        try:
            reports.append(_one(model, settings, files, show))
        except SpidenError as error:
            if len(jobs) == 1:
                raise
            fail(str(error))
            failed = error
    return reports, failed


def _one(model: "Model", settings: "Settings", files: "Files", show: bool) -> DenoiseReport:
    """Denoise a picture, draw what was done if that is asked for, and keep the numbers alone."""
    from spiden_cli.core.atomic import making_folder
    from spiden_cli.core.tasks.files import denoise_file

    name = files.source.name
    with counting(f"denoising {name}") as on_tile:
        done = denoise_file(
            model, settings, files, lambda text: note(f"{name}: {text}"), on_tile=on_tile
        )
    for sentence in done.result.notes:
        warn(f"{name}: {sentence}")
    report = DenoiseReport.of(files, done)
    if files.drawing is not None:
        image, firing = done.result.image, done.result.firing_map
        with making_folder(files.drawing.parent):
            draw_comparison(files.drawing, done.picture, image, firing, report)
    if show:
        show_denoised(done.picture, done.result.image)
    return report
