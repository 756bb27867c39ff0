"""A clean picture in the form that a network sees, to add known noise to."""

from pathlib import Path

from torch import Tensor

from spiden_cli.core.files.picture_files import read_picture
from spiden_cli.core.image.tensor import to_grey, to_pixels, to_tensor


def read_clean(path: Path, channels: int) -> Tensor:
    """Read a picture as (C, H, W) in [0, 1], of whole 8- or 16-bit values.

    Args:
        path: a picture; a colour one becomes grey for one channel, a grey one three equal channels.
        channels: C, 1 or 3.

    Raises:
        InputError: it can't be read.
    """
    pixels = read_picture(path).pixels
    clean = to_tensor(pixels)
    if channels == 3:
        return clean.expand(3, -1, -1)
    return to_tensor(to_pixels(to_grey(clean), pixels.dtype))
