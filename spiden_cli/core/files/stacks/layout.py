"""Axes: which of a stack's dimensions are the picture, and in which order its planes come.

Letters as microscopy uses them: X columns, Y rows, Z depth, T time, C channel, S the samples of a
colour; any other capital letter is a dimension of its own.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from spiden_cli.core.image.picture import MAXIMUM_PIXELS, MINIMUM_SIDE
from spiden_cli.errors import InputError

__all__ = ["Index", "Layout", "layout_of", "unknown_axes"]

Index = tuple[int, ...]
"""Of a plane: its place along each axis before Y and X."""

_COLOURS = (3, 4)  # samples of a picture in colour, without and with transparency
UNKNOWN = "QI"
"""Letters by which tifffile says that nobody knows what an axis is."""


@dataclass(frozen=True)
class Layout:
    """A stack with its planes last: some axes, then Y and X, then S if there are colours.

    Attributes:
        lead: the axes before Y and X, such as "TZC".
        lengths: of these.
        plane: shape of a plane, (Y, X) or (Y, X, S).
    """

    lead: str
    lengths: tuple[int, ...]
    plane: tuple[int, ...]

    @property
    def axes(self) -> str:
        """All axes, such as "TZCYX"."""
        return self.lead + "YXS"[: len(self.plane)]

    @property
    def shape(self) -> tuple[int, ...]:
        """All lengths, in the order of `axes`."""
        return self.lengths + self.plane

    @property
    def count(self) -> int:
        """Number of planes."""
        return math.prod(self.lengths)

    @property
    def pixels(self) -> int:
        """Pixels of a plane."""
        return self.plane[0] * self.plane[1]

    def indices(self) -> Iterator[Index]:
        """All planes, the last axis fastest."""
        for number in range(self.count):
            index: list[int] = []
            for length in reversed(self.lengths):
                number, at = divmod(number, length)
                index.insert(0, at)
            yield tuple(index)

    def number(self, index: Index) -> int:
        """Where a plane comes among all of them."""
        number = 0
        for at, length in zip(index, self.lengths, strict=True):
            number = number * length + at
        return number

    def channel(self, index: Index) -> int:
        """Which channel a plane is of; 0 where there are no channels."""
        return index[self.lead.index("C")] if "C" in self.lead else 0

    def length(self, axis: str) -> int:
        """How long an axis is; 1 where there is none of that name."""
        return dict(zip(self.axes, self.shape, strict=True)).get(axis, 1)

    def without(self, axis: str) -> "Layout":
        """The same without one axis before Y and X."""
        at = self.lead.index(axis)
        return Layout(
            self.lead[:at] + self.lead[at + 1 :],
            self.lengths[:at] + self.lengths[at + 1 :],
            self.plane,
        )


def layout_of(axes: str, shape: Sequence[int], name: str) -> Layout:
    """Check axes against a shape, and put Y, X and S last.

    Args:
        axes: a letter for each dimension, such as "TZCYX".
        shape: the dimensions.
        name: of the stack, for messages.

    Raises:
        InputError: they don't match, or the planes are empty, too small or too large.
    """
    axes = axes.upper()
    sizes = " x ".join(map(str, shape))
    if (
        not (axes.isascii() and axes.isalpha())
        or len(set(axes)) < len(axes)
        or not {"Y", "X"} <= set(axes)
    ):
        raise InputError(f"axes need Y and X, and each letter once, as in TZCYX; not {axes!r}")
    if len(axes) != len(shape):
        raise InputError(
            f"{name}: {len(axes)} axes ({axes}) for {len(shape)} dimensions ({sizes}); "
            f"give a letter for each, as in --axes {example(shape)}"
        )
    if 0 in shape:
        raise InputError(f"{name}: an empty stack ({sizes}): there is nothing to denoise")
    lengths = dict(zip(axes, map(int, shape), strict=True))
    lead = "".join(axis for axis in axes if axis not in "YXS")
    plane = tuple(lengths[axis] for axis in "YXS" if axis in lengths)
    height, width = plane[:2]
    if min(height, width) < MINIMUM_SIDE:
        raise InputError(
            f"{name}: planes of {width} x {height} pixels are too small to denoise; each side "
            f"needs at least {MINIMUM_SIDE}: are {axes} the axes of {sizes}?"
        )
    if height * width > MAXIMUM_PIXELS:
        raise InputError(
            f"{name}: planes of {width} x {height} pixels are above the limit of "
            f"{MAXIMUM_PIXELS // 10**6} megapixels; cut them into parts first"
        )
    return Layout(lead, tuple(lengths[axis] for axis in lead), plane)


def unknown_axes(shape: Sequence[int], name: str, known: str = "") -> InputError:
    """What to say where nothing tells the axes.

    Args:
        shape: of the values.
        name: of what holds them.
        known: the axes as far as they are known, each of the others as a letter of `UNKNOWN`.
    """
    sizes = " x ".join(map(str, shape))
    if len(shape) < 2:
        return InputError(
            f"{name}: {sizes or 'one'} values in a row are no picture: it needs two dimensions"
        )
    first = example(shape, known)
    plane = first[len(first.rstrip("YXS")) :]
    others = {1: f" (Z slices; T{plane} frames, C{plane} channels)",
              2: f" (or TC{plane}, CZ{plane} ...)"}.get(len(shape) - len(plane), "")  # fmt: skip
    if first == "YXS":
        others = " (a colour picture; ZYX is a stack)" if not known else ""
    return InputError(
        f"{name}: {sizes} values, and the file doesn't say what its dimensions are; "
        f"name them, as in --axes {first}{others}"
    )


def example(shape: Sequence[int], known: str = "") -> str:
    """Axes that a stack of this shape may have; where there are any, such that they can be used.

    Args:
        shape: of the stack.
        known: as in `unknown_axes`.
    """
    plane = _plane_of(shape, known)
    lead = len(shape) - len(plane)
    letters = {0: "", 1: "Z", 2: "TZ", 3: "TZC"}
    return letters.get(lead, "ABDEFGH"[: max(0, lead - 3)] + "TZC") + plane


def _plane_of(shape: Sequence[int], known: str) -> str:
    """The last axes: colours where there are three or four, or channels where sides are short."""
    if known.endswith(("YX", "YXS")):
        return known[known.index("Y") :]
    if len(shape) < 3 or shape[-1] >= MINIMUM_SIDE or min(shape[-3:-1]) < MINIMUM_SIDE:
        return "YX" if len(shape) > 1 else "X"
    return "YXS" if shape[-1] in _COLOURS else "YXC"
