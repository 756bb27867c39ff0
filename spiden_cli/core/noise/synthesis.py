"""Synthetic noise for training and for the published test protocol."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["add_gaussian_noise", "gaussian_noise"]


def add_gaussian_noise(clean: Tensor, sigma: float, seed: int) -> Tensor:
    """Add white Gaussian noise, y = x + n, n ~ N(0, (sigma / 255)^2).

    The result is neither clipped nor quantised: it leaves [0, 1]. This is the field's protocol
    (Zhang et al., "Beyond a Gaussian Denoiser", IEEE TIP 2017, and its public test code, KAIR), so
    scores compare with published tables. A noisy *file* on disk is clipped and quantised, and
    scores a little lower at high sigma.

    Args:
        clean: (..., C, H, W) float tensor in [0, 1].
        sigma: standard deviation in 8-bit units (0..255).
        seed: the noise depends on seed and shape alone; it is drawn on the CPU, so that every
            device sees the same.

    Returns:
        A new tensor like `clean`.

    Raises:
        ValueError: sigma is negative or not finite.
    """
    return clean + torch.from_numpy(gaussian_noise(tuple(clean.shape), sigma, seed)).to(clean)


def gaussian_noise(shape: tuple[int, ...], sigma: float, seed: int) -> NDArray[np.float32]:
    """Draw the noise that `add_gaussian_noise` adds, in units of [0, 1].

    Args:
        shape: of the image, (..., C, H, W).
        sigma: standard deviation in 8-bit units (0..255).
        seed: the noise depends on seed and shape alone.

    Returns:
        Noise of that shape, float32.

    Raises:
        ValueError: sigma is negative or not finite.
    """
    if not 0 <= sigma < float("inf"):
        raise ValueError(f"sigma must be zero or more, not {sigma}")
    generator = torch.Generator(device="cpu").manual_seed(seed)
    noise = torch.randn(shape, generator=generator, dtype=torch.float32)
    drawn: NDArray[np.float32] = (noise * (sigma / 255.0)).numpy()
    return drawn
