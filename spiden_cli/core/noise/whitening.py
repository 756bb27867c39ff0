"""What a network is shown of noise that it was not trained for: white, of a level it is good at.

Networks are trained on white noise over pictures that fill the range from black to white. Counts
are brought to that by the Anscombe transform, after which noise has a deviation of 1, and a linear
scale: so that the picture fills nine tenths of the range, or less of it where the noise would be
too strong. Few counts fill the range with noise beyond what a network can tell apart; it then sees
a pale picture under noise of a level that it knows.

Where counts are so few that noise would have to be paler still, four pixels are averaged to one
before, which halves the noise, and the network works on a picture of half the size.

White noise of one level in a deep picture that fills a small part of its range is scaled likewise.
"""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from spiden_cli.core.image.picture import Picture, Range
from spiden_cli.core.image.pixels import Planes
from spiden_cli.core.noise.anscombe import Anscombe
from spiden_cli.core.noise.model import Gaussian, Noise, PoissonGaussian

__all__ = ["Whitening", "whitening_for"]

_FILLED = 0.85
"""Noise of a picture that fills the range, times this, is told: the network is best a bit below."""
_STRONGEST = 50.0
"""Level in 8-bit units: stronger noise costs more than paler pictures."""
_PALE, _LEAST_POOLED = 115.0, 32
"""Level in 8-bit units of noise on a picture that fills the range, from where on it is pooled; and
pixels a side below which it is not."""
_LOW, _HIGH = 0.005, 0.995
_SIDE = 5  # pixels a side of the squares whose means show which values a picture has
_MOST_SQUARES = 200_000
_SMALL = 0.25
"""Share of the range, below which what white noise lies on is scaled up."""


class _Transform(Protocol):
    def forward(self, values: NDArray[np.number]) -> NDArray[np.float32]: ...

    def inverse(self, means: NDArray[np.number]) -> NDArray[np.float32]: ...


class _Identity:
    def forward(self, values: NDArray[np.number]) -> NDArray[np.float32]:
        return np.asarray(values, np.float32)

    def inverse(self, means: NDArray[np.number]) -> NDArray[np.float32]:
        return np.asarray(means, np.float32)


@dataclass(frozen=True)
class Whitening:
    """A way from planes of [0, 1] to planes for the network, and back; pixel by pixel.

    Attributes:
        level: of the noise after it, in 8-bit units: what the network is told.
        stretch: the level over that of the noise before, at the mean brightness.
        pooled: whether it takes means of 2 x 2 pixels rather than pixels.
        filling: what the level would be of a picture that fills the range.
    """

    level: float
    stretch: float
    pooled: bool
    filling: float
    _transform: _Transform
    _low: float
    _scale: float

    def shown(self, planes: Planes) -> Planes:
        """Return what the network sees.

        Args:
            planes: (C, H, W) float32, in the range of the picture; means of 2 x 2 of its pixels if
                `pooled`.
        """
        seen: Planes = self._transform.forward(planes)
        return (seen - np.float32(self._low)) * np.float32(self._scale)

    def restored(self, denoised: Planes) -> Planes:
        """Return the brightness, in the range of the picture, of what the network made."""
        means = denoised / np.float32(self._scale) + np.float32(self._low)
        return self._transform.inverse(means)


def whitening_for(noise: Noise, picture: Picture) -> Whitening | None:
    """Return what makes the noise of a picture white and of a good level; None if it is so as is.

    Args:
        noise: known; counts in the units of the pixels.
        picture: the whole picture, which the scale depends on.
    """
    levels, means = picture.levels, _means(picture)
    if isinstance(noise, PoissonGaussian):
        own = _in_range(noise, levels)
        counts = max(0.0, float(means.mean()) - own.offset)
        before = 255 * math.sqrt(own.gain * counts + own.read_noise**2)
        found = _scaled(Anscombe(own), 1.0, before, means)
        if found.filling < _PALE or min(picture.width, picture.height) < _LEAST_POOLED:
            return found
        # The mean of four numbers of counts: four times as many, of a fourth of the gain.
        of_means = PoissonGaussian(own.gain / 4, own.offset, own.read_noise / 2)
        return _scaled(Anscombe(of_means), 1.0, before, means, pooled=True)
    if type(noise) is Gaussian and picture.depth > 8 and noise.sigma > 0:
        linear = _scaled(_Identity(), noise.sigma / 255, noise.sigma, means)
        if linear.level > noise.sigma / _SMALL * _FILLED:
            return linear
    return None


def _in_range(noise: PoissonGaussian, levels: Range) -> PoissonGaussian:
    """Return the same noise in shares of the range, above black."""
    span = levels.span
    return PoissonGaussian(
        noise.gain / span, (noise.offset - levels.black) / span, noise.read_noise / span
    )


def _scaled(
    transform: _Transform,
    deviation: float,
    before: float,
    means: NDArray[np.float32],
    pooled: bool = False,
) -> Whitening:
    """Choose the scale by which a picture is shown.

    Args:
        transform: comes before the scale.
        deviation: of the noise after it.
        before: of the noise before it, in 8-bit units.
        means: of small squares of the picture.
        pooled: see `Whitening`.
    """
    low, high = np.quantile(transform.forward(means), (_LOW, _HIGH)).tolist()
    filling = 255 * deviation / max(high - low, 1e-9)
    level = min(_FILLED * filling, _STRONGEST)
    stretch = level / before if before > 0 else 1.0
    return Whitening(level, stretch, pooled, filling, transform, low, level / (255 * deviation))


def _means(picture: Picture) -> NDArray[np.float32]:
    """Return means of small squares, spread over the picture, in shares of its range."""
    pixels = picture.pixels[..., None] if picture.pixels.ndim == 2 else picture.pixels
    rows, columns = (side // _SIDE for side in pixels.shape[:2])
    step = max(1, int(np.ceil(np.sqrt(rows * columns / _MOST_SQUARES))))
    whole = pixels[: rows * _SIDE, : columns * _SIDE]
    squares = whole.reshape(rows, _SIDE, columns, _SIDE, -1)[::step, :, ::step]
    means = squares.mean((1, 3), dtype=np.float32)
    shares: NDArray[np.float32] = (means - picture.levels.black) / picture.levels.span
    return shares.astype(np.float32)
