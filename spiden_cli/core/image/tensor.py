"""Pixels and tensors: `pixels`, for those who compute with torch."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from spiden_cli.core.image import pixels as arrays
from spiden_cli.core.image.picture import Pixels

__all__ = ["to_grey", "to_pixels", "to_tensor"]

_LUMA = (0.299, 0.587, 0.114)


def to_tensor(pixels: Pixels) -> Tensor:
    """Scale pixels to [0, 1]: uint8 by 1/255, uint16 by 1/65535.

    Args:
        pixels: (H, W) grey or (H, W, 3) RGB.

    Returns:
        (1, H, W) or (3, H, W) float32, contiguous, on the CPU.
    """
    return torch.from_numpy(arrays.to_unit(pixels))


def to_pixels(tensor: Tensor, dtype: npt.DTypeLike) -> Pixels:
    """Clip to [0, 1] and round to the nearest whole value, ties to even (IEEE 754, `np.rint`).

    The inverse of `to_tensor` for both depths.

    Args:
        tensor: (1, H, W) or (3, H, W), any float type, any device. NaN is refused.
        dtype: uint8 or uint16.

    Returns:
        (H, W) or (H, W, 3) of `dtype`.

    Raises:
        ValueError: NaN, another shape or another dtype. That is a fault of the caller.
    """
    if np.dtype(dtype) not in (np.uint8, np.uint16):
        raise ValueError(f"pixels are uint8 or uint16, not {np.dtype(dtype)}")
    return arrays.to_pixels(tensor.detach().to("cpu", torch.float32).numpy(), dtype)


def to_grey(tensor: Tensor) -> Tensor:
    """Luma of RGB, Y' = 0.299 R' + 0.587 G' + 0.114 B' (ITU-R BT.601-7, section 2.5.1), full range.

    These are the weights by which the field turns its colour sets to grey (OpenCV's grey reading,
    as KAIR does; MATLAB's rgb2gray).

    Args:
        tensor: (..., 3, H, W), or (..., 1, H, W) which is returned as it is.

    Returns:
        (..., 1, H, W), same range.
    """
    if tensor.shape[-3] == 1:
        return tensor
    weights = tensor.new_tensor(_LUMA).view(3, 1, 1)
    return (tensor * weights).sum(dim=-3, keepdim=True)
