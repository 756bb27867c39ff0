"""From a noisy picture to a denoised one."""

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from spiden_cli.core.engine.activity import Activity, total
from spiden_cli.core.engine.engine import Engine, Pass
from spiden_cli.core.engine.tiling import Shape, Tile, tiles
from spiden_cli.core.image.picture import Picture
from spiden_cli.core.image.tensor import to_pixels, to_tensor
from spiden_cli.core.noise.estimation import estimate_sigma
from spiden_cli.errors import InputError, WeightsError

OnTile = Callable[[int, int], None]
"""Called with the number of tiles done, and of all tiles."""


@dataclass(frozen=True)
class Denoised:
    """A denoised picture, and what it took.

    Attributes:
        picture: the result, with depth, transparency and metadata of the noisy one.
        sigma: noise level that was removed, in 8-bit units.
        activity: spikes and synaptic operations by layer; empty for a CNN.
        seconds: time in the network.
    """

    picture: Picture
    sigma: float
    activity: Activity
    seconds: float


def denoise_picture(
    engine: Engine,
    picture: Picture,
    sigma: float | None,
    timesteps: int,
    tile: Shape | None = None,
    on_tile: OnTile = lambda done, of: None,
) -> Denoised:
    """Denoise a picture of any size, grey or colour, of 8 or 16 bits.

    Args:
        engine: runs the network.
        picture: the noisy picture; its transparency is kept as it is.
        sigma: noise level in 8-bit units; None has it estimated from the picture.
        timesteps: T >= 1.
        tile: rows and columns of a tile in pixels; None: what suits the engine.
        on_tile: told of the progress.

    Raises:
        InputError: the picture is too small, or a grey one is given to a colour network.
    """
    level = estimate_sigma(picture.pixels, picture.range) if sigma is None else sigma
    pixels = np.empty_like(picture.pixels)

    def read(part: Tile) -> Tensor:
        return to_tensor(picture.pixels[part.source], picture.range)

    def write(part: Tile, denoised: Tensor) -> None:
        pixels[part.target] = to_pixels(denoised, pixels.dtype, picture.range)

    began = time.perf_counter()
    channels = 1 if pixels.ndim == 2 else 3
    size = (channels, picture.height, picture.width)
    activity = _in_tiles(engine, size, read, write, level, timesteps, tile, on_tile)
    seconds = time.perf_counter() - began
    return Denoised(dataclasses.replace(picture, pixels=pixels), level, activity, seconds)


def denoise_tensor(
    engine: Engine,
    noisy: Tensor,
    sigma: float,
    timesteps: int,
    tile: Shape | None = None,
    on_tile: OnTile = lambda done, of: None,
) -> Pass:
    """Denoise a tensor in tiles; a grey network takes the channels of a colour image one by one.

    Args:
        engine: runs the network.
        noisy: (1, H, W) or (3, H, W), range [0, 1] plus noise.
        sigma: noise level in 8-bit units.
        timesteps: T >= 1.
        tile: rows and columns of a tile in pixels; None: what suits the engine.
        on_tile: told of the progress.

    Returns:
        The denoised tensor, not clipped, and the activity of all tiles and channels. Margins of
        tiles are work that is done, and count.

    Raises:
        InputError: a grey image is given to a colour network, or T < 1.
        WeightsError: the output is no number.
    """
    denoised = torch.empty_like(noisy)

    def read(part: Tile) -> Tensor:
        return noisy[:, *part.source]

    def write(part: Tile, result: Tensor) -> None:
        denoised[:, *part.target] = result

    size = (noisy.shape[0], noisy.shape[1], noisy.shape[2])
    return Pass(denoised, _in_tiles(engine, size, read, write, sigma, timesteps, tile, on_tile))


def _in_tiles(
    engine: Engine,
    size: tuple[int, int, int],
    read: Callable[[Tile], Tensor],
    write: Callable[[Tile, Tensor], None],
    sigma: float,
    timesteps: int,
    tile: Shape | None,
    on_tile: OnTile,
) -> Activity:
    """Read, denoise and write tile by tile, so that no more of an image is held in float32."""
    channels = engine.config.image_channels
    if channels == 3 and size[0] == 1:
        raise InputError("this is a colour network, and the image is grey: choose a grey one")
    if timesteps < 1:
        raise InputError(f"the number of timesteps must be at least 1, not {timesteps}")
    parts = list(tiles(*size[1:], engine.config, tile or engine.tile))
    activities, done, of = [], 0, len(parts) * size[0] // channels
    for part in parts:
        denoised = []
        for planes in torch.split(read(part), channels):
            result = engine.run(planes, sigma, timesteps)
            denoised.append(result.denoised[:, *part.inside])
            activities.append(result.activity)
            done += 1
            on_tile(done, of)
        whole = torch.cat(denoised)
        if not whole.isfinite().all():  # finite weights can be large enough for it
            raise WeightsError("the network's output is no number: its weights are broken")
        write(part, whole)
    return total(activities)
