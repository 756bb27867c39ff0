"""A stack taken apart into what a worker denoises at once: along its chunks, and tiles of these."""

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spiden_cli.core.files.stacks.layout import Index, Layout
from spiden_cli.core.image.picture import MINIMUM_SIDE
from spiden_cli.core.image.region import Region
from spiden_cli.core.memory import beyond_memory
from spiden_cli.errors import InputError

__all__ = ["Block", "blocks"]

_HELD = 3  # of a block: its planes, all of them as one array, and the chunks that are made of it


@dataclass(frozen=True)
class Block:
    """What one worker denoises at once.

    Attributes:
        planes: that share chunks.
        tile: the part of each; None: all of it.
    """

    planes: tuple[Index, ...]
    tile: Region | None

    def check_memory(self, name: str, layout: Layout, dtype: np.dtype[Any]) -> None:
        """Refuse a block that takes more memory than may be used.

        Args:
            name: of the stack.
            layout: likewise.
            dtype: of its values.

        Raises:
            InputError: it takes more.
        """
        height, width, *samples = layout.plane
        if self.tile is not None:
            height, width = self.tile.height, self.tile.width
        values = len(self.planes) * height * width * math.prod(samples)
        if refused := beyond_memory(_HELD * values * dtype.itemsize):
            raise InputError(
                f"{name}: its chunks go over {len(self.planes)} planes, which are written together "
                f"and take up to {refused}"
            )


def blocks(layout: Layout, steps: Mapping[str, int], grid: int, tile: int) -> Iterator[Block]:
    """Take a stack apart along its chunks, each of which is in one block alone.

    Args:
        layout: of the stack.
        steps: length of a chunk along each axis.
        grid: pixels a side that tiles of the network begin on.
        tile: the least side of a tile, in pixels.
    """
    height, width = layout.plane[:2]
    rows = list(_sides(height, math.lcm(steps["Y"], grid), tile))
    columns = list(_sides(width, math.lcm(steps["X"], grid), tile))
    whole = len(rows) == len(columns) == 1
    for planes in _groups(layout, steps):
        for (top, tall), (left, wide) in itertools.product(rows, columns):
            yield Block(planes, None if whole else Region(left, top, wide, tall))


def _sides(length: int, unit: int, least: int) -> Iterator[tuple[int, int]]:
    """Cut a side into whole units: where each part begins, and how long it is."""
    step = unit * math.ceil(least / unit)
    starts = list(range(0, length, step))
    if len(starts) > 1 and length - starts[-1] < MINIMUM_SIDE:  # too small to be denoised
        starts.pop()
    for start, end in itertools.pairwise((*starts, length)):
        yield start, end - start


def _groups(layout: Layout, steps: Mapping[str, int]) -> Iterator[tuple[Index, ...]]:
    """Put planes together that share storage."""
    starts = [
        range(0, length, steps[axis])
        for axis, length in zip(layout.lead, layout.lengths, strict=True)
    ]
    for start in itertools.product(*starts):
        ranges = [
            range(at, min(at + steps[axis], length))
            for at, axis, length in zip(start, layout.lead, layout.lengths, strict=True)
        ]
        yield tuple(itertools.product(*ranges))
