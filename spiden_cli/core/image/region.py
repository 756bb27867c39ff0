"""A rectangle of a picture, in whole pixels."""

from collections.abc import Sequence
from dataclasses import replace
from operator import index
from typing import Any, NamedTuple

from spiden_cli.core.image.picture import Picture, Pixels
from spiden_cli.errors import InputError

__all__ = ["Region", "as_region", "cropped"]


class Region(NamedTuple):
    """A rectangle of a picture that stands upright, in pixels from its upper left corner.

    Attributes:
        left: first column.
        top: first row.
        width: number of columns.
        height: number of rows.
    """

    left: int
    top: int
    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.left},{self.top},{self.width},{self.height}"

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns, to index pixels with."""
        return (
            slice(self.top, self.top + self.height),
            slice(self.left, self.left + self.width),
        )

    def grown(self, by: int, height: int, width: int) -> "Region":
        """Return it with so many pixels around it, as far as a picture of some size has them."""
        left, top = max(0, self.left - by), max(0, self.top - by)
        right = min(width, self.left + self.width + by)
        bottom = min(height, self.top + self.height + by)
        return Region(left, top, right - left, bottom - top)

    def check(self, width: int, height: int, least: int = 1) -> None:
        """Refuse a rectangle that isn't part of a picture.

        Args:
            width: columns of the picture.
            height: rows of the picture.
            least: pixels that each side must have.

        Raises:
            InputError: it reaches beyond the picture, or a side is too short.
        """
        if min(self.width, self.height) < least:
            raise InputError(
                f"a part of {self.width} x {self.height} pixels is too small: give it at least "
                f"{least} x {least}"
            )
        right, bottom = self.left + self.width, self.top + self.height
        if min(self.left, self.top) < 0 or right > width or bottom > height:
            raise InputError(
                f"the part {self} reaches from ({self.left}, {self.top}) to ({right}, {bottom}), "
                f"beyond the picture, which has {width} x {height} pixels"
            )


def as_region(given: Sequence[Any]) -> Region:
    """Return four whole numbers as a region.

    Args:
        given: left, top, width and height, in pixels.

    Raises:
        InputError: they are not four whole numbers.
    """
    try:
        left, top, width, height = map(index, given)
    except (TypeError, ValueError):
        raise InputError(
            f"a region is four whole numbers (left, top, width, height), not {given!r}"
        ) from None
    return Region(left, top, width, height)


def cropped(picture: Picture, region: Region) -> Picture:
    """Return a part of a picture, with what is said about all of it.

    A map of HDR brightness belongs to the whole picture, and goes.

    Args:
        picture: any picture.
        region: inside it.
    """
    metadata, lost = picture.metadata, picture.lost
    if metadata.gain_map is not None:
        metadata = replace(metadata, gain_map=None)
        lost = (*lost, "the HDR gain map is of the whole picture: the part is without")

    def part(plane: Pixels | None) -> Pixels | None:
        return None if plane is None else plane[region.window].copy()

    return replace(
        picture,
        pixels=picture.pixels[region.window].copy(),
        alpha=part(picture.alpha),
        black_plate=part(picture.black_plate),
        values=None if picture.values is None else picture.values.part(region.window),
        metadata=metadata,
        lost=lost,
    )
