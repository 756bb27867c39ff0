"""Pictures of a data set that are scaled copies of public ones: made here, and known again.

They are made on the user's machine. JPEG libraries differ in a bit here and there, so that the
bytes of such a file differ between machines, while nobody sees a difference.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from spiden_cli.core.data.sources import Thumbnail
from spiden_cli.core.files.picture_files import read_picture
from spiden_cli.core.image.pixels import rounded_to_8_bit
from spiden_cli.errors import InputError

__all__ = ["scale_picture", "shows"]

_CELLS = (4, 4)
_TOLERANCE = 2
"""Levels of 255 that the mean of a cell may be off: JPEG libraries differ by far less, and another
picture by far more."""


def shows(path: Path, thumbnail: Thumbnail) -> bool:
    """Return whether a file holds the picture of a thumbnail: of its size, and alike in each cell.

    Args:
        path: any file that is there.
        thumbnail: what it should show.
    """
    try:
        image = _read(path)
    except InputError:
        return False
    if image.size != (thumbnail.width, thumbnail.height):
        return False
    cells = image.convert("L").resize(_CELLS, Image.Resampling.BOX)
    expected = np.frombuffer(thumbnail.cells, np.uint8).astype(int)
    return int(np.abs(np.asarray(cells, int).ravel() - expected).max()) <= _TOLERANCE


def scale_picture(path: Path, thumbnail: Thumbnail) -> None:
    """Replace a public picture by the scaled copy that the data set has, in the same file.

    Box filter; JPEG of quality 96, without chroma subsampling.

    Args:
        path: the picture as it is public, perhaps turned by its EXIF data.
        thumbnail: what the copy must show.

    Raises:
        ValueError: it holds another picture, or none that can be read.
    """
    size = (thumbnail.width, thumbnail.height)
    try:
        image = _read(path)
    except InputError:
        raise ValueError("what came is no picture that can be read") from None
    scaled = image.resize(size, Image.Resampling.BOX)
    scaled.save(path, "JPEG", quality=96, subsampling=0)
    if not shows(path, thumbnail):
        raise ValueError("what came is another picture than the one that was pinned")


def _read(path: Path) -> Image.Image:
    picture = read_picture(path)
    return Image.fromarray(rounded_to_8_bit(picture.pixels, picture.range)).convert("RGB")
