"""A stack denoised plane by plane: one noise level a channel, no more than a plane in memory.

Channels are independent: a dye says nothing about another, and a network that learned how the
colours of photographs go together mixes them. So each goes through the network for grey, with
black, white and noise level of its own. Only planes that are colour photographs (samples red,
green, blue) stay together.

Black, white and level of a channel are measured on up to eight of its planes, spread evenly: the
median of their levels is that of the channel.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from spiden_cli.core.files.stacks.layout import Index
from spiden_cli.core.files.stacks.source import StackSource
from spiden_cli.core.image.picture import Picture, Range
from spiden_cli.core.image.region import Region
from spiden_cli.core.image.showing import sampled_values
from spiden_cli.core.image.values import Plane
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
from spiden_cli.core.tasks.model import Model
from spiden_cli.core.tasks.results import Result
from spiden_cli.core.tasks.stack_reader import Part, Reader, planned_layout
from spiden_cli.core.tasks.stack_result import ChannelNoise, StackResult, StackSettings
from spiden_cli.core.tasks.tally import Tally
from spiden_cli.errors import InputError

__all__ = ["OnPlane", "PlaneWork", "denoise_planes_of", "measured_channel"]

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
        picture = _shown(reader, reader.read(index)[part.place], extent)
        if picture is not None:
            choice = model.choose(picture, given)
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

    def denoised(self, index: Index, tally: Tally, tile: Region | None = None) -> Plane:
        """Denoise one plane, in the type of the source.

        Args:
            index: which plane.
            tally: takes up what it took.
            tile: the part to denoise and return, as it is in the whole; None: all of it.
        """
        plane, dtype = self._reader.read(index), self._reader.source.dtype
        window = ... if tile is None else tile.window
        whole = _as_type(plane[window], dtype)
        for part in self._reader.parts(index):
            picture = _shown(self._reader, plane[part.place], self._channels[part.key].extent)
            if picture is None:
                place = {(index, part.key)}
                tally.merge(Tally(parts=place, blank=place))
                continue
            done = self._denoise(picture, part, tile)
            tally.merge(Tally.of(index, part, done, self._reader.settings.per_plane))
            image = done.image
            whole[part.place] = (
                image.pixels if image.values is None
                else image.values.restored(image.pixels, dtype)
            )  # fmt: skip
        return whole

    def _denoise(self, picture: Picture, part: Part, tile: Region | None) -> Result:
        channel, settings = self._channels[part.key], self._reader.settings
        told: Any = channel.noise if channel.estimate is None else channel.estimate
        if settings.per_plane and channel.estimate is not None:
            told = _given(self._reader)
        return self._model.denoise(
            picture, told, timesteps=settings.timesteps, adjustment=settings.adjustment,
            repair=settings.repair, region=tile,
        )  # fmt: skip


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
        deviation = noise.deviation(float(np.median(picture.pixels)) + picture.base)
        return 255 * deviation / picture.levels.span
    return float(np.median(level_of(noise, picture.pixels)))


def _as_type(plane: Plane, dtype: "np.dtype[Any]") -> Plane:
    """A copy in a type; means of whole numbers are rounded."""
    if dtype.kind in "ui" and plane.dtype.kind == "f":
        plane = np.rint(plane)
    return np.array(plane, dtype=dtype)
