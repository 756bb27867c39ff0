"""From a noisy picture to a denoised one."""

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from spiden_cli.core.image.noise_level import estimate_sigma
from spiden_cli.core.image.picture import Picture
from spiden_cli.core.image.tensor import to_pixels, to_tensor
from spiden_cli.core.inference.activity import Activity, total
from spiden_cli.core.inference.engine import Engine, Pass
from spiden_cli.core.inference.tiling import Shape, tiles
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
    level = estimate_sigma(picture.pixels) if sigma is None else sigma
    began = time.perf_counter()
    result = denoise_tensor(engine, to_tensor(picture.pixels), level, timesteps, tile, on_tile)
    seconds = time.perf_counter() - began
    pixels = to_pixels(result.denoised, picture.pixels.dtype)
    return Denoised(dataclasses.replace(picture, pixels=pixels), level, result.activity, seconds)


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
    channels = engine.config.image_channels
    if channels == 3 and len(noisy) == 1:
        raise InputError("this is a colour network, and the image is grey: choose a grey one")
    if timesteps < 1:
        raise InputError(f"the number of timesteps must be at least 1, not {timesteps}")
    height, width = noisy.shape[1:]
    parts = list(tiles(height, width, engine.config, tile or engine.tile))
    steps = [(planes, part) for planes in range(0, len(noisy), channels) for part in parts]
    denoised = torch.empty_like(noisy)
    activities = []
    for done, (first, part) in enumerate(steps, start=1):
        planes = slice(first, first + channels)
        result = engine.run(noisy[planes, *part.source], sigma, timesteps)
        denoised[planes, *part.target] = result.denoised[:, *part.inside]
        activities.append(result.activity)
        on_tile(done, len(steps))
    if not denoised.isfinite().all():  # finite weights can be large enough for it
        raise WeightsError("the network's output is no number: its weights are broken, get others")
    return Pass(denoised, total(activities))
