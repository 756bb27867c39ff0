"""Images as callers hold them, and pictures as the tasks take them."""

import sys
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from spiden_cli.core.files.white_level import picture_of
from spiden_cli.core.image.picture import Picture, with_white
from spiden_cli.core.image.values import check_type
from spiden_cli.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor


def as_picture(image: Any, white: float | None = None) -> Picture:  # noqa: ANN401
    """Return the picture that an image shows.

    Args:
        image: a numpy array (H, W) or (H, W, 3), a torch tensor (H, W), (1, H, W) or (3, H, W), of
            whole or real numbers; or a `Picture`.
        white: the value of white; see `Model.denoise`.

    Raises:
        InputError: it is of another kind, or holds no finite value.
    """
    if isinstance(image, Picture):
        return image if white is None else with_white(image, white)
    if is_tensor(image):
        array = image.detach().cpu().numpy()
        array = np.moveaxis(array, 0, -1) if array.ndim == 3 else array
    elif isinstance(image, np.ndarray):
        array = image
    else:
        raise InputError(f"an image must be a numpy array, a torch tensor or a Picture, not "
                         f"{type(image).__name__}")  # fmt: skip
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] != 3):
        raise InputError(f"an image must be grey or have three colours, not {image.shape}")
    check_type(array.dtype, "the image")
    if 0 in array.shape:
        raise InputError(f"an empty image ({image.shape}): there is nothing to denoise")
    picture = picture_of(array)
    return picture if white is None else with_white(picture, white)


def like(image: Any, picture: Picture) -> Any:  # noqa: ANN401
    """Return a picture's pixels as the kind of image that they came from.

    Args:
        image: what `as_picture` was given.
        picture: what became of it, or of a part of it.
    """
    if isinstance(image, Picture):
        return picture
    pixels: NDArray[Any] = picture.measured
    if is_tensor(image):
        import torch

        planes = np.moveaxis(pixels, -1, 0) if pixels.ndim == 3 else pixels
        shape = (*image.shape[:-2], *pixels.shape[:2])
        planes = np.ascontiguousarray(planes).reshape(shape)
        return torch.from_numpy(planes).to(image)
    return pixels.reshape(*pixels.shape[:2], *image.shape[2:]).astype(image.dtype, copy=False)


def is_tensor(image: object) -> "TypeGuard[Tensor]":
    """Return whether an image is a torch tensor, without importing torch to tell."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(image, torch.Tensor)
