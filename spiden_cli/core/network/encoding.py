"""Direct encoding of an image into input currents, and back.

The image enters as a current that is constant over the timesteps: no spikes are drawn at random
(Rueckauer et al. 2017 call it analog input; SPIDEN, section 2, direct encoding).
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from spiden_cli.core.network.presets import NetworkConfig


def encode(noisy: Tensor, sigma: Tensor, config: NetworkConfig) -> Tensor:
    """Turn noisy images into the current that drives the first convolution.

    Args:
        noisy: (B, C, H, W), range [0, 1], H and W multiples of `config.unshuffle`.
        sigma: (B,), noise level of each image, in 8-bit units.
        config: says how many pixels make a position, and whether the noise level is an input.

    Returns:
        (B, C', H / r, W / r): the r x r pixels of each position, then the noise map sigma / 64,
        in which the usual levels span about the range of the pixels.
    """
    encoded = F.pixel_unshuffle(noisy, config.unshuffle)
    if not config.noise_map:
        return encoded
    noise_map = (sigma / 64).to(noisy.dtype)[:, None, None, None]
    return torch.cat([encoded, noise_map.expand(-1, 1, *encoded.shape[-2:])], dim=1)


def pad_to_multiple(images: Tensor, multiple: int) -> Tensor:
    """Mirror images (B, C, H, W) at the lower and right edge up to a multiple of that side."""
    height, width = images.shape[-2:]
    below, right = -height % multiple, -width % multiple
    if not (below or right):
        return images
    return F.pad(images, (0, right, 0, below), mode="reflect")


def subtract_noise(noisy: Tensor, drawn: Tensor, sigma: Tensor, config: NetworkConfig) -> Tensor:
    """Turn what the read-out drew into noise, and subtract it: the way back.

    Args:
        noisy: (B, C, H, W), range [0, 1]; H and W need be multiples of nothing.
        drawn: (B, C r r, H', W'), mean over the timesteps, of the padded images.
        sigma: (B,), noise level of each image, in 8-bit units.
        config: says how many pixels make a position, and in which unit the read-out speaks.

    Returns:
        (B, C, H, W), not clipped.
    """
    if config.noise_map:  # the read-out speaks in units of the noise level
        drawn = drawn * (sigma / 255)[:, None, None, None]
    noise = F.pixel_shuffle(drawn, config.unshuffle)
    return noisy - noise[..., : noisy.shape[-2], : noisy.shape[-1]]
