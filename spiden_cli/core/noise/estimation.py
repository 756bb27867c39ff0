"""Blind noise level: how strong is the Gaussian noise in this one picture?

Cut the picture into patches. Clean patches lie near a plane of few dimensions, white noise fills
all dimensions alike; so the small eigenvalues of the patches' covariance are all about sigma^2,
and the large ones carry the picture. How many are small? Chen, Zhu, Heng, "An Efficient Statistical
Method for Image Noise Level Estimation", ICCV 2015: drop the largest eigenvalue until the mean of
the rest is no longer above their median; that mean is sigma^2.

In textured grey pictures no eigenvalue is free of texture and the rule alone reads far too high. So
it is repeated on the patches that sigma alone could explain, as in Liu, Tanaka, Okutomi,
"Single-Image Noise Level Estimation for Blind Denoising", IEEE TIP 2013: those whose gradient
energy is below a quantile of what pure noise gives. Patches close to black or white are left out
too, since clipping has cut their noise.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from spiden_cli.core.image.picture import Pixels, Range
from spiden_cli.core.image.pixels import Planes, in_8_bit_units
from spiden_cli.errors import InputError

__all__ = ["estimate_sigma"]

Patches = npt.NDArray[np.float32]

_SIDE = 7
_MAXIMUM_PATCHES = 100_000  # the covariance of 49 values is settled long before
_MINIMUM_PATCHES = 10 * _SIDE**2
_ROUNDS = 4
_ENERGY_QUANTILE = 54.41
"""0.99 quantile of a patch's gradient energy under unit white noise, in the Gamma approximation of
Liu et al. (shape 45 / 2, scale 2 * 35 / 45: rank and trace of the gradient operator)."""
_DRAWN = 0.5
"""Share of equal neighbours above which patches are of a drawing; of noise of one level 0.3."""
_CLIPPING_MARGIN = 2.0  # in sigma: a patch mean this far from black and white is hardly clipped


def estimate_sigma(image: Pixels | Planes, range: Range | None = None) -> float:
    """Estimate the standard deviation of additive white Gaussian noise.

    Quantised and clipped pictures are fine. Colour: the root mean square over the channels, the one
    sigma of the same total noise power.

    Known bias. On 8-bit files (quantised and clipped) made from Set12 at sigma 5, 15, 25, 50 the
    mean error is +0.2, 0.0, -0.1, -1.2 and the mean absolute error 0.2, 0.1, 0.2, 1.2;
    scikit-image's wavelet estimator has mean absolute errors of 1.2, 0.6, 0.5, 3.5 there. Strong
    noise reads low, since clipping removes some of it. A picture that is fine texture everywhere
    reads high, a clean photo reads 0.5 to 2. Noise that isn't white (JPEG, demosaicing, scaling)
    reads low.

    Memory doesn't grow with the picture: at most 100,000 patches a channel are looked at.

    Args:
        image: (H, W) or (H, W, 3) uint8 or uint16 pixels, or (C, H, W) floats in units of the range
            (0 is black, 1 is white; values outside are fine). Whatever numpy can view as such an
            array will do, a torch tensor on the CPU too.
        range: black and white level of pixels; None: the full range of their type. Floats have
            none.

    Returns:
        sigma in units of 1/255 of the range, whatever the depth: 8-bit units (0..255).

    Raises:
        InputError: the picture is too small to tell (about 29 x 29 is the least).
    """
    values = np.asarray(image)
    if values.dtype.kind == "f":
        planes, range = values, Range.full(values.dtype)
    else:
        range = range or Range.full(values.dtype)
        planes = values[None] if values.ndim == 2 else values.transpose(2, 0, 1)
    sigmas = [_estimate_plane(_patches(plane, range)) for plane in planes]
    return math.sqrt(sum(sigma**2 for sigma in sigmas) / len(sigmas))


def _estimate_plane(patches: Patches) -> float:
    energy = _gradient_energy(patches)
    mean = patches.mean(axis=1)
    sigma = _mean_median_rule(patches)
    for _ in range(_ROUNDS):
        margin = _CLIPPING_MARGIN * sigma
        weak = energy < _ENERGY_QUANTILE * sigma**2
        unclipped = weak & (mean >= margin) & (mean <= 255 - margin)
        chosen = unclipped if unclipped.sum() >= _MINIMUM_PATCHES else weak
        if chosen.sum() < _MINIMUM_PATCHES:
            break
        sigma = _mean_median_rule(patches[chosen])
    return sigma


def _patches(plane: npt.NDArray[Any], range: Range) -> Patches:
    """(N, 49) overlapping patches on a regular grid, in 8-bit units; all of a small picture.

    The grid is cut from the (H, W) plane as it is stored, so that no more than the patches is ever
    turned to floats.
    """
    if min(plane.shape) < _SIDE:
        count = 0
    else:
        windows = np.lib.stride_tricks.sliding_window_view(plane, (_SIDE, _SIDE))
        count = windows.shape[0] * windows.shape[1]
    if count < _MINIMUM_PATCHES:
        height, width = plane.shape
        raise InputError(
            f"{width} x {height} pixels is too small to estimate the noise level; give sigma"
        )
    step = max(1, math.ceil(math.sqrt(count / _MAXIMUM_PATCHES)))
    sampled = windows[::step, ::step].reshape(-1, _SIDE**2)
    return in_8_bit_units(_without_one_tone(sampled), range)


def _without_one_tone(patches: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Leave out patches of one value, such as those of a frame around a noisy picture.

    Not where the others look drawn: many equal neighbours are no noise, and one value is the rule.
    """
    rest = patches[patches.min(axis=1) < patches.max(axis=1)]
    if len(rest) < _MINIMUM_PATCHES or len(rest) == len(patches):
        return patches
    squares = rest.reshape(-1, _SIDE, _SIDE)
    drawn = (squares[..., 1:] == squares[..., :-1]).mean() > _DRAWN
    return patches if drawn else rest


def _gradient_energy(patches: Patches) -> npt.NDArray[np.float32]:
    """Sum over the patch of squared central differences, horizontal and vertical: (N,)."""
    squares = patches.reshape(-1, _SIDE, _SIDE)
    horizontal = (squares[:, :, 2:] - squares[:, :, :-2]) / 2
    vertical = (squares[:, 2:, :] - squares[:, :-2, :]) / 2
    return np.asarray((horizontal**2).sum(axis=(1, 2)) + (vertical**2).sum(axis=(1, 2)))


def _mean_median_rule(patches: Patches) -> float:
    """Sigma by the eigenvalues of the covariance (Chen et al., algorithm 1)."""
    centred = patches - patches.mean(axis=0)
    covariance = (centred.T @ centred).astype(np.float64) / len(centred)
    eigenvalues = np.linalg.eigvalsh(covariance)[::-1].clip(min=0)  # largest first
    for start in range(len(eigenvalues)):
        rest = eigenvalues[start:]
        middle = rest[(len(rest) - 1) // 2], rest[len(rest) // 2]  # they are sorted
        if rest.mean() <= (middle[0] + middle[1]) / 2:
            break
    return math.sqrt(rest.mean())
