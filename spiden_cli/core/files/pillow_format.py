"""PNG, JPEG, BMP and WebP through Pillow; also the TIFF files that tifffile can't decode.

Pillow holds colour in 8 bits per channel only (python-pillow/Pillow#1888) and reads a 16-bit RGB
file by keeping each sample's first byte, silently. Its raw decoders can be asked for the *second*
byte as well ("RGB;16L", little-endian, takes byte 1), so two passes give all 16 bits.
"""

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile, UnidentifiedImageError

from spiden_cli.core.files.decoding import (
    Header,
    check_size,
    decoding,
    plausible,
    profile_for,
    split_alpha,
)
from spiden_cli.core.files.exif import read_exif, upright
from spiden_cli.core.files.white_level import range_of, stated_in_png
from spiden_cli.core.image.picture import Picture, Pixels, Range, Resolution, rounded_to_8_bit
from spiden_cli.errors import InputError

__all__ = [
    "JPEG_MAXIMUM_EXIF",
    "encode_with_pillow",
    "header_with_pillow",
    "read_samples",
    "read_with_pillow",
]

_READ_FORMATS = ("PNG", "JPEG", "BMP", "WEBP")
JPEG_MAXIMUM_EXIF = 65_533  # bytes; one marker segment
_JPEG_MAXIMUM_DPI = 65_535
_GREY_SCALE = {"L;2": 85, "L;4": 17}  # 2- and 4-bit grey is read as 8 bits: its key colour isn't


def read_with_pillow(path: Path) -> Picture:
    """Read a PNG, JPEG, BMP or WebP file, upright, in its own depth.

    Raises:
        InputError: another format, damaged, too small, too large, or more than one frame.
    """
    with decoding(path), _open(path, _READ_FORMATS) as image:
        check_size(path, image.width, image.height)
        notes = _check_frames(path, image)
        if "xmp" in image.info:
            notes.append("XMP metadata isn't kept")
        profile = image.info.get("icc_profile")
        dpi = image.info.get("dpi")
        samples, note = read_samples(path, image)
        orientation, exif, more = read_exif(image)  # after decoding: PNG may have it at the end
        pixels, alpha = split_alpha(upright(samples, orientation))
        range, guessed = _range(path, image.format, pixels)
        resolution = Resolution(float(dpi[0]), float(dpi[1])) if dpi and plausible(*dpi) else None
        if resolution and orientation >= 5:
            resolution = resolution.turned()
        return Picture(
            pixels,
            alpha,
            exif=exif,
            icc_profile=profile_for(pixels, profile),
            resolution=resolution,
            notes=tuple(notes + note + more + guessed),
            range=range,
        )


def header_with_pillow(path: Path) -> Header | None:
    """Read the header of a PNG, JPEG, BMP or WebP file; None where it doesn't tell the colour.

    Raises:
        InputError: another format, or damaged.
    """
    with decoding(path), _open(path, _READ_FORMATS) as image:
        if image.mode in ("P", "PA"):
            return None
        return Header(image.width, image.height, Image.getmodebase(image.mode) != "L")


def _range(path: Path, name: str | None, pixels: Pixels) -> tuple[Range | None, list[str]]:
    if name != "PNG" or pixels.dtype == np.uint8:
        return None, []
    with path.open("rb") as stream:
        return range_of(pixels, stated_in_png(stream, pixels))


def _open(path: Path, formats: tuple[str, ...]) -> ImageFile.ImageFile:
    try:
        return Image.open(path, formats=formats)
    except UnidentifiedImageError as error:
        raise InputError(
            f"{path}: not a picture that spiden can read (PNG, JPEG, TIFF, BMP or WebP), or damaged"
        ) from error


def _check_frames(path: Path, image: ImageFile.ImageFile) -> list[str]:
    frames = getattr(image, "n_frames", 1)
    if image.format == "MPO":
        # Phones put a preview or a gain map behind the photo (CIPA DC-007); refusing them all
        # would refuse most phones. The first picture is the photo.
        return [f"{frames - 1} embedded extra picture(s) (MPO) aren't kept"] if frames > 1 else []
    if frames > 1:
        raise InputError(f"{path}: an animation of {frames} frames; only single pictures are read")
    return []


def read_samples(path: Path, image: ImageFile.ImageFile) -> tuple[Pixels, list[str]]:
    """Decode an open image to (H, W) or (H, W, 2..4) samples in full depth, and notes.

    A PNG or JPEG is as it is stored; a TIFF was turned upright by Pillow.

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
    if image.mode == "CMYK":
        return np.asarray(_to_rgb(image)), ["CMYK was converted to RGB"]
    if image.mode == "YCbCr":
        return np.asarray(image.convert("RGB")), []
    if image.mode in ("1", "L", "RGB"):
        key = image.info.get("transparency")
        if isinstance(key, int):
            key *= _GREY_SCALE.get(raw, 1)
        samples = np.asarray(image.convert("L") if image.mode == "1" else image)
        return _with_key_alpha(samples, key), []
    if image.mode in ("LA", "RGBA"):
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


def _to_rgb(image: Image.Image) -> Image.Image:
    """CMYK to sRGB, by the embedded profile where it works: the naive formula is far off."""
    profile = image.info.get("icc_profile")
    if profile:
        from PIL import ImageCms  # for CMYK only

        try:
            converted = ImageCms.profileToProfile(
                image,
                ImageCms.ImageCmsProfile(io.BytesIO(profile)),
                ImageCms.createProfile("sRGB"),
                outputMode="RGB",
            )
        except (ImageCms.PyCMSError, OSError):
            return image.convert("RGB")
        if converted is not None:
            return converted
    return image.convert("RGB")


def encode_with_pillow(picture: Picture, pillow_format: str) -> bytes:
    """Encode as "PNG" (8-bit only), "JPEG", "WEBP" or "BMP"; what can't be held is left out.

    JPEG: quality 95 without chroma subsampling. WebP: lossless, colours under full transparency
    included. 16-bit pixels are scaled from their range to 0..255, alpha from 0..65535.
    """
    samples = rounded_to_8_bit(picture.pixels, picture.range)
    if picture.alpha is not None and pillow_format in ("PNG", "WEBP"):
        samples = np.dstack([samples, rounded_to_8_bit(picture.alpha)])
    options: dict[str, Any] = {}
    dpi = picture.resolution.dots_per_inch if picture.resolution else None
    if dpi and (pillow_format != "JPEG" or max(dpi) <= _JPEG_MAXIMUM_DPI):
        options["dpi"] = dpi
    if pillow_format != "BMP":
        options["icc_profile"] = profile_for(picture.pixels, picture.icc_profile)
        if picture.exif and not (pillow_format == "JPEG" and len(picture.exif) > JPEG_MAXIMUM_EXIF):
            options["exif"] = picture.exif
    if pillow_format == "JPEG":
        options |= {"quality": 95, "subsampling": 0}
    if pillow_format == "WEBP":
        options |= {"lossless": True, "exact": True}
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(samples)).save(buffer, pillow_format, **options)
    return buffer.getvalue()
