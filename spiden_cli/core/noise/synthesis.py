"""Synthetic noise for training and for the published test protocol."""

import torch
from torch import Tensor

__all__ = ["add_gaussian_noise"]


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
    if not 0 <= sigma < float("inf"):
        raise ValueError(f"sigma must be zero or more, not {sigma}")
    generator = torch.Generator(device="cpu").manual_seed(seed)
    noise = torch.randn(clean.shape, generator=generator, dtype=torch.float32)
    return clean + (noise * (sigma / 255.0)).to(clean)
