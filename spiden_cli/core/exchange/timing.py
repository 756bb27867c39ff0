"""What goes into a network that runs elsewhere, timestep by timestep, and what comes out of it.

The arithmetic around a network of NIR: the picture becomes channels at coarse positions, and a
*kick*, 1 in the first timestep, tells the neurons where to start; the mean of what comes out is the
noise, which is subtracted.
"""

import numpy as np
from numpy.typing import NDArray

from spiden_cli.core.engine.reference import shuffle, unshuffle
from spiden_cli.core.image.pixels import Planes
from spiden_cli.core.network.config import NetworkConfig
from spiden_cli.errors import InputError

__all__ = ["NETWORK_INPUT", "network_input", "noise_subtracted"]

NETWORK_INPUT = (
    "channels: the pixels of each position, row by row; the noise level over 64, if the network is "
    "told it; the kick, 1 in the first timestep and 0 afterwards"
)


def network_input(
    noisy: Planes, sigma: float, config: NetworkConfig, timesteps: int
) -> NDArray[np.float32]:
    """Return the input of each timestep.

    Args:
        noisy: (C, H, W), range [0, 1] plus noise; sides are multiples of the unshuffle.
        sigma: noise level in 8-bit units.
        config: of the network.
        timesteps: T.

    Returns:
        (T, C', H', W'): the pixels of each position, the noise level, the kick.

    Raises:
        InputError: the channels or sides of the picture don't suit the network.
    """
    channels, height, width = noisy.shape
    if channels != config.image_channels or height % config.unshuffle or width % config.unshuffle:
        raise InputError(
            f"the network is for {config.image_channels} channels and sides that are multiples of "
            f"{config.unshuffle}, not {noisy.shape}"
        )
    image = unshuffle(noisy, config.unshuffle).astype(np.float32)
    if config.noise_map:
        image = np.concatenate([image, np.full_like(image[:1], sigma / 64)])
    kick = np.zeros((timesteps, 1, *image.shape[1:]), np.float32)
    kick[0] = 1
    return np.concatenate([np.broadcast_to(image, (timesteps, *image.shape)), kick], axis=1)


def noise_subtracted(
    noisy: Planes, drawn: NDArray[np.float32], sigma: float, config: NetworkConfig
) -> Planes:
    """Return the denoised picture.

    Args:
        noisy: (C, H, W), as `network_input` had it.
        drawn: (T, C'', H', W'), what came out at each timestep.
        sigma: noise level in 8-bit units.
        config: of the network.

    Returns:
        (C, H, W), not clipped.
    """
    noise = shuffle(drawn.mean(0), config.unshuffle)
    unit = np.float32(sigma / 255 if config.noise_map else 1)
    denoised: Planes = (noisy - noise * unit).astype(np.float32)
    return denoised
