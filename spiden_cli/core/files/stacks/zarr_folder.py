"""OME-Zarr (OME-NGFF 0.4 in Zarr 2, 0.5 in Zarr 3): a folder of chunks, and of JSON that says all.

The denoised folder is a copy of the old one without its chunks, so that names, colours, scales,
chunk sizes and codecs stay what they were; then come the new planes, and the reduced copies are
made of them anew. Labels are copied whole: they say what is where, not how bright it is.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from spiden_cli.core.atomic import atomic_folder
from spiden_cli.core.files.stacks.layout import Index, Layout, layout_of, unknown_axes
from spiden_cli.core.files.stacks.pyramid import of_copy, reduced
from spiden_cli.core.files.stacks.source import StackSource
from spiden_cli.core.files.stacks.zarr_place import LocalFolder, ZarrPlace
from spiden_cli.core.files.stacks.zarr_store import check_arrays, multiscales
from spiden_cli.core.image.region import Region
from spiden_cli.core.image.values import Plane, check_type
from spiden_cli.errors import OutputError

__all__ = ["ZarrSource", "ZarrTarget", "check_copied", "writing_zarr"]

Window = tuple[slice, slice]
"""Rows and columns."""

_AT_ONCE = 1024  # pixels a side that are reduced at once
EVERYWHERE: Window = (slice(None), slice(None))


class ZarrSource:
    """The image of an OME-Zarr, or a plain Zarr array, as a stack.

    Args:
        place: where the files are; a path is that of a folder.
        axes: a letter for each dimension; None: what the OME metadata says.
        trusted: whether the files were looked through already.

    Attributes:
        place: where the files are.
        levels: the paths of the arrays inside, full size first.
        chunk: rows and columns that are stored as one.

    Raises:
        InputError: zarr isn't installed, the folder is damaged or no image, holds links or less
            than it claims, or its axes aren't known.
    """

    kind, colour, album = "OME-Zarr", True, False

    def __init__(self, place: Path | ZarrPlace, axes: str | None, trusted: bool = False) -> None:
        self.place = LocalFolder(place) if isinstance(place, Path) else place
        self.path, self.notes = self.place.path, tuple[str, ...]()
        path, store = self.path, self.place.store()
        import zarr

        if not trusted:
            self.place.check()
        with self.place.reading():
            opened: Any = zarr.open(store, mode="r")
            said: list[str] = []
            self.levels, arrays = [""], [opened]
            if hasattr(opened, "attrs") and not hasattr(opened, "dtype"):
                said, self.levels = multiscales(path, dict(opened.attrs))
                arrays = [zarr.open_array(store, path=level, mode="r") for level in self.levels]
            if not trusted:
                check_arrays(path, self.levels, arrays, self.place.sizes_of_chunks)
            self._array = opened = arrays[0]
            self.dtype = np.dtype(opened.dtype).newbyteorder("=")
        check_type(self.dtype, str(path))
        self.axes = (axes or "".join(said)).upper()
        if not self.axes and len(opened.shape) != 2:
            raise unknown_axes(opened.shape, str(path))
        self.axes = self.axes or "YX"
        self.layout = layout_of(self.axes, opened.shape, str(path))
        chunks = dict(zip(self.axes, opened.chunks, strict=True))
        self.chunk: tuple[int, int] = chunks["Y"], chunks["X"]

    def __enter__(self) -> "ZarrSource":
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is kept open."""

    def read(self, index: Index) -> Plane:
        """Read one plane."""
        return self.part(index, EVERYWHERE)

    def part(self, index: Index, window: Window) -> Plane:
        """Read rows and columns of one plane, and of it no more than the chunks that hold them.

        Raises:
            InputError: it is damaged or cut off.
        """
        with self.place.reading():
            return plane_of(self._array, self.axes, self.layout, index, window)


def place_of(
    axes: str, layout: Layout, index: Index, window: Window = EVERYWHERE
) -> tuple[int | slice, ...]:
    """Where a plane, or a window of it, lies in an array of axes in another order."""
    places: dict[str, int | slice] = dict(zip(layout.lead, index, strict=True))
    places |= zip("YX", window, strict=True)
    return tuple(places.get(axis, slice(None)) for axis in axes)


def plane_of(
    array: Any, axes: str, layout: Layout, index: Index, window: Window = EVERYWHERE  # noqa: ANN401
) -> Plane:  # fmt: skip
    """Read a plane of an array, or a window of it, Y and X (and S) in this order."""
    plane = np.asarray(array[place_of(axes, layout, index, window)])
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
    zarr_source = check_copied(path, source, layout)
    with atomic_folder(path) as temporary:
        for name in zarr_source.place.files_to_copy(zarr_source.levels):
            (temporary / name).parent.mkdir(parents=True, exist_ok=True)
            zarr_source.place.fetch(name, temporary / name)
        yield ZarrTarget(zarr_source, LocalFolder(temporary))


def check_copied(path: Path, source: StackSource, layout: Layout) -> ZarrSource:
    """Return a source that an OME-Zarr can be a copy of.

    Raises:
        OutputError: it isn't one, or frames were averaged.
    """
    if not isinstance(source, ZarrSource) or layout != source.layout:
        raise OutputError(f"can't write {path}: averaged frames go to .tif, .ome.tif or .npy")
    return source


class ZarrTarget:
    """A copy of an OME-Zarr that takes new planes, also tile by tile and from several processes.

    Args:
        source: what it is a copy of.
        place: where the copy is, without its chunks.

    Attributes:
        place: where the copy is.
    """

    def __init__(self, source: ZarrSource, place: ZarrPlace) -> None:
        self.place, self._axes, self._layout = place, source.axes, source.layout
        self._levels, store = source.levels, place.store(writable=True)
        from zarr import open_array

        with place.writing():
            self._arrays = [open_array(store, path=level, mode="r+") for level in source.levels]

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
        with self.place.writing():
            self._arrays[0][part] = values.transpose(order)

    def reduce(self, level: int, planes: Sequence[Index], tile: Region | None) -> None:
        """Make a reduced copy of planes that have been written, or a tile of it.

        Args:
            level: of the copy, from 1.
            planes: that share storage in it, in their order.
            tile: of the copy; None: all of it.
        """
        height, width = self.size(level)
        tile = tile or Region(0, 0, width, height)
        for index in planes:
            place = place_of(self._axes, self._layout, index, tile.window)
            part = _scaled_place(place, self._arrays[level].shape, self._arrays[0].shape)
            if part is not None:
                copy = self._in_order(self._reduced(index, (height, width), tile))
                with self.place.writing():
                    self._arrays[level][part] = copy

    def _reduced(self, index: Index, shape: tuple[int, int], tile: Region) -> Plane:
        """Return a tile of a reduced copy, made of no more than a window of its plane at once."""
        full = self.size(0)
        tall, wide = (
            max(1, _AT_ONCE * length // whole) for length, whole in zip(shape, full, strict=True)
        )
        rows = []
        for top in range(tile.top, tile.top + tile.height, tall):
            down = slice(top, min(top + tall, tile.top + tile.height))
            columns = []
            for left in range(tile.left, tile.left + tile.width, wide):
                across = slice(left, min(left + wide, tile.left + tile.width))
                window = of_copy((down, across), shape, full)
                with self.place.reading():
                    values = plane_of(self._arrays[0], self._axes, self._layout, index, window)
                columns.append(reduced(values, shape, (down, across), full))
            rows.append(np.concatenate(columns, axis=1))
        return np.concatenate(rows)

    def _reduce(self, index: Index, plane: Plane) -> None:
        place = place_of(self._axes, self._layout, index)
        for array in self._arrays[1:]:
            sizes = dict(zip(self._axes, array.shape, strict=True))
            part = _scaled_place(place, array.shape, self._arrays[0].shape)
            if part is not None:
                copy = self._in_order(reduced(plane, (sizes["Y"], sizes["X"])))
                with self.place.writing():
                    array[part] = copy

    def _in_order(self, plane: Plane) -> Plane:
        canonical = self._layout.axes[len(self._layout.lead) :]
        order = [axis for axis in self._axes if axis in "YXS"]
        return plane.transpose([canonical.index(axis) for axis in order])

    def clear_unfinished(self) -> None:
        """Remove chunks that a killed process had begun to write."""
        self.place.clear_unfinished(self._levels)

    def steps(self, level: int = 0) -> dict[str, int]:
        """Return how far, along each axis, one piece of storage goes: a chunk, or a shard of them.

        Two processes must not write into one of them at a time.
        """
        array = self._arrays[level]
        piece = getattr(array, "shards", None) or array.chunks
        return dict(zip(self._axes, piece, strict=True))

    @property
    def levels(self) -> int:
        """How many arrays there are: the image, and its reduced copies."""
        return len(self._arrays)

    def size(self, level: int) -> tuple[int, int]:
        """Return height and width of the image, level 0, or of a reduced copy."""
        lengths = dict(zip(self._axes, self._arrays[level].shape, strict=True))
        return lengths["Y"], lengths["X"]

    def steps_of_copy(self, level: int) -> dict[str, int]:
        """Return what `steps` does of a reduced copy, along axes before Y and X in planes of all.

        Where a copy leaves planes out, all along that axis are taken as one.
        """
        lengths = dict(zip(self._axes, self._arrays[level].shape, strict=True))
        steps = self.steps(level)
        for axis in self._layout.lead:
            whole = self._layout.length(axis)
            steps[axis] = min(steps[axis], whole) if lengths[axis] == whole else whole
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
