"""What a network is shown of noise that it was not trained for: white, of a level it is good at.

Networks are trained on white noise over pictures that fill the range from black to white. Counts
are brought to that by the Anscombe transform, after which noise has a deviation of 1, and a linear
scale: so that the picture fills the range, or less of it where the noise would be too strong. Few
counts fill the range with noise beyond what a network can tell apart; it then sees a pale picture
under noise of a level that it knows.

White noise of one level in a deep picture that fills a small part of its range is scaled likewise.
"""

import math
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from spiden_cli.core.image.picture import Picture, Range
from spiden_cli.core.image.pixels import Planes
from spiden_cli.core.image.plane_view import squares_of
from spiden_cli.core.noise.anscombe import Anscombe
from spiden_cli.core.noise.model import Gaussian, Level, Noise, PoissonGaussian, level_of

__all__ = ["Whitening", "whitening_for"]

_FILLED = 0.85
"""Noise of a picture that fills the range, times this, is told: the network is best a bit below."""
_STRONGEST = 50.0
"""Level in 8-bit units: stronger noise costs more than paler pictures."""
_ALIKE = 0.01
"""Variance of counts over that of read noise, below which noise is the same at all levels."""
_LOW, _HIGH = 0.005, 0.995
_SIDE = 5  # pixels a side of the squares whose means show which values a picture has
_MOST_SQUARES = 200_000
_SMALL = 0.25
"""Share of the range, below which what white noise lies on is scaled up."""


@dataclass(frozen=True, eq=False)
class Whitening:
    """A way from planes of [0, 1] to planes for the network, and back; pixel by pixel.

    Attributes:
        level: of the noise after it, in 8-bit units: what the network is told.
        stretch: the level over that of the noise before, at the mean brightness; 1: planes are
            shown as they are.
    """

    level: Level
    stretch: float = 1.0
    _anscombe: Anscombe | None = None
    _low: float = 0.0
    _scale: float = 1.0

    def shown(self, planes: Planes) -> Planes:
        """Return what the network sees.

        Args:
            planes: (C, H, W) float32, in the range of the picture.
        """
        if self._is_plain:
            return planes
        seen = planes if self._anscombe is None else self._anscombe.forward(planes)
        return (seen - np.float32(self._low)) * np.float32(self._scale)

    def expected(self, clean: Planes) -> Planes:
        """Return what `restored` makes clean planes of: the mean of what the network sees.

        Args:
            clean: (C, H, W) float32, in the range of the noisy picture.
        """
        if self._anscombe is None:
            return self.shown(clean)
        means = self._anscombe.expected(clean)
        return (means - np.float32(self._low)) * np.float32(self._scale)

    def restored(self, denoised: Planes) -> Planes:
        """Return the brightness, in the range of the picture, of what the network made."""
        if self._is_plain:
            return denoised
        means = denoised / np.float32(self._scale) + np.float32(self._low)
        return means if self._anscombe is None else self._anscombe.inverse(means)

    @property
    def _is_plain(self) -> bool:
        return self._anscombe is None and self._low == 0 and self._scale == 1


def whitening_for(noise: Noise, picture: Picture, given: Picture | None = None) -> Whitening:
    """Return how a network is shown a picture: as it is, where its noise is white already.

    Args:
        noise: not unknown; counts in the units of the file.
        picture: the whole picture, which the scale depends on.
        given: the same as it was before a detector's faults were repaired; None: none were.

    Raises:
        InputError: a map is of another size than the picture.
    """
    given = given or picture
    if isinstance(noise, PoissonGaussian):
        own, means = _in_range(noise, given.extent), _means(picture)
        if own.gain * (float(means.max()) - own.offset) < _ALIKE * own.read_noise**2:
            return whitening_for(Gaussian(min(255.0, 255 * own.read_noise)), picture, given)
        counts = max(0.0, float(means.mean()) - own.offset)
        before = 255 * math.sqrt(own.gain * counts + own.read_noise**2)
        return _scaled(Anscombe(own), 1.0, before, means)
    if type(noise) is Gaussian and given.depth > 8 and noise.sigma > 0:
        linear = _scaled(None, noise.sigma / 255, noise.sigma, _means(picture))
        if linear.stretch > _FILLED / _SMALL:
            return linear
    return Whitening(level_of(noise, picture.pixels))


def _in_range(noise: PoissonGaussian, extent: Range) -> PoissonGaussian:
    """Return the same noise in shares of the range, above black."""
    span = extent.span
    return PoissonGaussian(
        noise.gain / span, (noise.offset - extent.black) / span, noise.read_noise / span
    )


def _scaled(
    anscombe: Anscombe | None, deviation: float, before: float, means: NDArray[np.float32]
) -> Whitening:
    """Choose the scale by which a picture is shown.

    Args:
        anscombe: comes before the scale.
        deviation: of the noise after it.
        before: of the noise before it, in 8-bit units.
        means: of small squares of the picture.
    """
    values = means if anscombe is None else anscombe.forward(means)
    low, high = (float(end) for end in np.quantile(values, (_LOW, _HIGH)))
    level = min(_FILLED * 255 * deviation / max(high - low, 1e-9), _STRONGEST)
    stretch = level / before if before > 0 else 1.0
    return Whitening(level, stretch, anscombe, low, level / (255 * deviation))


def _means(picture: Picture) -> NDArray[np.float32]:
    """Return means of small squares, spread over the picture, in shares of its range."""
    squares = squares_of(picture.pixels, _SIDE, _MOST_SQUARES)
    means = squares.mean((1, 3), dtype=np.float32)
    return cast("NDArray[np.float32]", (means - picture.levels.black) / picture.levels.span)
