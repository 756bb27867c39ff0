"""Direct encoding of an image into input currents, and back.

The image enters as a current that is constant over the timesteps: no spikes are drawn at random
(Rueckauer et al. 2017 call it analog input; others, direct encoding).
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from spiden_cli.core.network.config import NetworkConfig


def encode(noisy: Tensor, sigma: Tensor, config: NetworkConfig, grid: int) -> Tensor:
    """Turn noisy images into the values that drive the first convolution.

    Args:
        noisy: (B, C, H, W), range [0, 1].
        sigma: noise level in 8-bit units, (B,), or a map (B, 1, H, W).
        config: says how many pixels make a position, and whether the noise level is an input.
        grid: pixels to a multiple of which the image is padded.

    Returns:
        (B, C', H' / r, W' / r) of the padded image: the r x r pixels of each position, then the
        noise map sigma / 64, in which the usual levels span about the range of the pixels.
    """
    encoded = F.pixel_unshuffle(pad_to_multiple(noisy, grid), config.unshuffle)
    if not config.noise_map:
        return encoded
    level = _by_position(sigma, encoded.shape[-2:], config.unshuffle) / 64
    level = level.to(noisy.dtype).expand(-1, 1, *encoded.shape[-2:])
    return torch.cat([encoded, level], dim=1)


def _by_position(sigma: Tensor, positions: torch.Size, unshuffle: int) -> Tensor:
    """Return the noise level of each position: (B, 1, 1, 1), or of a map (B, 1, H' / r, W' / r)."""
    if sigma.ndim < 2:
        return sigma[:, None, None, None]
    below, right = (
        side * unshuffle - there for side, there in zip(positions, sigma.shape[-2:], strict=True)
    )
    return F.avg_pool2d(F.pad(sigma, (0, right, 0, below), mode="replicate"), unshuffle)


def pad_to_multiple(images: Tensor, multiple: int) -> Tensor:
    """Mirror images (B, C, H, W) at the lower and right edge up to a multiple of that side."""
    height, width = images.shape[-2:]
    below, right = -height % multiple, -width % multiple
    if not (below or right):
        return images
    if below < height and right < width:
        return F.pad(images, (0, right, 0, below), mode="reflect")
    # To and fro, until there are enough, which torch does not do.
    rows, columns = (
        torch.from_numpy(np.pad(np.arange(side), (0, more), "reflect")).to(images.device)
        for side, more in ((height, below), (width, right))
    )
    return images[..., rows[:, None], columns]


def subtract_noise(noisy: Tensor, drawn: Tensor, sigma: Tensor, config: NetworkConfig) -> Tensor:
    """Turn what the read-out drew into noise, and subtract it: the way back.

    Args:
        noisy: (B, C, H, W), range [0, 1]; H and W need be multiples of nothing.
        drawn: (B, C r r, H' / r, W' / r), mean over the timesteps, of the padded images.
        sigma: noise level in 8-bit units, (B,), or a map (B, 1, H, W).
        config: says how many pixels make a position, and in which unit the read-out is.

    Returns:
        (B, C, H, W), not clipped.
    """
    if config.noise_map:  # the read-out is in units of the noise level
        drawn = drawn * (_by_position(sigma, drawn.shape[-2:], config.unshuffle) / 255)
    noise = F.pixel_shuffle(drawn, config.unshuffle)
    return noisy - noise[..., : noisy.shape[-2], : noisy.shape[-1]]
