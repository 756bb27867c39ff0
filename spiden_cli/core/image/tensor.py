"""The functions of `pixels` for torch tensors: training and the dense engine use them."""

import numpy.typing as npt
import torch
from torch import Tensor

from spiden_cli.core.image import pixels as arrays
from spiden_cli.core.image.picture import Pixels, Range

__all__ = ["to_grey", "to_pixels", "to_tensor"]


def to_tensor(pixels: Pixels, range: Range | None = None) -> Tensor:
    """Scale pixels so that black becomes 0 and white 1.

    Args:
        pixels: (H, W) grey or (H, W, 3) RGB.
        range: black and white level; None: the full range of the type, 0..255 or 0..65535.

    Returns:
        (1, H, W) or (3, H, W) float32, contiguous, on the CPU.
    """
    return torch.from_numpy(arrays.to_unit(pixels, range))


def to_pixels(tensor: Tensor, dtype: npt.DTypeLike, range: Range | None = None) -> Pixels:
    """Clip to [0, 1] and round to the nearest whole value, ties to even.

    The inverse of `to_tensor` for both depths.

    Args:
        tensor: (1, H, W) or (3, H, W), any float type, any device. NaN is refused.
        dtype: uint8 or uint16.
        range: what 0 and 1 become; None: the full range of `dtype`.

    Returns:
        (H, W) or (H, W, 3) of `dtype`.

    Raises:
        ValueError: NaN, another shape or dtype, or a range beyond `dtype`. That is a fault of the
            caller.
    """
    return arrays.to_pixels(tensor.detach().to("cpu", torch.float32).numpy(), dtype, range)


def to_grey(tensor: Tensor) -> Tensor:
    """Luma of RGB (ITU-R BT.601-7), as `pixels.to_grey` computes it.

    Args:
        tensor: (..., 3, H, W) of any float type, on any device, or (..., 1, H, W), which is
            returned as it is.

    Returns:
        (..., 1, H, W), same range, type and device.
    """
    if tensor.shape[-3] == 1:
        return tensor
    weights = tensor.new_tensor(arrays.LUMA).view(3, 1, 1)
    return (tensor * weights).sum(dim=-3, keepdim=True)
