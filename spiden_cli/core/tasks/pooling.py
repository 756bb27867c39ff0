"""Pictures of half the size, and back: the means of 2 x 2 pixels, and what lies between them."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from spiden_cli.core.engine.tiling import Window
from spiden_cli.core.image.pixels import Planes

__all__ = ["covering", "enlarged", "half_of", "pooled", "twice"]

_REACH = 2
"""Means on each side that a pixel between them depends on."""

# Cubic convolution (Keys 1981, IEEE TASSP 29(6), a = -1/2) a quarter of the way between two means.
_TAPS = np.array([-0.0703125, 0.8671875, 0.2265625, -0.0234375], np.float32)


def half_of(side: int) -> int:
    """Return how many means there are along a side of some pixels."""
    return -(-side // 2)


def covering(window: Window, height: int, width: int, reach: int = _REACH) -> Window:
    """Return the means that a window of pixels, of a picture of (H, W), depends on.

    Args:
        window: of pixels.
        height: rows of the picture.
        width: columns.
        reach: means on each side.
    """
    return Window(
        *(
            slice(max(0, side.start // 2 - reach), min(half_of(side.stop) + reach, half_of(length)))
            for side, length in zip(window, (height, width), strict=True)
        )
    )


def twice(window: Window, height: int, width: int) -> Window:
    """Return the pixels, of a picture of (H, W), that a window of means covers."""
    return Window(
        *(
            slice(2 * side.start, min(2 * side.stop, length))
            for side, length in zip(window, (height, width), strict=True)
        )
    )


def pooled(read: Callable[[Window], Planes], window: Window, height: int, width: int) -> Planes:
    """Return means of 2 x 2 pixels; at an odd end, those of the last two.

    Args:
        read: returns a window of the picture, (C, h, w).
        window: of the means.
        height: rows of the picture.
        width: columns.
    """
    planes = read(twice(window, height, width))
    odd = [(0, side % 2) for side in planes.shape[1:]]
    if any(more for _, more in odd):  # the last two, rather than the last one twice
        mode = "reflect" if min(planes.shape[1:]) > 1 else "edge"
        planes = np.pad(planes, ((0, 0), *odd), mode)  # type: ignore[call-overload]
    channels, tall, wide = planes.shape
    means: Planes = planes.reshape(channels, tall // 2, 2, wide // 2, 2).mean((2, 4))
    return means


def enlarged(means: Planes, within: Window, window: Window, height: int, width: int) -> Planes:
    """Return the pixels of a window from means, by cubic convolution.

    What they are does not depend on the window: parts fit together.

    Args:
        means: (C, h, w) of the window `within` of all means, those `covering` the window of
            pixels at least.
        within: which of the means they are.
        window: of pixels.
        height: rows of the picture.
        width: columns.
    """
    rows = _between(window.rows, within.rows, half_of(height))
    columns = _between(window.columns, within.columns, half_of(width))
    tall = np.zeros((len(means), window.shape[0], means.shape[2]), np.float32)
    for places, weights in rows:
        tall += means[:, places] * weights[:, None]
    whole = np.zeros((len(means), *window.shape), np.float32)
    for places, weights in columns:
        whole += tall[:, :, places] * weights
    return whole


def _between(
    pixels: slice, there: slice, count: int
) -> list[tuple[NDArray[np.intp], NDArray[np.float32]]]:
    """Return, for each tap, which of the means there it takes for each pixel, and its weight."""
    pixel = np.arange(pixels.start, pixels.stop)
    nearest, odd = pixel // 2, pixel % 2 == 1
    taps = []
    for tap, step in enumerate((-1, 0, 1, 2)):  # towards the side on which the pixel lies
        place = nearest + np.where(odd, step, -step)
        taps.append((place.clip(0, count - 1) - there.start, np.full(len(pixel), _TAPS[tap])))
    return taps
