"""From a noisy picture to a denoised one, tile by tile."""

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from spiden_cli.core.engine.activity import Activity, sum_activities
from spiden_cli.core.engine.engine import Engine, Pass, check_timesteps
from spiden_cli.core.engine.tiling import Shape, Window, tiles
from spiden_cli.core.image.picture import Picture
from spiden_cli.core.image.pixels import Planes, to_pixels, to_unit
from spiden_cli.core.network.families import graph_of
from spiden_cli.core.noise.blind import NoiseEstimate
from spiden_cli.core.noise.model import Level, Noise, as_noise, known, level_of
from spiden_cli.errors import InputError, WeightsError

OnTile = Callable[[int, int], None]
"""Called with the number of tiles done, and of all tiles."""


@dataclass(frozen=True)
class Denoised:
    """A denoised picture, and what it took.

    Attributes:
        picture: the result, with depth, range, transparency and metadata of the noisy one.
        noise: what was removed, as it was given or estimated.
        estimate: what was found in the picture; None where the noise was given.
        activity: spikes and synaptic operations by layer; empty for a CNN.
        seconds: time in the network.
    """

    picture: Picture
    noise: Noise
    estimate: NoiseEstimate | None
    activity: Activity
    seconds: float


def denoise_picture(
    engine: Engine,
    picture: Picture,
    noise: Noise | float | None,
    timesteps: int,
    tile: Shape | None = None,
    on_tile: OnTile = lambda done, of: None,
) -> Denoised:
    """Denoise a picture of any size, grey or colour, of 8 or 16 bits.

    Args:
        engine: runs the network.
        picture: the noisy picture; its transparency is kept as it is.
        noise: what is known of the noise; a number is a level in 8-bit units, None is unknown.
        timesteps: T, 1 to 64.
        tile: rows and columns of a tile in pixels; None: what suits the engine.
        on_tile: told of the progress.

    Raises:
        InputError: the picture is too small, or a grey one is given to a colour network; the noise
            or T is out of range.
    """
    found, estimate = known(as_noise(noise), picture.pixels, picture.levels)
    level = level_of(found, picture.pixels, picture.levels)
    pixels = np.empty_like(picture.pixels)

    def read(part: Window) -> Planes:
        return to_unit(picture.pixels[part], picture.levels)

    def write(part: Window, denoised: Planes) -> None:
        pixels[part] = to_pixels(denoised, pixels.dtype, picture.levels)

    began = time.perf_counter()
    size = (picture.channels, picture.height, picture.width)
    activity = _in_tiles(engine, size, read, write, level, timesteps, tile, on_tile)
    seconds = time.perf_counter() - began
    denoised = dataclasses.replace(picture, pixels=pixels)
    return Denoised(denoised, found, estimate, activity, seconds)


def denoise_planes(
    engine: Engine,
    noisy: Planes,
    level: Level,
    timesteps: int,
    tile: Shape | None = None,
    on_tile: OnTile = lambda done, of: None,
) -> Pass:
    """Denoise an array in tiles; a grey network takes the channels of a colour image one by one.

    Args:
        engine: runs the network.
        noisy: (1, H, W) or (3, H, W) float32, range [0, 1] plus noise.
        level: noise level in 8-bit units, one for all pixels or a map (H, W).
        timesteps: T, 1 to 64.
        tile: rows and columns of a tile in pixels; None: what suits the engine.
        on_tile: told of the progress.

    Returns:
        The denoised planes, not clipped, and the activity over all channels.

    Raises:
        InputError: a grey image is given to a colour network, or T is out of range.
        WeightsError: the output is not finite.
    """
    denoised = np.empty_like(noisy)

    def read(part: Window) -> Planes:
        return noisy[:, *part]

    def write(part: Window, result: Planes) -> None:
        denoised[:, *part] = result

    size = (noisy.shape[0], noisy.shape[1], noisy.shape[2])
    return Pass(denoised, _in_tiles(engine, size, read, write, level, timesteps, tile, on_tile))


def _in_tiles(
    engine: Engine,
    size: tuple[int, int, int],
    read: Callable[[Window], Planes],
    write: Callable[[Window, Planes], None],
    level: Level,
    timesteps: int,
    tile: Shape | None,
    on_tile: OnTile,
) -> Activity:
    """Read, denoise and write tile by tile, so that no more of an image is held in float32."""
    channels = engine.config.image_channels
    if channels == 3 and size[0] == 1:
        raise InputError("this is a colour network, and the image is grey: choose a grey one")
    check_timesteps(timesteps)
    parts = list(tiles(*size[1:], graph_of(engine.config), tile or engine.tile))
    activities, done, of = [], 0, len(parts) * size[0] // channels
    for part in parts:
        here = level if np.ndim(level) == 0 else np.asarray(level)[part.source]
        denoised = []
        for planes in np.split(read(part.source), size[0] // channels):
            result = engine.run(np.ascontiguousarray(planes), here, timesteps, part.inside)
            denoised.append(result.denoised[:, *part.inside])
            activities.append(result.activity)
            done += 1
            on_tile(done, of)
        whole = np.concatenate(denoised)
        if not np.isfinite(whole).all():  # finite weights can be large enough for it
            raise WeightsError("the network's output is not finite: its weights are broken")
        write(part.target, whole)
    return sum_activities(activities)
