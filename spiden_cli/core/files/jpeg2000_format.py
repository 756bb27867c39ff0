"""JPEG 2000 through imagecodecs (OpenJPEG): Pillow keeps 8 of 16 bits of colour."""

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt

from spiden_cli.core.files.decoding import check_size, decoding, split_alpha
from spiden_cli.core.files.inks import plates_of
from spiden_cli.core.image.picture import Picture
from spiden_cli.core.image.pixels import in_own_bits
from spiden_cli.errors import InputError

__all__ = ["encode_jpeg2000", "read_jpeg2000"]

_SIZE_MARKER = b"\xff\x4f\xff\x51"  # start of codestream, and of the segment with the size
_INKS = b"colr\x01\0\0" + (12).to_bytes(4, "big")
"""The box that says that the colours are CMYK (ISO 15444-2, table M.25; precedence 0)."""
_DEEP = (9, 15)  # bits of which white is neither 255 nor 65535


def read_jpeg2000(path: Path) -> Picture:
    """Read one picture in its own depth; 9 to 15 bits have their own white.

    Raises:
        InputError: damaged, signed or wider numbers, too small or too large.
    """
    with decoding(path):
        content = path.read_bytes()
        at = content.index(_SIZE_MARKER)
        width, height, left, top = (
            int.from_bytes(content[at + i : at + i + 4], "big") for i in (8, 12, 16, 20)
        )
        bits, channels = (content[at + 42] & 0x7F) + 1, content[at + 41]
        check_size(path, width - left, height - top, channels * (1 + (bits > 8)), format="JPEG2000")
        samples = np.asarray(imagecodecs.jpeg2k_decode(content))
        if samples.dtype not in (np.uint8, np.uint16) or samples.shape[2:] not in (
            (),
            (2,),
            (3,),
            (4,),
        ):
            raise InputError(
                f"{path}: {samples.dtype} pixels of shape {samples.shape} can't be read; "
                "save it as 8- or 16-bit grey or RGB"
            )
        if samples.shape[2:] == (4,) and _INKS in content[:at]:
            pixels, plate = plates_of(samples)
            return Picture(pixels, black_plate=plate)
        picture = Picture(*split_alpha(samples))
        own = samples.dtype == np.uint16 and _DEEP[0] <= bits <= _DEEP[1]
        return in_own_bits(picture, "JPEG2000", bits) if own else picture


def encode_jpeg2000(picture: Picture) -> bytes:
    """Encode without loss in the picture's own depth, with its alpha."""
    samples: npt.NDArray[Any] = picture.pixels
    if picture.alpha is not None:
        samples = np.dstack([samples, picture.alpha])
    return bytes(imagecodecs.jpeg2k_encode(samples, codecformat="jp2", reversible=True))
