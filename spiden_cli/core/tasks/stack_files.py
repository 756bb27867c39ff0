"""One stack file, denoised into another; and an array."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from spiden_cli.core.atomic import making_folder
from spiden_cli.core.files.decoding import check_size
from spiden_cli.core.files.stacks.layout import Index, Layout, layout_of, unknown_axes
from spiden_cli.core.files.stacks.opening import is_stack, open_stack
from spiden_cli.core.files.stacks.source import ArraySource, StackSource
from spiden_cli.core.files.stacks.targets import (
    Write,
    check_stack_target,
    stack_losses,
    writing_stack,
)
from spiden_cli.core.image.values import Plane, check_type
from spiden_cli.core.tasks.files import refuse_losses
from spiden_cli.core.tasks.model import Model
from spiden_cli.core.tasks.planes import OnPlane, denoise_planes_of
from spiden_cli.core.tasks.settings import Files, Settings
from spiden_cli.core.tasks.stack_reader import planned_layout
from spiden_cli.core.tasks.stack_result import StackResult, StackSettings
from spiden_cli.core.urls import is_remote
from spiden_cli.errors import InputError

__all__ = [
    "DenoisePlanes",
    "Opening",
    "StackDone",
    "denoise_array",
    "denoise_stack_file",
    "is_for_planes",
]


DenoisePlanes = Callable[
    [Model, StackSource, StackSettings, Callable[[Index, Plane], None], OnPlane], StackResult
]


class Opening(NamedTuple):
    """How files of stacks are opened.

    Attributes:
        read: as `open_stack`.
        write: as `writing_stack`.
    """

    read: Callable[[Path, str | None], StackSource]
    write: Callable[[Path, StackSource, Layout, bool], AbstractContextManager[Write]]


_LOCAL = Opening(open_stack, writing_stack)


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


def is_for_planes(settings: Settings, source: Path) -> bool:
    """Return whether a file is denoised plane by plane: it is a stack, or its options say so.

    Raises:
        InputError: a damaged file.
    """
    return settings.axes is not None or settings.average or is_stack(source)


def denoise_stack_file(
    model: Model,
    settings: Settings,
    files: Files,
    on_note: Callable[[str], None] = lambda sentence: None,
    on_plane: OnPlane = lambda done, of: None,
    denoise_planes: DenoisePlanes = denoise_planes_of,
    opening: Opening = _LOCAL,
) -> StackDone:
    """Denoise one stack into another, no more than some planes in memory.

    Args:
        model: denoises.
        settings: how.
        files: what to read and write; the target's folder is made if need be.
        on_note: told, before the work, what reading guessed and writing will lose.
        on_plane: told of the progress.
        denoise_planes: what is done once the target is open; see `denoise_planes_of`.
        opening: how the files are opened, where they may be elsewhere.

    Raises:
        InputError: the stack can't be used, or a setting doesn't suit it.
        LossError: something would be lost, and nothing was to be; nothing is written.
        OutputError: the result can't be written.
        WeightsError: the model can't be loaded, or gives no finite output.
    """
    _check(settings, files)
    wanted, target = _of_planes(settings), files.target
    with settings.reading(), opening.read(files.source, settings.axes) as stack:
        check_stack_target(target, stack.kind)
        wanted = replace(wanted, per_plane=wanted.per_plane or stack.album)
        layout = planned_layout(stack, wanted)
        height, width, *samples = layout.plane
        held = 0  # of a pixel, where planes are taken apart
        if denoise_planes is denoise_planes_of:
            held = (stack.dtype.itemsize + 4) * sum(samples or [1])
        check_size(files.source, width, height, held)
        lost = stack_losses(target, stack)
        refuse_losses(files.name, lost, settings.strict)
        for sentence in (*stack.notes, *lost):
            on_note(sentence)
        with (
            nullcontext() if is_remote(target) else making_folder(target.parent),
            opening.write(target, stack, layout, settings.overwrite) as write,
        ):
            result = denoise_planes(model, stack, wanted, write, on_plane)
        return StackDone(stack.kind, stack.layout, str(stack.dtype), result, lost)


def _check(settings: Settings, files: Files) -> None:
    """Refuse what has no meaning for planes."""
    refused = {
        "--reference": files.reference is not None,
        "--compare": files.drawing is not None,
        "--mask": files.mask is not None,
        "--region": settings.region is not None,
        "--strip": settings.strip,
        "--float": settings.floats,
        "--chroma-strength": settings.alone and settings.adjustment.chroma_strength is not None,
    }
    for option, given in refused.items():
        if given:
            raise InputError(
                f"{files.source.name} is denoised plane by plane, where {option} has no meaning: "
                "leave it out"
            )


def _of_planes(settings: Settings) -> StackSettings:
    return StackSettings(
        settings.noise, settings.timesteps, settings.white, settings.adjustment,
        bool(settings.independent), settings.per_plane, settings.average, settings.repair,
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
