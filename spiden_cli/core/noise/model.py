"""Noise as a value: what kind it is, how strong, and what a network is told of it.

A kind of noise says one thing to everybody: its level at each pixel of a picture, in 8-bit units,
1/255 of what lies between the picture's black and white. That is what the networks are told.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from spiden_cli.core.image.picture import Pixels, Range
from spiden_cli.errors import InputError

if TYPE_CHECKING:
    from spiden_cli.core.noise.blind import NoiseEstimate

Level: TypeAlias = float | NDArray[np.float32]
"""A noise level in 8-bit units: one for all pixels, or a map (H, W)."""


@dataclass(frozen=True)
class Uniform:
    """Noise of one level, of whatever kind.

    Attributes:
        sigma: root mean square, 0 to 255, in 1/255 of the picture's range.

    Raises:
        InputError: sigma is out of range, or not a number.
    """

    sigma: float

    def __post_init__(self) -> None:
        if not 0 <= self.sigma <= 255:
            raise InputError(f"sigma must be a number from 0 to 255, not {self.sigma}")


@dataclass(frozen=True)
class Gaussian(Uniform):
    """White Gaussian noise of one level; `sigma` is its standard deviation."""


@dataclass(frozen=True)
class Coarse(Uniform):
    """Noise of a camera, coarse after all that the camera did to it; `sigma` over all channels."""


@dataclass(frozen=True)
class InPixelUnits:
    """Noise of one level in the units of the picture's own pixels, which its range makes `Uniform`.

    Attributes:
        sigma: root mean square.
        is_white: whether it is known to be white.

    Raises:
        InputError: sigma is negative, or not a finite number.
    """

    sigma: float
    is_white: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.sigma < math.inf:
            raise InputError(f"sigma must be a number from 0 on, not {self.sigma}")

    def over(self, extent: Range) -> Uniform:
        """Return it in 1/255 of a range.

        Raises:
            InputError: it is more than the range.
        """
        if self.sigma > extent.span:
            raise InputError(
                f"sigma must be at most {extent.span:g}, the range from black to white, not "
                f"{self.sigma:g}"
            )
        level = 255 * self.sigma / extent.span
        return Gaussian(level) if self.is_white else Uniform(level)


@dataclass(frozen=True)
class PoissonGaussian:
    """Counts and read noise: a value x has the variance gain (x - offset) + read_noise^2.

    All in the units of the picture's own pixels (Foi et al. 2008, IEEE TIP 17(10), eq. 4).

    Attributes:
        gain: what one count adds to a pixel.
        offset: the pixel of no count.
        read_noise: standard deviation of what is added to every pixel.

    Raises:
        InputError: the gain is not positive, the read noise is negative, or one is not finite.
    """

    gain: float
    offset: float = 0.0
    read_noise: float = 0.0

    def __post_init__(self) -> None:
        finite = all(map(math.isfinite, (self.gain, self.offset, self.read_noise)))
        if not (finite and self.gain > 0 and self.read_noise >= 0):
            raise InputError(self._fault())

    def deviation(self, value: float) -> float:
        """Return the standard deviation of the noise of a pixel whose clean value is known."""
        return math.sqrt(self.gain * max(0.0, value - self.offset) + self.read_noise**2)

    def _fault(self) -> str:
        if not 0 < self.gain < math.inf:
            return f"the gain must be a number above 0, not {self.gain:g}"
        if not 0 <= self.read_noise < math.inf:
            return f"the read noise must be 0 or a number above it, not {self.read_noise:g}"
        return f"the offset must be a number, not {self.offset:g}"


@dataclass(frozen=True)
class UnknownCounts:
    """Noise of counts, of which what is None is to be estimated from the picture.

    Attributes:
        gain: as of `PoissonGaussian`.
        offset: likewise.
        read_noise: likewise.

    Raises:
        InputError: the gain is not positive, the read noise is negative, or one is not finite.
    """

    gain: float | None = None
    offset: float | None = None
    read_noise: float | None = None

    def __post_init__(self) -> None:
        PoissonGaussian(
            1.0 if self.gain is None else self.gain, self.offset or 0.0, self.read_noise or 0.0
        )

    @property
    def known(self) -> PoissonGaussian | None:
        """The noise, if nothing is left to be estimated."""
        if self.gain is None or self.offset is None or self.read_noise is None:
            return None
        return PoissonGaussian(self.gain, self.offset, self.read_noise)


@dataclass(frozen=True, eq=False)
class NoiseMap:
    """Gaussian noise of a known level at each pixel.

    Attributes:
        sigma: (H, W) standard deviation, in 1/255 of the picture's range.

    Raises:
        InputError: a level is out of range, or not a number.
    """

    sigma: NDArray[np.float32]

    def __post_init__(self) -> None:
        if np.ndim(self.sigma) != 2 or not ((self.sigma >= 0) & (self.sigma <= 255)).all():
            raise InputError("a noise map has a level from 0 to 255 for each pixel, (H, W)")


@dataclass(frozen=True)
class Unknown:
    """Noise that is to be estimated from the picture.

    Attributes:
        white: whether it is known to be white and of one level; else the kind is looked for, too.
    """

    white: bool = False


Noise: TypeAlias = Uniform | InPixelUnits | PoissonGaussian | UnknownCounts | NoiseMap | Unknown


def as_noise(given: Noise | float | None) -> Noise:
    """Return the noise that a caller means: a number is a level of any kind, None is unknown.

    Raises:
        InputError: a number out of range.
    """
    if given is None:
        return Unknown()
    if isinstance(given, UnknownCounts):
        return given.known or given
    if isinstance(given, (Uniform, InPixelUnits, PoissonGaussian, NoiseMap, Unknown)):
        return given
    return Uniform(float(given))


def found_noise(estimate: "NoiseEstimate", for_camera: bool) -> Uniform:
    """Return the noise that an estimate found, as a network should be told of it.

    Args:
        estimate: what was found in a picture.
        for_camera: whether the network was trained on camera noise; to one that knows only white
            noise, coarse noise is told as more than it is.
    """
    if estimate.is_white:
        return Gaussian(estimate.sigma)
    return Coarse(estimate.level if for_camera else estimate.sigma)


def level_of(noise: Noise, pixels: Pixels) -> Level:
    """Return the noise level of a picture, for a network to be told.

    Args:
        noise: neither unknown nor of counts, which `whitening_for` is for.
        pixels: (H, W) or (H, W, 3).

    Returns:
        One level, or a map (H, W) float32.

    Raises:
        InputError: a map is of another size than the picture.
    """
    if isinstance(noise, Uniform):
        return noise.sigma
    if isinstance(noise, NoiseMap):
        if noise.sigma.shape != pixels.shape[:2]:
            raise InputError(
                f"the noise map is of {noise.sigma.shape} pixels, the picture of {pixels.shape[:2]}"
            )
        return noise.sigma.astype(np.float32)
    raise TypeError("counts have no level, see `whitening_for`; what is unknown is to be estimated")
