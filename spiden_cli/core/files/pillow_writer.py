"""Write JPEG, WebP, AVIF, BMP and TGA through Pillow, PNG with its help: 8 bits per channel."""

import io
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, features

from spiden_cli.core.files import iptc, xmp
from spiden_cli.core.files.colour import Colours, fitted_colours
from spiden_cli.core.files.exif import without_orientation
from spiden_cli.core.files.formats import named
from spiden_cli.core.files.gain_map import attached
from spiden_cli.core.files.inks import amounts
from spiden_cli.core.files.jpeg_segments import APP1, APP13, segment, with_aspect
from spiden_cli.core.files.metadata import fitted_metadata
from spiden_cli.core.image.metadata import Encoding, Metadata
from spiden_cli.core.image.picture import Picture
from spiden_cli.core.image.pixels import rounded_to_8_bit

__all__ = [
    "can_write_avif",
    "encode_with_pillow",
    "fitted_samples",
    "options_of",
]

_JPEG_MAXIMUM_DPI = 65_535
_FULL_CHROMA = 90  # JPEG quality from which chroma isn't subsampled
_SUBSAMPLED = "4:2:0"


def can_write_avif() -> bool:
    """Whether this Pillow has AVIF: some builds haven't."""
    return features.check_module("avif")


def encode_with_pillow(picture: Picture, name: str, quality: int | None = None) -> bytes:
    """Encode in a format that Pillow calls `name`; what can't be held is left out.

    16-bit pixels are scaled from their range to 0..255, alpha from 0..65535. Colours under full
    transparency are kept.

    Args:
        picture: of any kind.
        name: the format.
        quality: 1 to 100; None for that of the picture's own file, where it was of this format,
            else the format's default.
    """
    samples = fitted_samples(picture, deep=named(name).depth > 8, alpha=named(name).alpha)
    metadata, _ = fitted_metadata(picture.metadata, name)
    colours, _ = fitted_colours(picture, name)
    if name == "PNG":
        from spiden_cli.core.files.png_writer import encode_png

        return encode_png(samples, metadata, colours, picture.resolution)
    options = options_of(picture, name, metadata, colours, quality)
    buffer = io.BytesIO()
    mode = "CMYK" if picture.black_plate is not None else None
    Image.fromarray(samples, mode).save(buffer, name, **options)
    encoded = buffer.getvalue()
    if name == "JPEG" and picture.resolution is not None and picture.resolution.is_aspect:
        encoded = with_aspect(encoded, picture.resolution.as_ratio(_JPEG_MAXIMUM_DPI))
    return encoded if metadata.gain_map is None else attached(encoded, metadata.gain_map)


def fitted_samples(picture: Picture, *, deep: bool, alpha: bool) -> npt.NDArray[Any]:
    """Return (H, W) or (H, W, 2..4) samples: 8 bits unless `deep`, with transparency or without.

    Of CMYK, in 8 bits and without, how much of each ink.
    """
    deep = deep and picture.depth == 16
    samples: npt.NDArray[Any] = (
        picture.pixels if deep else rounded_to_8_bit(picture.pixels, picture.range)
    )
    if picture.black_plate is not None:  # no writer of this module has inks and transparency
        return amounts(samples, rounded_to_8_bit(picture.black_plate))
    if picture.alpha is not None and alpha:
        samples = np.dstack([samples, picture.alpha if deep else rounded_to_8_bit(picture.alpha)])
    return np.ascontiguousarray(samples)


def options_of(
    picture: Picture, name: str, metadata: Metadata, colours: Colours, quality: int | None
) -> dict[str, Any]:
    """Return what Pillow's `save` is to be told of a picture in any format but PNG.

    Args:
        picture: of any kind.
        name: the format.
        metadata: as it fits into it.
        colours: likewise.
        quality: 1 to 100; None as for `encode_with_pillow`.
    """
    options = _quality(name, picture.encoding, quality, picture.is_colour)
    if picture.black_plate is not None:
        options = _ink_quality(picture.encoding, quality)
    dpi = picture.resolution.dots_per_inch if picture.resolution else None
    if dpi and (name != "JPEG" or max(dpi) <= _JPEG_MAXIMUM_DPI):
        options["dpi"] = dpi
    if colours.profile is not None:
        options["icc_profile"] = colours.profile
    if name == "JPEG":
        options |= _jpeg_words(metadata)
    else:
        block = metadata.exif
        if block is not None and name == "AVIF":
            with suppress(ValueError):  # a damaged block stays as it is
                block = without_orientation(block)
        options |= {k: v for k, v in (("exif", block), ("xmp", metadata.xmp)) if v}
    return options


def _quality(name: str, own: Encoding | None, quality: int | None, colour: bool) -> dict[str, Any]:
    """The options by which Pillow compresses."""
    alike = own if own is not None and own.name == name and quality is None else None
    level = quality or named(name).quality
    if name == "JPEG":
        return _jpeg_quality(alike, level, colour)
    if name == "WEBP":
        lossless = alike.lossless if alike else quality is None
        return {"lossless": True, "exact": True} if lossless else {"quality": level, "exact": True}
    if name == "AVIF":
        return {"quality": level, "subsampling": "4:4:4" if colour else "4:0:0"}
    return {}


def _jpeg_quality(own: Encoding | None, level: int | None, colour: bool) -> dict[str, Any]:
    if own is None or not own.tables:
        fine = (level or 0) >= _FULL_CHROMA
        return {"quality": level, "subsampling": "4:4:4" if fine else _SUBSAMPLED}
    options: dict[str, Any] = {"qtables": [list(table) for table in own.tables]}
    if colour:
        options["subsampling"] = own.subsampling or "4:4:4"  # Pillow writes no 4:1:1 and 4:4:0
        if own.stores_rgb:
            options |= {"keep_rgb": True, "subsampling": "4:4:4"}
    else:
        options["qtables"] = options["qtables"][:1]
    if own.progressive:
        options["progressive"] = True
    return options


def _ink_quality(own: Encoding | None, quality: int | None) -> dict[str, Any]:
    """Likewise of a JPEG of inks, of which all are as fine: Pillow doesn't turn them to luma."""
    kept = own is not None and own.name == "JPEG" and own.tables and quality is None
    if own is not None and kept:
        return {
            "qtables": [list(own.tables[0])], "subsampling": "4:4:4",
            "progressive": own.progressive,
        }  # fmt: skip
    return {"quality": quality or named("JPEG").quality, "subsampling": "4:4:4"}


def _jpeg_words(metadata: Metadata) -> dict[str, Any]:
    """EXIF and a comment by Pillow; XMP and IPTC as segments of their own."""
    segments = b""
    if metadata.xmp is not None:
        segments += segment(APP1, b"http://ns.adobe.com/xap/1.0/\0" + metadata.xmp)
    for body in xmp.extension_bodies(metadata.xmp_extension or b""):
        segments += segment(APP1, body)
    if metadata.iptc is not None:
        segments += segment(APP13, b"Photoshop 3.0\0" + iptc.as_resource(metadata.iptc))
    words: dict[str, Any] = {"extra": segments}
    if metadata.exif is not None:
        words["exif"] = metadata.exif
    if metadata.comment is not None:
        words["comment"] = metadata.comment.encode()
    return words
