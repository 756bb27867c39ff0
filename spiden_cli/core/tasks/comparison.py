"""Pictures of one scene compared: with a clean reference, or with the first of them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from spiden_cli.core.image.metrics import SSIM_WINDOW, psnr, ssim
from spiden_cli.core.image.picture import Picture, Range
from spiden_cli.core.image.pixels import in_16_bits
from spiden_cli.core.image.showing import on_range_of
from spiden_cli.errors import InputError

__all__ = ["Closeness", "check_one_scene", "closeness", "on_one_scale"]


@dataclass(frozen=True)
class Closeness:
    """How close one picture comes to another.

    Attributes:
        psnr: in dB; infinite if they are equal.
        ssim: structural similarity, 1 if they are equal; None under 11 pixels a side.
    """

    psnr: float
    ssim: float | None

    @property
    def equal(self) -> bool:
        """Whether every pixel is the same."""
        return math.isinf(self.psnr)

    @property
    def difference(self) -> float:
        """Root mean square of the difference, in 8-bit units."""
        return 0.0 if self.equal else float(255 * 10 ** (-self.psnr / 20))


def check_one_scene(pictures: Mapping[Any, Picture]) -> None:
    """Refuse pictures that can't be laid over one another.

    Args:
        pictures: by what messages call them.

    Raises:
        InputError: two differ in size, or one is grey and another in colour.
    """
    (first, one), *others = pictures.items()
    for name, other in others:
        if (other.width, other.height) != (one.width, one.height):
            raise InputError(
                f"{name} has {other.width} x {other.height} pixels, and {first} "
                f"{one.width} x {one.height}: only pictures of one size can be compared; "
                "scale or crop one of them first"
            )
        if other.is_colour != one.is_colour:
            kinds = {True: "in colour", False: "grey"}
            raise InputError(
                f"{name} is {kinds[other.is_colour]}, and {first} {kinds[one.is_colour]}: only "
                "pictures of one kind can be compared"
            )


def on_one_scale(pictures: Mapping[Any, Picture]) -> dict[Any, Picture]:
    """Return pictures whose pixels have one type, and one black and white level.

    Those that have are returned as they are; others all become 16-bit pictures of the full range,
    which 8-bit values fit into exactly. Measurements all take black and white of the first of them,
    and 16-bit pictures whose white levels were guessed, each from its brightest pixel, the widest.

    Args:
        pictures: by name.
    """
    pictures = _with_one_guess(pictures)
    if len({(str(p.pixels.dtype), p.levels) for p in pictures.values()}) == 1 and all(
        p.pixels.dtype.kind == "u" for p in pictures.values()
    ):
        return dict(pictures)
    measured = [picture for picture in pictures.values() if picture.is_measured]
    scaled = {
        name: on_range_of(picture, measured[0]) if picture.is_measured else picture
        for name, picture in pictures.items()
    }
    return {name: in_16_bits(picture) for name, picture in scaled.items()}


def _with_one_guess(pictures: Mapping[Any, Picture]) -> Mapping[Any, Picture]:
    """Return pictures with one range, if that of each was guessed from its own pixels."""
    if not all(picture.white_guess is not None for picture in pictures.values()):
        return pictures
    levels = [picture.levels for picture in pictures.values()]
    widest = Range(min(own.black for own in levels), max(own.white for own in levels))
    return {name: replace(picture, range=widest) for name, picture in pictures.items()}


def closeness(picture: Picture, base: Picture) -> Closeness:
    """Measure how close a picture comes to another, of one size and on one scale.

    Args:
        picture: what is measured.
        base: what it is measured against.
    """
    similar = min(base.width, base.height) >= SSIM_WINDOW
    one, other, levels = picture.pixels, base.pixels, base.levels
    return Closeness(psnr(one, other, levels), ssim(one, other, levels) if similar else None)
