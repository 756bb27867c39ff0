"""A stack denoised plane by plane: one noise level a channel, no more than a plane in memory.

Channels are independent: a dye says nothing about another, and a network that learned how the
colours of photographs go together mixes them. So each goes through the network for grey, with
black, white and noise level of its own. Only planes that are colour photographs (samples red,
green, blue) stay together.

Black, white and level of a channel are measured on up to eight of its planes, spread evenly: the
median of their levels is that of the channel.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from spiden_cli.core.engine.activity import sum_activities
from spiden_cli.core.files.stacks.layout import Index
from spiden_cli.core.files.stacks.source import StackSource
from spiden_cli.core.image.picture import Picture, Range
from spiden_cli.core.image.values import Plane, Shown, range_of_values, sampled_values, show
from spiden_cli.core.noise.blind import NoiseEstimate, estimate_noise, is_coarse
from spiden_cli.core.noise.model import (
    Coarse,
    Gaussian,
    Noise,
    NoiseMap,
    PoissonGaussian,
    Uniform,
    Unknown,
    as_noise,
    found_noise,
)
from spiden_cli.core.tasks.advice import doubts, too_little
from spiden_cli.core.tasks.model import AUTO, Model
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
        self._channels = {
            key: self._measure(key, chosen) for key, chosen in sorted(reader.measured().items())
        }
        self._result = StackResult(reader.layout, averaged=reader.frames)
        self._squares, self._values, self._holes, self._blank = 0.0, 0, 0, 0
        self._engine_notes: dict[str, None] = {}

    def _measure(self, key: int, chosen: Sequence[tuple[Index, Part]]) -> ChannelNoise:
        """Find black, white and noise of a channel."""
        extent = self._extent(chosen)
        given = as_noise(self._settings.noise)
        if isinstance(given, Unknown):
            estimate = self._estimated(chosen, extent)
            return ChannelNoise(key, extent, self._told(estimate, chosen[0][1].colour), estimate)
        if type(given) is Uniform:
            index, part = chosen[0]
            matters = part.colour and self._model.name == AUTO
            shown = self._shown(self._reader.read(index)[part.place], extent) if matters else None
            coarse = shown is not None and is_coarse(shown.picture.pixels, shown.picture.levels)
            given = Coarse(given.sigma) if coarse else Gaussian(given.sigma)
        return ChannelNoise(key, extent, _averaged(given, self._reader.frames), None)

    def _extent(self, chosen: Sequence[tuple[Index, Part]]) -> Range:
        if self._settings.white is not None:
            if not (0 < self._settings.white < math.inf):
                raise InputError(
                    f"the white level must be a number above 0, not {self._settings.white:g}"
                )
            return Range(0.0, self._settings.white)
        samples = [sampled_values(self._reader.read(at)[part.place]) for at, part in chosen]
        return range_of_values(samples, self._reader.source.dtype)

    def _estimated(self, chosen: Sequence[tuple[Index, Part]], extent: Range) -> NoiseEstimate:
        """The estimate of the plane in the middle, of those that hold more than one value."""
        found = []
        for index, part in chosen:
            shown = self._shown(self._reader.read(index)[part.place], extent)
            if shown is not None:
                found.append(estimate_noise(shown.picture.pixels, shown.picture.levels))
        if not found:
            return NoiseEstimate(0.0, 0.0, 1.0, 0.0, is_white=True)
        return sorted(found, key=lambda one: one.sigma)[len(found) // 2]

    def _told(self, estimate: NoiseEstimate, colour: bool) -> Noise:
        loaded = self._model.loaded(colour, not estimate.is_white)
        return found_noise(estimate, loaded.info.for_camera)

    @staticmethod
    def _shown(plane: Plane, extent: Range) -> Shown | None:
        """Show a plane; None if it holds one value alone, or none."""
        values = sampled_values(plane)
        if values.size == 0 or values.min() == values.max():
            return None
        return show(plane, extent)

    def denoised(self, index: Index) -> Plane:
        """Denoise one plane, in the type of the source."""
        plane, dtype = self._reader.read(index), self._reader.source.dtype
        whole = _as_type(plane, dtype)
        for part in self._reader.parts(index):
            noisy = plane[part.place]
            shown = self._shown(noisy, self._channels[part.key].extent)
            if shown is None:
                self._blank += 1
            else:
                whole[part.place] = self._part(shown, part, dtype)
        return whole

    def _part(self, shown: Shown, part: Part, dtype: "np.dtype[Any]") -> Plane:
        channel = self._channels[part.key]
        noise = channel.noise
        if self._settings.per_plane and channel.estimate is not None:
            picture = shown.picture
            noise = self._told(estimate_noise(picture.pixels, picture.levels), part.colour)
        if self._settings.per_plane and isinstance(noise, Uniform):
            self._result.levels.setdefault(part.key, []).append(noise.sigma)
        if isinstance(noise, PoissonGaussian) and shown.base:
            noise = replace(noise, offset=noise.offset - shown.base)
        done = self._model.denoise(
            shown.picture, noise, timesteps=self._settings.timesteps,
            adjustment=self._settings.adjustment,
        )  # fmt: skip
        self._add(shown, done.image, done)
        return shown.restored(done.image, dtype)

    def _add(self, shown: Shown, denoised: Picture, done: Any) -> None:  # noqa: ANN401
        result = self._result
        activities = [result.activity, done.activity] if result.activity else [done.activity]
        result.activity = sum_activities(activities)
        result.seconds += done.seconds
        result.model, result.engine, result.timesteps = done.model, done.engine, done.timesteps
        self._squares += done.removed**2 * denoised.pixels.size
        self._values += denoised.pixels.size
        if shown.holes is not None:
            self._holes += int(shown.holes.sum())
        if note := self._model.loaded(denoised.is_colour).note:
            self._engine_notes[note] = None

    def result(self) -> StackResult:
        """What it all took, once the last plane is done."""
        result, settings = self._result, self._settings
        result.channels = tuple(self._channels.values())
        result.removed = math.sqrt(self._squares / self._values) if self._values else 0.0
        result.notes = (*self._engine_notes, *self._said())
        if not result.model:  # not one plane needed a network
            loaded = self._model.loaded(False)
            result.model, result.engine = loaded.name, loaded.engine.name
            result.timesteps = settings.timesteps or loaded.info.timesteps[0]
        return result

    def _said(self) -> Iterator[str]:
        settings, first = self._settings, next(iter(self._channels.values()))
        if self._holes:
            yield f"{self._holes} places that hold no number (NaN, infinity) stay as they are"
        if self._blank:
            yield f"{self._blank} planes hold one value alone, and stay as they are"
        if not self._values:
            return
        first_index = next(self._reader.layout.indices())
        coloured = any(part.colour for part in self._reader.parts(first_index))
        strengths = settings.adjustment.strengths(coloured)
        estimated = first.estimate is not None
        little = too_little(
            self._result.removed, first.noise, estimated, settings.adjustment, strengths
        )
        if little is not None:
            yield little
        info = self._model.loaded(coloured).info
        found = [doubts(one.noise, strengths, info) for one in self._channels.values()]
        yield from dict.fromkeys(itertools.chain.from_iterable(found))


def _averaged(noise: Noise, frames: int) -> Noise:
    """The noise of a mean of frames, from that of each."""
    if frames == 1:
        return noise
    if isinstance(noise, Uniform):
        return replace(noise, sigma=noise.sigma / math.sqrt(frames))
    if isinstance(noise, PoissonGaussian):
        return replace(
            noise, gain=noise.gain / frames, read_noise=noise.read_noise / math.sqrt(frames)
        )
    if isinstance(noise, NoiseMap):
        return NoiseMap(noise.sigma / np.float32(math.sqrt(frames)))
    return noise


def _as_type(plane: Plane, dtype: "np.dtype[Any]") -> Plane:
    """A copy in a type; means of whole numbers are rounded."""
    if dtype.kind in "ui" and plane.dtype.kind == "f":
        plane = np.rint(plane)
    return np.array(plane, dtype=dtype)
