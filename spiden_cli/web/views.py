"""What the page shows of a picture: PNG files of 8 bits, all of one size."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from spiden_cli.core.engine.firing import FiringMap
from spiden_cli.core.image.picture import Picture, Range
from spiden_cli.core.image.pixels import in_8_bit_units
from spiden_cli.core.image.showing import before_and_after
from spiden_cli.core.image.views import look
from spiden_cli.report.comparison import rate_scale
from spiden_cli.report.differences import amplification, amplified
from spiden_cli.report.panels import heat_colours

__all__ = ["Views", "firing_view"]

SIDE = 3000
"""A picture whose longer side is at least twice this is shown reduced."""
_HEAT_SIDE = 1024


class Views:
    """A picture before and after, and the difference.

    Args:
        noisy: what was read.
        denoised: of the same size and kind.
        removed: root mean square of what was removed, in 8-bit units.
    """

    def __init__(self, noisy: Picture, denoised: Picture, removed: float) -> None:
        *alike, stretch = before_and_after(noisy, denoised)
        before, after = (look(picture, SIDE) for picture in alike)
        self.height, self.width = before.shape[:2]
        self.amplification = amplification(removed * stretch)
        self.noisy = _png(before, noisy.icc_profile)
        self.denoised = _png(after, noisy.icc_profile)
        self.removed = _png(amplified(before, after, self.amplification))


def firing_view(firing: FiringMap, height: int, width: int) -> tuple[bytes, tuple[float, float]]:
    """Draw a firing map as large as its picture, or with less pixels of the same proportions.

    Args:
        firing: of the network, or a layer.
        height: rows of the picture.
        width: columns.

    Returns:
        The PNG file, and the rates that its darkest and its lightest colour stand for.
    """
    ends = rate_scale(firing)
    shrink = max(1.0, max(height, width) / _HEAT_SIDE)
    at = [
        ((np.arange(max(1, round(side / shrink))) + 0.5) * shrink).astype(int) // firing.scale
        for side in (height, width)
    ]
    rows, columns = (
        np.minimum(places, count - 1) for places, count in zip(at, firing.rate.shape, strict=True)
    )
    levels = in_8_bit_units(firing.rate[np.ix_(rows, columns)], Range(*ends))
    image = Image.fromarray(_rounded(levels))
    image.putpalette(heat_colours().tobytes())
    return _saved(image), ends


def _png(values: NDArray[np.float32], profile: bytes | None = None) -> bytes:
    levels = _rounded(values)
    return _saved(Image.fromarray(levels[..., 0] if levels.shape[2] == 1 else levels), profile)


def _rounded(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    rounded: NDArray[np.uint8] = np.rint(np.clip(values, 0, 255)).astype(np.uint8)
    return rounded


def _saved(image: Image.Image, profile: bytes | None = None) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG", compress_level=1, icc_profile=profile)  # it goes to this machine
    return stream.getvalue()
