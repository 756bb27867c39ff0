"""HEIC and other HEIF through pillow-heif (libheif), as cameras and phones write it."""

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from spiden_cli.core.files import exif, xmp
from spiden_cli.core.files.colour import fitted_colours, profile_for
from spiden_cli.core.files.decoding import Header, check_size, decoding, split_alpha
from spiden_cli.core.files.formats import named
from spiden_cli.core.files.losses import deepest
from spiden_cli.core.files.metadata import fitted_metadata
from spiden_cli.core.files.pillow_writer import fitted_samples
from spiden_cli.core.image.metadata import ColourTags, Metadata
from spiden_cli.core.image.picture import Picture, Range
from spiden_cli.core.image.pixels import in_own_bits

__all__ = ["DEPTH", "encode_heif", "heif_header", "read_heif"]

DEPTH = 10
"""Bits of what isn't 8: what phones and screens decode; pillow-heif's own default. Else 12."""

_SUBSAMPLED, _UNSPECIFIED = 420, 2
_BT2020, _BT2020_MATRIX, _BT601_MATRIX = 9, 9, 6  # ITU-T H.273
_CLLI, _MDCV = struct.Struct(">2I"), struct.Struct(">8H2I")  # bodies of PNG's chunks
_PER_CANDELA = 10_000  # of these, in candela per square metre
_RED_GREEN_BLUE = (2, 0, 1)  # places of the primaries in HEIF (H.265, D.3.28), in PNG's order
_setting_depth = Lock()


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
        across, down = image.info.get("pixel_aspect_ratio") or (1, 1)  # newer pillow-heif tell it
        if across != down:
            lost.append("that its pixels aren't square isn't kept")
        if len(pictures) > 1:
            lost.append(f"{len(pictures) - 1} more picture(s) of the file aren't kept")
        picture = Picture(
            pixels,
            alpha,
            metadata=Metadata(exif=block, xmp=xmp.of_upright(image.info.get("xmp"))),
            icc_profile=profile_for(pixels, image.info.get("icc_profile")),
            colour_tags=_colour_tags(image.info),
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


def _colour_tags(info: dict[str, Any]) -> ColourTags | None:
    nclx, light, display = (
        info.get(key)
        for key in ("nclx_profile", "content_light_level", "mastering_display_colour_volume")
    )
    if not nclx or nclx["color_primaries"] == _UNSPECIFIED:
        return None
    codes = (int(nclx["color_primaries"]), int(nclx["transfer_characteristics"]))
    levels = [level * _PER_CANDELA for level in light.values()] if light else []
    return ColourTags(
        cicp=(*codes, 0, 1),  # decoded to full-range RGB
        light_level=_CLLI.pack(*levels) if len(levels) == 2 else None,
        mastering=_mastering(display) if display else None,
    )


def _mastering(display: dict[str, Any]) -> bytes:
    """The body of PNG's mDCV, of the same units as in HEIF."""
    x, y = display["display_primaries_x"], display["display_primaries_y"]
    primaries = (value for place in _RED_GREEN_BLUE for value in (x[place], y[place]))
    return _MDCV.pack(
        *primaries,
        display["white_point_x"],
        display["white_point_y"],
        display["max_display_mastering_luminance"],
        display["min_display_mastering_luminance"],
    )


def encode_heif(picture: Picture, quality: int | None = None) -> bytes:
    """Encode as HEIC, 4:2:0 as cameras do; what is deeper than 8 bits becomes `DEPTH`.

    A picture that was read from a HEIC of 12 bits keeps these.

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
    options |= _colour_options(colours.tags)
    buffer = io.BytesIO()
    with _deep(deepest(named("HEIF"), picture) > DEPTH):
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


@contextmanager
def _deep(wanted: bool) -> Iterator[None]:
    """Inside, what has more than 8 bits is written with 12, if that is wanted, and else with 10."""
    from pillow_heif import options  # older ones have no other way

    with _setting_depth:
        before, options.SAVE_HDR_TO_12_BIT = options.SAVE_HDR_TO_12_BIT, wanted
        try:
            yield
        finally:
            options.SAVE_HDR_TO_12_BIT = before


def _colour_options(tags: ColourTags | None) -> dict[str, Any]:
    """What pillow-heif is to be told of colours in code points."""
    if tags is None or tags.cicp is None:
        return {}
    primaries, transfer = tags.cicp[:2]
    options: dict[str, Any] = {
        "save_nclx_profile": True,
        "color_primaries": primaries,
        "transfer_characteristics": transfer,
        "matrix_coefficients": _BT2020_MATRIX if primaries == _BT2020 else _BT601_MATRIX,
        "full_range_flag": 1,
    }
    if tags.light_level is not None:
        most, mean = (value // _PER_CANDELA for value in _CLLI.unpack(tags.light_level))
        options["content_light_level"] = {
            "max_content_light_level": min(most, 65_535),
            "max_pic_average_light_level": min(mean, 65_535),
        }
    if tags.mastering is not None:
        red_x, red_y, green_x, green_y, blue_x, blue_y, *others = _MDCV.unpack(tags.mastering)
        options["mastering_display_colour_volume"] = {
            "display_primaries_x": (green_x, blue_x, red_x),
            "display_primaries_y": (green_y, blue_y, red_y),
            "white_point_x": others[0],
            "white_point_y": others[1],
            "max_display_mastering_luminance": others[2],
            "min_display_mastering_luminance": others[3],
        }
    return options


def _filled(picture: Picture) -> Picture:
    """The picture with its white at the end of 16 bits, of which libheif takes the upper ones."""
    if picture.depth != 16 or picture.range in (None, Range.full(np.uint16)):
        return picture
    black, span = picture.levels.black, picture.levels.span
    scaled = (picture.pixels.astype(np.float32) - np.float32(black)) * np.float32(65535 / span)
    pixels = np.rint(scaled.clip(0, 65535)).astype(np.uint16)
    return Picture(pixels, picture.alpha)
