"""Flat blocks of a picture, in which noise shows: taken from it, and what they hold measured.

In a flat block little but noise is left once a plane is taken out. Two things tell it from texture.
Noise differs between the colour channels and texture hardly does, so the differences of the
channels hold noise and little else. And noise is everywhere alike: the flattest blocks of a noisy
picture are about equally strong, those of a textured one are not.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spiden_cli.core.image.picture import Pixels, Range
from spiden_cli.core.image.pixels import in_8_bit_units
from spiden_cli.core.image.plane_view import squares_of

__all__ = [
    "Blocks",
    "Measure",
    "averaged",
    "measure",
    "opponent_of",
    "residual_of",
    "usable_blocks",
    "variance",
]

Blocks = NDArray[np.float32]

_SIDE = 16
_MAXIMUM_BLOCKS = 2048  # their quantiles are settled long before
_CLIPPED_SHARE = 0.02
_OPPONENT = np.array([[1, 1, 1], [1, -1, 0], [1, 1, -2]], np.float32)
_OPPONENT /= np.linalg.norm(_OPPONENT, axis=1, keepdims=True)  # orthonormal: white stays white
_FLAT = 0.05
"""Quantile over the blocks whose deviation is taken for the noise's."""
_FLATTEST, _FLATTER = 0.01, 0.20
"""Quantiles whose ratio says how alike the flat blocks are."""
_SCALE_SHARE = 0.15
"""Share of blocks, the flattest, in which the coarseness is measured."""


class Measure(NamedTuple):
    """Blocks of one plane or several.

    Attributes:
        flat: noise in the flat ones: root mean square in 8-bit units.
        spread: how unlike they are, from 1 up: of noise alone about 1.2.
        coarseness: strength after averaging 2 x 2 pixels, relative to white noise: 1 for white
            noise, 2 for noise that the averaging leaves as it is.
    """

    flat: float
    spread: float
    coarseness: float


def usable_blocks(pixels: Pixels, range: Range) -> Blocks:
    """Return blocks on a regular grid, without those that clipping has touched.

    At most 2048 are looked at, spread over the picture, so that neither time nor memory grow with
    it. Constant ones are left out too: no camera made them.

    Args:
        pixels: (H, W) or (H, W, C).
        range: their black and white.

    Returns:
        (N, 16, 16, C) in 8-bit units.
    """
    return _usable(_sample(pixels, range))


def opponent_of(residual: Blocks) -> Blocks:
    """Turn (N, 16, 16, 3) RGB into luma and two differences of colour, free of what follows luma.

    The axes are orthonormal, so that white noise stays white and as strong.
    """
    opponent = residual @ _OPPONENT.T
    opponent[..., 1:] = _unlike(opponent[..., 1:], opponent[..., :1])
    return opponent


def _sample(pixels: Pixels, range: Range) -> Blocks:
    """(N, 16, 16, C) blocks on a regular grid, in 8-bit units."""
    grid = squares_of(pixels, _SIDE, _MAXIMUM_BLOCKS).swapaxes(1, 2)
    return in_8_bit_units(grid.reshape(-1, _SIDE, _SIDE, grid.shape[-1]), range)


def _usable(blocks: Blocks) -> Blocks:
    """Leave out blocks that clipping has touched, and constant ones, which no camera made."""
    clipped = ((blocks <= 1) | (blocks >= 254)).mean((1, 2, 3)) > _CLIPPED_SHARE
    constant = (np.ptp(blocks, axis=(1, 2)) == 0).all(-1)
    usable: Blocks = blocks[~clipped & ~constant]
    return usable


def residual_of(blocks: Blocks) -> Blocks:
    """Take the plane of least squares out of each block and channel."""
    offset = np.arange(_SIDE, dtype=np.float32) - np.float32((_SIDE - 1) / 2)
    centred: Blocks = blocks - blocks.mean((1, 2), keepdims=True)
    weight = np.float32(1 / (_SIDE * (offset**2).sum()))
    down = np.einsum("nyxc,y->nc", centred, offset) * weight
    across = np.einsum("nyxc,x->nc", centred, offset) * weight
    centred -= down[:, None, None] * offset[:, None, None]
    centred -= across[:, None, None] * offset[:, None]
    return centred


def variance(residual: Blocks) -> NDArray[np.float32]:
    """Variance of each block and channel, (N, C): a plane has cost three degrees of freedom."""
    squares: NDArray[np.float32] = np.einsum("nyxc,nyxc->nc", residual, residual)
    found: NDArray[np.float32] = squares / np.float32(residual[0, ..., 0].size - 3)
    return found


def _unlike(chroma: Blocks, luma: Blocks) -> Blocks:
    """Take out of each block what follows its luma: the texture of a coloured surface."""
    shared = np.einsum("nyxc,nyxl->nc", chroma, luma)
    power = np.einsum("nyxl,nyxl->n", luma, luma)[:, None]
    slope = np.divide(shared, power, out=np.zeros_like(shared), where=power > 0)
    unlike: Blocks = chroma - slope[:, None, None] * luma
    return unlike


def averaged(residual: Blocks, scale: int) -> Blocks:
    """Average (N, 16, 16, C) over squares of pixels: (N, 16 / scale, 16 / scale, C).

    Args:
        residual: blocks.
        scale: pixels a side of the squares, a divisor of 16.
    """
    side = _SIDE // scale
    means: Blocks = residual.reshape(-1, side, scale, side, scale, residual.shape[-1]).mean((2, 4))
    return means


def measure(residual: Blocks) -> Measure:
    """Measure what planes of (N, 16, 16, C) hold, planes of least squares taken out."""
    fine = variance(residual).mean(-1)
    flattest, flat, flatter = np.sqrt(np.quantile(fine, (_FLATTEST, _FLAT, _FLATTER)))
    chosen = fine <= np.quantile(fine, _SCALE_SHARE)
    power = float(fine[chosen].mean())
    halved = variance(averaged(residual, 2))
    coarseness = 2 * np.sqrt(halved[chosen].mean() / power) if power else 1.0
    spread = flatter / flattest if flattest else np.inf
    return Measure(float(flat), float(spread), float(coarseness))
