"""Single pictures in NumPy's `.npy` files: (H, W) grey; values alone, of any type of number."""

import io
from pathlib import Path

import numpy as np

from spiden_cli.core.files.decoding import check_size
from spiden_cli.core.files.stacks.npy import NpySource
from spiden_cli.core.files.white_level import picture_of
from spiden_cli.core.image.picture import Picture

__all__ = ["encode_npy", "read_npy"]


def read_npy(path: Path) -> Picture:
    """Read an array of two dimensions as a picture.

    Raises:
        InputError: damaged, of other than whole or real numbers, or of more dimensions: the file
            doesn't say what they are.
    """
    with NpySource(path, None) as source:
        height, width = source.layout.plane
        check_size(path, width, height, max(4, source.dtype.itemsize))
        return picture_of(source.read(()), str(path))


def encode_npy(picture: Picture) -> bytes:
    """Encode the values alone, (H, W) or (H, W, 3), in their own type."""
    buffer = io.BytesIO()
    np.save(buffer, picture.measured, allow_pickle=False)
    return buffer.getvalue()
