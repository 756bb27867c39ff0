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
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spiden_cli.core.image.picture import Pixels, Range
from spiden_cli.core.image.pixels import Planes, in_8_bit_units
from spiden_cli.core.image.plane_view import PlaneView, compacted
from spiden_cli.errors import InputError

__all__ = ["estimate_sigma"]

Patches = NDArray[np.float32]
"""(49, N): pixels of one place of all patches lie side by side, which is what is fast."""

Values = NDArray[np.float32]
"""One number a patch, or a pixel."""

_SIDE = 7
_MAXIMUM_PATCHES = 100_000  # the covariance of 49 values is settled long before
_MINIMUM_PATCHES = 10 * _SIDE**2
_ROUNDS = 4
_SETTLED = 0.01
"""Change of sigma from round to round, as a share of it, that is none any more."""
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
            array will do, a torch tensor on the CPU too; or a view of pixels.
        range: black and white level of pixels; None: the full range of their type. Floats have
            none.

    Returns:
        sigma in units of 1/255 of the range, whatever the depth: 8-bit units (0..255).

    Raises:
        InputError: the picture is too small to tell (about 29 x 29 is the least).
    """
    values: Any = image if isinstance(image, PlaneView) else np.asarray(image)
    if isinstance(values, PlaneView):
        range = range or Range.full(values.dtype)
        samples = 1 if values.ndim == 2 else values.shape[2]
        planes: Any = [
            values.sample((..., k) if values.ndim == 3 else ()) for k in np.arange(samples)
        ]
    elif values.dtype.kind == "f":
        planes, range = values, Range.full(values.dtype)
    else:
        range = range or Range.full(values.dtype)
        planes = values[None] if values.ndim == 2 else values.transpose(2, 0, 1)
    sigmas = [_estimate_plane(*_patches(plane, range)) for plane in planes]
    return math.sqrt(sum(sigma**2 for sigma in sigmas) / len(sigmas))


def _estimate_plane(patches: Patches, energy: Values) -> float:
    mean = patches.mean(axis=0)
    patches -= patches.mean(axis=1, keepdims=True)
    sigma = _mean_median_rule(_products(patches))
    before, products = np.zeros(patches.shape[1], bool), None
    for _ in range(_ROUNDS):
        margin = _CLIPPING_MARGIN * sigma
        weak = energy < _ENERGY_QUANTILE * sigma**2
        unclipped = weak & (mean >= margin) & (mean <= 255 - margin)
        chosen = unclipped if np.count_nonzero(unclipped) >= _MINIMUM_PATCHES else weak
        if np.count_nonzero(chosen) < _MINIMUM_PATCHES:
            break
        products = _products_of(chosen, patches, before, products)
        last, sigma, before = sigma, _mean_median_rule(products), chosen
        if abs(sigma - last) <= _SETTLED * sigma:
            break
    return sigma


class _Products(NamedTuple):
    """Sums over N patches, of which their covariance is made.

    Attributes:
        squares: (49, 49) of the products of their pixels.
        sums: (49,) of their pixels, each of about no mean, so that no precision is lost.
        number: N.
    """

    squares: NDArray[np.float64]
    sums: NDArray[np.float64]
    number: int


def _products(patches: Patches) -> _Products:
    squares = (patches @ patches.T).astype(np.float64)
    return _Products(squares, patches.sum(axis=1).astype(np.float64), patches.shape[1])


def _products_of(
    chosen: NDArray[np.bool_], patches: Patches, before: NDArray[np.bool_], known: _Products | None
) -> _Products:
    """Return the sums over chosen patches, by what differs from those before, if that is less."""
    new, gone = np.flatnonzero(chosen & ~before), np.flatnonzero(before & ~chosen)
    if known is None or len(new) + len(gone) > known.number // 2:
        return _products(patches[:, np.flatnonzero(chosen)])
    more, less = _products(patches[:, new]), _products(patches[:, gone])
    return _Products(
        known.squares + more.squares - less.squares,
        known.sums + more.sums - less.sums,
        known.number + more.number - less.number,
    )


def _patches(plane: NDArray[Any], range: Range) -> tuple[Patches, Values]:
    """(49, N) overlapping patches on a regular grid, all of a small picture, and their energy.

    Both are in 8-bit units; the energy (N,) is the sum of squared central differences.

    The grid is cut from the (H, W) plane as it is stored, so that no more than the patches is ever
    turned to floats.
    """
    rows, columns = (max(0, side - _SIDE + 1) for side in plane.shape)
    count = rows * columns
    if count < _MINIMUM_PATCHES:
        height, width = plane.shape
        raise InputError(
            f"{width} x {height} pixels is too small to estimate the noise level; give sigma"
        )
    step = max(1, math.ceil(math.sqrt(count / _MAXIMUM_PATCHES)))
    if isinstance(plane, PlaneView):
        down, across = -(-rows // step), -(-columns // step)
        squares = compacted(plane, _SIDE, step, down, across)
        sampled: Any = squares.reshape(down, _SIDE, across, _SIDE).transpose(1, 3, 0, 2)
    else:
        windows = np.lib.stride_tricks.sliding_window_view(plane, (_SIDE, _SIDE))
        sampled = windows[::step, ::step].transpose(2, 3, 0, 1)
    sampled = sampled.reshape(_SIDE**2, -1)
    kept = _not_of_one_tone(sampled)
    patches = in_8_bit_units(sampled if kept is None else sampled[:, kept], range)
    if step > 1 or isinstance(plane, PlaneView):
        return patches, _gradient_energy(patches)
    energy = _gradient_energy_of_all(in_8_bit_units(plane, range))
    return patches, energy if kept is None else energy[kept]


def _not_of_one_tone(patches: NDArray[Any]) -> NDArray[np.intp] | None:
    """Return which patches have several values, unlike those of a frame around a noisy picture.

    None, for all, where the others look drawn: many equal neighbours are no noise, and one value is
    the rule.
    """
    varied = np.flatnonzero(patches.min(axis=0) < patches.max(axis=0))
    if len(varied) < _MINIMUM_PATCHES or len(varied) == patches.shape[1]:
        return None
    squares = patches[:, varied].reshape(_SIDE, _SIDE, -1)
    drawn = (squares[:, 1:] == squares[:, :-1]).mean() > _DRAWN
    return None if drawn else varied


def _gradient_energy(patches: Patches) -> Values:
    """Sum over each patch of squared central differences, horizontal and vertical: (N,)."""
    squares = patches.reshape(_SIDE, _SIDE, -1)
    energy: Values = np.zeros(patches.shape[1], np.float32)
    for line in range(_SIDE):  # a row and a column at a time stay in the processor's cache
        for along in (squares[line], squares[:, line]):
            difference = along[2:] - along[:-2]
            energy += np.einsum("kn,kn->n", difference, difference)
    energy /= 4
    return energy


def _gradient_energy_of_all(plane: Values) -> Values:
    """Return what `_gradient_energy` does, of the patches at all pixels: each difference once."""
    across, down = plane[:, 2:] - plane[:, :-2], plane[2:] - plane[:-2]
    across *= across
    down *= down
    energy = _sums_of(_sums_of(across, _SIDE).T, _SIDE - 2).T
    energy = energy + _sums_of(_sums_of(down, _SIDE - 2).T, _SIDE).T
    whole: Values = energy.ravel() / np.float32(4)
    return whole


def _sums_of(values: Values, rows: int) -> Values:
    """Return the sum of each so many rows that follow each other."""
    number = len(values) - rows + 1
    total = values[:number].copy()
    for first in range(1, rows):
        total += values[first : first + number]
    return total


def _mean_median_rule(products: _Products) -> float:
    """Sigma by the eigenvalues of the covariance (Chen et al., algorithm 1)."""
    mean = products.sums / products.number
    covariance = products.squares / products.number - np.outer(mean, mean)
    eigenvalues = np.linalg.eigvalsh(covariance)[::-1].clip(min=0)  # largest first
    number = len(eigenvalues)
    first = np.arange(number)
    means = eigenvalues[::-1].cumsum()[::-1] / (number - first)
    # They are sorted: the median of those from one on lies halfway between it and the last.
    medians = (eigenvalues[(number - 1 + first) // 2] + eigenvalues[(number + first) // 2]) / 2
    return math.sqrt(means[np.argmax(means <= medians)])
