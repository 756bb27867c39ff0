"""What the samples of a picture mean as colours, and how to say the same in another format.

PNG alone holds all of `ColourTags`, HEIC code points and what belongs to them. For other formats
they become an ICC profile of the same primaries and curve; Little CMS writes it, through
imagecodecs (Pillow's ImageCms makes none but sRGB, Lab and XYZ). A curve of HDR, relative to the
light of a screen, has no such profile.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spiden_cli.core.image.metadata import ColourTags
from spiden_cli.core.image.picture import Picture, Pixels

__all__ = ["Colours", "fitted_colours", "icc_profile_of", "is_linear", "profile_for", "srgb_light"]

_PROFILE_SPACE = struct.Struct("16x4s")  # ICC.1:2022, 7.2.6: the colour space at byte 16
_WITH_PROFILE = {"PNG", "JPEG", "TIFF", "WEBP", "AVIF", "HEIF"}

_NO_DATE = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)  # ICC.1:2022, 7.2.10: when a profile was made

Curve = npt.NDArray[np.float64]

# ITU-T H.273 (07/2024), table 2: x and y of white, red, green and blue.
_D65 = (0.3127, 0.3290)
_PRIMARIES: dict[int, tuple[float, ...]] = {
    1: (*_D65, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06),
    4: (0.310, 0.316, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08),
    5: (*_D65, 0.64, 0.33, 0.29, 0.60, 0.15, 0.06),
    6: (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    7: (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    9: (*_D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    11: (0.314, 0.351, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    12: (*_D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
}
_SRGB_PRIMARIES, _UNSPECIFIED, _LINEAR, _SRGB_CURVE = 1, 2, 8, 13
_EXPONENTS = {4: 2.2, 5: 2.8, 8: 1.0}  # table 3: curves that are a power
_BT709 = {1, 6, 14, 15}
_HDR = {16: "PQ", 18: "HLG"}
_CURVE_POINTS = 4096
_NEARLY = 0.005  # of primaries and exponents: closer ones are the same


@dataclass(frozen=True)
class Colours:
    """How one format tells the colours of a picture."""

    profile: bytes | None
    tags: ColourTags | None


def profile_for(pixels: Pixels, profile: bytes | None, cmyk: bool = False) -> bytes | None:
    """The ICC profile if it is about pixels of this kind; a CMYK profile on RGB shifts colours."""
    if not profile or len(profile) < _PROFILE_SPACE.size:
        return None
    (space,) = _PROFILE_SPACE.unpack_from(profile)
    kind = b"CMYK" if cmyk else b"RGB " if pixels.ndim == 3 else b"GRAY"
    return profile if space == kind else None


def fitted_colours(picture: Picture, name: str) -> tuple[Colours, list[str]]:
    """How a format tells the colours of a picture, and what it can't tell, a sentence each.

    Args:
        picture: with a profile, tags, both or neither.
        name: the format, as Pillow calls it.
    """
    cmyk = picture.black_plate is not None
    profile = profile_for(picture.pixels, picture.icc_profile, cmyk)
    tags = None if cmyk else picture.colour_tags
    if name == "PNG":
        return Colours(profile, tags), []
    if name == "JPEGXL" and is_linear(tags) and picture.depth > 8:
        return Colours(None, tags), []
    lost = []
    first = tags.cicp if tags else None
    if name == "HEIF" and first is not None:
        return Colours(None, tags), []
    if first is not None and first[1] in _HDR:
        lost.append(
            f"{name} can't tell that the colours are HDR ({_HDR[first[1]]}): they will look flat; "
            "choose .png"
        )
    elif tags is not None and (first is not None or profile is None):
        profile = icc_profile_of(tags, picture.is_colour)
    if profile is not None and name not in _WITH_PROFILE:
        lost.append(f"{name} can't hold the colour profile: it is dropped")
        profile = None
    return Colours(profile, None), lost


def is_linear(tags: ColourTags | None) -> bool:
    """Whether tags tell linear light in the primaries of sRGB, in code points."""
    return (
        tags is not None and tags.cicp is not None and tags.cicp[:2] == (_SRGB_PRIMARIES, _LINEAR)
    )


def icc_profile_of(tags: ColourTags, colour: bool) -> bytes | None:
    """An ICC profile that means the same as `tags`; None where that is plain sRGB, or HDR.

    Args:
        tags: the first of `cicp`, `srgb_intent`, and `gamma` with `chromaticities` counts.
        colour: whether the pixels are RGB; of grey ones only the curve is told.
    """
    told = _told(tags)
    if told is None:
        return None
    primaries, curve = told
    srgb = _PRIMARIES[_SRGB_PRIMARIES]
    alike = not colour or np.allclose(primaries, srgb, atol=_NEARLY)
    if alike and np.allclose(curve, _srgb_curve(), atol=_NEARLY * 2):
        return None
    import imagecodecs  # for pictures that are not sRGB

    table = np.rint(curve * 65535).astype(np.uint16)
    xyz = [(*primaries[i : i + 2], 1.0) for i in range(0, 8, 2)]
    options: dict[str, Any] = {"whitepoint": xyz[0], "transferfunction": table}
    if colour:
        options["primaries"] = (*xyz[1], *xyz[2], *xyz[3])
    profile: bytes = imagecodecs.cms_profile("rgb" if colour else "gray", **options)
    return profile[:24] + _NO_DATE + profile[36:]  # the same file each time


def _told(tags: ColourTags) -> tuple[Sequence[float], Curve] | None:
    """Primaries, and the curve from samples to light; None where they are sRGB's or unknown."""
    if tags.cicp is not None:
        primaries = _PRIMARIES.get(tags.cicp[0], _PRIMARIES[_SRGB_PRIMARIES])
        curve = _curve_of(tags.cicp[1])
        return None if curve is None else (primaries, curve)
    if tags.srgb_intent is not None or (tags.gamma is None and tags.chromaticities is None):
        return None
    known = tags.chromaticities is not None and 0 not in tags.chromaticities[1::2]
    primaries = _PRIMARIES[_SRGB_PRIMARIES]
    if known and tags.chromaticities is not None:
        primaries = tuple(value / 100_000 for value in tags.chromaticities)
    # 1 / 2.2 is how PNG writes sRGB's curve without its chunk (section 11.3.2.5).
    if not tags.gamma or abs(tags.gamma / 45_455 - 1) < _NEARLY:
        return primaries, _srgb_curve()
    return primaries, _samples() ** (100_000 / tags.gamma)


def _samples() -> Curve:
    return np.linspace(0.0, 1.0, _CURVE_POINTS)


def _srgb_curve() -> Curve:
    return srgb_light(_samples())


def srgb_light(x: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The light of samples from 0 to 1 by the curve of sRGB (IEC 61966-2-1)."""
    return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)


def _curve_of(transfer: int) -> Curve | None:
    """From samples to light, by the code point of H.273's table 3; None if it is not known here."""
    if transfer in (_UNSPECIFIED, _SRGB_CURVE):
        return _srgb_curve()
    if transfer in _EXPONENTS:
        return _samples() ** _EXPONENTS[transfer]
    if transfer in _BT709:
        x = _samples()
        return np.where(x < 0.081, x / 4.5, ((x + 0.099) / 1.099) ** (1 / 0.45))
    return None
