"""An OME-Zarr denoised chunk by chunk by the workers of a cluster.

Four steps, each by all workers: the noise of every channel, which all chunks share; what else has
to be known of the whole of a large plane; the chunks; the reduced copies of every plane. A tile of
a large plane is denoised as it is in the whole: the network sees what is around it, as far as its
receptive field goes. No more is read at once than a tile, or a chunk where that is larger. No two
workers ever write into one piece of storage at a time, and what a lost worker was at is written
again.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import count
from typing import Any

from spiden_cli.cluster.blocks import Block, blocks
from spiden_cli.cluster.connection import Cluster
from spiden_cli.cluster.stored_volumes import UnfinishedVolume
from spiden_cli.core.files.stacks.layout import Index, Layout
from spiden_cli.core.files.stacks.source import StackSource
from spiden_cli.core.files.stacks.zarr_folder import ZarrSource, ZarrTarget
from spiden_cli.core.files.stacks.zarr_place import LocalFolder, ZarrPlace
from spiden_cli.core.image.values import Plane
from spiden_cli.core.memory import limits, memory_limited
from spiden_cli.core.network.families import graph_of
from spiden_cli.core.tasks.model import Model
from spiden_cli.core.tasks.planes import Looks, OnPlane, PlaneWork, measured_channel
from spiden_cli.core.tasks.stack_reader import Part, Reader, planned_layout
from spiden_cli.core.tasks.stack_result import ChannelNoise, StackResult, StackSettings
from spiden_cli.core.tasks.tally import Tally
from spiden_cli.errors import SpidenError

__all__ = ["denoise_volume"]

TILE = 1024
"""Pixels a side: what a worker denoises at a time of a larger plane, or a bit more."""


def denoise_volume(
    cluster: Cluster | None,
    model: Model,
    source: StackSource,
    settings: StackSettings,
    write: Callable[[Index, Plane], None],
    on_plane: OnPlane = lambda done, of: None,
    on_wait: Callable[[], None] = lambda: None,
) -> StackResult:
    """Denoise an OME-Zarr into a copy of it; see `denoise_planes_of`.

    Args:
        cluster: its workers see both folders under the same absolute paths, or URLs; None: this
            process does it all.
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
    reader = Reader(source, settings, planned_layout(source, settings), apart=True)
    places = absolute(source.place), absolute(write.place)
    place = _Place(model, settings, places[0], source.axes, places[1], limits())
    on_plane(0, reader.layout.count)
    with _sending(cluster, _Step(place), on_wait) as send:
        return _in_steps(model, reader, write, send, on_plane)


@contextmanager
def _sending(
    cluster: Cluster | None, step: "_Step", on_wait: Callable[[], None]
) -> Iterator[Callable[[Sequence[Any]], Iterator[tuple[Any, Any]]]]:
    """Yield what sends parts to whoever does them, and yields each with what came of it."""
    if cluster is None:
        yield lambda items: ((item, _checked(step(item))) for item in items)
        return
    from spiden_cli.cluster.running import carried

    with carried(cluster, step) as send:
        yield lambda items: (
            (item, _checked(answer)) for item, answer in send(items, lambda: False, on_wait)
        )


def _checked(answer: Any) -> Any:  # noqa: ANN401
    """Return an answer.

    Raises:
        SpidenError: it is one.
    """
    if isinstance(answer, SpidenError):
        raise answer
    return answer


def _in_steps(
    model: Model, reader: Reader, write: ZarrTarget,
    send: Callable[[Sequence[Any]], Iterator[tuple[Any, Any]]], on_plane: OnPlane,
) -> StackResult:  # fmt: skip
    layout = reader.layout
    taken_apart = list(blocks(layout, write.steps(), _grid(model, reader), TILE))
    if limits()[0] is not None:  # else only a worker knows what is free where it is
        for block in taken_apart:
            block.check_memory(str(reader.source.path), layout, reader.source.dtype)
    measures = [_Measure(*one) for one in sorted(reader.measured().items())]
    channels = sorted((found for _, found in send(measures)), key=lambda found: found.channel)
    chunks = [_Denoise(str(number), block, channels) for number, block in enumerate(taken_apart, 1)]
    copies = list(_copies(layout, write))
    before = write.place.done() if isinstance(write.place, UnfinishedVolume) else {}
    left = [chunk for chunk in chunks if chunk.name not in before]
    apart = [chunk.block.planes for chunk in left if chunk.block.tile is not None]
    looks = [_Look(index, channels) for index in dict.fromkeys(itertools.chain(*apart))]
    tally, of, done = Tally(), len(looks) + len(chunks) + len(copies), count(1)
    for chunk in chunks:
        if chunk.name in before:
            tally.merge(Tally.from_told(before[chunk.name]))
            on_plane(next(done), of)
    looked = {}
    for look, found in send(looks):
        looked[look.index] = found
        on_plane(next(done), of)
    for _, one in send([chunk.knowing(looked) for chunk in left]):
        tally.merge(one)
        on_plane(next(done), of)
    for _ in send(copies):
        on_plane(next(done), of)
    write.clear_unfinished()
    return tally.result(model, reader, channels)


def _grid(model: Model, reader: Reader) -> int:
    first = next(reader.layout.indices())
    colours = {part.colour for part in reader.parts(first)}
    return math.lcm(*(graph_of(model.loaded(colour).engine.config).grid for colour in colours))


@dataclass(frozen=True)
class _Place:
    """What every step needs, and where it is; opened once by each worker.

    Attributes:
        memory: what `memory_limited` was told, which no worker knows by itself.
    """

    model: Model
    settings: StackSettings
    source: ZarrPlace
    axes: str
    target: ZarrPlace
    memory: tuple[int | None, int]

    @cached_property
    def reader(self) -> Reader:
        source = ZarrSource(self.source, self.axes, trusted=True)
        return Reader(source, self.settings, planned_layout(source, self.settings), apart=True)

    @cached_property
    def writer(self) -> ZarrTarget:
        assert isinstance(self.reader.source, ZarrSource)
        return ZarrTarget(self.reader.source, self.target)


def absolute(place: ZarrPlace) -> ZarrPlace:
    """Return a place by the name that workers, which are in other folders, know it by."""
    return LocalFolder(place.path.absolute()) if isinstance(place, LocalFolder) else place


@dataclass(frozen=True)
class _Measure:
    """Find the noise of a channel."""

    key: int
    chosen: Sequence[tuple[Index, Part]]

    def done(self, place: _Place) -> ChannelNoise:
        return measured_channel(place.model, place.reader, self.key, self.chosen)


@dataclass(frozen=True)
class _Look:
    """Look at all of a plane that is denoised in tiles."""

    index: Index
    channels: Sequence[ChannelNoise]

    def done(self, place: _Place) -> Looks:
        return PlaneWork(place.model, place.reader, self.channels).looked(self.index)


@dataclass(frozen=True)
class _Denoise:
    """Denoise a block, and write it."""

    name: str
    block: Block
    channels: Sequence[ChannelNoise]
    looks: Mapping[Index, Looks] = field(default_factory=dict)

    def knowing(self, looked: Mapping[Index, Looks]) -> "_Denoise":
        """Return it with what was seen of its planes."""
        planes = [index for index in self.block.planes if index in looked]
        return replace(self, looks={index: looked[index] for index in planes})

    def done(self, place: _Place) -> Tally:
        tally, tile = Tally(), self.block.tile
        source = place.reader.source
        self.block.check_memory(str(source.path), place.reader.layout, source.dtype)
        work = PlaneWork(place.model, place.reader, self.channels)
        planes = {
            index: work.denoised(index, tally)
            if tile is None
            else work.denoised_tile(index, tally, tile, self.looks[index])
            for index in self.block.planes
        }
        place.writer.write(planes, None if tile is None else tile.window)
        if isinstance(place.target, UnfinishedVolume):
            place.target.note_done(self.name, tally.told())
        return tally


@dataclass(frozen=True)
class _Reduce:
    """Make a tile of a reduced copy of some planes."""

    level: int
    block: Block

    def done(self, place: _Place) -> None:
        place.writer.reduce(self.level, self.block.planes, self.block.tile)


def _copies(layout: Layout, write: ZarrTarget) -> Iterator[_Reduce]:
    """Take the reduced copies apart along their chunks, each of which is in one part alone."""
    for level in range(1, write.levels):
        steps = write.steps_of_copy(level)
        smaller = replace(layout, plane=(*write.size(level), *layout.plane[2:]))
        for block in blocks(smaller, steps, 1, TILE):
            yield _Reduce(level, block)


@dataclass(frozen=True)
class _Step:
    """What a worker is sent once, and does many parts of; an error is an answer."""

    place: _Place

    def __call__(self, part: _Measure | _Look | _Denoise | _Reduce) -> Any:  # noqa: ANN401
        try:
            with memory_limited(*self.place.memory):
                return part.done(self.place)
        except SpidenError as error:
            return error
