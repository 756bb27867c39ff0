"""Stacks in `spiden denoise`: which of the inputs they are, and how one is denoised."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from spiden_cli.errors import InputError
from spiden_cli.report.stacks import StackReport

if TYPE_CHECKING:
    from spiden_cli.core.tasks.files import Files, Settings
    from spiden_cli.core.tasks.model import Model


def is_for_planes(settings: "Settings", source: Path) -> bool:
    """Whether an input is denoised plane by plane: it is a stack, or its options ask for it."""
    from spiden_cli.core.files.stacks.opening import is_stack

    asked = settings.axes is not None or settings.average or settings.independent
    return asked or is_stack(source)


def denoise_stack(
    model: "Model", settings: "Settings", files: "Files", show: bool,
    on_note: Callable[[str], None], on_plane: Callable[[int, int], None],
) -> StackReport:  # fmt: skip
    """Denoise a stack, and keep the numbers alone.

    Args:
        model: denoises.
        settings: how.
        files: what to read and write.
        show: whether it was to be drawn in the terminal.
        on_note: told what reading guessed and writing will lose.
        on_plane: told of the progress.

    Raises:
        SpidenError: an option doesn't suit it, or it can't be read or written.
    """
    from spiden_cli.core.files.stacks.opening import is_stack
    from spiden_cli.core.tasks.stack_files import denoise_colours_apart, denoise_stack_file

    _check(settings, files, show)
    is_picture = settings.axes is None and not settings.average and not is_stack(files.source)
    denoise = denoise_colours_apart if is_picture else denoise_stack_file
    return StackReport.of(files, denoise(model, settings, files, on_note, on_plane))


def _check(settings: "Settings", files: "Files", show: bool) -> None:
    """Refuse what has no meaning for planes."""
    refused = {
        "--reference": files.reference is not None,
        "--compare": files.drawing is not None,
        "--mask": files.mask is not None,
        "--region": settings.region is not None,
        "--show": show,
        "--strip": settings.strip,
        "--chroma-strength": settings.adjustment.chroma_strength is not None,
    }
    for option, given in refused.items():
        if given:
            raise InputError(
                f"{files.source.name} is denoised plane by plane, where {option} has no meaning: "
                "leave it out"
            )
