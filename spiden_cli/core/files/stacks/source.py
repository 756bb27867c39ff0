"""What every kind of stack file offers: its layout, and its planes one at a time."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from spiden_cli.core.files.stacks.layout import Index, Layout
from spiden_cli.core.image.values import Plane

__all__ = ["ArraySource", "PartialSource", "StackSource"]


class StackSource(AbstractContextManager["StackSource"], Protocol):
    """An open stack file; leaving its context closes it.

    Attributes:
        path: the file or folder; of an array, its name.
        layout: axes and lengths.
        dtype: of the values.
        kind: of file, in words: "ImageJ TIFF".
        colour: whether samples, if there are three or four, are red, green and blue (and alpha).
        notes: what reading had to guess, a sentence each.
        album: whether planes are pictures of their own, whose noise differs.
    """

    path: Path
    layout: Layout
    dtype: "np.dtype[np.generic]"
    kind: str
    colour: bool
    notes: tuple[str, ...]
    album: bool

    def read(self, index: Index) -> Plane:
        """Read one plane, in the layout's shape.

        Raises:
            InputError: it is damaged or cut off.
        """
        ...


@runtime_checkable
class PartialSource(Protocol):
    """A stack file of which parts of planes can be read.

    Attributes:
        chunk: rows and columns that are stored as one.
    """

    chunk: tuple[int, int]

    def part(self, index: Index, window: tuple[slice, slice]) -> Plane:
        """Read rows and columns of one plane, and of it no more than the chunks that hold them.

        Raises:
            InputError: it is damaged or cut off.
        """
        ...


class ArraySource(AbstractContextManager["ArraySource"]):
    """An array in memory as a stack.

    Args:
        array: of any order of axes.
        layout: as `layout_of` makes it of the axes and the shape.
        axes: of the array, in its own order.
        name: for messages.
    """

    album = False

    def __init__(self, array: Plane, layout: Layout, axes: str, name: str = "the array") -> None:
        self.path, self.layout, self.kind, self.colour = Path(name), layout, "array", True
        self.dtype, self.notes = array.dtype, tuple[str, ...]()
        self._planes = array.transpose([axes.upper().index(axis) for axis in layout.axes])

    def __exit__(self, *_: object) -> None:
        """Nothing to close."""

    def read(self, index: Index) -> Plane:
        """Return one plane, a view."""
        return np.asarray(self._planes[index])
