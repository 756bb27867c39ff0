"""HEIC and other HEIF through pillow-heif (libheif), as cameras and phones write it."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spiden_cli.core.files import exif, xmp
from spiden_cli.core.files.colour import fitted_colours, profile_for
from spiden_cli.core.files.decoding import Header, check_size, decoding, split_alpha
from spiden_cli.core.files.formats import named
from spiden_cli.core.files.metadata import fitted_metadata
from spiden_cli.core.files.pillow_writer import fitted_samples
from spiden_cli.core.image.metadata import ColourTags, Metadata
from spiden_cli.core.image.picture import Picture, Range
from spiden_cli.core.image.pixels import in_own_bits

__all__ = ["DEPTH", "encode_heif", "heif_header", "read_heif"]

DEPTH = 10
"""Bits of what isn't 8: what phones and screens decode; pillow-heif's own default."""

_SUBSAMPLED, _UNSPECIFIED = 420, 2


def read_heif(path: Path) -> Picture:
    """Read the primary picture in its own depth; 10 and 12 bits have their own white.

    libheif turns it upright as the file says; an orientation in EXIF is by ISO 23008-12 no more
    than a memory of that.

    Raises:
        InputError: damaged, too small or too large.
    """
    with decoding(path):
        pictures = _opened(path)
        image = pictures[pictures.primary_index]
        width, height = image.size
        check_size(
            path, width, height, pixel_bytes=8 if image.mode.endswith(";16") else 4, format="HEIF"
        )
        samples = np.asarray(image)
        bits = int(image.info.get("bit_depth", 8))
        if samples.dtype == np.uint16:  # filled up with zeros
            samples = samples >> (16 - bits)
        pixels, alpha = split_alpha(_grey_if_grey(samples))
        block, lost = _exif(image.info.get("exif"))
        if image.info.get("aux") or image.info.get("depth_images"):
            lost.append("embedded extra pictures (gain map, depth) aren't kept")
        if len(pictures) > 1:
            lost.append(f"{len(pictures) - 1} more picture(s) of the file aren't kept")
        picture = Picture(
            pixels,
            alpha,
            metadata=Metadata(exif=block, xmp=xmp.of_upright(image.info.get("xmp"))),
            icc_profile=profile_for(pixels, image.info.get("icc_profile")),
            colour_tags=_colour_tags(image.info.get("nclx_profile")),
            lost=tuple(lost),
        )
        return in_own_bits(picture, "HEIF", bits) if samples.dtype == np.uint16 else picture


def heif_header(path: Path) -> Header:
    """Read the size of a picture, upright; a grey one isn't told from a coloured one.

    Raises:
        InputError: damaged.
    """
    with decoding(path):
        width, height = _opened(path).size
        return Header(width, height, is_colour=True)


def _opened(path: Path) -> Any:  # noqa: ANN401 - pillow-heif has no types
    import pillow_heif

    return pillow_heif.open_heif(path, convert_hdr_to_8bit=False)


def _grey_if_grey(samples: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """One channel of colours that are all grey: libheif decodes grey pictures to RGB."""
    if samples.ndim == 2 or samples.shape[2] < 3:
        return samples
    first = samples[..., :1]
    if not (samples[..., 1:3] == first).all():
        return samples
    return np.concatenate([first, samples[..., 3:]], axis=2)


def _exif(block: bytes | None) -> tuple[bytes | None, list[str]]:
    try:
        return (exif.true_of_upright(block)[1] if block else None), []
    except ValueError:
        return None, [exif.DAMAGED]


def _colour_tags(nclx: dict[str, int] | None) -> ColourTags | None:
    if not nclx or nclx["color_primaries"] == _UNSPECIFIED:
        return None
    codes = (int(nclx["color_primaries"]), int(nclx["transfer_characteristics"]))
    return ColourTags(cicp=(*codes, 0, 1))  # decoded to full-range RGB


def encode_heif(picture: Picture, quality: int | None = None) -> bytes:
    """Encode as HEIC, 4:2:0 as cameras do; what is deeper than 8 bits becomes `DEPTH`.

    Args:
        picture: of any kind.
        quality: 1 to 100; None for that of the format.
    """
    import pillow_heif

    metadata, _ = fitted_metadata(picture.metadata, "HEIF")
    colours, _ = fitted_colours(picture, "HEIF")
    samples = fitted_samples(_filled(picture), deep=True, alpha=True)
    if picture.alpha is not None and not picture.is_colour:  # libheif has no grey with alpha
        samples = samples[..., [0, 0, 0, 1]]
    mode = {2: "L", 3: "RGB", 4: "RGBA"}[samples.shape[2] if samples.ndim == 3 else 2]
    options: dict[str, Any] = {"exif": metadata.exif, "xmp": metadata.xmp}
    if colours.profile is not None:
        options["icc_profile"] = colours.profile
    buffer = io.BytesIO()
    pillow_heif.encode(
        mode if samples.dtype == np.uint8 else f"{mode};16",
        (picture.width, picture.height),
        np.ascontiguousarray(samples).tobytes(),
        buffer,
        quality=quality or named("HEIF").quality,
        chroma=_SUBSAMPLED,
        **{key: value for key, value in options.items() if value is not None},
    )
    return buffer.getvalue()


def _filled(picture: Picture) -> Picture:
    """The picture with its white at the end of 16 bits, of which libheif takes the upper ones."""
    if picture.depth != 16 or picture.range in (None, Range.full(np.uint16)):
        return picture
    black, span = picture.levels.black, picture.levels.span
    scaled = (picture.pixels.astype(np.float32) - np.float32(black)) * np.float32(65535 / span)
    pixels = np.rint(scaled.clip(0, 65535)).astype(np.uint16)
    return Picture(pixels, picture.alpha)
