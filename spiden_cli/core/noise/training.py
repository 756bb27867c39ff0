"""The noise of a training run: what is added to clean patches, and what a network is told of it.

White noise is the field's benchmark; its level is told exactly. Camera noise is what photographs
have. Its level is told as an estimate would have it: of a whole picture, and not exactly; so the
network is left to look for itself how strong the noise of a place is.
"""

from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from spiden_cli.core.noise.camera import draw_cameras, photograph, rms_level

__all__ = [
    "OBSERVED",
    "Batch",
    "CameraNoise",
    "ObservedNoise",
    "TrainingNoise",
    "WhiteNoise",
    "noise_of",
]

OBSERVED = ("pairs", "frames")
"""Kinds of images that bring their noise."""

_WHITE_SHARE = 0.15
"""Of the patches of camera noise that have white noise instead."""
_POISSON_SHARE = 0.05
_DOUBT = 0.3
"""Standard deviation of the logarithm of the level told over the true one."""


class Batch(NamedTuple):
    """A training batch.

    Attributes:
        clean: (B, C, P, P), range [0, 1].
        noisy: the same with noise; white noise is not clipped.
        sigma: (B,), the noise level that the network is told, in 8-bit units.
    """

    clean: Tensor
    noisy: Tensor
    sigma: Tensor


class TrainingNoise(Protocol):
    """Adds noise to a batch of patches.

    Attributes:
        margin: pixels that it needs on each side of a patch, and takes away.
    """

    margin: int

    def __call__(self, patches: Tensor, generator: torch.Generator, /) -> Batch:
        """Add noise to (B, C, P + 2 margin, P + 2 margin), range [0, 1]."""
        ...


def noise_of(kind: str, sigma: tuple[float, float]) -> TrainingNoise:
    """Return the noise of a kind: "white", "camera"; "pairs" and "frames" have theirs.

    Args:
        kind: of `TrainingConfig.noise`.
        sigma: lowest and highest level of white noise, in 8-bit units.
    """
    if kind in OBSERVED:
        return ObservedNoise(symmetric=kind == "frames")
    return CameraNoise(sigma) if kind == "camera" else WhiteNoise(sigma)


class WhiteNoise:
    """White Gaussian noise, its level drawn evenly for each patch.

    Args:
        sigma: lowest and highest level, in 8-bit units.
    """

    margin = 0

    def __init__(self, sigma: tuple[float, float]) -> None:
        self.sigma = sigma

    def __call__(self, clean: Tensor, generator: torch.Generator) -> Batch:
        """Add noise to (B, C, P, P), range [0, 1]."""
        low, high = self.sigma
        drawn = torch.rand(len(clean), generator=generator, device=clean.device)
        sigma = low + (high - low) * drawn
        noise = torch.randn(clean.shape, generator=generator, device=clean.device)
        return Batch(clean, clean + noise * (sigma / 255)[:, None, None, None], sigma)


class ObservedNoise:
    """Nothing is added: patches hold a noisy picture, what to make of it, and the level.

    Args:
        symmetric: both are noisy, and each may be learnt from the other.
    """

    margin = 0

    def __init__(self, symmetric: bool) -> None:
        self.symmetric = symmetric

    def __call__(self, observed: Tensor, generator: torch.Generator) -> Batch:
        """Part (B, 2 C + 1, P, P) in noisy, target and level."""
        channels = observed.shape[1] // 2
        noisy, target = observed[:, :channels], observed[:, channels : 2 * channels]
        if self.symmetric:
            draw = torch.rand(len(observed), generator=generator, device=observed.device)
            swapped = (draw < 0.5)[:, None, None, None]
            noisy, target = torch.where(swapped, target, noisy), torch.where(swapped, noisy, target)
        return Batch(target, noisy, observed[:, -1].mean((1, 2)))


class CameraNoise:
    """Noise of random cameras; in one patch of five, white Gaussian or Poisson noise.

    Args:
        sigma: lowest and highest level of the white noise, in 8-bit units.
    """

    margin = 12

    def __init__(self, sigma: tuple[float, float]) -> None:
        self.white = WhiteNoise(sigma)

    def __call__(self, clean: Tensor, generator: torch.Generator) -> Batch:
        """Add noise to (B, 3, P + 24, P + 24), range [0, 1]."""
        count, device = len(clean), clean.device
        taken = photograph(clean, draw_cameras(count, generator), generator)
        white = self.white(clean, generator)
        # Counts of photons: the variance follows the value, as in a picture without a tone curve.
        counted = clean + (white.noisy - clean) * clean.sqrt()
        draw = torch.rand(count, generator=generator, device=device)[:, None, None, None]
        plain = torch.where(draw < _POISSON_SHARE, counted, white.noisy)
        is_plain = draw < _POISSON_SHARE + _WHITE_SHARE
        level = torch.where(is_plain[:, 0, 0, 0], rms_level(clean, plain), taken.level)
        doubt = torch.randn(count, generator=generator, device=device) * _DOUBT
        # Anywhere, so that neither mosaic nor JPEG begin where the patch does.
        top, left = torch.randint(2 * self.margin + 1, (2,), generator=generator, device=device)
        height, width = (side - 2 * self.margin for side in clean.shape[-2:])
        inside = (..., slice(top, top + height), slice(left, left + width))
        return Batch(
            torch.where(is_plain, clean, taken.clean)[inside],
            torch.where(is_plain, plain, taken.noisy)[inside],
            level * doubt.exp(),
        )
