"""Arrays in `.npy` files (NumPy's format 1 to 3), plane by plane.

The file is mapped for each plane anew, so that no more than a plane of it counts as memory used.
"""

import errno
import os
from pathlib import Path

import numpy as np
from numpy.lib import format as npy_format

from spiden_cli.core.files.decoding import decoding
from spiden_cli.core.files.stacks.layout import Index, Layout, layout_of, unknown_axes
from spiden_cli.core.image.values import Plane, check_type
from spiden_cli.errors import InputError

__all__ = ["NpySource", "NpyTarget", "is_npy_stack"]


def is_npy_stack(path: Path) -> bool:
    """Return whether a `.npy` file has other than two dimensions.

    Raises:
        InputError: damaged.
    """
    with decoding(path):
        return len(_shape(path)) != 2


class NpySource:
    """A `.npy` file as a stack.

    Args:
        path: the file.
        axes: a letter for each dimension; None is enough for two.

    Raises:
        InputError: damaged, of a type that is no brightness, or its axes aren't known.
    """

    kind, colour, album = "NumPy array", True, False

    def __init__(self, path: Path, axes: str | None) -> None:
        self.path, self.notes = path, tuple[str, ...]()
        with decoding(path):
            array = self._mapped()
            shape, self.dtype = array.shape, array.dtype
            del array
        check_type(self.dtype, str(path))
        if axes is None and len(shape) != 2:
            raise unknown_axes(shape, str(path))
        self.axes = (axes or "YX").upper()
        self.layout = layout_of(self.axes, shape, str(path))

    def __enter__(self) -> "NpySource":
        """Nothing is kept open."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is kept open."""

    def read(self, index: Index) -> Plane:
        """Read one plane."""
        order = [self.axes.index(axis) for axis in self.layout.axes]
        with decoding(self.path):
            return np.array(self._mapped().transpose(order)[index])

    def _mapped(self) -> Plane:
        if 0 in _shape(self.path):
            raise InputError(f"{self.path}: an empty stack: there is nothing to denoise")
        mapped: Plane = np.load(self.path, mmap_mode="r", allow_pickle=False)
        return mapped


def _shape(path: Path) -> tuple[int, ...]:
    """Read the shape alone: a file of no values can't be mapped."""
    with path.open("rb") as stream:
        version = npy_format.read_magic(stream)
        read = npy_format.read_array_header_1_0
        if version != (1, 0):
            read = npy_format.read_array_header_2_0
        return tuple(read(stream)[0])


class NpyTarget:
    """A `.npy` file that is written plane by plane.

    Args:
        path: the file, which is made with its full size.
        layout: of what is written.
        dtype: of the values.
        axes: the order of the axes in the file; None: the layout's.

    Raises:
        OSError: the disk has no room for it.
    """

    def __init__(
        self, path: Path, layout: Layout, dtype: "np.dtype[np.generic]", axes: str | None = None
    ) -> None:
        self._path, self._layout = path, layout
        self._axes = axes or layout.axes
        shape = tuple(layout.length(axis) for axis in self._axes)
        npy_format.open_memmap(path, mode="w+", dtype=dtype, shape=shape).flush()
        _take_room(path)

    def write(self, index: Index, plane: Plane) -> None:
        """Put one plane in its place."""
        mapped = npy_format.open_memmap(self._path, mode="r+")
        order = [self._axes.index(axis) for axis in self._layout.axes]
        mapped.transpose(order)[index] = plane
        mapped.flush()


def _take_room(path: Path) -> None:
    """Have the disk keep room for all of a file: to write to a map without it ends the process."""
    if not hasattr(os, "posix_fallocate"):
        return
    with path.open("rb+") as stream:
        try:
            os.posix_fallocate(stream.fileno(), 0, path.stat().st_size)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):  # of file systems that can't
                raise
