"""An OME-Zarr denoised chunk by chunk by the workers of a cluster.

Three steps, each by all workers: the noise of every channel, which all chunks share; the chunks;
the reduced copies of every plane. A tile of a large plane is denoised as it is in the whole: the
network sees what is around it, as far as its receptive field goes. No two workers ever write into
one piece of storage at a time, and what a lost worker was at is written again.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spiden_cli.cluster.connection import Cluster
from spiden_cli.cluster.running import carried
from spiden_cli.core.files.stacks.layout import Index, Layout
from spiden_cli.core.files.stacks.source import StackSource
from spiden_cli.core.files.stacks.zarr_folder import ZarrSource, ZarrTarget
from spiden_cli.core.image.picture import MINIMUM_SIDE
from spiden_cli.core.image.region import Region
from spiden_cli.core.image.values import Plane
from spiden_cli.core.network.families import graph_of
from spiden_cli.core.tasks.model import Model
from spiden_cli.core.tasks.planes import OnPlane, PlaneWork, measured_channel
from spiden_cli.core.tasks.stack_reader import Part, Reader, planned_layout
from spiden_cli.core.tasks.stack_result import ChannelNoise, StackResult, StackSettings
from spiden_cli.core.tasks.tally import Tally
from spiden_cli.errors import SpidenError

__all__ = ["Block", "blocks", "denoise_volume"]

TILE = 1024
"""Pixels a side: what a worker denoises at a time of a larger plane, or a bit more."""


def denoise_volume(
    cluster: Cluster,
    model: Model,
    source: StackSource,
    settings: StackSettings,
    write: Callable[[Index, Plane], None],
    on_plane: OnPlane = lambda done, of: None,
    on_wait: Callable[[], None] = lambda: None,
) -> StackResult:
    """Denoise an OME-Zarr into a copy of it; see `denoise_planes_of`.

    Args:
        cluster: its workers see both folders under the same absolute paths.
        model: denoises.
        source: a `ZarrSource`.
        settings: how.
        write: a `ZarrTarget`.
        on_plane: told of the progress, in chunks.
        on_wait: told now and then while there is no worker.

    Raises:
        InputError: a plane is damaged or too small, or a setting doesn't suit the stack.
        WeightsError: the model can't be loaded, or gives no finite output.
        SpidenError: workers were lost, one after the other.
    """
    assert isinstance(source, ZarrSource)
    assert isinstance(write, ZarrTarget)
    reader = Reader(source, settings, planned_layout(source, settings))
    place = _Place(model, settings, source.path.absolute(), source.axes, write.folder.absolute())

    on_plane(0, reader.layout.count)
    with carried(cluster, _Step(place)) as send:

        def done(items: Sequence[Any]) -> Iterator[Any]:
            for _, answer in send(items, lambda: False, on_wait):
                if isinstance(answer, SpidenError):
                    raise answer
                yield answer

        return _in_steps(model, reader, write, done, on_plane)


def _in_steps(
    model: Model, reader: Reader, write: ZarrTarget,
    done: Callable[[Sequence[Any]], Iterator[Any]], on_plane: OnPlane,
) -> StackResult:  # fmt: skip
    layout = reader.layout
    measures = [_Measure(*one) for one in sorted(reader.measured().items())]
    channels = sorted(done(measures), key=lambda channel: channel.channel)
    chunks = [
        _Denoise(block, channels)
        for block in blocks(layout, write.steps(), _grid(model, reader), TILE)
    ]
    copies = [_Reduce(planes) for planes in _groups(layout, write.steps_of_copies())]
    tally, of = Tally(), len(chunks) + len(copies)
    for number, one in enumerate(done(chunks), 1):
        tally.merge(one)
        on_plane(number, of)
    for number, _ in enumerate(done(copies), len(chunks) + 1):
        on_plane(number, of)
    write.clear_unfinished()
    return tally.result(model, reader, channels)


@dataclass(frozen=True)
class Block:
    """What one worker denoises at once.

    Attributes:
        planes: that share chunks.
        tile: the part of each; None: all of it.
    """

    planes: tuple[Index, ...]
    tile: Region | None


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


def _grid(model: Model, reader: Reader) -> int:
    first = next(reader.layout.indices())
    colours = {part.colour for part in reader.parts(first)}
    return math.lcm(*(graph_of(model.loaded(colour).engine.config).grid for colour in colours))


@dataclass(frozen=True)
class _Place:
    """What every step needs, and where it is."""

    model: Model
    settings: StackSettings
    source: Path
    axes: str
    target: Path

    def reader(self) -> Reader:
        source = ZarrSource(self.source, self.axes)
        return Reader(source, self.settings, planned_layout(source, self.settings))

    def writer(self) -> ZarrTarget:
        return ZarrTarget(ZarrSource(self.source, self.axes), self.target)


@dataclass(frozen=True)
class _Measure:
    """Find the noise of a channel."""

    key: int
    chosen: Sequence[tuple[Index, Part]]

    def done(self, place: _Place) -> ChannelNoise:
        return measured_channel(place.model, place.reader(), self.key, self.chosen)


@dataclass(frozen=True)
class _Denoise:
    """Denoise a block, and write it."""

    block: Block
    channels: Sequence[ChannelNoise]

    def done(self, place: _Place) -> Tally:
        tally, tile = Tally(), self.block.tile
        work = PlaneWork(place.model, place.reader(), self.channels)
        planes = {index: work.denoised(index, tally, tile) for index in self.block.planes}
        place.writer().write(planes, None if tile is None else tile.window)
        return tally


@dataclass(frozen=True)
class _Reduce:
    """Make the reduced copies of some planes."""

    planes: Sequence[Index]

    def done(self, place: _Place) -> None:
        reduce = place.writer().reduce
        for index in self.planes:
            reduce(index)


@dataclass(frozen=True)
class _Step:
    """What a worker is sent once, and does many parts of; an error is an answer."""

    place: _Place

    def __call__(self, part: _Measure | _Denoise | _Reduce) -> Any:  # noqa: ANN401
        try:
            return part.done(self.place)
        except SpidenError as error:
            return error
