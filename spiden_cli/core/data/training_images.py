"""Reading the images of a training run into memory, as bytes."""

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from spiden_cli.core.files.picture_files import read_picture
from spiden_cli.core.image.tensor import to_grey, to_pixels, to_tensor
from spiden_cli.errors import DatasetError


def load_images(
    paths: Sequence[Path], channels: int, on_image: Callable[[int], None] = lambda _: None
) -> list[Tensor]:
    """Read images as uint8 tensors (C, H, W).

    Args:
        paths: image files.
        channels: 1 makes grey from colour; 3 needs colour images, and passes grey ones over.
        on_image: called with the number of images read so far.

    Raises:
        InputError: a file can't be read.
        DatasetError: no image is left.
    """
    images = []
    for count, path in enumerate(paths, start=1):
        pixels = to_tensor(read_picture(path).pixels)
        if channels == 1:
            pixels = to_grey(pixels)
        if len(pixels) == channels:
            eight_bit = to_pixels(pixels, torch.empty(0, dtype=torch.uint8).numpy().dtype)
            images.append(torch.from_numpy(eight_bit.reshape(*eight_bit.shape[:2], -1).copy()))
        on_image(count)
    if not images:
        raise DatasetError("no image is in colour: colour training needs colour images")
    return [image.permute(2, 0, 1).contiguous() for image in images]
