"""From a noisy picture to a denoised one, tile by tile."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spiden_cli.core.engine.activity import Activity, sum_activities
from spiden_cli.core.engine.engine import Engine, Pass, check_timesteps
from spiden_cli.core.engine.firing import FiringCounter, FiringMap
from spiden_cli.core.engine.tiling import Shape, Tile, Window, tiles
from spiden_cli.core.image.picture import MINIMUM_SIDE, Picture
from spiden_cli.core.image.pixels import Planes, as_planes, to_unit
from spiden_cli.core.image.region import Region
from spiden_cli.core.network.families import graph_of
from spiden_cli.core.noise.clipping import Clipping
from spiden_cli.core.noise.model import Level, Noise, as_noise
from spiden_cli.core.noise.whitening import Whitening
from spiden_cli.core.tasks.adjustment import UNADJUSTED, Adjustment, scaled
from spiden_cli.core.tasks.masks import as_shares
from spiden_cli.core.tasks.picture_output import PictureOutput
from spiden_cli.core.tasks.showing import Shown, how_shown
from spiden_cli.errors import InputError, WeightsError

OnTile = Callable[[int, int], None]
"""Called with the number of tiles done, and of all tiles."""


@dataclass(frozen=True)
class Denoised:
    """A denoised picture, and what it took.

    Attributes:
        picture: the result, with depth, range, transparency and metadata of the noisy one.
        noise: what the picture was taken to hold.
        activity: spikes and synaptic operations by layer, of all runs; empty for a CNN.
        asked: whether anything was to be denoised: not where a mask is black all over.
        removed: root mean square of what was removed where the mask lets through, in 8-bit units.
        stretch: how much stronger the network saw what was removed; see `Whitening`.
        firing_map: where the neurons fired; None for a CNN, and where it was not asked for.
        seconds: time in the network.
    """

    picture: Picture
    noise: Noise
    activity: Activity
    asked: bool
    removed: float
    stretch: float
    firing_map: FiringMap | None
    seconds: float


def denoise_picture(
    engine: Engine,
    picture: Picture,
    noise: Noise | float,
    timesteps: int,
    tile: Shape | None = None,
    on_tile: OnTile = lambda done, of: None,
    adjustment: Adjustment = UNADJUSTED,
    map_firing: bool = False,
    mask: Any = None,  # noqa: ANN401
    region: Region | None = None,
    estimated: bool = False,
    most: float = 255.0,
    repaired: Picture | None = None,
    shown: Shown | None = None,
) -> Denoised:
    """Denoise a picture of any size, grey or colour, of 8 or 16 bits.

    Args:
        engine: runs the network.
        picture: the noisy picture; its transparency is kept as it is.
        noise: known; a number is a level in 8-bit units.
        timesteps: T, 1 to 64.
        tile: rows and columns of a tile in pixels; None: what suits the engine.
        on_tile: told of the progress.
        adjustment: how strongly to denoise luminance and colour, and how much grain to leave.
        map_firing: also gather where the neurons fire.
        mask: where to denoise; see `as_shares`. What is black stays to the bit.
        region: the part of the picture to denoise, and to return; None: all of it.
        estimated: whether the level is from the picture; see `noise_in_file`. What a file of whole
            numbers has clipped of white noise is undone.
        most: the highest level that the network is told, in 8-bit units.
        repaired: the picture without the detector's faults, which is what the network sees; None:
            there are none. What is not denoised stays as it is in `picture`.
        shown: how the network is shown the picture, where that is known from more than it.

    Raises:
        InputError: the picture is too small, or a grey one is given to a colour network; the noise
            or T is out of range; the network can't be told a level, and a strength asks for it;
            the mask is of another size or kind; the region isn't in the picture.
    """
    found = as_noise(noise)
    seen = repaired or picture
    whitening, clipping = shown or how_shown(found, picture, seen, estimated)
    size = (picture.channels, picture.height, picture.width)
    shares = None if mask is None else as_shares(mask, picture.width, picture.height)
    if region is not None:
        region.check(picture.width, picture.height, MINIMUM_SIDE)
    output = PictureOutput(picture, region, shares)
    graph = graph_of(engine.config)
    within = output.window.on_grid(*size[1:], graph.grid)

    def read(part: Window) -> Planes:
        return to_unit(seen.pixels[part], seen.levels)

    began = time.perf_counter()
    firing = FiringCounter(graph, *size[1:], timesteps, within) if map_firing else None
    job = _Job(engine, whitening, timesteps, adjustment, firing, clipping, most)
    activity = _in_tiles(job, size, read, output.write, tile, on_tile, within, output.wants)
    firing_map = None if firing is None else firing.result()
    if firing_map is not None and region is not None:
        firing_map = firing_map.part(output.window.seen_from(within))
    return Denoised(
        picture=output.result(),
        noise=found,
        activity=activity,
        asked=output.wants(output.window),
        removed=output.removed,
        stretch=whitening.stretch,
        firing_map=firing_map,
        seconds=time.perf_counter() - began,
    )


def denoise_planes(
    engine: Engine,
    noisy: NDArray[np.floating[Any]],
    level: Level,
    timesteps: int,
    tile: Shape | None = None,
    on_tile: OnTile = lambda done, of: None,
) -> Pass:
    """Denoise an array in tiles; a grey network takes the channels of a colour image one by one.

    Args:
        engine: runs the network.
        noisy: (1, H, W) or (3, H, W) of any float type, range [0, 1] plus noise.
        level: noise level in 8-bit units, one for all pixels or a map (H, W).
        timesteps: T, 1 to 64.
        tile: rows and columns of a tile in pixels; None: what suits the engine.
        on_tile: told of the progress.

    Returns:
        The denoised planes, not clipped, and the activity over all channels.

    Raises:
        InputError: a grey image is given to a colour network, or it is of another shape or of whole
            numbers; T is out of range.
        WeightsError: the output is not finite.
    """
    planes = as_planes(noisy)
    denoised = np.empty_like(planes)

    def read(part: Window) -> Planes:
        return planes[:, *part]

    def write(part: Window, _: Planes, result: Planes) -> None:
        denoised[:, *part] = result

    size = (noisy.shape[0], noisy.shape[1], noisy.shape[2])
    activity = _in_tiles(
        _Job(engine, Whitening(level), timesteps), size, read, write, tile, on_tile
    )
    return Pass(denoised, activity)


@dataclass(frozen=True)
class _Job:
    """What is done to each tile of an image."""

    engine: Engine
    whitening: Whitening
    timesteps: int
    adjustment: Adjustment = UNADJUSTED
    firing: FiringCounter | None = None
    clipping: Clipping | None = None
    most: float = 255.0

    def run(
        self, source: Planes, part: Tile, strength: float, on_pass: Callable[[Activity], None]
    ) -> Planes:
        """Denoise the inside of a tile at one strength, some channels at a time: (C, H, W)."""
        if strength == 0:
            return source[:, *part.inside]
        level = self.whitening.level
        level = level if np.ndim(level) == 0 else np.asarray(level)[part.source]
        told = scaled(level, strength, self.most)
        seen = None if self.firing is None else partial(self.firing.add, part.target)
        shown, denoised = self.whitening.shown(source), []
        for planes in np.split(shown, len(shown) // self.engine.config.image_channels):
            noisy = np.ascontiguousarray(planes)
            result = self.engine.run(noisy, told, self.timesteps, part.inside, on_spikes=seen)
            denoised.append(result.denoised[:, *part.inside])
            on_pass(result.activity)
        whole = np.concatenate(denoised)
        if not np.isfinite(whole).all():  # finite weights can be large enough for it
            raise WeightsError("the network's output is not finite: its weights are broken")
        whole = self.whitening.restored(whole)
        return whole if self.clipping is None else self.clipping.restored(whole, min(strength, 1))

    def check(self, channels: int) -> list[float]:
        """Return the strengths at which the network has to run: none, one, or two.

        Raises:
            InputError: a grey image is given to a colour network; T or a strength can't be.
        """
        config = self.engine.config
        if config.image_channels == 3 and channels == 1:
            raise InputError("this is a colour network, and the image is grey: choose a grey one")
        check_timesteps(self.timesteps)
        strengths = dict.fromkeys(self.adjustment.strengths(channels == 3))
        wanted = [strength for strength in strengths if strength > 0]
        if not config.noise_map and wanted not in ([], [1.0]):
            raise InputError(
                "this network is told no noise level that a strength could change: use 0 or 1"
            )
        return wanted


def _in_tiles(
    job: _Job,
    size: tuple[int, int, int],
    read: Callable[[Window], Planes],
    write: Callable[[Window, Planes, Planes], Any],
    tile: Shape | None,
    on_tile: OnTile,
    within: Window | None = None,
    wants: Callable[[Window], bool] = lambda part: True,
) -> Activity:
    """Read, denoise and write tile by tile, so that no more of an image is held in float32."""
    wanted, engine, activities = job.check(size[0]), job.engine, list[Activity]()
    if not wanted:
        return {}
    graph = graph_of(engine.config)
    planned = tiles(*size[1:], graph, tile or engine.tile, within)
    parts = [part for part in planned if wants(part.target)]
    of = len(parts) * size[0] // engine.config.image_channels * len(wanted)

    def on_pass(activity: Activity) -> None:
        activities.append(activity)
        on_tile(len(activities), of)

    luminance, chroma = job.adjustment.strengths(size[0] == 3)
    for part in parts:
        source = read(part.source)
        noisy = source[:, *part.inside]
        coloured = job.run(source, part, chroma, on_pass)
        bright = coloured
        if luminance != chroma:
            bright = job.run(source, part, luminance, on_pass)
        write(part.target, noisy, job.adjustment.combined(noisy, bright, coloured))
    return sum_activities(activities)
