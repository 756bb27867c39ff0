"""Write stacks plane by plane, in the format that the suffix names, whole or not at all.

A TIFF that is made from a TIFF carries its pages' tags over; one made from anything else says what
its axes are. What a target can't hold is told beforehand by `stack_losses`.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from spiden_cli.core.atomic import atomic_path
from spiden_cli.core.files.formats import FORMATS
from spiden_cli.core.files.stacks.layout import Index, Layout
from spiden_cli.core.files.stacks.npy import NpySource, NpyTarget
from spiden_cli.core.files.stacks.pyramid import reduced
from spiden_cli.core.files.stacks.source import StackSource
from spiden_cli.core.image.values import Plane
from spiden_cli.errors import OutputError

__all__ = ["STACK_SUFFIXES", "Write", "check_stack_target", "stack_losses", "writing_stack"]

Write = Callable[[Index, Plane], None]
"""Takes the planes in the order of the layout."""

STACK_SUFFIXES = tuple(
    suffix for f in FORMATS if f.any_type and not f.no_stacks for suffix in f.suffixes
)
_BIG = 3_900_000_000  # bytes, above which a TIFF needs 64-bit places; compression is no promise


def check_stack_target(path: Path, kind: str) -> None:
    """Refuse a target that can't hold a stack, before any work.

    Args:
        path: the target.
        kind: of the source.

    Raises:
        OutputError: its suffix is of no format for stacks, or an OME-Zarr isn't made of one.
    """
    if path.suffix.lower() not in STACK_SUFFIXES:
        raise OutputError(f"can't write {path}: a stack goes to one of {', '.join(STACK_SUFFIXES)}")
    if path.suffix.lower() == ".zarr" and kind != "OME-Zarr":
        raise OutputError(f"can't write {path}: only an OME-Zarr becomes one; choose .ome.tif")


def stack_losses(path: Path, source: StackSource) -> tuple[str, ...]:
    """What writing a stack to `path` loses, a sentence each."""
    if path.suffix.lower() == ".npy":
        if isinstance(source, NpySource):
            return ()
        return (f"a NumPy file holds values alone: all that the {source.kind} says isn't kept",)
    if path.suffix.lower() == ".zarr":
        return ()
    if source.kind == "OME-Zarr":
        return ("names, colours and scales of the OME-Zarr aren't kept in a TIFF",)
    from spiden_cli.core.files.stacks.imagej import is_imagej
    from spiden_cli.core.files.stacks.tiff import TiffSource
    from spiden_cli.core.files.stacks.tiff_pages import is_copied, tiff_losses

    if not isinstance(source, TiffSource):
        return ()
    if is_copied(source, source.layout):
        return tuple(tiff_losses(source))
    if source.tiff.is_stk and is_imagej(source.layout, source.dtype):
        return ()  # its words become text
    return (f"what the {source.kind} says besides its axes isn't kept",)


def writing_stack(
    path: Path, source: StackSource, layout: Layout, replace: bool = True
) -> AbstractContextManager[Write]:
    """Open a target for planes; it appears when the context ends well, and else never.

    Args:
        path: the file, or the folder of an OME-Zarr.
        source: what it is made from, still open.
        layout: of what is written: the source's, or that with one axis less.
        replace: whether a file of that name is replaced; a folder never is.

    Raises:
        OutputError: it can't be written.
    """
    if path.suffix.lower() == ".zarr":
        from spiden_cli.core.files.stacks.zarr_folder import writing_zarr

        return writing_zarr(path, source, layout)
    write = _writing_npy if path.suffix.lower() == ".npy" else _writing_tiff
    return write(path, source, layout, replace)


@contextmanager
def _writing_npy(path: Path, source: StackSource, layout: Layout, replace: bool) -> Iterator[Write]:
    axes = source.axes if isinstance(source, NpySource) else layout.axes
    axes = "".join(axis for axis in axes if axis in layout.axes)
    with atomic_path(path, replace) as temporary:
        yield NpyTarget(temporary, layout, source.dtype, axes).write


@contextmanager
def _writing_tiff(
    path: Path, source: StackSource, layout: Layout, replace: bool
) -> Iterator[Write]:
    import tifffile

    from spiden_cli.core.files.stacks.imagej import words_of
    from spiden_cli.core.files.stacks.tiff import TiffSource
    from spiden_cli.core.files.stacks.tiff_pages import (
        Style,
        copied_style,
        fresh_style,
        is_copied,
    )

    copied = isinstance(source, TiffSource) and is_copied(source, layout)
    style: Style
    if isinstance(source, TiffSource) and copied:
        style = copied_style(source, layout)
        big = source.tiff.is_bigtiff
    else:
        words = words_of(source) if isinstance(source, TiffSource) else {}
        style, big = fresh_style(source, layout, path.name, words), False
    size = layout.count * int(np.prod(layout.plane)) * source.dtype.itemsize
    with (
        atomic_path(path, replace) as temporary,
        tifffile.TiffWriter(
            temporary, bigtiff=big or size > _BIG, byteorder=style.byteorder
        ) as writer,
    ):

        def write(index: Index, plane: Plane) -> None:
            told = style.of_page(_number(source, layout, index))
            options: dict[str, Any] = {
                "metadata": None, "contiguous": False, "software": False, **told
            }  # fmt: skip
            writer.write(np.ascontiguousarray(plane), subifds=len(style.levels) or None, **options)
            for shape in style.levels:
                writer.write(reduced(plane, shape), **_reduced_options(options))

        yield write


def _number(source: StackSource, layout: Layout, index: Index) -> int:
    """Number, in the source, of a plane, or of the first frame that went into it."""
    places = dict(zip(layout.lead, index, strict=True))
    return source.layout.number(tuple(places.get(axis, 0) for axis in source.layout.lead))


def _reduced_options(options: dict[str, Any]) -> dict[str, Any]:
    """A reduced copy is told what its plane was, but for words and size."""
    kept = ("photometric", "compression", "predictor", "tile", "planarconfig", "extrasamples")
    told = {name: options[name] for name in (*kept, "colormap") if name in options}
    return told | {"subfiletype": 1, "metadata": None, "software": False}
