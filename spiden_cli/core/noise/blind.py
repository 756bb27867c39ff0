"""Blind noise level, white or coarse: what should a network be told of this one picture?

The noise of a photograph went through demosaicing, smoothing and JPEG. It is coarse: its finest
scale, which is all that `estimate_sigma` sees, holds almost none of it. Its strength shows in flat
blocks instead, where little but noise is left once a plane is taken out. Two things tell it from
texture. Noise differs between the colour channels and texture hardly does, so the differences of
the channels hold noise and little else. And noise is everywhere alike: the flattest blocks of a
noisy picture are about equally strong, those of a textured one are not.

White noise is recognised by the differences of the channels too: averaged over 2 x 2 pixels they
fall to half, and the white estimate accounts for all that is in them.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spiden_cli.core.image.picture import Pixels, Range
from spiden_cli.core.image.pixels import to_unit
from spiden_cli.core.noise.estimation import estimate_sigma

__all__ = ["NoiseEstimate", "estimate_noise"]

Blocks = NDArray[np.float32]

_SIDE = 16
_MAXIMUM_BLOCKS = 2048  # their quantiles are settled long before
_MINIMUM_BLOCKS = 64
_CLIPPED_SHARE = 0.02
_MAXIMUM_SIGMA = 255.0

_FLAT = 0.05
"""Quantile over the blocks whose deviation is taken for the noise's."""
_FLATTEST, _FLATTER = 0.01, 0.20
"""Quantiles whose ratio says how alike the flat blocks are."""
_SCALE_SHARE = 0.15
"""Share of blocks, the flattest, in which the coarseness is measured."""

# Chosen on synthetic noise over held-out pictures; the docstring of `estimate_noise` says which.
_OPPONENT = np.array([[1, 1, 1], [1, -1, 0], [1, 1, -2]], np.float32)
_OPPONENT /= np.linalg.norm(_OPPONENT, axis=1, keepdims=True)  # orthonormal: white stays white
_CHROMA_BOUNDS = (1.6, 3.0)
"""Cameras smooth chroma more than luma: the noise of a channel is up to this much the stronger, and
where the flat blocks are alike, up to the other."""
_ALIKE = (1.25, 1.4)
"""Ratio of the quantiles below which flat blocks are noise alone, and above which unknown."""
_SURE = (1.2, 1.8)
"""Ratio of the quantiles at which the full factor, and the careful one, are told."""
_CAREFUL, _FULL, _POWER = 1.6, 3.8, 0.7
"""sigma = factor * level ** power: coarse noise asks for more force, strong noise for less more."""
_CLEAN = (0.3, 1.2)
"""Level below which there is no noise, and above which it is noise for certain."""
_NO_SIGMA = 1.0
"""Below it, nothing that a network would remove could be told from the picture."""
_WHITE_CHROMA_RATIO, _WHITE_CHROMA_SHARE, _WHITE_CHROMA_SLACK = 1.65, 0.72, 0.1
_WHITE_LUMA_RATIO, _WHITE_LUMA_SHARE = 1.5, 0.7
_LEAST_CHROMA = 0.3
"""Chroma noise below it says nothing: a grey picture in three channels, or a strong JPEG."""


@dataclass(frozen=True)
class NoiseEstimate:
    """What was found of a picture's noise; all levels in 1/255 of its range.

    Attributes:
        white: standard deviation of white Gaussian noise that would explain the finest scale.
        level: root mean square of the noise of all scales, over the channels.
        coarseness: strength after averaging 2 x 2 pixels, relative to white noise: 1 for white
            noise, 2 for noise that the averaging leaves as it is.
        sigma: what a network that was trained on white noise should be told.
        is_white: whether the noise is white.
    """

    white: float
    level: float
    coarseness: float
    sigma: float
    is_white: bool

    def __str__(self) -> str:
        """Say in plain words what was found."""
        if self.sigma < _NO_SIGMA:
            return "no noise was found" if self.sigma == 0 else "hardly any noise was found"
        kind = "white noise" if self.is_white else "coarse camera noise"
        return f"{kind}, about {self.level:.2g} of 255 levels"


def estimate_noise(pixels: Pixels, range: Range | None = None) -> NoiseEstimate:
    """Estimate the noise of a picture, white or coarse.

    White noise is what `estimate_sigma` says. So is everything in grey pictures, unless their flat
    blocks are very much alike, and in pictures too small to have 64 blocks of 16 x 16 pixels.

    Measured on synthetic noise over crops of 512 x 512 of 32 photographs that `spiden train` holds
    out (bsd432 and photos); the constants were chosen on them too, mostly on half of them. White
    noise of sigma 2 to 50: called white in each. Camera noise of 2 to 10 levels (shot and read
    noise, bilinear demosaicing, smoothing, tone curve, JPEG of quality 80 to 95): `level` is 0.7
    times the true root mean square, with a standard deviation of 0.2 between pictures. The default
    colour model, told `sigma`, gains from 0.1 dB up in each of 69, 1.3 dB on average, where the
    best of six levels gains 1.7. White noise blurred by 1 pixel: `level` is right on average (0.3
    deviation), but five of 32 pictures gain less than 0.1 dB, or lose up to 0.55 dB, sand 1.4.
    Clean pictures keep 44 dB to themselves, but sand, which is called white noise, only 35.

    Real cameras read too low: over the 25 pairs of nam25, on which nothing was chosen, PSNR rises
    from 37.06 to 39.00 dB, while sigma 10 for all gives 40.28. None loses; in two no noise is
    found, though there is. Grey pictures with camera noise are called white, and so left nearly as
    they are, three times out of four.

    At most 2048 blocks are looked at, spread over the picture, so that neither time nor memory
    grow with it. Blocks that touch black or white and constant ones are left out.

    Args:
        pixels: (H, W) or (H, W, 3), uint8, uint16 or float.
        range: black and white level; None: the full range of the type, 0 to 1 for floats.

    Raises:
        InputError: the picture is too small to tell.
    """
    range = range or Range.full(pixels.dtype)
    floating = pixels.dtype.kind == "f"
    white = min(estimate_sigma(to_unit(pixels, range) if floating else pixels, range), 255.0)
    blocks = _usable(_sample(pixels, range))
    if len(blocks) < _MINIMUM_BLOCKS:
        return NoiseEstimate(white, white, 1.0, white, is_white=True)
    channels = _residual(blocks)
    flat = float(np.sqrt(np.mean(np.quantile(_variance(channels), _FLAT, axis=0))))
    if blocks.shape[-1] == 1:
        return _from_luma(white, flat, _measure(channels))
    opponent = channels @ _OPPONENT.T
    luma = _measure(opponent[..., :1])
    chroma = _measure(_unlike(opponent[..., 1:], opponent[..., :1]))
    if chroma.flat < _LEAST_CHROMA:
        return _from_luma(white, flat, luma)
    explained = white >= _WHITE_CHROMA_SHARE * chroma.flat - _WHITE_CHROMA_SLACK
    if explained and chroma.coarseness < _WHITE_CHROMA_RATIO:
        return NoiseEstimate(white, white, chroma.coarseness, white, is_white=True)
    bound, loose = (min(flat, times * chroma.flat) for times in _CHROMA_BOUNDS)
    level = max(bound, loose * _falling(luma.spread, *_ALIKE))
    return _coarse(white, level, chroma.coarseness, luma.spread)


class _Measure(NamedTuple):
    """Blocks of one plane or several: noise in the flat ones, its spread and its coarseness."""

    flat: float
    spread: float
    coarseness: float


def _from_luma(white: float, flat: float, luma: _Measure) -> NoiseEstimate:
    """Decide without colour: white, unless the flat blocks are alike and hold much more."""
    alike = _falling(luma.spread, *_ALIKE)
    explained = white >= _WHITE_LUMA_SHARE * flat
    if alike == 0 or explained or luma.coarseness < _WHITE_LUMA_RATIO:
        return NoiseEstimate(white, white, luma.coarseness, white, is_white=True)
    return _coarse(white, flat * alike, luma.coarseness, luma.spread)


def _coarse(white: float, level: float, coarseness: float, spread: float) -> NoiseEstimate:
    """Return what to tell a network of coarse noise; the less sure, the less."""
    factor = _CAREFUL + (_FULL - _CAREFUL) * _falling(spread, *_SURE)
    sigma = factor * level**_POWER * (1 - _falling(level, *_CLEAN))
    sigma = min(sigma, _MAXIMUM_SIGMA) if sigma >= _NO_SIGMA else 0.0
    return NoiseEstimate(white, level, coarseness, sigma, is_white=False)


def _falling(value: float, low: float, high: float) -> float:
    """Return 1 below `low`, 0 above `high`, and a straight line between."""
    return float(np.clip((high - value) / (high - low), 0, 1))


def _sample(pixels: Pixels, range: Range) -> Blocks:
    """(N, 16, 16, C) blocks on a regular grid, in 8-bit units."""
    planes = pixels[..., None] if pixels.ndim == 2 else pixels
    rows, columns, channels = planes.shape[0] // _SIDE, planes.shape[1] // _SIDE, planes.shape[2]
    step = max(1, int(np.ceil(np.sqrt(rows * columns / _MAXIMUM_BLOCKS))))
    whole = planes[: rows * _SIDE, : columns * _SIDE]
    grid = whole.reshape(rows, _SIDE, columns, _SIDE, channels).swapaxes(1, 2)
    blocks = grid[::step, ::step].reshape(-1, _SIDE, _SIDE, channels).astype(np.float32)
    blocks -= np.float32(range.black)
    blocks *= np.float32(255 / range.span)
    return blocks


def _usable(blocks: Blocks) -> Blocks:
    """Leave out blocks that clipping has touched, and constant ones, which no camera made."""
    clipped = ((blocks <= 1) | (blocks >= 254)).mean((1, 2, 3)) > _CLIPPED_SHARE
    constant = (np.ptp(blocks, axis=(1, 2)) == 0).all(-1)
    usable: Blocks = blocks[~clipped & ~constant]
    return usable


def _residual(blocks: Blocks) -> Blocks:
    """Take the plane of least squares out of each block and channel."""
    offset = np.arange(_SIDE, dtype=np.float32) - np.float32((_SIDE - 1) / 2)
    centred: Blocks = blocks - blocks.mean((1, 2), keepdims=True)
    weight = np.float32(1 / (_SIDE * (offset**2).sum()))
    down = np.einsum("nyxc,y->nc", centred, offset) * weight
    across = np.einsum("nyxc,x->nc", centred, offset) * weight
    centred -= down[:, None, None] * offset[:, None, None]
    centred -= across[:, None, None] * offset[:, None]
    return centred


def _variance(residual: Blocks) -> NDArray[np.float32]:
    """Variance of each block and channel, (N, C): a plane has cost three degrees of freedom."""
    squares: NDArray[np.float32] = np.einsum("nyxc,nyxc->nc", residual, residual)
    variance: NDArray[np.float32] = squares / np.float32(residual[0, ..., 0].size - 3)
    return variance


def _unlike(chroma: Blocks, luma: Blocks) -> Blocks:
    """Take out of each block what follows its luma: the texture of a coloured surface."""
    shared = np.einsum("nyxc,nyxl->nc", chroma, luma)
    power = np.einsum("nyxl,nyxl->n", luma, luma)[:, None]
    slope = np.divide(shared, power, out=np.zeros_like(shared), where=power > 0)
    unlike: Blocks = chroma - slope[:, None, None] * luma
    return unlike


def _measure(residual: Blocks) -> _Measure:
    fine = _variance(residual).mean(-1)
    halves = residual.reshape(-1, _SIDE // 2, 2, _SIDE // 2, 2, residual.shape[-1]).mean((2, 4))
    flattest, flat, flatter = np.sqrt(np.quantile(fine, (_FLATTEST, _FLAT, _FLATTER)))
    chosen = fine <= np.quantile(fine, _SCALE_SHARE)
    power = float(fine[chosen].mean())
    coarseness = 2 * np.sqrt(_variance(halves)[chosen].mean() / power) if power else 1.0
    spread = flatter / flattest if flattest else np.inf
    return _Measure(float(flat), float(spread), float(coarseness))
