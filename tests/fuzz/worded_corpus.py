"""Small whole pictures whose words, inks or frames are to be mutated, and what reads them.

They are read and written again: most of what is said in a file is only looked at when it is moved
into another.
"""

import io
import math
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from spiden_cli.core.files.animations import frame_count, read_animation, write_animation
from spiden_cli.core.files.formats import begun_as
from spiden_cli.core.files.heif_format import encode_heif
from spiden_cli.core.files.jpeg_segments import APP1, segment
from spiden_cli.core.files.jpegxl_format import encode_jpegxl
from spiden_cli.core.files.picture_files import read_picture, write_picture
from spiden_cli.core.image.metadata import Metadata
from spiden_cli.core.image.picture import Picture
from spiden_cli.errors import OutputError, SpidenError

__all__ = ["WORDED", "read_worded", "worded_seeds"]

WORDED = ("inks", "exif", "xmp", "frames", "avif", "heic", "jxl")

_WRITTEN = {"JPEG": ".jpg", "WEBP": ".webp", "PNG": ".png", "TIFF": ".tif", "AVIF": ".avif"}
_ANIMATED = {"WEBP": ".webp", "PNG": ".png", "GIF": ".webp"}
_EXTENSION = b"http://ns.adobe.com/xmp/extension/\0"
_PACKET = b"http://ns.adobe.com/xap/1.0/\0"
_GUID = b"0123456789ABCDEF0123456789ABCDEF"
_XMP = b"""<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:exif="http://ns.adobe.com/exif/1.0/"
xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0" tiff:Orientation="6"
tiff:ImageWidth="38" tiff:ImageLength="34" exif:PixelXDimension="38" exif:PixelYDimension="34"
xmpNote:HasExtendedXMP="%s"><xmp:Thumbnails>AAAA</xmp:Thumbnails><Container:Directory>
</Container:Directory></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""


def worded_seeds(kind: str) -> list[bytes]:
    """Return whole files of a kind."""
    colour = np.random.default_rng(0).integers(0, 255, (34, 38, 3), np.uint8)
    worded = Picture(colour, metadata=Metadata(exif=_exif(), xmp=_XMP % _GUID))
    if kind == "heic":
        return [encode_heif(worded), encode_heif(Picture(colour[..., 0].copy()))]
    if kind == "jxl":
        deep = Picture(colour.astype(np.uint16) * 257)
        return [encode_jpegxl(worded), encode_jpegxl(deep), encode_jpegxl(Picture(colour))]
    image = Image.fromarray(colour)
    return {"inks": _inks, "exif": _with_exif, "xmp": _with_xmp, "frames": _frames,
            "avif": _avif}[kind](image)  # fmt: skip


def read_worded(path: Path) -> None:
    """Read a file, and write what was read into the same format and into another.

    Raises:
        SpidenError: it is refused.
        AssertionError: it was read, and what came of it can't be true.
    """
    format = begun_as(path.read_bytes()[:64])
    name = format.name if format else ""
    if frame_count(path) > 1:
        animation = read_animation(path)
        shapes = {frame.pixels.shape for frame in animation.frames}
        assert len(shapes) == 1
        assert all(isinstance(seconds, Fraction) for seconds in animation.durations)
        again = path.with_name(f"again{_ANIMATED.get(name, '.png')}")
        with suppress(OutputError):
            write_animation(again, animation)
            with _believed():
                assert len(read_animation(again).frames) <= len(animation.frames)
        return
    picture = read_picture(path, inks=True)
    assert math.prod(picture.pixels.shape[:2]) > 0
    another = (".png", ".tif", ".jpg")[path.stat().st_size % 3]
    for suffix in {_WRITTEN.get(name, ".jpg"), another}:
        again = path.with_name(f"again{suffix}")
        with suppress(OutputError):
            write_picture(again, picture)
            with _believed():
                assert read_picture(again).pixels.shape[:2] == picture.pixels.shape[:2]


@contextmanager
def _believed() -> Iterator[None]:
    """What spiden itself has written must be read: a refusal is a fault."""
    try:
        yield
    except SpidenError as error:
        raise AssertionError(f"what was written isn't read: {error}") from error


def _inks(image: Image.Image) -> list[bytes]:
    plates = np.asarray(image.convert("CMYK"))
    names = b"Cyan\0Magenta\0Yellow\0Black\0"
    tags = [(332, 3, 1, 1, True), (334, 3, 1, 4, True), (333, 2, len(names), names, True)]
    ranges = [(336, 1, 2, (10, 240), True)]
    each = [(336, 1, 8, (10, 240, 0, 255, 5, 200, 0, 250), True)]
    spot = np.dstack([plates, plates[..., 0]])
    pages = [
        (plates, {"extratags": [*tags, *ranges], "compression": "deflate"}),
        (plates.astype(np.uint16) * 257, {"extratags": [*tags, *each]}),
        (spot, {"extratags": tags, "extrasamples": ["unassalpha"]}),
        (np.moveaxis(plates, 2, 0), {"extratags": tags, "planarconfig": "separate"}),
    ]
    return [_tiff(pixels, photometric="separated", **options) for pixels, options in pages]


def _with_exif(image: Image.Image) -> list[bytes]:
    block = _exif()
    files = [_saved(image, name, exif=block) for name in ("JPEG", "PNG", "WEBP")]
    return [*files, _saved(image, "TIFF", exif=_as_exif(block))]


def _with_xmp(image: Image.Image) -> list[bytes]:
    packet, more = _XMP % _GUID, _XMP % (b"F" * 32)
    parts = [more[:300], more[300:]]
    extended = b"".join(
        segment(APP1, _EXTENSION + _GUID + struct.pack(">II", len(more), at) + part)
        for at, part in zip((0, 300), parts, strict=True)
    )
    plain = _saved(image, "JPEG")
    jpeg = plain[:2] + segment(APP1, _PACKET + packet) + extended + plain[2:]
    others = [_saved(image, name, xmp=packet) for name in ("WEBP", "JPEG")]
    pixels = np.asarray(image)
    tag = [(700, 1, len(packet), packet, True)]
    return [jpeg, jpeg, *others, _tiff(pixels, photometric="rgb", extratags=tag)]


def _frames(image: Image.Image) -> list[bytes]:
    shifted = [image.rotate(90 * turn) for turn in (1, 2)]
    clear = [frame.convert("RGBA") for frame in (image, *shifted)]
    clear[1].putalpha(100)
    options = {"save_all": True, "duration": [40, 50, 60], "loop": 2}
    few = [frame.quantize(16) for frame in (image, *shifted)]
    return [
        _saved(image, "PNG", append_images=shifted, **options),
        _saved(clear[0], "PNG", append_images=clear[1:], disposal=1, blend=1, **options),
        _saved(image, "PNG", append_images=shifted, default_image=True, save_all=True),
        _saved(image, "WEBP", append_images=shifted, **options),
        _saved(clear[0], "WEBP", append_images=clear[1:], lossless=True, **options),
        _saved(few[0], "GIF", append_images=few[1:], disposal=2, **options),
    ]


def _avif(image: Image.Image) -> list[bytes]:
    turned = image.rotate(90)
    return [
        _saved(image, "AVIF", exif=_exif(), xmp=_XMP % _GUID),
        _saved(image.convert("RGBA"), "AVIF"),
        _saved(image, "AVIF", save_all=True, append_images=[turned], duration=40),
    ]


def _exif() -> bytes:
    """A block with a camera's directory, a place, a maker's note and a small picture."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x011A] = 6, "Maker", 72.0
    camera = exif.get_ifd(0x8769)
    camera[0x927C] = b"Nikon\0\2\0\0\0II*\0\x08\0\0\0" + struct.pack("<HHHII", 1, 1, 4, 1, 9999)
    camera[0xA002], camera[0xA003], camera[0x9286] = 38, 34, b"ASCII\0\0\0words"
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 30.0, 0.0)})
    return b"Exif\0\0" + exif.tobytes().removeprefix(b"Exif\0\0")


def _as_exif(block: bytes) -> Image.Exif:
    exif = Image.Exif()
    exif.load(block)
    return exif


def _saved(image: Image.Image, name: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, name, **options)
    return buffer.getvalue()


def _tiff(pixels: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels, **options)
    return buffer.getvalue()
