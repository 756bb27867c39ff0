"""Whether the strips or tiles of a TIFF can hold the picture that it claims; see `claims`."""

import math
from pathlib import Path

import tifffile

from spiden_cli.core.files.claims import DEFLATE, early_end, refusal
from spiden_cli.core.files.lenience import takes_early_ends

__all__ = ["check_tiff_claim"]

_JPEG_END_WITHIN = 16  # bytes; some writers fill up to a whole word

_BYTES_PER_BYTE: dict[int, int] = {
    tifffile.COMPRESSION.NONE: 1,
    tifffile.COMPRESSION.PACKBITS: 64,
    tifffile.COMPRESSION.LZW: 2048,
    tifffile.COMPRESSION.DEFLATE: DEFLATE,
    tifffile.COMPRESSION.ADOBE_DEFLATE: DEFLATE,
    tifffile.COMPRESSION.JPEG: 8192,
}
_MOST_MISSING = 10
"""Times what is there of a file, that it may have been before it was cut off."""
_OTHER_BYTES_PER_BYTE = 2**17  # a block of zstandard: 128 KiB of one value in four bytes


def check_tiff_claim(path: Path, page: tifffile.TiffPage) -> None:
    """Refuse a page that is larger than its strips or tiles can hold, or of which one ends early.

    Most codecs say so themselves; what is missing of a plain tile would be black, of a JPEG grey.

    Raises:
        InputError: it is.
    """
    size = path.stat().st_size
    places = list(zip(page.dataoffsets, page.databytecounts, strict=False))
    lengths = [max(0, min(count, size - offset)) for offset, count in places]
    stored = sum(lengths)
    if 0 in lengths:  # parts are missing, which the decoder tells
        return
    ratio = _BYTES_PER_BYTE.get(page.compression, _OTHER_BYTES_PER_BYTE)
    bits = page.imagewidth * page.imagelength * page.samplesperpixel * page.bitspersample
    tile = math.prod(page.chunks) * page.bitspersample // 8
    if page.photometric == tifffile.PHOTOMETRIC.YCBCR:  # two of three channels may be subsampled
        bits, tile = bits // 3, tile // 3
    missing = _MOST_MISSING if takes_early_ends() else 1
    if bits // 8 > ratio * stored * missing:
        raise refusal(path, page.imagewidth, page.imagelength)
    if takes_early_ends():
        return
    plain_tiles = page.is_tiled and page.compression == tifffile.COMPRESSION.NONE
    if plain_tiles and any(length < tile for length in lengths):
        raise early_end(path)
    if page.compression == tifffile.COMPRESSION.JPEG:
        for (offset, _), length in zip(places, lengths, strict=True):
            page.parent.filehandle.seek(offset + max(0, length - _JPEG_END_WITHIN))
            if b"\xff\xd9" not in page.parent.filehandle.read(min(length, _JPEG_END_WITHIN)):
                raise early_end(path)
