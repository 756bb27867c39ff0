"""JPEG XL through imagecodecs (libjxl): 8 to 16 bits, without loss unless a quality is given.

imagecodecs knows the pixels alone. EXIF and XMP are boxes of the file (ISO/IEC 18181-2), which are
read and written here, and so are colours that the header tells; a colour profile is asked of
pillow-jxl-plugin, where that is installed.
"""

import io
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spiden_cli.core.files import exif, xmp
from spiden_cli.core.files.colour import fitted_colours, is_linear, profile_for, srgb_light
from spiden_cli.core.files.decoding import check_size, decoding, split_alpha
from spiden_cli.core.files.jpegxl_header import (
    SRGB_CURVE,
    Header,
    header_of,
    with_srgb_curve,
)
from spiden_cli.core.files.metadata import fitted_metadata
from spiden_cli.core.files.pillow_writer import fitted_samples
from spiden_cli.core.files.white_level import Levels, range_of
from spiden_cli.core.image.metadata import ColourTags, Metadata
from spiden_cli.core.image.picture import Picture, Range
from spiden_cli.core.image.pixels import in_own_bits
from spiden_cli.errors import InputError

__all__ = ["encode_jpegxl", "read_jpegxl"]

_CODESTREAM = b"\xff\x0a"
_SIGNATURE_BOX = b"\0\0\0\x0cJXL \r\n\x87\n"
_TYPE_BOX = b"\0\0\0\x14ftypjxl \0\0\0\0jxl "
_SRGB_NAMES = {  # of profiles that libjxl makes; Rel and Per are intents
    "sRGB",
    *(f"{space}_{intent}_SRG" for space in ("RGB_D65_SRG", "Gra_D65") for intent in ("Rel", "Per")),
}
_UNSPECIFIED = 2
_MOST_PIXEL_BYTES = 8
_LARGEST_BOX = 64 * 2**20  # of EXIF and XMP, also unpacked
_NOT_TOLD = (
    "its colours are taken for sRGB: a JPEG XL's own profile is read with pillow-jxl-plugin "
    "(pip install 'spiden[jxl]')"
)


def read_jpegxl(path: Path) -> Picture:
    """Read one picture, upright, in its own depth.

    libjxl turns it as the file says; an orientation in EXIF is no more than a memory of that.

    Raises:
        InputError: damaged, floats, an animation, too small or too large.
    """
    import imagecodecs

    with decoding(path):
        content = path.read_bytes()
        boxes = dict(_boxes(content))
        stream = boxes[b"jxlc"] if b"jxlc" in boxes else boxes[b"jxlp"][4:]
        header = header_of(stream)
        check_size(
            path, header.width, header.height, pixel_bytes=_MOST_PIXEL_BYTES, format="JPEGXL"
        )
        samples = np.asarray(imagecodecs.jpegxl_decode(content))
        if samples.dtype not in (np.uint8, np.uint16) or samples.ndim > 3:
            raise InputError(
                f"{path}: {samples.dtype} pixels of shape {samples.shape} can't be read; "
                "save it as one picture of 8 or 16 bits"
            )
        pixels, alpha = split_alpha(samples)
        own = header.bits if samples.dtype == np.uint16 and header.bits in range(9, 16) else None
        levels = range_of(pixels, None) if own is None else Levels(None)
        profile, notes = (None, []) if header.colours is not None else _profile(content)
        block, damaged = _exif(boxes.get(b"Exif"))
        picture = Picture(
            pixels,
            alpha,
            metadata=Metadata(exif=block, xmp=xmp.of_upright(boxes.get(b"xml "))),
            icc_profile=profile_for(pixels, profile),
            colour_tags=_colour_tags(header),
            range=levels.range,
            notes=tuple(notes),
            lost=tuple(damaged),
            white_guess=levels.guess,
        )
        return picture if own is None else in_own_bits(picture, "JPEGXL", own)


def _boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Names and bodies of the boxes of a file, unpacked; of several alike the first."""
    if content.startswith(_CODESTREAM):
        yield b"jxlc", content
        return
    import imagecodecs

    at, seen = 0, set()
    while at + 8 <= len(content):
        length, name = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8]
        start = at + 8
        if length == 1:
            length, start = int.from_bytes(content[at + 8 : at + 16], "big"), at + 16
        end = len(content) if length == 0 else at + length
        if end < start:
            return
        body = content[start:end]
        if name == b"brob" and body[:4] in (b"Exif", b"xml "):
            name = body[:4]
            body = bytes(imagecodecs.brotli_decode(body[4:], out=_LARGEST_BOX))
        if name not in seen:
            yield name, body
        seen.add(name)
        at = end


def _exif(box: bytes | None) -> tuple[bytes | None, list[str]]:
    """The block behind the offset that its box begins with."""
    if box is None or len(box) < 4:
        return None, []
    try:
        return exif.true_of_upright(box[4 + int.from_bytes(box[:4], "big") :])[1], []
    except ValueError:
        return None, [exif.DAMAGED]


def _colour_tags(header: Header) -> ColourTags | None:
    """None for sRGB, and where a profile tells the colours, or nothing."""
    if header.colours is None or header.colours in ((1, SRGB_CURVE), (1, _UNSPECIFIED)):
        return None
    return ColourTags(cicp=(*header.colours, 0, 1))


def _profile(content: bytes) -> tuple[bytes | None, list[str]]:
    """The ICC profile, None for sRGB; and a note where that can't be told."""
    try:
        from pillow_jxl import Decoder
    except ImportError:
        return None, [_NOT_TOLD]
    from PIL import ImageCms

    profile = Decoder(num_threads=1)(content)[3]
    if not profile:
        return None, []
    name = ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile))).strip()
    return (None if name in _SRGB_NAMES else bytes(profile)), []


def encode_jpegxl(picture: Picture, quality: int | None = None) -> bytes:
    """Encode in the picture's own depth, with its alpha, EXIF and XMP.

    Args:
        picture: of any kind.
        quality: 1 to 100; None: without loss.
    """
    import imagecodecs

    metadata, _ = fitted_metadata(picture.metadata, "JPEGXL")
    options: dict[str, Any] = {"lossless": True} if quality is None else {"level": quality}
    deep, linear = picture.depth == 16, is_linear(fitted_colours(picture, "JPEGXL")[0].tags)
    samples = fitted_samples(picture, deep=True, alpha=True)
    if deep and quality is None:
        bits = round(np.log2(picture.levels.white + 1))
        whole = picture.levels == Range(0.0, float(2**bits - 1))
        if bits > 8 and whole and picture.alpha is None:  # fewer are refused of 16-bit samples
            options["bitspersample"] = bits
    elif deep and not linear:
        samples = _in_linear_light(picture, samples)
    encoded = bytes(imagecodecs.jpegxl_encode(samples, usecontainer=True, **options))
    if deep and not linear:
        encoded = with_srgb_curve(encoded, encoded.index(_CODESTREAM, len(_SIGNATURE_BOX)))
    boxes = b""
    if metadata.exif is not None:
        boxes += _box(b"Exif", bytes(4) + metadata.exif.removeprefix(exif.PREFIX))
    if metadata.xmp is not None:
        boxes += _box(b"xml ", metadata.xmp)
    head = _SIGNATURE_BOX + _TYPE_BOX
    return encoded if not boxes else head + encoded[len(head) :] + boxes


def _in_linear_light(picture: Picture, samples: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """16-bit samples as light, from 0 to 65535: what loss is measured in is made of light."""
    channels = 3 if picture.is_colour else 1
    planes = samples.reshape(*samples.shape[:2], -1)
    levels = picture.levels
    values = (planes[..., :channels].astype(np.float32) - levels.black) / levels.span
    light = np.rint(srgb_light(values.clip(0, 1)) * 65535).astype(np.uint16)
    return np.concatenate([light, planes[..., channels:]], axis=2).reshape(samples.shape)


def _box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body) + 8) + name + body
