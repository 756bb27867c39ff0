"""A stack denoised plane by plane: one noise level a channel, no more than a plane in memory.

Channels are independent: a dye says nothing about another, and a network that learned how the
colours of photographs go together mixes them. So each goes through the network for grey, with
black, white and noise level of its own. Only planes that are colour photographs (samples red,
green, blue) stay together.

Black, white and level of a channel are measured on up to eight of its planes, spread evenly: the
median of their levels is that of the channel.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from spiden_cli.core.engine.activity import sum_activities
from spiden_cli.core.files.stacks.layout import Index
from spiden_cli.core.files.stacks.source import StackSource
from spiden_cli.core.image.picture import Picture, Range
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
from spiden_cli.core.tasks.results import Choice, Result
from spiden_cli.core.tasks.stack_reader import Part, Reader, planned_layout
from spiden_cli.core.tasks.stack_result import ChannelNoise, StackResult, StackSettings
from spiden_cli.errors import InputError

__all__ = ["OnPlane", "denoise_planes_of"]

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
    work = _Work(model, reader, settings)
    on_plane(0, reader.layout.count)
    for done, index in enumerate(reader.layout.indices(), 1):
        write(index, work.denoised(index))
        on_plane(done, reader.layout.count)
    return work.result()


class _Work:
    """Denoises planes, and adds up what it took."""

    def __init__(self, model: Model, reader: Reader, settings: StackSettings) -> None:
        self._model, self._reader, self._settings = model, reader, settings
        self._given = _averaged(as_noise(settings.noise), reader.frames)
        self._channels = {
            key: self._measure(key, chosen) for key, chosen in sorted(reader.measured().items())
        }
        self._result = StackResult(reader.layout, averaged=reader.frames)
        self._squares, self._values, self._holes = 0.0, 0, 0
        self._blank = self._parts = 0
        self._said: Counter[str] = Counter()

    def _measure(self, key: int, chosen: Sequence[tuple[Index, Part]]) -> ChannelNoise:
        """Find black, white and noise of a channel."""
        extent = self._extent(chosen)
        asked = isinstance(self._given, (Unknown, UnknownCounts))
        choices = list(self._choices(chosen if asked else chosen[:1], extent))
        if not choices:  # one value alone in all of them
            return ChannelNoise(key, extent, None, None)
        choice, _ = sorted(choices, key=lambda one: one[1])[len(choices) // 2]
        return ChannelNoise(key, extent, choice.noise, choice.estimate)

    def _extent(self, chosen: Sequence[tuple[Index, Part]]) -> Range:
        white = self._settings.white
        if white is not None:
            if not 0 < white < math.inf:
                raise InputError(f"the white level must be a number above 0, not {white:g}")
            return Range(0.0, white)
        return self._reader.extent(chosen)

    def _choices(
        self, chosen: Sequence[tuple[Index, Part]], extent: Range
    ) -> Iterator[tuple[Choice, float]]:
        """What each of some planes would be denoised with, and the level in its middle."""
        for index, part in chosen:
            picture = self._shown(self._reader.read(index)[part.place], extent)
            if picture is not None:
                choice = self._model.choose(picture, self._given)
                yield choice, _typical_level(choice.noise, picture)

    def _shown(self, plane: Plane, extent: Range) -> Picture | None:
        """Return a plane as a picture; None if it holds one value alone, or none."""
        values = sampled_values(plane)
        if values.size == 0 or (values.min() == values.max() and plane.min() == plane.max()):
            return None
        return self._reader.picture(plane, extent)

    def denoised(self, index: Index) -> Plane:
        """Denoise one plane, in the type of the source."""
        plane, dtype = self._reader.read(index), self._reader.source.dtype
        whole = _as_type(plane, dtype)
        for part in self._reader.parts(index):
            self._parts += 1
            picture = self._shown(plane[part.place], self._channels[part.key].extent)
            if picture is None:
                self._blank += 1
            else:
                image = self._denoise(picture, part)
                whole[part.place] = (
                    image.pixels if image.values is None
                    else image.values.restored(image.pixels, dtype)
                )  # fmt: skip
        return whole

    def _denoise(self, picture: Picture, part: Part) -> Picture:
        channel, per_plane = self._channels[part.key], self._settings.per_plane
        told: Any = channel.noise if channel.estimate is None else channel.estimate
        if per_plane and channel.estimate is not None:
            told = self._given
        done = self._model.denoise(
            picture, told, timesteps=self._settings.timesteps,
            adjustment=self._settings.adjustment, repair=self._settings.repair,
        )  # fmt: skip
        if per_plane and isinstance(done.noise, Uniform):
            self._result.levels.setdefault(part.key, []).append(done.noise.sigma)
        self._add(picture, done)
        image: Picture = done.image
        return image

    def _add(self, picture: Picture, done: Result) -> None:
        result = self._result
        activities = [result.activity, done.activity] if result.activity else [done.activity]
        result.activity = sum_activities(activities)
        result.seconds += done.seconds
        result.model, result.engine, result.timesteps = done.model, done.engine, done.timesteps
        self._squares += done.removed**2 * picture.pixels.size
        self._values += picture.pixels.size
        if picture.values is not None and picture.values.holes is not None:
            self._holes += int(picture.values.holes.sum())
        self._said.update(done.notes)

    def result(self) -> StackResult:
        """What it all took, once the last plane is done."""
        result, settings = self._result, self._settings
        result.channels = tuple(self._channels.values())
        result.removed = math.sqrt(self._squares / self._values) if self._values else 0.0
        result.notes = tuple(self._notes())
        if not result.model:  # not one plane needed a network
            loaded = self._model.loaded(False)
            result.model, result.engine = loaded.name, loaded.engine.name
            result.timesteps = settings.timesteps or loaded.info.timesteps[0]
        return result

    def _notes(self) -> Iterator[str]:
        if self._holes:
            yield f"{self._holes} places that hold no number (NaN, infinity) stay as they are"
        if self._blank:
            yield f"{self._blank} planes hold one value alone, and stay as they are"
        for note, times in self._said.items():
            some = times < self._parts - self._blank
            yield f"{times} of {self._parts} planes: {note}" if some else note


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
