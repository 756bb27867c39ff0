"""Large images in tiles: flat memory, and the same result as in one piece.

A tile is read with a margin as wide as the network's receptive field, and only its inside is
kept; tiles start on the grid of the coarsest resolution. So no output pixel sees where tiles meet.
At the border of the image there is no margin, and the network's own zero padding is at work there.
"""

from collections.abc import Iterator
from typing import NamedTuple

from spiden_cli.core.network.graph import Graph

Shape = tuple[int, int]
"""Rows and columns, in pixels."""


class Window(NamedTuple):
    """A rectangle of an image, in pixels.

    Attributes:
        rows: from the first to after the last.
        columns: likewise.
    """

    rows: slice
    columns: slice

    def positions(self, scale: int) -> "Window":
        """Return the positions of `scale` x `scale` pixels that it covers, in whole or in part."""
        return Window(
            *(slice(side.start // scale, -(-side.stop // scale)) for side in (self[0], self[1]))
        )

    @property
    def ends(self) -> tuple[int, int, int, int]:
        """First row, row after the last, first column, column after the last."""
        return self.rows.start, self.rows.stop, self.columns.start, self.columns.stop

    @property
    def shape(self) -> Shape:
        """Rows and columns that it has."""
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start

    def overlap(self, other: "Window") -> "Window":
        """Return what two windows share; of those that share nothing, an empty one."""
        starts = [max(a.start, b.start) for a, b in zip(self, other, strict=True)]
        stops = [min(a.stop, b.stop) for a, b in zip(self, other, strict=True)]
        return Window(*(slice(a, max(a, b)) for a, b in zip(starts, stops, strict=True)))

    def seen_from(self, other: "Window") -> "Window":
        """Return the same pixels, counted from where another window begins."""
        return Window(
            *(slice(a.start - b.start, a.stop - b.start) for a, b in zip(self, other, strict=True))
        )

    def on_grid(self, height: int, width: int, grid: int) -> "Window":
        """Return the smallest window around it that lies on a grid, in an image of (H, W)."""
        return Window(
            *(
                slice(side.start - side.start % grid, min(side.stop + -side.stop % grid, length))
                for side, length in zip(self, (height, width), strict=True)
            )
        )


def counting_window(window: Window | None, height: int, width: int, grid: int) -> Window:
    """Return where an engine counts spikes: a window of an image of (H, W) pixels, or all of it.

    Where the window ends with the image it holds the padding to the grid as well, in which the
    network works too.
    """
    sides = window or (slice(0, height), slice(0, width))
    return Window(
        *(
            slice(side.start, length + -length % grid if side.stop == length else side.stop)
            for side, length in zip(sides, (height, width), strict=True)
        )
    )


class Tile(NamedTuple):
    """A part of an image: what is read, and what of the result is kept.

    Attributes:
        source: what to read of the noisy image.
        target: what to write of the result.
        inside: what of the tile's result goes there.
    """

    source: Window
    target: Window
    inside: Window


def tiles(
    height: int, width: int, graph: Graph, tile: Shape, within: Window | None = None
) -> Iterator[Tile]:
    """Cover an image of (H, W) pixels, or a window of it, each of them once.

    Args:
        height: rows of the image.
        width: columns of the image.
        graph: gives the margin and the grid.
        tile: the inside of a tile; rounded up to the grid.
        within: what to cover, on the grid; None: all of the image.
    """
    wanted = within or Window(slice(0, height), slice(0, width))
    tall, wide = (side + (-side % graph.grid) for side in tile)
    for rows in _parts(wanted.rows, height, tall, graph.margin):
        for columns in _parts(wanted.columns, width, wide, graph.margin):
            yield Tile(
                source=Window(rows.source, columns.source),
                target=Window(rows.target, columns.target),
                inside=Window(rows.inside, columns.inside),
            )


class _Part(NamedTuple):
    """A tile along one axis."""

    source: slice
    target: slice
    inside: slice


def _parts(wanted: slice, length: int, side: int, margin: int) -> Iterator[_Part]:
    for start in range(wanted.start, wanted.stop, side):
        end = min(start + side, wanted.stop)
        first, last = max(0, start - margin), min(length, end + margin)
        yield _Part(slice(first, last), slice(start, end), slice(start - first, end - first))
