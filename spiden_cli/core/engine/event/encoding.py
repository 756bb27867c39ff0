"""Direct encoding and its way back in plain arrays: `network.encoding`, without torch."""

import numpy as np
from numpy.typing import NDArray

from spiden_cli.core.image.pixels import Planes
from spiden_cli.core.network.config import NetworkConfig
from spiden_cli.core.noise.model import Level

Floats = NDArray[np.float32]


def encode(noisy: Planes, level: Level, config: NetworkConfig, grid: int) -> Floats:
    """Turn an image into the values that drive the first convolution, zero around the border.

    Args:
        noisy: (C, H, W), range [0, 1].
        level: noise level in 8-bit units, or a map (H, W).
        config: says how many pixels make a position, and whether the noise level is an input.
        grid: pixels to a multiple of which the image is padded.

    Returns:
        (H' / r + 2, W' / r + 2, C'): of each position its r x r pixels, then sigma / 64.
    """
    r = config.unshuffle
    padded = _pad(noisy, grid, "reflect")
    channels, tall, wide = padded.shape[0], padded.shape[1] // r, padded.shape[2] // r
    encoded = np.zeros((tall + 2, wide + 2, config.encoded_channels), np.float32)
    inside = encoded[1:-1, 1:-1]
    split = padded.reshape(channels, tall, r, wide, r).transpose(1, 3, 0, 2, 4)
    inside[..., : config.pixel_channels] = split.reshape(tall, wide, -1)
    if config.noise_map:
        inside[..., -1] = _by_position(level, (tall, wide), r) / np.float32(64)
    return encoded


def subtract_noise(noisy: Planes, drawn: Floats, level: Level, config: NetworkConfig) -> Planes:
    """Turn what the read-out drew into noise, and subtract it.

    Args:
        noisy: (C, H, W), range [0, 1].
        drawn: (H' / r, W' / r, C r r), mean over the timesteps, of the padded image.
        level: noise level in 8-bit units, or a map (H, W).
        config: says how many pixels make a position, and in which unit the read-out is.

    Returns:
        (C, H, W), not clipped.
    """
    tall, wide, r = drawn.shape[0], drawn.shape[1], config.unshuffle
    if config.noise_map:
        here = _by_position(level, (tall, wide), r) / np.float32(255)
        drawn = drawn * np.broadcast_to(here, (tall, wide))[..., None]
    split = drawn.reshape(tall, wide, -1, r, r).transpose(2, 0, 3, 1, 4)
    noise = split.reshape(-1, tall * r, wide * r)
    denoised: Planes = noisy - noise[:, : noisy.shape[1], : noisy.shape[2]]
    return denoised


def _by_position(level: Level, positions: tuple[int, int], r: int) -> Floats:
    """Return the noise level of each position: a number, or of a map (H' / r, W' / r)."""
    if np.ndim(level) == 0:
        return np.asarray(level, np.float32)
    sides = zip(positions, np.shape(level), strict=True)
    padded = np.pad(level, [(0, tall * r - there) for tall, there in sides], "edge")
    means: Floats = padded.reshape(positions[0], r, positions[1], r).mean((1, 3), np.float32)
    return means


def _pad(planes: Planes, grid: int, mode: str) -> Planes:
    below, right = (-side % grid for side in planes.shape[1:])
    if not (below or right):
        return planes
    return np.pad(planes, ((0, 0), (0, below), (0, right)), mode)  # type: ignore[call-overload, no-any-return]
