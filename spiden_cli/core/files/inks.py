"""Pictures of four inks: cyan, magenta, yellow and black (CMYK), of JPEG and TIFF.

They stay what they are where the file can hold it. A tour through RGB would lose which of the inks
made a colour: black text, which one ink prints, would come back as four that don't quite overlap.
"""

import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from spiden_cli.core.image.picture import Picture, Pixels

__all__ = ["CONVERTED", "HOLDERS", "amounts", "as_rgb", "full_range", "plates_of"]

HOLDERS = {"JPEG", "TIFF"}
"""Formats, as Pillow calls them, that are written in CMYK."""

CONVERTED = "CMYK was converted to RGB"

_SCALED = "the inks don't fill their range (DotRange); they are written so that they do"


def plates_of(samples: Pixels) -> tuple[Pixels, Pixels]:
    """Return `pixels` and `black_plate` of a picture.

    Args:
        samples: (H, W, 4), how much of each ink: 0 is none.
    """
    light: npt.NDArray[Any] = ~samples  # of whole numbers without sign: white minus what there is
    colours: Pixels = np.ascontiguousarray(light[..., :3])
    black: Pixels = np.ascontiguousarray(light[..., 3])
    return colours, black


def full_range(samples: Pixels, ends: Sequence[float]) -> tuple[Pixels, tuple[str, ...]]:
    """Return amounts of ink over the full range of their type, and a note if that changed them.

    Args:
        samples: (H, W, 4), uint8 or uint16.
        ends: the values of no ink and of all of it: two for all inks, or two for each, in turn.
            What makes no sense, and the full range, change nothing.
    """
    most = np.iinfo(samples.dtype).max
    if len(ends) not in (2, 8):
        return samples, ()
    none, full = (np.resize(np.asarray(ends[start::2], float), 4) for start in (0, 1))
    usable = np.isfinite([none, full]).all() and (none != full).all()
    if not usable or ((none == 0) & (full == most)).all():
        return samples, ()
    scaled = np.empty_like(samples)
    for row, result in zip(samples, scaled, strict=True):  # floats of a whole picture take memory
        result[:] = np.rint(((row - none) * (most / (full - none))).clip(0, most))
    return scaled, (_SCALED,)


def amounts(pixels: Pixels, black_plate: Pixels) -> Pixels:
    """Return how much of each ink there is, the inverse of `plates_of`: (H, W, 4)."""
    light: npt.NDArray[Any] = np.dstack([pixels, black_plate])
    inks: Pixels = ~light
    return inks


def as_rgb(picture: Picture) -> Picture:
    """Return a picture as RGB: sRGB by its profile where that works, else as light times light.

    Args:
        picture: of any kind; one that isn't CMYK is returned as it is.
    """
    if picture.black_plate is None:
        return picture
    inks = amounts(picture.pixels, picture.black_plate)
    pixels = _by_profile(inks, picture.icc_profile) if picture.icc_profile else None
    if pixels is None:
        most = np.iinfo(inks.dtype).max
        pixels = np.empty_like(picture.pixels)
        for light, black, row in zip(picture.pixels, picture.black_plate, pixels, strict=True):
            product = light.astype(np.uint32) * black[:, None]
            row[:] = (product + most // 2) // most
    return replace(picture, pixels=pixels, black_plate=None, icc_profile=None)


def _by_profile(inks: Pixels, profile: bytes) -> Pixels | None:
    """Turn (H, W, 4) inks to (H, W, 3) sRGB; None where the profile doesn't work."""
    if inks.dtype == np.uint16:
        return _deep_by_profile(inks, profile)
    from PIL import ImageCms  # for CMYK only

    try:
        converted = ImageCms.profileToProfile(
            Image.fromarray(inks, "CMYK"),
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            outputMode="RGB",
        )
    except (ImageCms.PyCMSError, OSError):
        return None
    return None if converted is None else np.asarray(converted)


def _deep_by_profile(inks: Pixels, profile: bytes) -> Pixels | None:
    """Likewise in 16 bits, which Pillow has no way for."""
    import imagecodecs

    srgb = imagecodecs.cms_profile("srgb")
    try:
        pixels: Pixels = imagecodecs.cms_transform(
            inks, profile, srgb, colorspace="cmyk", outcolorspace="rgb"
        )
    except (imagecodecs.CmsError, ValueError):
        return None
    return pixels
