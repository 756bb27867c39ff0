"""Camera raw through rawpy (LibRaw): the sensor's values are developed to 16-bit sRGB.

A raw file holds one colour a pixel, linear, and beside it previews as the camera made them; those
are never taken for the picture. Developing is white balance as the camera set it, demosaicing, the
camera's colour matrix and the curve of sRGB. Exposure stays as it was metered.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from spiden_cli.core.files import exif, exif_tiff
from spiden_cli.core.files.decoding import Header, check_size, decoding
from spiden_cli.core.image.metadata import ColourTags, Metadata
from spiden_cli.core.image.picture import Picture, Pixels, Range
from spiden_cli.errors import InputError

if TYPE_CHECKING:
    import rawpy

__all__ = ["raw_header", "read_half_size", "read_raw"]

_SRGB_CURVE = (2.4, 12.92)  # IEC 61966-2-1: exponent, and slope at black
_PERCEPTUAL = 0
_PIXEL_BYTES = 6
_TIFF_HEADS = (b"II", b"MM")  # also of Olympus and Panasonic, whose numbers behind it differ


def read_raw(path: Path) -> Picture:
    """Develop a raw file to 16 bits, upright, in sRGB, with its EXIF where that can be read.

    Raises:
        InputError: damaged, a camera that LibRaw doesn't know, too small or too large.
    """
    with decoding(path), _opened(path) as raw:
        check_size(path, raw.sizes.width, raw.sizes.height, _PIXEL_BYTES)
        turned = raw.sizes.flip in (5, 6)
        pixels = _developed(raw)
        block = _exif(path, raw, turned)
    return Picture(
        pixels,
        metadata=Metadata(exif=block),
        colour_tags=ColourTags(srgb_intent=_PERCEPTUAL),
        range=Range.full(np.uint16),  # which a dark picture would be taken not to fill
        notes=() if block else ("no EXIF metadata was found in this raw file",),
    )


def read_half_size(path: Path) -> Pixels | None:
    """Develop a raw file as `read_raw` does, but each 2 x 2 pixels of the sensor to one.

    Nothing is interpolated, so that its noise is that of the sensor, from pixel to pixel its own.

    Returns:
        (H / 2, W / 2, 3); None for a sensor without a mosaic of colours.

    Raises:
        InputError: as `read_raw`.
    """
    with decoding(path), _opened(path) as raw:
        check_size(path, raw.sizes.width, raw.sizes.height, _PIXEL_BYTES)
        if raw.raw_pattern is None or raw.raw_pattern.shape != (2, 2):
            return None
        return _developed(raw, half_size=True)


def raw_header(path: Path) -> Header:
    """Read the size of a raw picture, before it is turned upright.

    Raises:
        InputError: damaged, or a camera that LibRaw doesn't know.
    """
    with decoding(path), _opened(path) as raw:
        return Header(raw.sizes.width, raw.sizes.height, raw.num_colors > 1)


@contextmanager
def _opened(path: Path) -> "Iterator[rawpy.RawPy]":
    import rawpy

    raw = rawpy.RawPy()
    try:
        raw.open_file(str(path))
        yield raw
    except rawpy.LibRawFileUnsupportedError as error:
        raise InputError(
            f"{path}: a camera raw file that LibRaw doesn't know, or without a sensor's values; "
            "its preview is no picture to denoise; develop it to a 16-bit TIFF first (darktable, "
            "RawTherapee or your camera's own program do it)"
        ) from error
    finally:
        raw.close()


def _developed(raw: "rawpy.RawPy", **options: Any) -> Pixels:  # noqa: ANN401
    samples = raw.postprocess(
        use_camera_wb=True, output_bps=16, no_auto_bright=True, gamma=_SRGB_CURVE, **options
    )
    pixels = np.ascontiguousarray(samples[..., 0] if raw.num_colors == 1 else samples)
    return pixels.astype(np.uint16, copy=False)


def _exif(path: Path, raw: "rawpy.RawPy", turned: bool) -> bytes | None:
    """The tags of a file that begins as a TIFF, else those of the preview."""
    with path.open("rb") as stream:
        head = stream.read(8)
        if head[:2] in _TIFF_HEADS:
            order = "little" if head[:2] == b"II" else "big"
            with suppress(*exif_tiff.UNREADABLE):
                offset = int.from_bytes(head[4:8], order)  # type: ignore[arg-type]
                block, _ = exif_tiff.from_tiff(stream, offset, 6 if turned else 1)
                return block
    import rawpy

    with suppress(rawpy.LibRawError, *exif_tiff.UNREADABLE):
        preview = raw.extract_thumb()
        if preview.format == rawpy.ThumbFormat.JPEG:
            with Image.open(io.BytesIO(bytes(preview.data)), formats=("JPEG",)) as image:
                return exif.true_of_upright(image.info["exif"])[1]
    return None
