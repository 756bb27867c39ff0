"""The white level of 16-bit pixels: what the file states, or what the pixels need.

Cameras and microscopes of 10, 12 or 14 bits leave the upper bits of a 16-bit file at zero. Taken by
the full range such a picture is dark and so is its noise.
"""

import math
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from spiden_cli.core.image.picture import WHITE_OPTION, Picture, Pixels, Range
from spiden_cli.core.image.showing import show
from spiden_cli.core.image.values import Plane

if TYPE_CHECKING:
    import tifffile

__all__ = ["Levels", "picture_of", "range_of", "stated_in_png", "stated_in_tiff"]

_BITS = (8, 10, 12, 14, 16)
_SIGN_OFFSET, _MOST_BELOW, _QUARTER = 32_768, 8_192, 16_384
_MAXIMUM_TAGS = ((280, 281), (340, 341))  # (Min, Max)SampleValue, S(Min, Max)SampleValue
# Neither part crosses a "<", so that a hostile description costs no more than its length.
_OME_PIXELS = re.compile(r"<(?:\w{1,20}:)?Pixels\s([^<>]*)>")
_OME_BITS = re.compile(r"\bSignificantBits\s{0,9}=\s{0,9}[\"'](\d{1,3})[\"']")


class Levels(NamedTuple):
    """Black and white of pixels, and where they are from.

    Attributes:
        range: None is the full one of the type, where nothing was stated.
        guess: how it was guessed, a sentence; None where it wasn't.
        notes: why what the file states isn't used.
    """

    range: Range | None
    guess: str | None = None
    notes: tuple[str, ...] = ()


def range_of(pixels: Pixels, stated: Range | None) -> Levels:
    """Find the range of decoded pixels.

    A statement that the pixels themselves exceed isn't believed. Without a statement, white is the
    largest value of the smallest of 8, 10, 12, 14 and 16 bits that hold the pixels; grey pixels
    that have an offset (signed numbers that became unsigned begin at 32768) have a black, too.

    Args:
        pixels: (H, W) or (H, W, 3) uint8 or uint16.
        stated: what the file says.
    """
    if pixels.dtype == np.uint8:
        return Levels(None)
    darkest, brightest = int(pixels.min()), int(pixels.max())
    if stated is not None and stated.white <= np.iinfo(pixels.dtype).max:
        if stated.black <= darkest and brightest <= stated.white:
            return Levels(stated)
        if brightest <= stated.white:
            return Levels(Range(0.0, stated.white))
    notes: tuple[str, ...] = ()
    if stated is not None:
        notes = (
            f"the file gives white as {stated.white:g}, which its pixels of up to {brightest} "
            "contradict: it isn't used",
        )
    if offset := _offset(darkest, brightest, pixels.ndim):
        guess = (
            f"black is taken to be {offset.black:g} and white {offset.white:g}, since no pixel is "
            f"below {darkest}; {WHITE_OPTION} sets another white"
        )
        return Levels(offset, guess, notes)
    bits = next(bits for bits in _BITS if brightest < 2**bits)
    if bits == 16:
        return Levels(None, notes=notes)
    white = 2**bits - 1
    guess = (
        f"white is taken to be {white}, since the pixels need only {bits} of their 16 bits; "
        f"{WHITE_OPTION} sets another value"
    )
    return Levels(Range(0.0, float(white)), guess, notes)


def _offset(darkest: int, brightest: int, dimensions: int) -> Range | None:
    """The range of grey values that have an offset; None if they have none.

    Those from 32768 on are signed numbers that became unsigned, of the bits that they need. So are
    those somewhat below, negative ones among them, if all fill less than a quarter of 16 bits.
    """
    if dimensions != 2:
        return None
    if darkest >= _SIGN_OFFSET:
        bits = next(bits for bits in _BITS if brightest - _SIGN_OFFSET < 2**bits)
        return Range(float(_SIGN_OFFSET), float(min(_SIGN_OFFSET + 2**bits, 2**16) - 1))
    if darkest >= _SIGN_OFFSET - _MOST_BELOW and _SIGN_OFFSET < brightest < darkest + _QUARTER:
        return Range(float(darkest), float(brightest))
    return None


def picture_of(plane: Plane, name: str = "the image") -> Picture:
    """Return values that nothing is said of as a picture, with what was guessed.

    Args:
        plane: (H, W) or (H, W, 3), whole or real numbers.
        name: of what holds it, for messages.

    Raises:
        InputError: none of them is finite, or they are beyond what can be shown.
    """
    if plane.dtype not in (np.uint8, np.uint16):
        return show(plane, name)
    pixels: Pixels = np.ascontiguousarray(plane, plane.dtype.newbyteorder("="))
    found = range_of(pixels, None)
    return Picture(pixels, range=found.range, white_guess=found.guess)


def stated_in_tiff(page: "tifffile.TiffPage") -> Range | None:
    """What a page says of its range: MaxSampleValue, SMaxSampleValue, OME-XML, or packed bits.

    Sources: TIFF 6.0, sections 8 and 20 (tags 280, 281, 340, 341); OME-XML 2016-06, attribute
    SignificantBits of Pixels.
    """
    colours = max(1, page.samplesperpixel - len(page.extrasamples))
    for lowest, highest in _MAXIMUM_TAGS:
        whites, blacks = (_levels(page, code, colours) for code in (highest, lowest))
        if whites and max(whites) > 0:
            white, black = max(whites), max(0.0, min(blacks, default=0.0))
            return Range(black if black < white else 0.0, white)
    if bits := _ome_bits(page.description):
        return Range(0.0, float(2**bits - 1))
    packed = page.bitspersample
    return Range(0.0, float(2**packed - 1)) if 8 < packed < 16 else None


def _levels(page: "tifffile.TiffPage", code: int, colours: int) -> list[float]:
    """The values of a tag for the colours, one for all or one each; [] if they are nonsense."""
    tag = page.tags.get(code)
    if tag is None:
        return []
    values: Iterable[Any] = tag.value if isinstance(tag.value, tuple) else (tag.value,)
    try:
        numbers = [float(value) for value in values][:colours]
    except (TypeError, ValueError):
        return []
    return numbers if all(math.isfinite(number) for number in numbers) else []


def _ome_bits(description: str) -> int | None:
    """SignificantBits of the first Pixels element, 1 to 16."""
    if (pixels := _OME_PIXELS.search(description)) and (bits := _OME_BITS.search(pixels[1])):
        return int(bits[1]) if 1 <= int(bits[1]) <= 16 else None
    return None


def stated_in_png(significant: bytes, pixels: Pixels) -> Range | None:
    """What an sBIT chunk says (PNG specification, third edition, section 11.3.2.7).

    By the specification the samples were scaled up to all 16 bits, and sBIT tells how many of them
    count: white is then 65535. Many programs store the small values as they are: pixels that fit in
    so few bits are taken for these.

    Args:
        significant: the body of the chunk, one byte a channel; empty if missing.
        pixels: (H, W) or (H, W, 3), what was decoded from the file.
    """
    bits = max(significant[: 3 if pixels.ndim == 3 else 1], default=0)
    if pixels.dtype == np.uint8 or not 0 < bits <= 16:
        return None
    white = 2**bits - 1
    return Range(0.0, float(white if pixels.max() <= white else np.iinfo(pixels.dtype).max))
