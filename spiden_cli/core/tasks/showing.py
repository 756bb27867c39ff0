"""How a network is shown a picture: its noise made white, and what the file clipped."""

from typing import NamedTuple, TypeGuard

from spiden_cli.core.image.picture import Picture
from spiden_cli.core.noise.clipping import Clipping, clipping_of, deviation_after_clipping
from spiden_cli.core.noise.model import Gaussian, Noise
from spiden_cli.core.noise.whitening import Whitening, whitening_for

__all__ = ["Shown", "how_shown", "noise_in_file"]


class Shown(NamedTuple):
    """How a network is shown a picture, which depends on all of it.

    Attributes:
        whitening: pixel by pixel.
        clipping: that is undone in the result; None: none is.
    """

    whitening: Whitening
    clipping: Clipping | None


def how_shown(noise: Noise, picture: Picture, seen: Picture, estimated: bool) -> Shown:
    """Choose how a network is shown a picture, from all of it.

    Args:
        noise: not unknown.
        picture: the noisy picture; its pixels may be a view, unless `noise` is a map.
        seen: the same without a detector's faults.
        estimated: as for `noise_in_file`.
    """
    left, clipping = noise_in_file(noise, picture, estimated), None
    if _may_be_clipped(left, picture):
        clipping = clipping_of(picture.pixels, picture.levels, left.sigma)
    return Shown(whitening_for(left, seen, picture), clipping)


def noise_in_file(noise: Noise, picture: Picture, estimated: bool) -> Noise:
    """Return the noise of a picture as its file, which may have clipped it, still holds it.

    Args:
        noise: not unknown.
        picture: the noisy picture.
        estimated: whether the level is from the picture, and so what clipping left; one that was
            given is what came before.
    """
    if estimated or not _may_be_clipped(noise, picture):
        return noise
    return Gaussian(deviation_after_clipping(noise.sigma))


def _may_be_clipped(noise: Noise, picture: Picture) -> TypeGuard[Gaussian]:
    """Return whether clipping is known to have moved means.

    Floats hold values beyond black and white, and noise of other kinds isn't known to be the same
    there.
    """
    return type(noise) is Gaussian and picture.pixels.dtype.kind != "f"
