"""Write PNG: the pixels through a library, the words and colours as chunks of its file.

Pillow writes 8 bits, with palette-free deflate of its own filters; it has no 16-bit colour, which
libpng through imagecodecs writes. Neither writes all chunks that are kept here, so that all are
added to the encoded file, in one way for both depths.
"""

import io
import struct
import zlib

import numpy as np
import numpy.typing as npt
from PIL import Image, PngImagePlugin

from spiden_cli.core.files import iptc, xmp
from spiden_cli.core.files.colour import Colours
from spiden_cli.core.files.exif import PREFIX
from spiden_cli.core.files.png_chunks import Chunk, colour_chunks, png_tag_chunks, with_chunks
from spiden_cli.core.image.metadata import Metadata
from spiden_cli.core.image.picture import Resolution

__all__ = ["encode_png", "with_words"]

_INCHES_PER_METRE = 1 / 0.0254
_LEVEL_16 = 6  # of deflate: zlib's own default
_LONG_TEXT = 1024  # compressed from here on
_KEYWORD_LENGTH = 79
_COLOUR_TYPE, _IN_COLOUR = 25, 2  # place in a file, and a bit


def encode_png(
    samples: npt.NDArray[np.uint8] | npt.NDArray[np.uint16],
    metadata: Metadata,
    colours: Colours,
    resolution: Resolution | None,
) -> bytes:
    """Encode samples (H, W) or (H, W, 2..4) with all that is said about them."""
    if samples.dtype == np.uint16:
        import imagecodecs  # for 16 bits only

        encoded: bytes = bytes(imagecodecs.png_encode(samples, _LEVEL_16))
    else:
        buffer = io.BytesIO()
        Image.fromarray(samples).save(buffer, "PNG")
        encoded = buffer.getvalue()
    return with_words(encoded, metadata, colours, resolution)


def with_words(
    encoded: bytes, metadata: Metadata, colours: Colours, resolution: Resolution | None
) -> bytes:
    """An encoded PNG with all that is said about it."""
    colour = encoded[_COLOUR_TYPE] & _IN_COLOUR > 0
    chunks = [
        *_colour(colours), *_resolution(resolution), *png_tag_chunks(metadata.png, colour),
        *_words(metadata),
    ]  # fmt: skip
    return with_chunks(encoded, chunks) if chunks else encoded


def _colour(colours: Colours) -> list[Chunk]:
    chunks = colour_chunks(colours.tags)
    if colours.profile is not None:
        chunks.append((b"iCCP", b"ICC Profile\0\0" + zlib.compress(colours.profile)))
    return chunks


def _resolution(resolution: Resolution | None) -> list[Chunk]:
    if resolution is not None and resolution.is_aspect:
        return [(b"pHYs", struct.pack(">IIB", *resolution.as_ratio(2**31 - 1), 0))]
    dpi = resolution.dots_per_inch if resolution else None
    if dpi is None:
        return []
    per_metre = [min(round(value * _INCHES_PER_METRE), 2**31 - 1) for value in dpi]
    return [(b"pHYs", struct.pack(">IIB", *per_metre, 1))]


def _words(metadata: Metadata) -> list[Chunk]:
    info = PngImagePlugin.PngInfo()
    for keyword, text in metadata.texts:
        _add_text(info, keyword, text)
    if metadata.xmp is not None:
        info.add_itxt(xmp.PNG_KEYWORD, metadata.xmp.decode("utf-8", "replace"))
    if metadata.iptc is not None:
        resource = iptc.as_resource(metadata.iptc)
        digits = resource.hex()
        lines = "\n".join(digits[i : i + 72] for i in range(0, len(digits), 72))
        info.add_text(iptc.PNG_PROFILE, f"\niptc\n{len(resource):8d}\n{lines}\n", zip=True)
    chunks = [(bytes(chunk[0]), bytes(chunk[1])) for chunk in info.chunks]
    if metadata.exif is not None:
        chunks.append((b"eXIf", metadata.exif.removeprefix(PREFIX)))
    return chunks


def _add_text(info: PngImagePlugin.PngInfo, keyword: str, text: str) -> None:
    # Pillow reads no more of a packed text than that; a longer one stays as it is.
    packed = _LONG_TEXT < len(text.encode()) < PngImagePlugin.MAX_TEXT_CHUNK
    keyword = keyword[:_KEYWORD_LENGTH]
    try:
        text.encode("latin-1")
        info.add_text(keyword, text, zip=packed)
    except UnicodeEncodeError:
        info.add_itxt(keyword, text, zip=packed)
