"""A clean picture in the form that a network sees, to add known noise to."""

from pathlib import Path

from spiden_cli.core.files.picture_files import read_picture
from spiden_cli.core.image.pixels import Planes, to_grey, to_pixels, to_unit


def read_clean(path: Path, channels: int) -> Planes:
    """Read a picture as planes in [0, 1] of its range, each a whole 8- or 16-bit value.

    Args:
        path: a picture; a colour one becomes grey for one channel, a grey one three equal channels.
        channels: C, 1 or 3.

    Returns:
        (C, H, W) float32.

    Raises:
        InputError: it can't be read.
    """
    picture = read_picture(path)
    clean = to_unit(picture.pixels, picture.range)
    if channels == 3:
        return clean if len(clean) == 3 else clean.repeat(3, axis=0)
    whole = to_pixels(to_grey(clean), picture.pixels.dtype, picture.range)
    return to_unit(whole, picture.range)
