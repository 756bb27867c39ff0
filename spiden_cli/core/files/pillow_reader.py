"""PNG, JPEG, BMP, WebP, AVIF, GIF and TGA through Pillow: pixels, words and colours.

Pillow holds colour in 8 bits per channel only (python-pillow/Pillow#1888) and reads a 16-bit RGB
file by keeping each sample's first byte, silently. Its raw decoders can be asked for the *second*
byte as well ("RGB;16L", little-endian, takes byte 1), so two passes give all 16 bits.
"""

import struct
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageFile, UnidentifiedImageError, features

from spiden_cli.core.files.avif_depth import decode_avif
from spiden_cli.core.files.claims import check_pillow_claim
from spiden_cli.core.files.colour import profile_for
from spiden_cli.core.files.decoding import Header, check_size, decoding, plausible, split_alpha
from spiden_cli.core.files.file_head import head_of
from spiden_cli.core.files.gif_claims import check_gif_frames
from spiden_cli.core.files.inks import plates_of
from spiden_cli.core.files.jpeg_segments import rare_kind
from spiden_cli.core.files.orientation import upright
from spiden_cli.core.files.pillow_words import colour_tags_of, encoding_of, words_of
from spiden_cli.core.files.png_chunks import head_chunks, png_tags
from spiden_cli.core.files.white_level import Levels, range_of, stated_in_png
from spiden_cli.core.image.metadata import PngTags
from spiden_cli.core.image.picture import Picture, Pixels, Resolution
from spiden_cli.core.image.pixels import in_own_bits
from spiden_cli.errors import InputError

__all__ = ["header_with_pillow", "opened", "read_samples", "read_with_pillow"]

_READ_FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "GIF", "AVIF")
_GREY_SCALE = {"L;2": 85, "L;4": 17}  # 2- and 4-bit grey is read as 8 bits: its key colour isn't


def read_with_pillow(path: Path) -> Picture:
    """Read a file, upright, in its own depth.

    Raises:
        InputError: another format, damaged, too small, too large, or more than one frame.
    """
    with decoding(path), opened(path) as image:
        head = head_of(path, image.format)
        chunks, avif = head_chunks(head.chunks), head.bits
        held = _pixel_bytes(image) * (2 if avif > 8 else 1)
        check_size(path, image.width, image.height, held, image.format)
        check_pillow_claim(path, image)
        frame = _check_frames(path, image)
        if avif > 8:
            image.load()  # a damaged file ends here
            samples, notes = decode_avif(path), list[str]()
        else:
            samples, notes = read_samples(path, image)
        orientation, metadata, lost = words_of(
            path, image, head
        )  # decoded: PNG may have words behind
        metadata = replace(metadata, png=_png_tags(image, chunks))
        samples, black_plate = upright(samples, orientation), None
        if image.mode == "CMYK":
            (pixels, black_plate), alpha = plates_of(samples), None
        else:
            pixels, alpha = split_alpha(samples)
        levels = _levels(image, chunks, pixels) if avif == 8 else Levels(None)
        picture = Picture(
            pixels,
            alpha,
            black_plate,
            metadata=metadata,
            icc_profile=profile_for(pixels, image.info.get("icc_profile"), black_plate is not None),
            colour_tags=colour_tags_of(image, head),
            resolution=_resolution(image, orientation),
            encoding=encoding_of(image, head),
            notes=(*notes, *levels.notes),
            lost=(*lost, *frame),
            white_guess=levels.guess,
            range=levels.range,
        )
        return picture if avif == 8 else in_own_bits(picture, "AVIF", avif)


def header_with_pillow(path: Path) -> Header | None:
    """Read the header of a file that Pillow reads; None where it doesn't tell the colour.

    Raises:
        InputError: another format, or damaged.
    """
    with decoding(path), opened(path) as image:
        if image.mode in ("P", "PA"):
            return None
        return Header(image.width, image.height, Image.getmodebase(image.mode) != "L")


def _png_tags(image: ImageFile.ImageFile, chunks: dict[bytes, bytes]) -> PngTags | None:
    palette = image.getpalette("RGB") if image.mode == "P" else None
    scale = 255 if image.mode == "1" else _GREY_SCALE.get(_raw_mode(image), 1)
    return png_tags(chunks, palette or (), scale)


def _pixel_bytes(image: ImageFile.ImageFile) -> int:
    if image.mode in ("P", "PA"):
        return 4
    return len(image.getbands()) * (2 if "16" in f"{image.mode} {_raw_mode(image)}" else 1)


def _levels(image: ImageFile.ImageFile, chunks: dict[bytes, bytes], pixels: Pixels) -> Levels:
    if image.format != "PNG" or pixels.dtype == np.uint8:
        return Levels(None)
    return range_of(pixels, stated_in_png(chunks.get(b"sBIT", b""), pixels))


def _resolution(image: ImageFile.ImageFile, orientation: int) -> Resolution | None:
    dpi = image.info.get("dpi")
    if (aspect := _aspect(image)) is not None:
        return aspect.turned() if orientation >= 5 else aspect
    if not dpi or not plausible(*dpi):
        return None
    if image.format in ("JPEG", "MPO") and not _tells_resolution(image):
        return None
    resolution = Resolution(float(dpi[0]), float(dpi[1]))
    return resolution.turned() if orientation >= 5 else resolution


def _aspect(image: ImageFile.ImageFile) -> Resolution | None:
    """How wide pixels are against their height, where a file says that alone, and that they differ.

    PNG's pHYs and JPEG's JFIF segment without a unit.
    """
    across, down = image.info.get("aspect") or (0, 0)
    if image.format in ("JPEG", "MPO") and image.info.get("jfif_unit") == 0:
        across, down = image.info.get("jfif_density") or (0, 0)
    if 0 in (across, down) or across == down:
        return None
    return Resolution(float(across), float(down), "none")


def _tells_resolution(image: ImageFile.ImageFile) -> bool:
    """Whether a JPEG does: of one with EXIF that says nothing of it Pillow makes 72 dpi."""
    if image.info.get("jfif_unit") in (1, 2):
        return True
    try:
        return ExifTags.Base.XResolution in image.getexif()
    except (struct.error, SyntaxError, ValueError, TypeError):  # damaged, as Pillow tells it
        return False


def opened(path: Path) -> ImageFile.ImageFile:
    """Open a file of a format that Pillow is good for here; no pixels are decoded.

    Raises:
        InputError: another format, or a GIF whose frames can't be.
    """
    formats = _READ_FORMATS if path.suffix.lower() != ".tga" else (*_READ_FORMATS, "TGA")
    check_gif_frames(path)
    known = [name for name in formats if name != "AVIF" or features.check_module("avif")]
    try:
        return Image.open(path, formats=known)
    except UnidentifiedImageError as error:
        with path.open("rb") as stream:
            kind = rare_kind(stream)
        if kind is not None:
            raise InputError(
                f"{path}: {kind} can't be read; convert it to a TIFF or PNG of 16 bits"
            ) from error
        raise InputError(
            f"{path}: not a picture that spiden can read (PNG, JPEG, TIFF, BMP, WebP, AVIF, "
            "HEIC, JPEG 2000, JPEG XL, GIF, PNM or TGA), or damaged"
        ) from error


def _check_frames(path: Path, image: ImageFile.ImageFile) -> list[str]:
    """Refuse an animation; one frame behind the picture is none, and lost."""
    frames = getattr(image, "n_frames", 1)
    if frames == 2 and getattr(image, "default_image", False):
        return ["the one frame behind the picture, which some programs show instead, isn't kept"]
    if frames > 1 and image.format != "MPO":  # the first picture of an MPO is the photo
        raise InputError(
            f"{path}: an animation of {frames} frames; only single pictures are read here"
        )
    return []


def read_samples(path: Path, image: ImageFile.ImageFile) -> tuple[Pixels, list[str]]:
    """Decode an open image to (H, W) or (H, W, 2..4) samples in full depth, and notes.

    The samples are as they are stored, not turned; of CMYK how much of each ink.

    Raises:
        InputError: a kind of pixel that has no faithful grey or RGB form.
    """
    raw = _raw_mode(image)
    if raw == "LA;16B":  # 4 bytes a pixel: read them as they are
        samples = _raw_bytes(path, image, "RGBA").view(">u2").astype(np.uint16)
        return samples, []
    if raw.startswith(("RGB;16", "RGBA;16")):
        colours, _, order = raw.partition(";16")
        first, second = (_raw_bytes(path, image, f"{colours};16{end}") for end in "BL")
        little = order == "L" or (order == "N" and sys.byteorder == "little")
        high, low = (second, first) if little else (first, second)
        samples = high.astype(np.uint16) << 8 | low
        return _with_key_alpha(samples, image.info.get("transparency")), []
    if image.mode.startswith("I;16"):
        samples = np.asarray(image).astype(np.uint16)
        return _with_key_alpha(samples, image.info.get("transparency")), []
    return _read_8_bit(path, image, raw)


def _read_8_bit(path: Path, image: Image.Image, raw: str) -> tuple[Pixels, list[str]]:
    if image.mode in ("P", "PA"):
        return _read_palette(image), []
    if image.mode == "YCbCr":
        return np.asarray(image.convert("RGB")), []
    if image.mode in ("1", "L", "RGB"):
        key = image.info.get("transparency")
        if isinstance(key, int):
            key *= _GREY_SCALE.get(raw, 1)
        samples = np.asarray(image.convert("L") if image.mode == "1" else image)
        return _with_key_alpha(samples, key), []
    if image.mode in ("LA", "RGBA", "CMYK"):
        return np.asarray(image), []
    raise InputError(
        f"{path}: pixels of kind {image.mode} aren't supported; save it as 8- or 16-bit grey or RGB"
    )


def _raw_mode(image: ImageFile.ImageFile) -> str:
    if not image.tile:
        return ""
    args = image.tile[0].args
    return str(args[0] if isinstance(args, tuple) and args else args)


def _raw_bytes(path: Path, image: ImageFile.ImageFile, raw: str) -> npt.NDArray[Any]:
    """Decode the file once more with another raw mode: (H, W, C) bytes."""
    with Image.open(path, formats=(image.format or "",)) as again:
        tile = again.tile[0]
        args = (raw, *tile.args[1:]) if isinstance(tile.args, tuple) else raw
        again.tile = [part._replace(args=args) for part in again.tile]
        if raw == "RGBA":
            again._mode = "RGBA"
        return np.asarray(again)


def _with_key_alpha(samples: Pixels, key: object) -> Pixels:
    """Turn PNG's transparent key colour (tRNS chunk) into an alpha channel."""
    if key is None or isinstance(key, bytes):
        return samples
    planes = samples if samples.ndim == 3 else samples[..., None]
    alpha = np.any(planes != np.asarray(key), axis=2, keepdims=True) * np.iinfo(samples.dtype).max
    return np.concatenate([planes, alpha.astype(samples.dtype)], axis=2)


def _read_palette(image: Image.Image) -> Pixels:
    """Expand a palette; to grey if all its colours are grey (PNG optimisers make such files)."""
    samples = np.asarray(image.convert("RGBA" if image.has_transparency_data else "RGB"))
    if (samples[..., 0] == samples[..., 1]).all() and (samples[..., 0] == samples[..., 2]).all():
        samples = samples[..., 0] if samples.shape[2] == 3 else samples[..., 2:]
    return samples
