"""The pixels of one TIFF page, by one contract, whatever decodes them.

`decode` gives samples as they are stored in the file: not turned, 0 to white of the file's own bits
(8 and fewer bits are scaled to 8), alpha not multiplied into the colours. Of which of them 0 is
white is left as it is stored too, since its turning needs the white level. A look-up table of
ImageJ is how it shows values, and changes none.

tifffile decodes, with imagecodecs for all that is compressed or packed. imagecodecs is a large
package (26 MB), but a small part of what torch brings, and the one that has all of TIFF's codecs;
without it LZW, G4 and WebP went through Pillow, which turns pixels itself, reverses some and not
others, and keeps 8 of 16 bits. What tifffile can't tell (the oldest JPEG) still goes through
Pillow's libtiff, held to the contract here.
"""

import io
import math
import struct
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
import tifffile
from PIL import ExifTags, Image, UnidentifiedImageError

from spiden_cli.core.files import tiff_ycbcr
from spiden_cli.core.files.lab import CONVERTED, srgb_of_lab
from spiden_cli.core.files.lenience import takes_early_ends
from spiden_cli.core.files.tiff_pages import PLAIN, described
from spiden_cli.core.files.tiff_tags import is_look_up
from spiden_cli.core.image.picture import MAXIMUM_PIXELS, Pixels, Range
from spiden_cli.errors import InputError

__all__ = ["decode", "is_lab", "positive", "zero_is_white"]

_YCBCR = tifffile.PHOTOMETRIC.YCBCR
_LAB = {tifffile.PHOTOMETRIC.CIELAB, tifffile.PHOTOMETRIC.ICCLAB}
_INKS = tifffile.PHOTOMETRIC.SEPARATED
_PALETTE = tifffile.PHOTOMETRIC.PALETTE
_MINUS_WHITE = tifffile.PHOTOMETRIC.MINISWHITE
_JPEG = {tifffile.COMPRESSION.JPEG, tifffile.COMPRESSION.ALT_JPEG, tifffile.COMPRESSION.JPEG_LOSSY}
_PREMULTIPLIED = tifffile.EXTRASAMPLE.ASSOCALPHA


def decode(path: Path, page: tifffile.TiffPage) -> tuple[Pixels, list[str]]:
    """Decode the samples of a page as they are stored, and notes.

    Returns:
        (H, W) or (H, W, 2..5), uint8, uint16 or, without alpha, of another type; 2, 4 and 5
        channels have alpha, but for CMYK's 4, which are how much of each ink.

    Raises:
        InputError: a kind that no decoder knows, or missing parts.
    """
    if not _tifffile_decodes(page) and not tiff_ycbcr.is_known(page):
        return _decoded_by_pillow(path, page)
    _check_complete(path, page)
    if not _tifffile_decodes(page):
        return tiff_ycbcr.decoded(page), []
    try:
        samples = _what_there_is(page) if takes_early_ends() else np.asarray(page.asarray())
    except (NotImplementedError, imagecodecs.DelayedImportError) as error:
        raise _unknown(path, page) from error
    if page.axes == "SYX":  # planes that are stored one after the other
        samples = np.moveaxis(samples, 0, -1)
    if page.photometric == _PALETTE and not is_look_up(page):
        return _of_palette(samples, np.asarray(page.colormap)), []
    if page.photometric in _LAB:
        return _lab(path, samples, page)
    return _straight(_scaled(samples, page.bitspersample), page)


def zero_is_white(page: tifffile.TiffPage) -> bool:
    """True if 0 is white in what `decode` returns."""
    return bool(page.photometric == _MINUS_WHITE and _tifffile_decodes(page))


def is_lab(page: tifffile.TiffPage) -> bool:
    """True if `decode` turns Lab to RGB, of the full range."""
    return page.photometric in _LAB


def positive(pixels: Pixels, range: Range | None) -> Pixels:
    """Turn (H, W) pixels of which 0 is white, inside their range: 12 bits stay 12 bits."""
    levels = range or Range.full(pixels.dtype)
    turned = math.floor(levels.black + levels.white) - pixels.astype(np.int32)
    whole: npt.NDArray[Any] = turned.clip(0, np.iinfo(pixels.dtype).max).astype(pixels.dtype)
    return whole


def _tifffile_decodes(page: tifffile.TiffPage) -> bool:
    known = page.photometric in PLAIN or page.photometric in (_PALETTE, _INKS, *_LAB)
    in_jpeg = page.photometric == _YCBCR and page.compression in _JPEG
    return (known or in_jpeg) and page.compression in tifffile.TIFF.DECOMPRESSORS


def _unknown(path: Path, page: tifffile.TiffPage) -> InputError:
    return InputError(
        f"{path}: this kind of TIFF ({described(page)}) can't be read; "
        "save it as 8- or 16-bit grey or RGB, uncompressed or with deflate"
    )


def _check_complete(path: Path, page: tifffile.TiffPage) -> None:
    """Missing strips would be filled with black, silently; tiles may be declared monstrous."""
    missing = len(page.databytecounts) < math.prod(page.chunked) or 0 in page.databytecounts
    missing = missing and not takes_early_ends()
    if missing or math.prod(page.chunks) > 4 * MAXIMUM_PIXELS:
        raise InputError(f"{path}: damaged or incomplete picture (missing parts); get a fresh copy")


def _what_there_is(page: tifffile.TiffPage) -> Pixels:
    """Decode the strips or tiles that can be, and leave the others black."""
    whole = np.zeros(page.shaped, page.dtype)
    handle, plain = page.parent.filehandle, page.compression == tifffile.COMPRESSION.NONE
    for number, (at, length) in enumerate(zip(page.dataoffsets, page.databytecounts, strict=False)):
        handle.seek(at)
        stored = handle.read(length)
        if plain:  # the rows that are there
            stored = stored.ljust(length, b"\0")
        try:
            segment, place, (depth, rows, columns, _) = page.decode(stored, number)
        except Exception:  # what any codec raises of damaged bytes
            continue
        if segment is not None:
            sample, deep, top, left, _ = place
            part = np.s_[sample, deep : deep + depth, top : top + rows, left : left + columns]
            whole[part] = segment[:depth, :rows, :columns]
    return whole.reshape(page.shape)


def _scaled(samples: Pixels, bits: int) -> Pixels:
    """Scale fewer than 8 bits to 8; 9 to 16 stay as they are."""
    if bits >= 8:
        return samples
    scale = 255 / (2**bits - 1)
    table: Pixels = np.rint(np.arange(2**bits) * scale).astype(np.uint8)
    return table[samples.astype(np.uint8)]


def _of_palette(samples: Pixels, palette: Pixels) -> Pixels:
    """Expand a palette, with alpha behind its indices or without."""
    if samples.ndim == 2:
        return _coloured(samples, palette)
    whole: npt.NDArray[Any] = np.dstack([_coloured(samples[..., 0], palette), samples[..., 1]])
    return whole


def _coloured(samples: Pixels, palette: Pixels) -> Pixels:
    """Expand a palette of (3, N) uint16; to grey if all its colours are grey."""
    # TIFF 6.0 has 16-bit palettes; many writers fill the lower 8 bits only, as libtiff knows.
    entries = (palette if palette.max() < 256 else palette >> 8).astype(np.uint8)
    if (entries[0] == entries[1]).all() and (entries[0] == entries[2]).all():
        return np.ascontiguousarray(entries[0])[samples]
    return np.ascontiguousarray(entries.T)[samples]


def _lab(path: Path, samples: Pixels, page: tifffile.TiffPage) -> tuple[Pixels, list[str]]:
    """Turn Lab to RGB, with alpha or without; L* alone is refused."""
    whole = samples.ndim == 3 and samples.shape[2] - len(page.extrasamples) == 3
    if not whole or page.bitspersample not in (8, 16):
        raise _unknown(path, page)
    pixels = srgb_of_lab(samples[..., :3], page.photometric == tifffile.PHOTOMETRIC.CIELAB)
    if samples.shape[2] == 4:
        factor = np.uint16(1 if page.bitspersample == 16 else 257)
        pixels = np.dstack([pixels, samples[..., 3] * factor])
    return pixels, [CONVERTED]


def _straight(samples: Pixels, page: tifffile.TiffPage) -> tuple[Pixels, list[str]]:
    """Divide colours that were stored multiplied by alpha: every other format has them straight."""
    if samples.ndim != 3 or tuple(page.extrasamples) != (_PREMULTIPLIED,):
        return samples, []
    peak = (1 << max(8, page.bitspersample)) - 1
    straight = np.empty_like(samples)
    for row, result in zip(samples, straight, strict=True):  # row by row: floats take memory
        alpha = row[:, -1:].astype(np.float64)
        colours = row[:, :-1] * (peak / np.maximum(alpha, 1.0))  # or amounts of ink
        result[:, :-1] = np.rint(colours.clip(0, peak))
        result[:, -1] = row[:, -1]
    return straight, ["colours were stored multiplied by alpha; they are written straight"]


def _decoded_by_pillow(path: Path, page: tifffile.TiffPage) -> tuple[Pixels, list[str]]:
    from spiden_cli.core.files.pillow_reader import read_samples

    # Pillow turns pixels as it loads them, how depends on its version: it gets none to turn.
    content = bytearray(path.read_bytes())
    if (tag := page.tags.get(ExifTags.Base.Orientation)) is not None and tag.count == 1:
        struct.pack_into(page.parent.byteorder + "H", content, tag.valueoffset, 1)
    try:
        image = Image.open(io.BytesIO(content), formats=("TIFF",))
    except (UnidentifiedImageError, SyntaxError) as error:
        raise _unknown(path, page) from error
    with image:
        if image.size != (page.imagewidth, page.imagelength) or page.bitspersample > 8:
            raise _unknown(path, page)
        return read_samples(path, image)
