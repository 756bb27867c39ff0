"""One picture in memory: its pixels, its transparency, and what a file says besides pixels."""

import dataclasses
import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from spiden_cli.errors import InputError

__all__ = [
    "MAXIMUM_PIXELS",
    "MINIMUM_SIDE",
    "Picture",
    "Pixels",
    "Range",
    "Resolution",
    "Unit",
    "full_range",
    "rounded_to_8_bit",
    "with_white",
]

Pixels: TypeAlias = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
"""(H, W) grey or (H, W, 3) RGB, as files hold them. Arrays of callers may be float32 as well."""

Unit: TypeAlias = Literal["inch", "centimetre", "none"]

MINIMUM_SIDE = 8
"""Shortest side, in pixels, that can be denoised. Below it there's no neighbourhood to learn from,
and the noise estimator's 8 x 8 patch doesn't fit."""

MAXIMUM_PIXELS = 400_000_000
"""Largest picture that is decoded, read from the header first. The largest cameras make 150
megapixels; a small file that claims more than 400 is far more likely a decompression bomb."""


@dataclass(frozen=True)
class Resolution:
    """Pixels per unit of length, along the width (`x`) and the height (`y`)."""

    x: float
    y: float
    unit: Unit = "inch"
    """"none" is what ImageJ writes: it names the unit (often micron) in the description."""

    def turned(self) -> "Resolution":
        """The resolution after a turn by 90 degrees."""
        return Resolution(self.y, self.x, self.unit)

    @property
    def dots_per_inch(self) -> tuple[float, float] | None:
        """(x, y) in dots per inch; None if the unit is unknown."""
        if self.unit == "none":
            return None
        factor = 2.54 if self.unit == "centimetre" else 1.0
        return self.x * factor, self.y * factor


@dataclass(frozen=True)
class Range:
    """The values of black and white: a 12-bit camera's file of 16 bits is white at 4095.

    Attributes:
        black: the value of black.
        white: the value of white.

    Raises:
        InputError: they are not finite, or white is not above black.
    """

    black: float = 0.0
    white: float = 255.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.black) and self.black < self.white < math.inf):
            raise InputError(f"white must lie above black, {self.black:g}; not {self.white:g}")

    @property
    def span(self) -> float:
        """What lies between black and white."""
        return self.white - self.black


def full_range(dtype: npt.DTypeLike) -> Range:
    """Return all values of a type of pixels: 0 to 255 or 65535; of floats, 0 to 1."""
    kind = np.dtype(dtype)
    return Range(0.0, 1.0 if kind.kind == "f" else float(np.iinfo(kind).max))


@dataclass(frozen=True, eq=False)  # arrays have no single truth of equality
class Picture:
    """Pixels, always upright, and the metadata that travels with them.

    To put new pixels under the same metadata use `dataclasses.replace(picture, pixels=denoised)`.
    """

    pixels: Pixels
    """(H, W) grey or (H, W, 3) RGB; uint8, uint16 or float32."""
    alpha: Pixels | None = None
    """(H, W) of the same type as `pixels`; 0 is transparent. Never denoised."""
    exif: bytes | None = None
    """EXIF block as Pillow writes it, orientation 1, without the camera's thumbnail."""
    icc_profile: bytes | None = None
    resolution: Resolution | None = None
    description: str | None = None
    """TIFF ImageDescription (ImageJ and OME keep their own metadata in it)."""
    range: Range = None  # type: ignore[assignment]  # set below
    """Black and white; by default all that the type of the pixels holds."""
    notes: tuple[str, ...] = ()
    """What reading changed or left behind, one short sentence each, for the user to be told."""

    def __post_init__(self) -> None:
        grey, colour = self.pixels.ndim == 2, self.pixels.shape[2:] == (3,)
        if not (grey or colour) or self.pixels.dtype not in (np.uint8, np.uint16, np.float32):
            raise ValueError(
                f"pixels must be uint8, uint16 or float32 of shape (H, W) or (H, W, 3), "
                f"not {self.pixels.dtype} {self.pixels.shape}"
            )
        if self.range is None:
            object.__setattr__(self, "range", full_range(self.pixels.dtype))
        if self.alpha is not None and (
            self.alpha.shape != self.pixels.shape[:2] or self.alpha.dtype != self.pixels.dtype
        ):
            raise ValueError("alpha must have the height, width and type of pixels")

    @property
    def height(self) -> int:
        """Number of rows."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Number of columns."""
        return int(self.pixels.shape[1])

    @property
    def channels(self) -> int:
        """1 for grey, 3 for colour; alpha doesn't count."""
        return 3 if self.is_colour else 1

    @property
    def is_colour(self) -> bool:
        """True for RGB."""
        return self.pixels.ndim == 3

    @property
    def depth(self) -> int:
        """Bits per channel: 8 or 16; 32 for floats."""
        return self.pixels.dtype.itemsize * 8

    @property
    def peak(self) -> float:
        """The value of white."""
        return self.range.white


def with_white(picture: Picture, white: float) -> Picture:
    """Return the same picture with another value of white.

    Raises:
        InputError: white is not positive, or the type of the pixels can't hold it.
    """
    most = math.inf if picture.pixels.dtype.kind == "f" else np.iinfo(picture.pixels.dtype).max
    if not 0 < white <= most:
        raise InputError(
            f"white must lie above 0, and be at most {most} for {picture.depth} bits; not {white:g}"
        )
    return dataclasses.replace(picture, range=Range(0.0, white))


def rounded_to_8_bit(values: Pixels, white: float = 65535.0) -> npt.NDArray[np.uint8]:
    """Map 0..white to 0..255 by rounding; 8 bits stay as they are.

    Args:
        values: (H, W) or (H, W, C).
        white: of 16-bit values; 65535 = 257 * 255, so that both ends stay exact.

    Returns:
        Of the same shape.
    """
    if values.dtype == np.uint8:
        return values.astype(np.uint8, copy=False)
    if white == 65535:
        return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    rounded: npt.NDArray[np.uint8] = np.rint(values * (255 / white)).clip(0, 255).astype(np.uint8)
    return rounded
