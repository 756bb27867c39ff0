"""PBM, PGM, PPM, PAM and PFM through netpbmfile, which keeps 16 bits and tells the white level.

Pillow stretches every white to 255 or 65535 and keeps 8 bits of colour.
"""

import io
from pathlib import Path

import netpbmfile
import numpy as np

from spiden_cli.core.files.decoding import check_size, decoding, split_alpha
from spiden_cli.core.image.metadata import Encoding
from spiden_cli.core.image.picture import Picture, Range
from spiden_cli.core.image.pixels import filled, to_unit
from spiden_cli.core.image.showing import show
from spiden_cli.errors import InputError

__all__ = ["encode_netpbm", "encode_pfm", "read_netpbm"]

_BITMAPS = ("P1", "P4")
_FULL = (255, 65535)


def read_netpbm(path: Path) -> Picture:
    """Read one picture; 9 to 16 bits keep their values and have the file's own white.

    Those of floats (PFM) are read as measurements; their lowest row is the file's first.

    Raises:
        InputError: damaged, several pictures, other channels, too small or too large.
    """
    with decoding(path), netpbmfile.NetpbmFile(path) as file:
        check_size(path, file.width, file.height, file.depth * file.dtype.itemsize)
        if file.frames > 1 or file.depth > 4:
            raise InputError(
                f"{path}: several pictures or other channels than grey and RGB (with alpha) can't "
                "be read; save it as one picture"
            )
        samples = np.asarray(file.asarray())
        if samples.ndim == 3 and samples.shape[2] == 1:
            samples = samples[..., 0]
        if file.dtype.kind == "f":
            return show(np.ascontiguousarray(samples[::-1], np.float32), str(path))
        if file.dtype.kind == "b":
            black_is_1 = file.magicnumber in _BITMAPS
            samples = np.where(samples ^ black_is_1, 255, 0).astype(np.uint8)
            return Picture(*split_alpha(samples))
        white = int(file.maxval)
        if white < 255:
            samples = np.rint(samples * (255 / white)).astype(np.uint8)
        elif white > 255:
            samples = samples.astype(np.uint16)
        pixels, alpha = split_alpha(samples)
        levels = None if white <= 255 or white in _FULL else Range(0.0, float(white))
        if levels is not None and alpha is not None:  # it has the full range everywhere else
            alpha = filled(alpha, white)
        bits = white.bit_length() if levels and white & (white + 1) == 0 else None
        return Picture(pixels, alpha, range=levels, encoding=Encoding("PNM", bits=bits))


def encode_netpbm(picture: Picture) -> bytes:
    """Encode as PGM or PPM in the picture's own depth, with its white level; without alpha."""
    white = min(round(picture.peak), 65535)
    if picture.depth == 16 and white <= 255:  # such a file has one byte a sample
        white = 65535
    if int(picture.pixels.max()) > white:
        white = int(np.iinfo(picture.pixels.dtype).max)
    buffer = io.BytesIO()
    netpbmfile.imwrite(
        buffer, picture.pixels, magicnumber="P6" if picture.is_colour else "P5", maxval=white
    )
    return buffer.getvalue()


def encode_pfm(picture: Picture) -> bytes:
    """Encode as PFM, little endian: a measurement in its own units, others from 0 to 1.

    netpbmfile writes no floats.
    """
    planes = picture.measured if picture.is_measured else to_unit(picture.pixels, picture.levels)
    if not picture.is_measured:
        planes = np.moveaxis(planes, 0, -1) if picture.is_colour else planes[0]
    magic, (height, width) = "PF" if picture.is_colour else "Pf", planes.shape[:2]
    head = f"{magic}\n{width} {height}\n-1.0\n".encode()  # below 0 says little endian
    return head + np.ascontiguousarray(planes[::-1], "<f4").tobytes()
