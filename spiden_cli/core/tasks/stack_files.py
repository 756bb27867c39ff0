"""One stack file, denoised into another; and an array."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from spiden_cli.core.atomic import making_folder
from spiden_cli.core.files.origin import signed
from spiden_cli.core.files.picture_files import (
    check_output,
    output_format,
    read_picture,
    write_picture,
)
from spiden_cli.core.files.stacks.layout import Layout, layout_of, unknown_axes
from spiden_cli.core.files.stacks.opening import open_stack
from spiden_cli.core.files.stacks.source import ArraySource
from spiden_cli.core.files.stacks.targets import check_stack_target, stack_losses, writing_stack
from spiden_cli.core.image.values import Plane, check_type
from spiden_cli.core.tasks.files import Files, Settings, announce_losses
from spiden_cli.core.tasks.model import Model
from spiden_cli.core.tasks.planes import OnPlane, denoise_planes_of
from spiden_cli.core.tasks.stack_reader import planned_layout
from spiden_cli.core.tasks.stack_result import StackResult, StackSettings
from spiden_cli.errors import LossError

__all__ = ["StackDone", "denoise_array", "denoise_colours_apart", "denoise_stack_file"]


class StackDone(NamedTuple):
    """A stack that was denoised and written.

    Attributes:
        kind: of the file that was read, in words.
        layout: of the noisy stack.
        dtype: of its values.
        result: what became of it.
        lost: what the target couldn't hold, a sentence each.
    """

    kind: str
    layout: Layout
    dtype: str
    result: StackResult
    lost: tuple[str, ...]


def denoise_stack_file(
    model: Model,
    settings: Settings,
    files: Files,
    on_note: Callable[[str], None] = lambda sentence: None,
    on_plane: OnPlane = lambda done, of: None,
) -> StackDone:
    """Denoise one stack into another, no more than some planes in memory.

    Args:
        model: denoises.
        settings: how.
        files: what to read and write; the target's folder is made if need be.
        on_note: told, before the work, what reading guessed and writing will lose.
        on_plane: told of the progress.

    Raises:
        InputError: the stack can't be used, or a setting doesn't suit it.
        LossError: something would be lost, and nothing was to be; nothing is written.
        OutputError: the result can't be written.
        WeightsError: the model can't be loaded, or gives no finite output.
    """
    wanted, target = _of_planes(settings), files.target
    with open_stack(files.source, settings.axes) as stack:
        layout = planned_layout(stack, wanted)
        check_stack_target(target, stack)
        lost = stack_losses(target, stack)
        if settings.strict and lost:
            raise LossError(f"{files.source}: {'; '.join(lost)} (--strict)")
        for sentence in (*stack.notes, *lost):
            on_note(sentence)
        with (
            making_folder(target.parent),
            writing_stack(target, stack, layout, settings.overwrite) as write,
        ):
            result = denoise_planes_of(model, stack, wanted, write, on_plane)
        return StackDone(stack.kind, stack.layout, str(stack.dtype), result, lost)


def denoise_colours_apart(
    model: Model,
    settings: Settings,
    files: Files,
    on_note: Callable[[str], None] = lambda sentence: None,
    on_plane: OnPlane = lambda done, of: None,
) -> StackDone:
    """Denoise a picture whose colours are channels that say nothing about each other.

    Args:
        model: denoises.
        settings: how; the colours are taken apart in any case.
        files: what to read and write.
        on_note: told, before the work, what reading changed and writing will lose.
        on_plane: told of the progress.

    Raises:
        SpidenError: as for `denoise_stack_file`.
    """
    picture = read_picture(files.source)
    check_output(files.target, picture.width, picture.height)
    lost = announce_losses(files, picture, settings.strict, on_note)
    layout = Layout("", (), picture.pixels.shape)
    source = ArraySource(picture.pixels, layout, layout.axes, str(files.source))
    planes: list[Plane] = []
    result = denoise_planes_of(
        model, source, replace(_of_planes(settings), independent=True),
        lambda index, plane: planes.append(plane), on_plane,
    )  # fmt: skip
    with making_folder(files.target.parent):
        image = signed(replace(picture, pixels=planes[0]), output_format(files.target))
        write_picture(files.target, image, settings.quality, settings.overwrite)
    return StackDone("picture", layout, str(source.dtype), result, lost)


def _of_planes(settings: Settings) -> StackSettings:
    return StackSettings(
        settings.level, settings.timesteps, settings.white, settings.adjustment,
        settings.independent, settings.per_plane, settings.average,
    )  # fmt: skip


def denoise_array(
    model: Model,
    array: Any,  # noqa: ANN401
    axes: str | None,
    settings: StackSettings,
    on_plane: OnPlane = lambda done, of: None,
) -> StackResult:
    """Denoise an array of any number of dimensions; see `Model.denoise_stack`."""
    values = np.asarray(array)
    check_type(values.dtype, "the array")
    if axes is None and values.ndim != 2:
        raise unknown_axes(values.shape, "the array")
    axes = (axes or "YX").upper()
    layout = layout_of(axes, values.shape, "the array")
    native = values.astype(values.dtype.newbyteorder("="), copy=False)
    source = ArraySource(native, layout, axes)
    planned = planned_layout(source, settings)
    kept = "".join(axis for axis in axes if axis in planned.axes)
    image = np.empty([planned.length(axis) for axis in kept], native.dtype)
    planes = image.transpose([kept.index(axis) for axis in planned.axes])

    def write(index: tuple[int, ...], plane: Any) -> None:  # noqa: ANN401
        planes[index] = plane

    result = denoise_planes_of(model, source, settings, write, on_plane)
    result.image = image
    return result
