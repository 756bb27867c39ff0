"""What a network is shown of noise that it was not trained for: white, and of a level it is good at.

Networks are trained on white noise over pictures that fill the range from black to white. Counts
are brought to that by the Anscombe transform, after which noise has a deviation of 1, and a linear
scale: so that the picture fills nine tenths of the range, or less of it where the noise would be
too strong. Few counts fill the range with noise beyond what a network can tell apart; it then sees
a pale picture under noise of a level that it knows.

White noise of one level in a deep picture that fills a small part of its range is scaled likewise.
"""

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
    """

    level: float
    _transform: _Transform
    _low: float
    _scale: float

    def shown(self, planes: Planes) -> Planes:
        """Return what the network sees.

        Args:
            planes: (C, H, W) float32, in the range of the picture.
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
    levels = picture.levels
    if isinstance(noise, PoissonGaussian):
        return _scaled(Anscombe(_in_range(noise, levels)), 1.0, picture)
    if type(noise) is Gaussian and picture.depth > 8 and noise.sigma > 0:
        linear = _scaled(_Identity(), noise.sigma / 255, picture)
        if linear.level > noise.sigma / _SMALL * _FILLED:
            return linear
    return None


def _in_range(noise: PoissonGaussian, levels: Range) -> PoissonGaussian:
    """Return the same noise in shares of the range, above black."""
    span = levels.span
    return PoissonGaussian(
        noise.gain / span, (noise.offset - levels.black) / span, noise.read_noise / span
    )


def _scaled(transform: _Transform, deviation: float, picture: Picture) -> Whitening:
    """Choose the scale by which a picture under noise of a deviation, transformed, is shown."""
    low, high = np.quantile(transform.forward(_means(picture)), (_LOW, _HIGH)).tolist()
    filling = 255 * deviation / max(high - low, 1e-9)
    level = min(_FILLED * filling, _STRONGEST)
    return Whitening(level, transform, low, level / (255 * deviation))


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
