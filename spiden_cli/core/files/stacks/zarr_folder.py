"""OME-Zarr (OME-NGFF 0.4 in Zarr 2, 0.5 in Zarr 3): a folder of chunks, and of JSON that says all.

The denoised folder is a copy of the old one without its chunks, so that names, colours, scales,
chunk sizes and codecs stay what they were; then come the new planes, and the reduced copies are
made of them anew. Labels are copied whole: they say what is where, not how bright it is.
"""

import math
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from spiden_cli.core.atomic import atomic_folder
from spiden_cli.core.files.decoding import decoding
from spiden_cli.core.files.formats import named
from spiden_cli.core.files.stacks.layout import Index, Layout, layout_of, unknown_axes
from spiden_cli.core.files.stacks.pyramid import reduced
from spiden_cli.core.files.stacks.source import StackSource
from spiden_cli.core.files.stacks.zarr_store import (
    ZARR_SIGNS,
    check_arrays,
    check_store,
    multiscales,
)
from spiden_cli.core.image.values import Plane, check_type
from spiden_cli.errors import OutputError

__all__ = ["ZarrSource", "ZarrTarget", "writing_zarr"]

_UNFINISHED = ".partial"
"""How zarr calls a chunk until it is whole."""


class ZarrSource:
    """The image of an OME-Zarr, or a plain Zarr array, as a stack.

    Args:
        path: the folder.
        axes: a letter for each dimension; None: what the OME metadata says.

    Attributes:
        levels: the paths of the arrays inside, full size first.

    Raises:
        InputError: zarr isn't installed, the folder is damaged or no image, holds links or less
            than it claims, or its axes aren't known.
    """

    kind, colour = "OME-Zarr", True

    def __init__(self, path: Path, axes: str | None) -> None:
        zarr = _zarr(path)
        self.path, self.notes = path, tuple[str, ...]()
        check_store(path)
        with decoding(path):
            opened = zarr.open(str(path), mode="r")
            said: list[str] = []
            self.levels, arrays = [""], [opened]
            if hasattr(opened, "attrs") and not hasattr(opened, "dtype"):
                said, self.levels = multiscales(path, dict(opened.attrs))
                arrays = [zarr.open_array(str(path / level), mode="r") for level in self.levels]
            check_arrays(path, self.levels, arrays)
            self._array = opened = arrays[0]
            self.dtype = np.dtype(opened.dtype).newbyteorder("=")
        check_type(self.dtype, str(path))
        self.axes = (axes or "".join(said)).upper()
        if not self.axes and len(opened.shape) != 2:
            raise unknown_axes(opened.shape, str(path))
        self.axes = self.axes or "YX"
        self.layout = layout_of(self.axes, opened.shape, str(path))

    def __enter__(self) -> "ZarrSource":
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is kept open."""

    def read(self, index: Index) -> Plane:
        """Read one plane."""
        with decoding(self.path):
            return plane_of(self._array, self.axes, self.layout, index)


def place_of(axes: str, layout: Layout, index: Index) -> tuple[int | slice, ...]:
    """Where a plane lies in an array of axes in another order."""
    places = dict(zip(layout.lead, index, strict=True))
    return tuple(places.get(axis, slice(None)) for axis in axes)


def plane_of(array: Any, axes: str, layout: Layout, index: Index) -> Plane:  # noqa: ANN401
    """Read a plane of an array, Y and X (and S) in this order."""
    plane = np.asarray(array[place_of(axes, layout, index)])
    left = [axis for axis in axes if axis in "YXS"]
    wanted = layout.axes[len(layout.lead) :]
    return plane.transpose([left.index(axis) for axis in wanted])


@contextmanager
def writing_zarr(
    path: Path, source: StackSource, layout: Layout
) -> Iterator[Callable[[Index, Plane], None]]:
    """Open a copy of an OME-Zarr for planes; it appears when the context ends well.

    Yields:
        A `ZarrTarget`.

    Raises:
        OutputError: it exists, frames were averaged, or it can't be written.
    """
    if not isinstance(source, ZarrSource) or layout != source.layout:
        raise OutputError(f"can't write {path}: averaged frames go to .tif, .ome.tif or .npy")
    with atomic_folder(path) as temporary:
        _copy_without_chunks(source, temporary)
        yield ZarrTarget(source, temporary)


class ZarrTarget:
    """A copy of an OME-Zarr that takes new planes, also tile by tile and from several processes.

    Args:
        source: what it is a copy of.
        folder: where the copy is, without its chunks.
    """

    def __init__(self, source: ZarrSource, folder: Path) -> None:
        self.folder, self._axes, self._layout = folder, source.axes, source.layout
        self._levels = source.levels
        open_array = _zarr(folder).open_array
        self._arrays = [open_array(str(folder / level), mode="r+") for level in source.levels]

    def __call__(self, index: Index, plane: Plane) -> None:
        """Write a plane, and the reduced copies of it."""
        self.write({index: plane})
        self._reduce(index, plane)

    def write(self, planes: Mapping[Index, Plane], tile: tuple[slice, slice] | None = None) -> None:
        """Write planes at full size, or a tile of each, at once: each chunk is written once.

        Args:
            planes: all from one place to another along each axis before Y and X, in their order.
            tile: rows and columns; None: all.
        """
        ends = [(min(along), max(along) + 1) for along in zip(*planes, strict=True)]
        places = {axis: slice(*end) for axis, end in zip(self._layout.lead, ends, strict=True)}
        places |= {} if tile is None else dict(zip("YX", tile, strict=True))
        values = np.stack(list(planes.values()))
        values = values.reshape(*(end - start for start, end in ends), *values.shape[1:])
        order = [self._layout.axes.index(axis) for axis in self._axes]
        part = tuple(places.get(axis, slice(None)) for axis in self._axes)
        self._arrays[0][part] = values.transpose(order)

    def reduce(self, index: Index) -> None:
        """Make the reduced copies of a plane that has been written."""
        if len(self._arrays) > 1:
            self._reduce(index, plane_of(self._arrays[0], self._axes, self._layout, index))

    def _reduce(self, index: Index, plane: Plane) -> None:
        place = place_of(self._axes, self._layout, index)
        for array in self._arrays[1:]:
            sizes = dict(zip(self._axes, array.shape, strict=True))
            part = _scaled_place(place, array.shape, self._arrays[0].shape)
            if part is not None:
                array[part] = self._in_order(reduced(plane, (sizes["Y"], sizes["X"])))

    def _in_order(self, plane: Plane) -> Plane:
        canonical = self._layout.axes[len(self._layout.lead) :]
        order = [axis for axis in self._axes if axis in "YXS"]
        return plane.transpose([canonical.index(axis) for axis in order])

    def clear_unfinished(self) -> None:
        """Remove chunks that a killed process had begun to write, by the names that zarr gives."""
        for level in self._levels:
            for unfinished in (self.folder / level).rglob(f"*{_UNFINISHED}"):
                unfinished.unlink(missing_ok=True)

    def steps(self, level: int = 0) -> dict[str, int]:
        """Return how far, along each axis, one piece of storage goes: a chunk, or a shard of them.

        Two processes must not write into one of them at a time.
        """
        array = self._arrays[level]
        piece = getattr(array, "shards", None) or array.chunks
        return dict(zip(self._axes, piece, strict=True))

    def steps_of_copies(self) -> dict[str, int]:
        """Return how many planes, along each axis before Y and X, share storage in some copy."""
        steps = dict.fromkeys(self._layout.lead, 1)
        for level, array in enumerate(self._arrays[1:], 1):
            lengths = dict(zip(self._axes, array.shape, strict=True))
            for axis in steps:
                whole = self._layout.length(axis)
                same = lengths[axis] == whole
                step = self.steps(level)[axis] if same else whole  # slices left out: all as one
                steps[axis] = min(math.lcm(steps[axis], step), whole)
        return steps


def _scaled_place(
    place: tuple[int | slice, ...], shape: tuple[int, ...], full: tuple[int, ...]
) -> tuple[int | slice, ...] | None:
    """Where a plane goes in a reduced copy; None if this copy leaves it out (every other slice)."""
    found: list[int | slice] = []
    for at, length, whole in zip(place, shape, full, strict=True):
        if isinstance(at, slice):
            found.append(at)
            continue
        first = at * length // whole
        if at != -(-first * whole // length):
            return None
        found.append(first)
    return tuple(found)


def _copy_without_chunks(source: ZarrSource, target: Path) -> None:
    """Copy the folder, but of the arrays of the image only what says how they are stored."""
    arrays = {(source.path / level).resolve() for level in source.levels}

    def ignored(folder: str, names: list[str]) -> list[str]:
        here = Path(folder).resolve()
        if not any(here == array or array in here.parents for array in arrays):
            return []
        inner = {array.relative_to(here).parts[0] for array in arrays
                 if array != here and array.is_relative_to(here)}  # fmt: skip
        return [name for name in names if name not in ZARR_SIGNS and name not in inner]

    shutil.copytree(source.path, target, ignore=ignored, dirs_exist_ok=True, symlinks=False)


def _zarr(path: Path) -> Any:  # noqa: ANN401
    named("OME-Zarr").check_available(path)
    import zarr

    return zarr
