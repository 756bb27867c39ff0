"""Where a picture is denoised: masks as callers hold them, and the share that each pixel takes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from spiden_cli.core.image.picture import Picture, Range
from spiden_cli.core.image.pixels import Planes, in_8_bit_units
from spiden_cli.core.tasks.arrays import is_tensor
from spiden_cli.errors import InputError

__all__ = ["Shares", "as_shares", "blended"]

Shares = NDArray[np.float32]
"""(H, W) how much of what denoising changes each pixel takes: 0 nothing, 1 all of it."""


def as_shares(mask: Any, width: int, height: int) -> Shares:  # noqa: ANN401
    """Return a mask as shares.

    Args:
        mask: a numpy array or torch tensor, (H, W), of bool, of uint8 or uint16, where white is all
            of the type's values, or of floats from 0 to 1; or a grey `Picture`, in which what is
            transparent is black.
        width: columns of the picture that it is for.
        height: rows of that picture.

    Raises:
        InputError: the mask is of another size or kind, or in colour, or a float is out of range.
    """
    if isinstance(mask, Picture):
        shares = _of_picture(mask)
    else:
        shares = _of_array(mask.detach().cpu().numpy() if is_tensor(mask) else mask)
    if shares.shape != (height, width):
        raise InputError(
            f"the mask has {shares.shape[1]} x {shares.shape[0]} pixels, and the picture "
            f"{width} x {height}: make them one size"
        )
    return shares


def _of_picture(mask: Picture) -> Shares:
    pixels = mask.pixels
    if mask.is_colour:
        if (pixels != pixels[..., :1]).any():
            raise InputError(
                "the mask has colours: it must be grey, white where the picture is denoised and "
                "black where it is kept"
            )
        pixels = pixels[..., 0]
    shares = _of_array(pixels)
    return shares if mask.alpha is None else shares * _of_array(mask.alpha)


def _of_array(mask: Any) -> Shares:  # noqa: ANN401
    if not isinstance(mask, np.ndarray) or mask.ndim != 2 or mask.dtype.kind not in "buf":
        raise InputError(
            "a mask must be an array (H, W) of bool, uint8, uint16 or float, or a grey Picture"
        )
    if mask.dtype.kind == "b":
        return mask.astype(np.float32)
    if mask.dtype.kind == "f":
        if not ((mask >= 0) & (mask <= 1)).all():  # NaN, too
            raise InputError("a mask of floats must have values from 0 to 1")
        return mask.astype(np.float32)
    return in_8_bit_units(mask, Range.full(mask.dtype)) / np.float32(255)


def blended(noisy: Planes, denoised: Planes, shares: Shares) -> Planes:
    """Take of each pixel the share that a mask gives it; at 1 it is the denoised one, to the bit.

    Args:
        noisy: (C, H, W).
        denoised: likewise.
        shares: (H, W).
    """
    mixed = noisy + shares * (denoised - noisy)
    result: Planes = np.where(shares == 1, denoised, mixed)
    return result
