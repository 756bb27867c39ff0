"""The pixels of a TIFF of luma and chroma that isn't JPEG within (TIFF 6.0, sections 20 and 21).

tifffile doesn't unpack chroma of fewer pixels, and Pillow before 13 takes three bytes a pixel for
four where nothing is compressed. Chroma is repeated, as libtiff does, not interpolated.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

__all__ = ["decoded", "is_known"]

_COEFFICIENTS, _SUBSAMPLING, _BLACK_AND_WHITE = 529, 530, 532
_BT601 = (0.299, 0.587, 0.114)
_FULL = (0.0, 255.0, 128.0, 255.0, 128.0, 255.0)
_LSB_FIRST = 2

Codes = npt.NDArray[np.uint8]


def is_known(page: tifffile.TiffPage) -> bool:
    """Return whether `decoded` can do a page: 8 bits, the three samples side by side."""
    across, down = _subsampling(page)
    return (
        page.photometric == tifffile.PHOTOMETRIC.YCBCR
        and page.bitspersample == 8
        and page.samplesperpixel == 3
        and page.planarconfig == tifffile.PLANARCONFIG.CONTIG
        and page.predictor == tifffile.PREDICTOR.NONE
        and across in (1, 2, 4)
        and down in (1, 2, 4)
        and page.compression in tifffile.TIFF.DECOMPRESSORS
    )


def decoded(page: tifffile.TiffPage) -> Codes:
    """Decode a page that is known, to (H, W, 3) RGB.

    Raises:
        ValueError: a part has fewer bytes than its pixels need.
    """
    across, down = _subsampling(page)
    codes = np.empty((page.imagelength, page.imagewidth, 3), np.uint8)
    height, width = (page.tilelength, page.tilewidth) if page.is_tiled else page.chunks[:2]
    width = width if page.is_tiled else page.imagewidth
    places = (
        (top, left)
        for top in range(0, page.imagelength, height)
        for left in range(0, page.imagewidth, width)
    )
    for (top, left), content in zip(places, _parts(page, height * width * 3 + 64), strict=True):
        rows = height if page.is_tiled else min(height, page.imagelength - top)
        part = _unpacked(content, rows, width, across, down)
        target = codes[top : top + rows, left : left + width]
        target[:] = part[: target.shape[0], : target.shape[1]]
    return _rgb(codes, page)


def _subsampling(page: tifffile.TiffPage) -> tuple[int, int]:
    """Pixels that share one chroma, across and down; the standard's default is 2 and 2."""
    value = _numbers(page, _SUBSAMPLING, (2, 2))
    return int(value[0]), int(value[1])


def _parts(page: tifffile.TiffPage, most: int) -> Iterator[bytes]:
    """The bytes of each strip or tile, decompressed."""
    import imagecodecs

    decompress = tifffile.TIFF.DECOMPRESSORS[page.compression]
    stream = page.parent.filehandle
    for offset, length in zip(page.dataoffsets, page.databytecounts, strict=True):
        stream.seek(offset)
        content = bytes(stream.read(length))
        if page.fillorder == _LSB_FIRST:
            content = bytes(imagecodecs.bitorder_decode(content))
        plain = page.compression == tifffile.COMPRESSION.NONE
        yield content if plain else bytes(decompress(content, out=most))


def _unpacked(content: bytes, height: int, width: int, across: int, down: int) -> Codes:
    """Data units of `across * down` luma, one Cb and one Cr, as (H, W, 3), padding included."""
    rows, columns, lumas = -(-height // down), -(-width // across), across * down
    units = np.frombuffer(content, np.uint8, rows * columns * (lumas + 2))
    units = units.reshape(rows, columns, lumas + 2)
    luma = units[..., :lumas].reshape(rows, columns, down, across).swapaxes(1, 2)
    chroma = units[..., lumas:].repeat(down, axis=0).repeat(across, axis=1)
    return np.dstack([luma.reshape(rows * down, columns * across), chroma])


def _rgb(codes: Codes, page: tifffile.TiffPage) -> Codes:
    """Turn (H, W, 3) codes of Y, Cb and Cr to RGB, row by row: floats take memory."""
    red, green, blue = _numbers(page, _COEFFICIENTS, _BT601)
    ends = np.array(_numbers(page, _BLACK_AND_WHITE, _FULL)).reshape(3, 2)
    black, span = ends[:, 0], ends[:, 1] - ends[:, 0]
    if green <= 0 or (span <= 0).any():
        raise ValueError("its luma and chroma have no range")
    scale = np.array([255.0, 127.0, 127.0]) / span
    pixels = np.empty_like(codes)
    for row, result in zip(codes, pixels, strict=True):
        luma, cb, cr = ((row - black) * scale).T
        r, b = luma + (2 - 2 * red) * cr, luma + (2 - 2 * blue) * cb
        g = (luma - red * r - blue * b) / green
        result[:] = np.rint(np.stack([r, g, b], axis=1)).clip(0, 255)
    return pixels


def _numbers(page: tifffile.TiffPage, code: int, default: tuple[float, ...]) -> tuple[float, ...]:
    """The values of a tag, ratios as numbers; the default where there are not as many."""
    tag = page.tags.get(code)
    values: Any = tag.value if tag is not None else default
    values = values if isinstance(values, tuple) else (values,)
    if len(values) == 2 * len(default) and tag is not None:  # ratios
        if 0 in values[1::2]:
            return default
        values = tuple(a / b for a, b in zip(values[::2], values[1::2], strict=True))
    if len(values) != len(default) or not all(np.isfinite(values)):
        return default
    return tuple(float(value) for value in values)
