"""Large images in tiles: flat memory, and the same result as in one piece.

A tile is read with a margin as wide as the network's receptive field, and only its inside is
kept; tiles start on the grid of the pixel-unshuffle. So no output pixel sees where tiles meet. At
the border of the image there is no margin, and the network's own zero padding is at work there.
"""

from collections.abc import Iterator
from typing import NamedTuple

from spiden_cli.core.network.presets import NetworkConfig

Shape = tuple[int, int]
"""Rows and columns, in pixels."""


class Tile(NamedTuple):
    """A part of an image: what is read, and what of the result is kept.

    Attributes:
        source: rows and columns to read from the noisy image.
        target: rows and columns to write to the result.
        inside: rows and columns of the tile's result that go there.
    """

    source: tuple[slice, slice]
    target: tuple[slice, slice]
    inside: tuple[slice, slice]


def tiles(height: int, width: int, config: NetworkConfig, tile: Shape) -> Iterator[Tile]:
    """Cover an image of (H, W) pixels, each of them once.

    Args:
        height: rows of the image.
        width: columns of the image.
        config: gives the margin and the grid.
        tile: the inside of a tile; rounded up to the grid.
    """
    grid = config.unshuffle
    margin = config.receptive_field + (-config.receptive_field % grid)
    tall, wide = (side + (-side % grid) for side in tile)
    for rows in _parts(height, tall, margin):
        for columns in _parts(width, wide, margin):
            yield Tile(
                source=(rows.source, columns.source),
                target=(rows.target, columns.target),
                inside=(rows.inside, columns.inside),
            )


class _Part(NamedTuple):
    """A tile along one axis."""

    source: slice
    target: slice
    inside: slice


def _parts(length: int, side: int, margin: int) -> Iterator[_Part]:
    for start in range(0, length, side):
        end = min(start + side, length)
        first, last = max(0, start - margin), min(length, end + margin)
        yield _Part(slice(first, last), slice(start, end), slice(start - first, end - first))
