"""A user's hand on the result: how strongly to denoise, luminance and colour apart.

The eye minds grain in luminance little, and takes a picture without any for plastic; blotches of
colour it minds a lot. So the two parts of what a network removes can be weighed apart:

    removed = noisy - denoised           of a network that is told level * strength
    luminance = 0.299 R + 0.587 G + 0.114 B of it, in each of the channels
    chroma = removed - luminance

The luminance is luma as JPEG and video define it (ITU-R BT.601) rather than the mean of the
channels (an orthonormal axis, which an estimate of noise wants), since that is what is seen as
brightness and what other programs keep when they smooth colour. Where the luminance is left alone,
Y' stays exactly as it was, and where chroma is, B' - Y' and R' - Y' do. All of this happens pixel
by pixel, so that tiles leave no seam.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spiden_cli.core.image.pixels import Planes, to_grey
from spiden_cli.core.noise.model import Level
from spiden_cli.errors import InputError

MOST_STRENGTH = 2.0
_MOST_LEVEL = 255.0


@dataclass(frozen=True)
class Adjustment:
    """What a user changes of what was estimated, or given.

    Attributes:
        strength: factor of the noise level that the network is told, 0 to 2; at 0 nothing runs and
            every bit of the picture stays.
        chroma_strength: likewise for the colour part of what is removed; None: the same. Where it
            differs the network runs twice. It has no meaning in a grey picture, and no effect.
        detail: share of the removed luminance that is put back, 0 to 1.

    Raises:
        InputError: a value is out of range, or not a number.
    """

    strength: float = 1.0
    chroma_strength: float | None = None
    detail: float = 0.0

    def __post_init__(self) -> None:
        _check("strength", self.strength, MOST_STRENGTH)
        _check("chroma strength", self.chroma, MOST_STRENGTH)
        _check("detail", self.detail, 1)

    @property
    def chroma(self) -> float:
        """The strength for the colour part."""
        return self.strength if self.chroma_strength is None else self.chroma_strength

    def strengths(self, colour: bool) -> tuple[float, float]:
        """Return the strengths for luminance and for chroma, which of a grey picture are one."""
        return self.strength, self.chroma if colour else self.strength

    def combined(self, noisy: Planes, luminance: Planes, chroma: Planes) -> Planes:
        """Take the luminance of one result and the colour of another, and put grain back.

        Args:
            noisy: (C, H, W) float32.
            luminance: the same, denoised at `strength`.
            chroma: likewise at `chroma_strength`; the same object where both are one.

        Returns:
            (C, H, W) float32; with nothing to change, `chroma` itself.
        """
        if luminance is chroma and not self.detail:
            return chroma
        kept = to_grey(noisy - chroma)
        if luminance is chroma:
            kept *= np.float32(self.detail)
        else:
            kept -= np.float32(1 - self.detail) * to_grey(noisy - luminance)
        combined: Planes = chroma + kept
        return combined


def scaled(level: Level, strength: float, most: float = _MOST_LEVEL) -> Level:
    """Return a noise level, or a map, times a strength; `most` at most."""
    if isinstance(level, np.ndarray):
        stronger: NDArray[np.float32] = level * np.float32(strength)
        return stronger.clip(max=most)
    return min(level * strength, most)


def _check(name: str, value: float, most: float) -> None:
    if not 0 <= value <= most:  # NaN, too
        raise InputError(f"the {name} must be a number from 0 to {most:g}, not {value:g}")


UNADJUSTED = Adjustment()
