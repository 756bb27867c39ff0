"""Pixels and planes: (H, W) or (H, W, 3) whole numbers <-> (C, H, W) float32 in [0, 1].

Numpy alone, so that a picture can be denoised without importing torch.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from spiden_cli.core.image.metadata import Encoding
from spiden_cli.core.image.picture import Picture, Pixels, Range
from spiden_cli.errors import InputError

__all__ = [
    "LUMA",
    "Planes",
    "as_planes",
    "filled",
    "in_8_bit_units",
    "in_16_bits",
    "in_floats",
    "in_own_bits",
    "rounded_to_8_bit",
    "to_grey",
    "to_pixels",
    "to_unit",
]

Planes = npt.NDArray[np.float32]
"""An image, (C, H, W), in which black is 0 and white is 1."""

_STRIP = 256  # rows that are scaled at once
LUMA = (0.299, 0.587, 0.114)
"""Weights of R', G' and B' in luma (ITU-R BT.601-7, section 2.5.1)."""


def to_unit(pixels: Pixels, range: Range | None = None) -> Planes:
    """Scale pixels so that black becomes 0 and white 1.

    Args:
        pixels: (H, W) grey or (H, W, 3) RGB, uint8 or uint16.
        range: black and white level; None: the full range of the type, 0..255 or 0..65535.

    Returns:
        (1, H, W) or (3, H, W) float32, contiguous, a copy. Pixels beyond the range are not clipped.
    """
    range = range or Range.full(pixels.dtype)
    planes = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    unit = np.array(planes, dtype=np.float32, order="C")
    if range.black:
        unit -= np.float32(range.black)
    unit /= np.float32(range.span)
    return unit


def in_8_bit_units(pixels: npt.NDArray[Any], range: Range) -> npt.NDArray[np.float32]:
    """Scale pixels so that black becomes 0 and white 255, not rounded.

    Args:
        pixels: of any shape, type and layout.
        range: black and white level.

    Returns:
        float32 of the same shape, a copy. Pixels beyond the range are not clipped.
    """
    values = pixels.astype(np.float32)
    values -= np.float32(range.black)
    values *= np.float32(255 / range.span)
    return values


def rounded_to_8_bit(values: Pixels, range: Range | None = None) -> npt.NDArray[np.uint8]:
    """Map black..white to 0..255 by rounding, and clip.

    Args:
        values: (...) uint8, returned as they are, or uint16.
        range: black and white level; None: 0..65535 (65535 = 257 * 255, so both ends stay exact).

    Returns:
        (...) uint8, of the shape of `values`.
    """
    if values.dtype == np.uint8:
        return values.astype(np.uint8, copy=False)
    if range is None or range == Range.full(values.dtype):
        return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    scaled = in_8_bit_units(values, range)
    rounded: npt.NDArray[np.uint8] = np.rint(scaled.clip(0, 255)).astype(np.uint8)
    return rounded


def as_planes(values: npt.NDArray[np.floating[Any]]) -> Planes:
    """Return an image of any float type as planes of float32.

    Args:
        values: (1, H, W) or (3, H, W), in which black is 0 and white is 1.

    Raises:
        InputError: another shape, or whole numbers, of which nobody has said what white is.
    """
    if values.ndim != 3 or values.shape[0] not in (1, 3):
        raise InputError(f"planes are (1, H, W) or (3, H, W), not {values.shape}")
    if values.dtype.kind != "f":
        raise InputError(
            f"planes are floats, black at 0 and white at 1, not {values.dtype}: divide by white"
        )
    return values.astype(np.float32, copy=False)


def to_pixels(planes: Planes, dtype: npt.DTypeLike, range: Range | None = None) -> Pixels:
    """Clip to [0, 1] and round to the nearest whole value, ties to even (IEEE 754, `np.rint`).

    The inverse of `to_unit` for both depths and pixels inside the range. Floats are scaled alone.

    Args:
        planes: (1, H, W) or (3, H, W) float32. NaN is refused.
        dtype: uint8, uint16 or float32.
        range: what 0 and 1 become; None: the full range of `dtype`.

    Returns:
        (H, W) or (H, W, 3) of `dtype`.

    Raises:
        ValueError: NaN, another shape or dtype, or a range beyond `dtype`. That is a fault of the
            caller.
    """
    dtype = np.dtype(dtype)
    if dtype not in (np.uint8, np.uint16, np.float32):
        raise ValueError(f"pixels are uint8, uint16 or float32, not {dtype}")
    if planes.ndim != 3 or planes.shape[0] not in (1, 3):
        raise ValueError(f"expected (1, H, W) or (3, H, W), got {tuple(planes.shape)}")
    full = Range.full(dtype)
    range = range or full
    floating = dtype.kind == "f"
    if not floating and (range.black < full.black or range.white > full.white):
        raise ValueError(f"{range} is beyond {dtype}")
    if np.isnan(planes).any():
        raise ValueError("the planes have NaN values")
    values = planes.copy() if floating else planes.clip(0.0, 1.0)
    values *= np.float32(range.span)
    if range.black:
        values += np.float32(range.black)
    whole = (values if floating else np.rint(values, out=values)).astype(dtype)
    return whole[0] if len(whole) == 1 else np.ascontiguousarray(whole.transpose(1, 2, 0))


def to_grey(planes: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Luma of RGB, Y' = 0.299 R' + 0.587 G' + 0.114 B' (ITU-R BT.601-7, section 2.5.1), full range.

    These are the weights by which the field turns its colour sets to grey (OpenCV's grey reading,
    as KAIR does; MATLAB's rgb2gray).

    Args:
        planes: (..., 3, H, W) of any float type, or (..., 1, H, W), which is returned as it is.

    Returns:
        (..., 1, H, W), same range and type.
    """
    if planes.shape[-3] == 1:
        return planes
    red, green, blue = (planes.dtype.type(weight) for weight in LUMA)
    grey: npt.NDArray[Any] = planes[..., 0:1, :, :] * red
    grey += planes[..., 1:2, :, :] * green
    grey += planes[..., 2:3, :, :] * blue
    return grey


def filled(samples: Pixels, most: int) -> npt.NDArray[np.uint16]:
    """Return samples of fewer values over the full range of 16 bits, exact at both ends.

    Args:
        samples: 0 to `most`; those above become 65535.
        most: 1 to 65535.
    """
    spread = (np.minimum(samples, most).astype(np.uint32) * 65535 + most // 2) // most
    return spread.astype(np.uint16)


def in_own_bits(picture: Picture, name: str, bits: int) -> Picture:
    """Return a picture whose format says that the largest value of its 9 to 15 bits is white.

    Its transparency is spread over 16 bits, as everywhere else.

    Args:
        picture: uint16, as it was decoded.
        name: the format, as Pillow calls it.
        bits: of a sample.
    """
    return replace(
        picture,
        alpha=None if picture.alpha is None else filled(picture.alpha, 2**bits - 1),
        range=Range(0.0, float(2**bits - 1)),
        encoding=Encoding(name, bits=bits),
    )


def in_16_bits(picture: Picture) -> Picture:
    """Return a picture of 16 bits and their full range; values beyond black and white are cut.

    Args:
        picture: of any kind.
    """
    pixels = np.empty(picture.pixels.shape, np.uint16)
    for top in np.arange(0, picture.height, _STRIP):
        strip = slice(int(top), int(top) + _STRIP)
        pixels[strip] = to_pixels(to_unit(picture.pixels[strip], picture.levels), np.uint16)
    alpha = picture.alpha
    if alpha is not None:
        alpha = to_pixels(to_unit(alpha), np.uint16)
    return replace(picture, pixels=pixels, alpha=alpha, range=None, values=None)


def in_floats(picture: Picture) -> Picture:
    """Return a picture of 32-bit floats, in which fractions of a value aren't rounded away.

    Args:
        picture: of any kind; its values, black and white stay.
    """
    if picture.is_measured:
        return picture
    alpha: Any = None if picture.alpha is None else to_unit(picture.alpha)[0]
    pixels: Any = picture.pixels.astype(np.float32)
    return replace(picture, pixels=pixels, alpha=alpha, range=picture.levels)
