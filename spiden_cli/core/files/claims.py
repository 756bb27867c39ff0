"""Whether a file can hold the picture that it claims: asked before any memory is filled for it.

Each way of compressing has a largest ratio, which its format gives; a file that claims more is
damaged, or made to waste time and memory.
"""

import zlib
from pathlib import Path
from typing import BinaryIO

from PIL import ImageFile

from spiden_cli.core.files.lenience import takes_early_ends
from spiden_cli.errors import InputError

__all__ = ["DEFLATE", "LZW", "check_pillow_claim", "early_end", "refusal"]

DEFLATE = 1032
"""Bytes for each that is stored: 258 by two codes of one bit (RFC 1951)."""

LZW = 8192
"""Pixels of a GIF for each byte of the file: of one value, several bits a pixel."""

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
_PNG_PASSES = ((0, 8, 0, 8), (4, 8, 0, 8), (0, 4, 4, 8), (2, 4, 0, 4), (0, 2, 2, 4), (1, 2, 0, 2),
               (0, 1, 1, 2))  # fmt: skip  # Adam7: first column, their distance, likewise of rows
_PIECE = 2**20

_PIXELS_PER_BYTE = {
    "BMP": 8,  # of 1 bit
    "bmp_rle": 128,  # a run of 255 in two bytes
    "JPEG": 2048,  # a bit for a block of 64 is 512; arithmetic coding takes less
    "MPO": 2048,
    "GIF": LZW,
    "TGA": 8,
    "tga_rle": 128,
}
"""By format, or by Pillow's name of the decoder. WebP and AVIF hold a plain picture in a few bytes,
and have limits of their own."""

_WEBP_SIDE = 2**14 - 1
"""Of a picture, and so of all that encoders write; the canvas of an animation may claim more."""


def check_pillow_claim(path: Path, image: ImageFile.ImageFile) -> None:
    """Refuse a picture that is larger than its file can hold, or whose pixels end early in a PNG.

    Args:
        path: the file.
        image: as it was opened, before it is loaded.

    Raises:
        InputError: it is.
        zlib.error: the pixels of a PNG are damaged.
    """
    pixels, size = image.width * image.height, path.stat().st_size
    if image.format == "PNG":
        with path.open("rb") as stream:
            _check_png(path, stream, size)
        return
    if image.format == "WEBP" and max(image.size) > _WEBP_SIDE:
        raise refusal(path, image.width, image.height)
    codec = image.tile[0].codec_name if image.tile else ""
    ratio = _PIXELS_PER_BYTE.get(codec) or _PIXELS_PER_BYTE.get(image.format or "")
    if ratio is not None and pixels > ratio * size:
        raise refusal(path, image.width, image.height)


def _check_png(path: Path, stream: BinaryIO, size: int) -> None:
    header = stream.read(33)
    if len(header) < 33 or header[:8] != _PNG_SIGNATURE or header[12:16] != b"IHDR":
        raise ValueError("its header is cut off")
    width, height = (int.from_bytes(header[at : at + 4], "big") for at in (16, 20))
    bits = header[24] * _PNG_CHANNELS.get(header[25], 4)
    expected = _filtered_bytes(width, height, bits, interlaced=header[28] == 1)
    if expected > DEFLATE * size:
        raise refusal(path, width, height)
    if not takes_early_ends() and not _inflates_to(stream, expected):
        raise early_end(path)


def _filtered_bytes(width: int, height: int, bits: int, interlaced: bool) -> int:
    """Return the bytes of all rows, each with its filter's: what a PNG's deflate stream holds."""
    total = 0
    for left, across, top, down in _PNG_PASSES if interlaced else ((0, 1, 0, 1),):
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        if columns > 0 and rows > 0:
            total += rows * (1 + -(-columns * bits // 8))
    return total


def _inflates_to(stream: BinaryIO, expected: int) -> bool:
    """Return whether the IDAT chunks that follow hold as many bytes; keeps none of them."""
    inflater, found = zlib.decompressobj(), 0
    while found < expected and len(head := stream.read(8)) == 8:
        length, name = int.from_bytes(head[:4], "big"), head[4:]
        if name == b"IEND":
            break
        if name != b"IDAT":
            stream.seek(length + 4, 1)
            continue
        while length > 0 and found < expected:
            piece = stream.read(min(length, _PIECE))
            if not piece:
                return False
            length -= len(piece)
            while piece and found < expected and not inflater.eof:
                found += len(inflater.decompress(piece, _PIECE))
                piece = inflater.unconsumed_tail
        stream.seek(4, 1)
    return found >= expected or found + len(inflater.flush()) >= expected


def early_end(path: Path) -> InputError:
    """What to say of a picture of which a part is missing."""
    return InputError(f"{path}: damaged or incomplete picture (it ends early); get a fresh copy")


def refusal(path: Path, width: int, height: int) -> InputError:
    """What to say of a picture that is larger than its file can hold."""
    return InputError(
        f"{path}: damaged or incomplete picture (it claims {width} x {height} pixels, more than "
        f"a file of {path.stat().st_size} bytes can hold); get a fresh copy"
    )
