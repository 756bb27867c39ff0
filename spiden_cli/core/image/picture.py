"""One picture in memory: its pixels, its transparency, and what a file says besides pixels."""

import math
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from spiden_cli.core.image.metadata import ColourTags, Encoding, Metadata
from spiden_cli.errors import InputError

if TYPE_CHECKING:
    from spiden_cli.core.image.values import Values

__all__ = [
    "MAXIMUM_PIXELS",
    "MINIMUM_SIDE",
    "WHITE_OPTION",
    "Picture",
    "Pixels",
    "Range",
    "Resolution",
    "Unit",
    "with_white",
]

Pixels: TypeAlias = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
Unit: TypeAlias = Literal["inch", "centimetre", "none"]

MINIMUM_SIDE = 8
"""Shortest side, in pixels, that can be denoised. Below it there's no neighbourhood to learn from,
and the noise estimator's 8 x 8 patch doesn't fit."""

MAXIMUM_PIXELS = 400_000_000
"""Largest picture that is decoded, read from the header first. The largest cameras make 150
megapixels; a small file that claims more than 400 is far more likely a decompression bomb."""


WHITE_OPTION = "--white"
"""How a user states the white level, for sentences that say so."""


@dataclass(frozen=True)
class Range:
    """The pixel values of black and white, between which a network sees 0 to 1.

    A camera of 12 bits fills 0 to 4095 of a 16-bit file.

    Raises:
        ValueError: a level isn't finite, or white isn't above black.
    """

    black: float = 0.0
    white: float = 255.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.black) and math.isfinite(self.white)):
            raise ValueError(f"black and white must be finite, not {self.black}, {self.white}")
        if self.white <= self.black:
            raise ValueError(f"white ({self.white:g}) must be above black ({self.black:g})")

    @classmethod
    def full(cls, dtype: npt.DTypeLike) -> "Range":
        """All values of `dtype`: 0..255 or 0..65535; of floats, 0..1."""
        kind = np.dtype(dtype)
        return cls(0.0, 1.0 if kind.kind == "f" else float(np.iinfo(kind).max))

    @property
    def span(self) -> float:
        """White minus black."""
        return self.white - self.black


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
    def is_aspect(self) -> bool:
        """Whether it says no more than how wide a pixel is against its height: not as much."""
        return self.unit == "none" and self.x != self.y

    def as_ratio(self, most: int) -> tuple[int, int]:
        """Whole numbers up to `most` that relate as `x` and `y` do, nearly."""
        ratio = Fraction(self.x / self.y)
        if ratio > 1:
            y, x = (1 / ratio).limit_denominator(most).as_integer_ratio()
            return x, max(1, y)
        x, y = ratio.limit_denominator(most).as_integer_ratio()
        return max(1, x), y

    @property
    def dots_per_inch(self) -> tuple[float, float] | None:
        """(x, y) in dots per inch; None if the unit is unknown."""
        if self.unit == "none":
            return None
        factor = 2.54 if self.unit == "centimetre" else 1.0
        return self.x * factor, self.y * factor


@dataclass(frozen=True, eq=False)  # arrays have no single truth of equality
class Picture:
    """Pixels, always upright, and the metadata that travels with them.

    To put new pixels under the same metadata use `dataclasses.replace(picture, pixels=denoised)`.
    """

    pixels: Pixels
    """(H, W) grey or (H, W, 3) RGB; uint8 or uint16, or float32 of a measurement."""
    alpha: Pixels | None = None
    """(H, W) of the same type as `pixels`; 0 is transparent. Never denoised."""
    black_plate: Pixels | None = None
    """(H, W) of the same type: how light the paper is under the black ink alone, of CMYK. `pixels`
    are then what it is under cyan, magenta and yellow: white is no ink, as white is no colour."""
    metadata: Metadata = field(default_factory=Metadata)
    icc_profile: bytes | None = None
    colour_tags: ColourTags | None = None
    """How the file tells its colours without or besides a profile."""
    resolution: Resolution | None = None
    encoding: Encoding | None = None
    """How the file was compressed, where that is kept."""
    notes: tuple[str, ...] = ()
    """What reading changed, one short sentence each, for the user to be told."""
    lost: tuple[str, ...] = ()
    """What reading left behind, likewise: no file can have it of this picture again."""
    white_guess: str | None = None
    """How black and white were guessed, a sentence; None where they weren't."""
    range: Range | None = None
    """Black and white level of `pixels` (not of `alpha`), inside the values of the type; None is
    the full range. 8-bit pictures always have the full range."""
    values: "Values | None" = None
    """What floats in `pixels` were made from, where that was of another type or had holes."""

    def __post_init__(self) -> None:
        grey, colour = self.pixels.ndim == 2, self.pixels.shape[2:] == (3,)
        grey_shape = self.pixels.shape[:2]
        floating = self.pixels.dtype == np.float32
        if not (grey or colour) or not (floating or self.pixels.dtype in (np.uint8, np.uint16)):
            raise ValueError(
                f"pixels must be uint8, uint16 or float32 of shape (H, W) or (H, W, 3), "
                f"not {self.pixels.dtype} {self.pixels.shape}"
            )
        if self.alpha is not None and (
            self.alpha.shape != grey_shape or self.alpha.dtype != self.pixels.dtype
        ):
            raise ValueError("alpha must have the height, width and type of pixels")
        plate = self.black_plate
        if plate is not None and (plate.shape != grey_shape or plate.dtype != self.pixels.dtype):
            raise ValueError("the black plate must have the height, width and type of pixels")
        if plate is not None and not (colour and self.range is None):
            raise ValueError("CMYK has three more plates, and always the full range")
        full = Range.full(self.pixels.dtype)
        if not floating and not full.black <= self.levels.black < self.levels.white <= full.white:
            raise ValueError(f"{self.range} is beyond {self.pixels.dtype}")
        if self.depth == 8 and self.levels != full:
            raise ValueError("8-bit pixels always have the full range")
        if self.values is not None and not (
            floating and self.values.plane.shape == self.pixels.shape
        ):
            raise ValueError("values belong to float32 pixels of their own shape")

    @property
    def told(self) -> tuple[str, ...]:
        """All that reading has to tell the user: `notes`, `lost` and `white_guess`."""
        guess = () if self.white_guess is None else (self.white_guess,)
        return (*self.notes, *self.lost, *guess)

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
        """True for RGB, and for CMYK."""
        return self.pixels.ndim == 3

    def channel(self, number: int) -> "Picture":
        """Return one colour as a grey picture, without transparency and metadata."""
        values = self.values
        if values is not None:
            plane, shown = (one[..., number] for one in (values.plane, values.shown))
            values = replace(values, plane=plane, shown=shown)
        pixels: Any = np.ascontiguousarray(self.pixels[..., number])
        return Picture(pixels, range=self.range, values=values)

    @property
    def depth(self) -> int:
        """Bits per channel: 8 or 16; 32 for floats."""
        return self.pixels.dtype.itemsize * 8

    @property
    def is_measured(self) -> bool:
        """True for floats: they have no ends, and black and white are but two points of a line."""
        return self.pixels.dtype.kind == "f"

    @property
    def dtype(self) -> "np.dtype[Any]":
        """Type of the values in the file or array that it is from."""
        return self.pixels.dtype if self.values is None else self.values.dtype

    @property
    def measured(self) -> npt.NDArray[Any]:
        """The pixels in the type that they came in, with its holes: (H, W) or (H, W, 3)."""
        return self.pixels if self.values is None else self.values.restored(self.pixels)

    @property
    def levels(self) -> Range:
        """Black and white level: `range`, or the full range of the type where that is None."""
        return self.range or Range.full(self.pixels.dtype)

    @property
    def base(self) -> float:
        """What a value of the file is more than its pixel; 0 nearly always."""
        return 0.0 if self.values is None else self.values.base

    @property
    def extent(self) -> Range:
        """Black and white level in the units of the file."""
        return Range(self.levels.black + self.base, self.levels.white + self.base)

    @property
    def peak(self) -> float:
        """The value of white: 255, 65535, or what `range` says."""
        return self.levels.white


def with_white(picture: Picture, white: float) -> Picture:
    """The same pixels with another white level, as the user states it.

    A measurement takes any number above its black, or above 0. What the reader guessed is
    forgotten. Pixels above the new one stay as they are, and a note says that denoising
    cuts them.

    Args:
        picture: any picture; its black level is kept where it lies below `white`, else it is 0.
        white: the pixel value of white; 255 is the only one of an 8-bit picture.

    Raises:
        InputError: `white` isn't a positive number, or beyond the depth of the picture.
    """
    if picture.is_measured:
        return _with_white_of_measured(picture, white)
    full = Range.full(picture.pixels.dtype)
    if not 0 < white <= full.white:  # NaN, too
        raise InputError(
            f"the white level must be above 0 and at most {full.white:g} in a picture of "
            f"{picture.depth} bits, not {white:g}"
        )
    if picture.depth == 8 and white != full.white:
        raise InputError(
            f"the white level of an 8-bit picture is always 255, not {white:g}: "
            f"leave {WHITE_OPTION} out"
        )
    if picture.black_plate is not None:
        raise InputError(f"CMYK has no white level: leave {WHITE_OPTION} out")
    black = picture.levels.black
    notes = list(picture.notes)
    if picture.depth == 16 and (brightest := int(picture.pixels.max())) > white:
        notes.append(f"pixels of up to {brightest} are cut to the white level {white:g}")
    levels = Range(black if black < white else 0.0, float(white))
    return replace(picture, range=levels, notes=tuple(notes), white_guess=None)


def _with_white_of_measured(picture: Picture, white: float) -> Picture:
    black = picture.extent.black
    black = black if black < white else 0.0
    if not (math.isfinite(white) and black < white):
        raise InputError(f"the white level must be a number above black ({black:g}), not {white:g}")
    return replace(picture, range=Range(black - picture.base, white - picture.base))
