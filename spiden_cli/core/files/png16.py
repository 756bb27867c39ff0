"""Write 16-bit PNG files (grey or RGB, with or without alpha), which Pillow can't do in colour.

The file is: signature, IHDR, metadata chunks, one IDAT with the compressed rows, IEND. Each row is
filtered first (PNG specification, third edition, section 9): a byte is replaced by its difference
from the same byte of the pixel to the left (Sub) or above (Up), or from Paeth's predictor;
the filter whose differences have the smallest absolute sum is taken, as section 12.7 advises.

Why not `numpngw` 0.1.4, which writes such files too (pure Python, BSD licence): it can't write the
eXIf chunk, calls itself of prototype quality, and filters row by row. On 2000 x 2336 16-bit RGB
photographs it takes 3.5 to 4.5 times the time of this module and 131 MB for 104, for files 0 to
1.5 % smaller.
"""

import struct
import zlib

import numpy as np
import numpy.typing as npt

from spiden_cli.core.files.decoding import profile_for
from spiden_cli.core.image.picture import Picture

__all__ = ["encode_png16"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPE = {1: 0, 2: 4, 3: 2, 4: 6}  # samples per pixel -> grey, grey + alpha, RGB, RGBA
_ROWS_AT_ONCE = 64  # bounds the memory of the filters
_INCHES_PER_METRE = 1 / 0.0254
_EXIF_PREFIX = b"Exif\x00\x00"  # JPEG's marker in front of the block; PNG's chunk goes without

Bytes2D = npt.NDArray[np.uint8]


def encode_png16(picture: Picture) -> bytes:
    """Encode a 16-bit picture as PNG with its alpha, ICC profile, EXIF block and resolution."""
    if picture.depth != 16:
        raise ValueError("encode_png16 is for 16-bit pictures")
    planes = [picture.pixels] if picture.alpha is None else [picture.pixels, picture.alpha]
    samples = np.dstack(planes).astype(np.uint16, copy=False)
    channels = samples.shape[2]
    header = struct.pack(
        ">IIBBBBB", picture.width, picture.height, 16, _COLOUR_TYPE[channels], 0, 0, 0
    )
    chunks = [_SIGNATURE, _chunk(b"IHDR", header), *_metadata(picture)]
    chunks += [_chunk(b"IDAT", _compressed(samples)), _chunk(b"IEND", b"")]
    return b"".join(chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return b"".join(
        [struct.pack(">I", len(data)), kind, data, struct.pack(">I", zlib.crc32(kind + data))]
    )


def _metadata(picture: Picture) -> list[bytes]:
    chunks = []
    if profile := profile_for(picture.pixels, picture.icc_profile):
        chunks.append(_chunk(b"iCCP", b"ICC Profile\0\0" + zlib.compress(profile)))
    if picture.resolution and (dpi := picture.resolution.dots_per_inch):
        per_metre = [min(round(value * _INCHES_PER_METRE), 2**31 - 1) for value in dpi]
        chunks.append(_chunk(b"pHYs", struct.pack(">IIB", *per_metre, 1)))
    if picture.exif:
        chunks.append(_chunk(b"eXIf", picture.exif.removeprefix(_EXIF_PREFIX)))
    return chunks


def _compressed(samples: npt.NDArray[np.uint16]) -> bytes:
    height, width, channels = samples.shape
    rows = samples.astype(">u2").view(np.uint8).reshape(height, width * channels * 2)
    compressor = zlib.compressobj(6)
    above = np.zeros_like(rows[:1])
    parts = []
    for start in range(0, height, _ROWS_AT_ONCE):
        strip = rows[start : start + _ROWS_AT_ONCE]
        parts.append(compressor.compress(_filtered(strip, above, channels * 2)))
        above = strip[-1:]
    return b"".join([*parts, compressor.flush()])


def _filtered(rows: Bytes2D, above: Bytes2D, pixel: int) -> bytes:
    """Filter (N, bytes) rows; `above` is the row before the first, `pixel` the bytes per pixel."""
    up = np.concatenate([above, rows[:-1]])
    left, up_left = np.zeros_like(rows), np.zeros_like(rows)
    left[:, pixel:], up_left[:, pixel:] = rows[:, :-pixel], up[:, :-pixel]
    candidates = {1: rows - left, 2: rows - up, 4: rows - _paeth(left, up, up_left)}
    costs = [np.abs(c.view(np.int8).astype(np.int16)).sum(axis=1) for c in candidates.values()]
    best = np.argmin(costs, axis=0)
    filtered = np.choose(best[:, None], list(candidates.values()))
    kinds = np.array(list(candidates), np.uint8)[best]
    return np.column_stack([kinds, filtered]).tobytes()


def _paeth(left: Bytes2D, up: Bytes2D, up_left: Bytes2D) -> Bytes2D:
    """Paeth's predictor: whichever of the three is nearest to left + up - up_left."""
    a, b, c = (values.astype(np.int16) for values in (left, up, up_left))
    to_left, to_up, to_corner = np.abs(b - c), np.abs(a - c), np.abs(a + b - 2 * c)
    nearest_left = (to_left <= to_up) & (to_left <= to_corner)
    return np.where(nearest_left, left, np.where(to_up <= to_corner, up, up_left))
