"""Test material: a clean picture, and noise of a known kind and level on it.

Unlike the noise of `scoring`, which is the field's protocol and stays in floating point, this is a
picture: clipped to black and white and rounded, as every file is.
"""

import dataclasses
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch

from spiden_cli.core.image.picture import Picture
from spiden_cli.core.image.pixels import Planes, to_grey, to_pixels, to_unit
from spiden_cli.core.noise.camera import Cameras, photograph
from spiden_cli.core.noise.model import Gaussian, PoissonGaussian
from spiden_cli.errors import InputError

__all__ = ["Noised", "add_noise"]

_TILE = 512  # pixels a side; whole JPEG blocks, of 16 with subsampled chroma
_MARGIN = 16  # more than the reach of a camera's filters, and a whole block
_LEAST_SIDE = 32


class Noised(NamedTuple):
    """A picture with noise.

    Attributes:
        picture: depth, range, transparency and metadata are the clean one's.
        level: root mean square of the noise that was added, in 1/255 of the range.
    """

    picture: Picture
    level: float


def add_noise(
    picture: Picture,
    noise: Gaussian | PoissonGaussian | Cameras,
    generator: torch.Generator,
    on_tile: Callable[[int, int], None] = lambda done, of: None,
) -> Noised:
    """Add noise to a clean picture.

    Args:
        picture: grey or colour, of 8 or 16 bits. A camera sees a grey one as a grey scene.
        noise: white noise, counts in the picture's own units, or one camera. A camera rounds to 8
            bits; its `lens_blur` and `scale` are taken for 0 and 1, so that the clean picture is
            what the noisy one is to be compared with.
        generator: where the randomness comes from; on the CPU.
        on_tile: told of the progress.

    Raises:
        InputError: the picture is too small for a camera.
    """
    levels = picture.levels
    noisy = np.empty_like(picture.pixels)
    corners = [
        (top, left)
        for top in range(0, picture.height, _TILE)
        for left in range(0, picture.width, _TILE)
    ]
    if isinstance(noise, Cameras) and min(picture.height, picture.width) < _LEAST_SIDE:
        raise InputError(f"a camera's picture must have {_LEAST_SIDE} pixels a side at least")
    squares = 0.0
    for done, (top, left) in enumerate(corners, 1):
        first, across = max(0, top - _MARGIN), max(0, left - _MARGIN)
        inside = np.s_[top - first : top - first + _TILE, left - across : left - across + _TILE]
        source = np.s_[first : top + _TILE + _MARGIN, across : left + _TILE + _MARGIN]
        clean = to_unit(picture.pixels[source], levels)
        planes = _noisy(clean, noise, levels.span, generator)[:, *inside]
        planes = planes if picture.is_measured else planes.clip(0, 1)
        target = np.s_[top : top + _TILE, left : left + _TILE]
        noisy[target] = to_pixels(planes, noisy.dtype, levels)
        difference = to_unit(noisy[target], levels) - clean[:, *inside]
        squares += float(np.square(difference, dtype=np.float64).sum())
        on_tile(done, len(corners))
    level = 255 * math.sqrt(squares / noisy.size)
    return Noised(dataclasses.replace(picture, pixels=noisy), level)


def _noisy(
    clean: Planes,
    noise: Gaussian | PoissonGaussian | Cameras,
    span: float,
    generator: torch.Generator,
) -> Planes:
    if isinstance(noise, Cameras):
        return _photographed(clean, noise, generator)
    if isinstance(noise, Gaussian):
        drawn: Planes = (
            torch.randn(clean.shape, generator=generator) * (noise.sigma / 255)
        ).numpy()
        return clean + drawn
    # A standard deviation is no value of the picture: only the values are in its own units.
    scale, offset = noise.gain / span, noise.offset / span
    counted = torch.poisson(torch.from_numpy((clean - offset) / scale).clamp_min(0), generator)
    read = torch.randn(clean.shape, generator=generator) * (noise.read_noise / span)
    planes: Planes = (counted * scale + offset + read).numpy()
    return planes


def _photographed(clean: Planes, camera: Cameras, generator: torch.Generator) -> Planes:
    still = dataclasses.replace(camera, lens_blur=torch.zeros(1), scale=torch.ones(1))
    scene = torch.from_numpy(clean)[None].expand(-1, 3, -1, -1).clamp(0, 1)
    noisy = photograph(scene, still, generator).noisy[0].numpy()
    planes: Planes = to_grey(noisy) if len(clean) == 1 else noisy
    return planes
