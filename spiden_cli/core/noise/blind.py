"""Blind noise level, white or coarse: what should a network be told of this one picture?

The noise of a photograph went through demosaicing, smoothing and JPEG. It is coarse: its finest
scale, which is all that `estimate_sigma` sees, holds almost none of it. It shows in flat blocks
instead, at several scales, in luma and in the differences of the colours; a small perceptron,
fitted on synthetic camera noise, reads the level from the quantiles of their deviations
(`benchmarks/noise_level.py` fits it, and prints its errors).

White noise is recognised by the differences of the channels: averaged over 2 x 2 pixels they fall
to half, and the white estimate accounts for all that is in them.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spiden_cli.core.image.picture import Pixels, Range
from spiden_cli.core.image.pixels import to_unit
from spiden_cli.core.image.plane_view import PlaneView
from spiden_cli.core.noise.blocks import (
    Blocks,
    Measure,
    averaged,
    measure,
    opponent_of,
    residual_of,
    usable_blocks,
    variance,
)
from spiden_cli.core.noise.estimation import estimate_sigma
from spiden_cli.errors import InputError

__all__ = ["NoiseEstimate", "estimate_noise", "is_coarse", "level_features"]

_PERCEPTRON = Path(__file__).with_name("camera_level.safetensors")
_LEVEL_OFFSET = 0.3
"""The perceptron's output is log(level + this): below, levels are all alike."""
_SCALES, _QUANTILES = (1, 2, 4), (0.01, 0.05, 0.20, 0.50)

_MINIMUM_BLOCKS = 64
_MAXIMUM_SIGMA = 255.0

# The rest was chosen on synthetic noise over held-out pictures.
_ALIKE = (1.25, 1.4)
"""Spread of flat blocks below which they are noise alone, and above which unknown."""
_SURE = (1.2, 1.8)
"""Spread at which the full factor, and the careful one, are told."""
_CAREFUL, _FULL, _POWER = 1.6, 3.8, 0.7
"""sigma = factor * level ** power: coarse noise asks for more force, strong noise for less more."""
_CLEAN = (0.3, 1.2)
"""Level below which there is no noise, and above which it is noise for certain."""
_NO_SIGMA = 1.0
"""Below it, nothing that a network would remove could be told from the picture."""
_WHITE_CHROMA_RATIO, _WHITE_CHROMA_SHARE, _WHITE_CHROMA_SLACK = 1.3, 0.72, 0.1
_WHITE_LUMA_RATIO, _WHITE_LUMA_SHARE = 1.5, 0.7
_LEAST_CHROMA = 0.3
"""Chroma noise below it says nothing: a grey picture in three channels, or a strong JPEG."""
_THIRDS = (85, 170)
_UNEVEN = 1.5
"""Ratio of noise in the dark to that in the light, or the reverse, that is worth a word."""


@dataclass(frozen=True)
class NoiseEstimate:
    """What was found of a picture's noise; all levels in 1/255 of its range.

    Attributes:
        white: standard deviation of white Gaussian noise that would explain the finest scale.
        level: root mean square of the noise of all scales, over the channels: what a network that
            was trained on camera noise should be told.
        coarseness: strength after averaging 2 x 2 pixels, relative to white noise: 1 for white
            noise, 2 for noise that the averaging leaves as it is.
        sigma: what a network that was trained on white noise should be told.
        is_white: whether the noise is white.
        dark_to_light: noise in dark places over that in light ones; None where the picture has not
            enough of both.
    """

    white: float
    level: float
    coarseness: float
    sigma: float
    is_white: bool
    dark_to_light: float | None = None

    def __str__(self) -> str:
        """Say in plain words what was found."""
        if self.sigma < _NO_SIGMA:
            return "no noise was found" if self.sigma == 0 else "hardly any noise was found"
        kind = "white noise" if self.is_white else "coarse camera noise"
        return f"{kind}, about {self.level:.2g} of 255 levels{self._where()}"

    def _where(self) -> str:
        ratio = self.dark_to_light
        if ratio is None or 1 / _UNEVEN < ratio < _UNEVEN:
            return ""
        return f", stronger in the {'shadows' if ratio > 1 else 'lights'}"


def estimate_noise(pixels: Pixels, range: Range | None = None) -> NoiseEstimate:
    """Estimate the noise of a picture, white or coarse.

    White noise is what `estimate_sigma` says. So is everything in grey pictures, unless their flat
    blocks are very much alike, and in pictures too small to have 64 blocks of 16 x 16 pixels.

    Measured by `benchmarks/noise_level.py` on cut-outs of 320 x 320 of 32 photographs that `spiden
    train` holds out (bsd432 and photos). White noise of sigma 1 to 50: called white in each, and
    within 8 % in nine of ten. Noise of random cameras, of 1.5 levels and more: `level` is 0.99
    times the true root mean square (median; 0.63 and 1.27 at 10 % and 90 %), and one in fourteen is
    called white. Clean pictures: 0.8 levels on average, 2.1 at 90 %, 4.7 at most: a picture that is
    fine texture of many colours everywhere looks like noise. The 25 real pairs of nam25, on which
    nothing was chosen: 0.75 times the truth, 0.31 to 1.07, and 0.1 levels in the clean ones, 0.8 at
    most. Grey pictures with camera noise are called white, and so left nearly as they are, three
    times out of four.

    Args:
        pixels: (H, W) or (H, W, 3), uint8, uint16 or float.
        range: black and white level; None: the full range of the type, 0 to 1 for floats.

    Raises:
        InputError: the picture is too small to tell.
    """
    range = range or Range.full(pixels.dtype)
    floating = pixels.dtype.kind == "f"
    seen, limits = pixels, range
    if floating:
        seen, limits = _in_unit(pixels, range), Range(0.0, 1.0)
    white = min(estimate_sigma(seen, limits), 255.0)
    blocks = usable_blocks(pixels, range)
    if len(blocks) < _MINIMUM_BLOCKS:
        return NoiseEstimate(white, white, 1.0, white, is_white=True)
    channels = residual_of(blocks)
    if blocks.shape[-1] == 1:
        return _from_luma(white, measure(channels))
    opponent = opponent_of(channels)
    luma, chroma = measure(opponent[..., :1]), measure(opponent[..., 1:])
    if chroma.flat < _LEAST_CHROMA:
        return _from_luma(white, luma)
    uneven = _dark_to_light(blocks, opponent)
    explained = white >= _WHITE_CHROMA_SHARE * chroma.flat - _WHITE_CHROMA_SLACK
    if explained and chroma.coarseness < _WHITE_CHROMA_RATIO:
        return NoiseEstimate(white, white, chroma.coarseness, white, True, uneven)
    level = _read_level(level_features(opponent, white))
    return _coarse(white, level, chroma.coarseness, luma.spread, uneven)


def _in_unit(pixels: Any, range: Range) -> Any:  # noqa: ANN401
    """Return floats as shares of a range: (C, H, W), or a view as a view."""
    if not isinstance(pixels, PlaneView):
        return to_unit(pixels, range)

    def change(values: Pixels) -> Any:  # noqa: ANN401
        unit = to_unit(values, range)
        return unit[0] if values.ndim == 2 else unit.transpose(1, 2, 0)

    return pixels.changed(change, np.float32)


def is_coarse(pixels: Pixels, range: Range) -> bool:
    """Return whether the noise of a picture is a camera's; of one too small to tell, False.

    Args:
        pixels: (H, W) or (H, W, 3), uint8, uint16 or float.
        range: black and white level.
    """
    try:
        return not estimate_noise(pixels, range).is_white
    except InputError:
        return False


def level_features(opponent: Blocks, white: float) -> NDArray[np.float32]:
    """Describe blocks by the logarithms of quantiles of their deviations, at three scales: (37,).

    Args:
        opponent: (N, 16, 16, 3) luma and differences of colour.
        white: what `estimate_sigma` says.
    """
    values = [white]
    for scale in _SCALES:
        variances = variance(averaged(opponent, scale))
        quantiles = np.sqrt(np.quantile(variances, _QUANTILES, axis=0))
        values += quantiles.T.ravel().tolist()
    described: NDArray[np.float32] = np.log(np.array(values, np.float32) + np.float32(0.05))
    return described


def _read_level(features: NDArray[np.float32]) -> float:
    """Return the level that the perceptron reads from features: one hidden layer, SiLU."""
    net = _perceptron()
    hidden = net["hidden.weight"] @ ((features - net["mean"]) / net["scale"]) + net["hidden.bias"]
    hidden = hidden / (1 + np.exp(-hidden))
    logarithm = float(net["output.weight"] @ hidden + net["output.bias"])
    return float(np.clip(np.exp(logarithm) - _LEVEL_OFFSET, 0, _MAXIMUM_SIGMA))


@cache
def _perceptron() -> dict[str, NDArray[np.float32]]:
    from safetensors.numpy import load_file

    tensors: dict[str, NDArray[np.float32]] = load_file(_PERCEPTRON)
    return tensors


def _from_luma(white: float, luma: Measure) -> NoiseEstimate:
    """Decide without colour: white, unless the flat blocks are alike and hold much more."""
    alike = _falling(luma.spread, *_ALIKE)
    explained = white >= _WHITE_LUMA_SHARE * luma.flat
    if alike == 0 or explained or luma.coarseness < _WHITE_LUMA_RATIO:
        return NoiseEstimate(white, white, luma.coarseness, white, is_white=True)
    return _coarse(white, luma.flat * alike, luma.coarseness, luma.spread)


def _coarse(
    white: float, level: float, coarseness: float, spread: float, uneven: float | None = None
) -> NoiseEstimate:
    """Return what to tell a network of coarse noise; the less sure, the less."""
    factor = _CAREFUL + (_FULL - _CAREFUL) * _falling(spread, *_SURE)
    sigma = factor * level**_POWER * (1 - _falling(level, *_CLEAN))
    sigma = min(sigma, _MAXIMUM_SIGMA) if sigma >= _NO_SIGMA else 0.0
    return NoiseEstimate(white, level, coarseness, sigma, False, uneven)


def _dark_to_light(blocks: Blocks, opponent: Blocks) -> float | None:
    """Compare what the differences of colour hold in dark and in light blocks, the flat of each."""
    brightness = blocks.mean((1, 2, 3))
    dark, light = brightness < _THIRDS[0], brightness > _THIRDS[1]
    if min(dark.sum(), light.sum()) < _MINIMUM_BLOCKS // 2:
        return None
    chroma = variance(opponent[..., 1:]).mean(-1)
    below, above = (float(np.quantile(chroma[part], 0.2)) for part in (dark, light))
    return float(np.sqrt(below / above)) if above > 0 else None


def _falling(value: float, low: float, high: float) -> float:
    """Return 1 below `low`, 0 above `high`, and a straight line between."""
    return float(np.clip((high - value) / (high - low), 0, 1))
