"""Images as callers hold them, and pictures as the tasks take them."""

import math
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

import numpy as np
from numpy.typing import NDArray

from spiden_cli.core.files.white_level import range_of
from spiden_cli.core.image.picture import Picture, Range, with_white
from spiden_cli.core.image.region import Region
from spiden_cli.core.image.values import check_type, show
from spiden_cli.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor


class Given(NamedTuple):
    """An image as its caller gave it.

    Attributes:
        picture: what it shows.
        back: makes an image of the same kind and type of what became of the picture, or of a
            region of it.
    """

    picture: Picture
    back: Callable[[Picture, Region | None], Any]


def given_image(image: Any, white: float | None = None) -> Given:  # noqa: ANN401
    """Take an image as a picture.

    Args:
        image: a numpy array (H, W) or (H, W, 3), a torch tensor (H, W), (1, H, W) or (3, H, W), of
            whole or real numbers; or a `Picture`.
        white: the value of white; see `Model.denoise`.

    Raises:
        InputError: it is of another kind, or holds no finite value.
    """
    if isinstance(image, Picture):
        return Given(image if white is None else with_white(image, white), _as_picture)
    array = _array(image)
    check_type(array.dtype, "the image")
    if array.dtype in (np.uint8, np.uint16):
        extent, _ = range_of(array, None)
        picture = Picture(np.ascontiguousarray(array, array.dtype.newbyteorder("=")), range=extent)
        picture = picture if white is None else with_white(picture, white)
        return Given(picture, lambda denoised, _: _like(image, denoised.pixels))
    shown = show(array, None if white is None else _range_to(white))

    def back(denoised: Picture, region: Region | None) -> Any:  # noqa: ANN401
        part = shown if region is None else shown.part(region)
        return _like(image, part.restored(denoised))

    return Given(shown.picture, back)


def _as_picture(denoised: Picture, _: Region | None) -> Picture:
    return denoised


def _array(image: Any) -> NDArray[Any]:  # noqa: ANN401
    """Return (H, W) or (H, W, 3) values of an image."""
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
        raise InputError(
            f"an image must be grey or have three colours, not {image.shape}; of a stack, "
            "denoise_stack asks for the axes"
        )
    return array


def _range_to(white: float) -> Range:
    if not (0 < white < math.inf):  # NaN, too
        raise InputError(f"the white level must be a number above 0, not {white:g}")
    return Range(0.0, white)


def _like(image: Any, pixels: NDArray[Any]) -> Any:  # noqa: ANN401
    """Return pixels as the kind of image that they came from."""
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
