"""A stack denoised plane by plane: one noise level a channel, no more than a plane in memory.

Channels are independent: a dye says nothing about another, and a network that learned how the
colours of photographs go together mixes them. So each goes through the network for grey, with
black, white and noise level of its own. Only planes that are colour photographs (samples red,
green, blue) stay together.

Black, white and level of a channel are measured on up to eight of its planes, spread evenly: the
median of their levels is that of the channel.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from spiden_cli.core.files.stacks.layout import Index
from spiden_cli.core.files.stacks.source import StackSource
from spiden_cli.core.image.picture import Picture, Range
from spiden_cli.core.image.plane_view import PlaneView, ends_of
from spiden_cli.core.image.region import Region
from spiden_cli.core.image.showing import sampled_values
from spiden_cli.core.image.values import Plane
from spiden_cli.core.network.families import graph_of
from spiden_cli.core.noise.defects import Repairs
from spiden_cli.core.noise.model import (
    InPixelUnits,
    Noise,
    NoiseMap,
    PoissonGaussian,
    Uniform,
    Unknown,
    UnknownCounts,
    as_noise,
    level_of,
)
from spiden_cli.core.tasks.looking import Look, denoise_looked_at, look_at, repaired_part
from spiden_cli.core.tasks.model import Model
from spiden_cli.core.tasks.stack_reader import Part, Reader, planned_layout
from spiden_cli.core.tasks.stack_result import ChannelNoise, StackResult, StackSettings
from spiden_cli.core.tasks.tally import Tally
from spiden_cli.errors import InputError

__all__ = ["Looks", "OnPlane", "PlaneWork", "denoise_planes_of", "measured_channel"]


@dataclass(frozen=True)
class Looks:
    """What the tiles of a plane depend on; travels to other processes.

    Attributes:
        by_key: a look at each part of the plane; None where it holds one value alone.
        holes: whether there are places without a number.
    """

    by_key: Mapping[int, Look | None]
    holes: bool


OnPlane = Callable[[int, int], None]
"""Called with the number of planes done, and of all planes."""


def denoise_planes_of(
    model: Model,
    source: StackSource,
    settings: StackSettings,
    write: Callable[[Index, Plane], None],
    on_plane: OnPlane = lambda done, of: None,
) -> StackResult:
    """Denoise a stack plane by plane.

    Args:
        model: denoises.
        source: the noisy stack, open.
        settings: how.
        write: takes each plane of the result, in order, in the type of the source.
        on_plane: told of the progress.

    Raises:
        InputError: a plane is damaged or too small, or a setting doesn't suit the stack.
        WeightsError: the model can't be loaded, or gives no finite output.
    """
    reader = Reader(source, settings, planned_layout(source, settings))
    measured = sorted(reader.measured().items())
    channels = [measured_channel(model, reader, key, chosen) for key, chosen in measured]
    work, tally = PlaneWork(model, reader, channels), Tally()
    on_plane(0, reader.layout.count)
    for done, index in enumerate(reader.layout.indices(), 1):
        write(index, work.denoised(index, tally))
        on_plane(done, reader.layout.count)
    return tally.result(model, reader, channels)


def measured_channel(
    model: Model, reader: Reader, key: int, chosen: Sequence[tuple[Index, Part]]
) -> ChannelNoise:
    """Find black, white and noise of a channel.

    Args:
        model: says what noise it would be told of.
        reader: of the stack.
        key: the channel's.
        chosen: parts of planes to look at; see `Reader.measured`.

    Raises:
        InputError: a plane is damaged, or the white level can't be.
    """
    extent, given = _extent(reader, chosen), _given(reader)
    asked = isinstance(given, (Unknown, UnknownCounts))
    choices = []
    for index, part in chosen if asked else chosen[:1]:
        picture = _looked_at(reader, index, part, extent)
        if picture is not None:
            choice = model.chosen(picture, given)
            choices.append((choice, _typical_level(choice.noise, picture)))
    if not choices:  # one value alone in all of them
        return ChannelNoise(key, extent, None, None)
    choice, _ = sorted(choices, key=lambda one: one[1])[len(choices) // 2]
    return ChannelNoise(key, extent, choice.noise, choice.estimate)


def _extent(reader: Reader, chosen: Sequence[tuple[Index, Part]]) -> Range:
    white = reader.settings.white
    if white is not None:
        if not 0 < white < math.inf:
            raise InputError(f"the white level must be a number above 0, not {white:g}")
        return Range(0.0, white)
    return reader.extent(chosen)


def _shown(reader: Reader, plane: Plane, extent: Range) -> Picture | None:
    """Return a plane as a picture; None if it holds one value alone, or none."""
    values = sampled_values(plane)
    if values.size == 0 or (values.min() == values.max() and plane.min() == plane.max()):
        return None
    return reader.picture(plane, extent)


def _looked_at(reader: Reader, index: Index, part: Part, extent: Range) -> Picture | None:
    """Return a part of a plane as a picture, its pixels a view where it isn't held as a whole."""
    view = reader.view(index)
    if view is None:
        return _shown(reader, reader.read(index)[part.place], extent)
    seen = view.sample(part.place)
    ends = ends_of(seen)
    if ends.finite:
        return None if ends.least == ends.most else reader.seen(seen, ends, extent)
    return _shown(reader, reader.read_with_holes(index)[part.place], extent)


class PlaneWork:
    """Denoises planes, or tiles of them, once the noise of all channels is known.

    Args:
        model: denoises.
        reader: of the noisy stack.
        channels: the noise of each, as `measured_channel` found it.
    """

    def __init__(self, model: Model, reader: Reader, channels: Sequence[ChannelNoise]) -> None:
        self._model, self._reader = model, reader
        self._channels = {channel.channel: channel for channel in channels}

    def denoised(self, index: Index, tally: Tally) -> Plane:
        """Denoise one plane, in the type of the source.

        Args:
            index: which plane.
            tally: takes up what it took.
        """
        plane, dtype = self._reader.read(index), self._reader.source.dtype
        whole = _as_type(plane, dtype)
        for part in self._reader.parts(index):
            picture = _shown(self._reader, plane[part.place], self._channels[part.key].extent)
            if picture is None:
                tally.merge(Tally.of_blank(index, part))
                continue
            look, seen, _ = self._look(picture, part)
            whole[part.place] = self._denoise(index, tally, part, picture, look, seen, None)
        return whole

    def looked(self, index: Index) -> Looks:
        """Look at all of a plane, for its tiles; no more than a window of it is held, if possible.

        Args:
            index: which plane.
        """
        looks: dict[int, Look | None] = {}
        holes = False
        for part in self._reader.parts(index):
            picture = _looked_at(self._reader, index, part, self._channels[part.key].extent)
            holes |= picture is not None and picture.values is not None and (
                picture.values.holes is not None
            )  # fmt: skip
            looks[part.key] = None if picture is None else self._look(picture, part)[0]
        return Looks(looks, holes)

    def denoised_tile(self, index: Index, tally: Tally, tile: Region, looks: Looks) -> Plane:
        """Denoise a tile of a plane, as it is in the whole.

        Args:
            index: which plane.
            tally: takes up what it took.
            tile: on the grid of the network.
            looks: at all of the plane.
        """
        view, dtype = self._reader.view(index), self._reader.source.dtype
        if looks.holes:
            view = _view_of(self._reader.read_with_holes(index))
        elif view is None:
            view = _view_of(self._reader.read(index))
        whole = _as_type(view[tile.window], dtype)
        for part in self._reader.parts(index):
            look, sample = looks.by_key[part.key], view.sample(part.place)
            if look is None:
                tally.merge(Tally.of_blank(index, part))
                continue
            loaded = self._model.loaded(part.colour, look.coarse)
            around = tile.grown(graph_of(loaded.engine.config).margin, *view.shape[:2])
            extent = self._channels[part.key].extent
            is_whole = looks.holes or isinstance(look.shown.whitening.level, np.ndarray)
            if is_whole:
                around = Region(0, 0, view.shape[1], view.shape[0])
            seen = picture = self._reader.picture(sample[around.window], extent)
            if look.faults is not None:
                shown = picture if is_whole else self._reader.shown_view(sample, extent)
                pixels = repaired_part(shown, look.noise, look.faults, around.window)
                seen = Picture(pixels, range=picture.levels)
            inside = tile._replace(left=tile.left - around.left, top=tile.top - around.top)
            whole[part.place] = self._denoise(index, tally, part, picture, look, seen, inside)
        return whole

    def _look(self, picture: Picture, part: Part) -> tuple[Look, Picture, Repairs]:
        channel, settings = self._channels[part.key], self._reader.settings
        told: Any = channel.noise if channel.estimate is None else channel.estimate
        if settings.per_plane and channel.estimate is not None:
            told = _given(self._reader)
        return look_at(picture, self._model.chosen(picture, told), settings.repair)

    def _denoise(
        self, index: Index, tally: Tally, part: Part, picture: Picture, look: Look,
        seen: Picture, region: Region | None,
    ) -> Plane:  # fmt: skip
        """Denoise a picture, or a region of it; return values of the source's type."""
        settings = self._reader.settings
        done = denoise_looked_at(
            self._model.loaded(part.colour, look.coarse), picture, look, seen,
            timesteps=settings.timesteps, adjustment=settings.adjustment, region=region,
        )  # fmt: skip
        tally.merge(Tally.of(index, part, done, settings.per_plane))
        image, dtype = done.image, self._reader.source.dtype
        if image.values is None:
            return np.asarray(image.pixels)
        return np.asarray(image.values.restored(image.pixels, dtype))


def _view_of(plane: Plane) -> PlaneView:
    return PlaneView(plane.shape, plane.dtype, plane.shape[:2], lambda window: plane[window])


def _given(reader: Reader) -> Noise:
    """Return what was said of the noise of each plane that is denoised."""
    return _averaged(as_noise(reader.settings.noise), reader.frames)


def _averaged(noise: Noise, frames: int) -> Noise:
    """The noise of a mean of frames, from what is known of that of each."""
    root = math.sqrt(frames)
    if isinstance(noise, (Uniform, InPixelUnits)):
        return replace(noise, sigma=noise.sigma / root)
    if isinstance(noise, PoissonGaussian):
        return replace(noise, gain=noise.gain / frames, read_noise=noise.read_noise / root)
    if isinstance(noise, UnknownCounts):
        gain, read_noise = noise.gain, noise.read_noise
        return replace(
            noise,
            gain=None if gain is None else gain / frames,
            read_noise=None if read_noise is None else read_noise / root,
        )
    if isinstance(noise, NoiseMap):
        return NoiseMap(noise.sigma / np.float32(root))
    return noise


def _typical_level(noise: Noise, picture: Picture) -> float:
    """The level of noise in the middle of a picture, in 1/255 of its range."""
    if isinstance(noise, PoissonGaussian):
        middle = float(np.median(sampled_values(picture.pixels)))
        deviation = noise.deviation(middle + picture.base)
        return 255 * deviation / picture.levels.span
    if isinstance(noise, Uniform):
        return noise.sigma
    return float(np.median(level_of(noise, picture.pixels)))


def _as_type(plane: Plane, dtype: "np.dtype[Any]") -> Plane:
    """A copy in a type; means of whole numbers are rounded."""
    if dtype.kind in "ui" and plane.dtype.kind == "f":
        plane = np.rint(plane)
    return np.array(plane, dtype=dtype)
