"""Geometric self-ensemble: denoise in all eight orientations, and average.

A network is no more sure of an edge than of the same edge turned, but makes other errors there;
the mean has fewer (Timofte et al. 2016, arXiv 1511.02228, section 3.5: "enhanced prediction").
It costs eight times the work, and that is what the activity says.
"""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from spiden_cli.core.engine.activity import sum_activities
from spiden_cli.core.engine.engine import Engine, OnSpikes, Pass
from spiden_cli.core.engine.tiling import Window
from spiden_cli.core.image.pixels import Planes
from spiden_cli.core.noise.model import Level

Element = TypeVar("Element", bound=np.generic)


class EnsembleEngine:
    """An engine that asks another one eight times.

    Args:
        engine: what runs each orientation.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.config = engine.config
        self.passes = 8 * engine.passes
        self.tile = engine.tile
        self.name = f"{engine.name}, 8 orientations"

    def run(
        self,
        noisy: Planes,
        level: Level,
        timesteps: int,
        window: Window | None = None,
        on_spikes: OnSpikes | None = None,
    ) -> Pass:
        """Denoise one image; see `Engine.run`.

        The activity is that of all eight passes; `on_spikes` is told of the upright one.
        """
        passes = []
        denoised = np.zeros_like(noisy)
        counted = np.zeros(noisy.shape[1:], bool)
        counted[window or ...] = True
        for orientation in range(8):
            result = self.engine.run(
                _turned(noisy, orientation),
                level if isinstance(level, (int, float)) else _turned(level, orientation),
                timesteps, _bounds(oriented(counted, orientation)),
                on_spikes if orientation == 0 else None,
            )  # fmt: skip
            denoised += restored(result.denoised, orientation) / np.float32(8)
            passes.append(result.activity)
        return Pass(denoised, sum_activities(passes))


def oriented(image: NDArray[Element], orientation: int) -> NDArray[Element]:
    """Return (..., H, W) in one of eight orientations: 0 to 3 quarter turns, then mirrored."""
    turned = np.rot90(image, orientation % 4, (-2, -1))
    return turned[..., ::-1] if orientation >= 4 else turned


def _turned(image: NDArray[Element], orientation: int) -> NDArray[Element]:
    """Return `oriented` as an array of its own: torch takes no view that runs backwards."""
    return np.ascontiguousarray(oriented(image, orientation))


def restored(image: NDArray[Element], orientation: int) -> NDArray[Element]:
    """Undo `oriented`: (..., H, W)."""
    straight = image[..., ::-1] if orientation >= 4 else image
    return np.rot90(straight, -(orientation % 4), (-2, -1))


def _bounds(counted: NDArray[np.bool_]) -> Window:
    """Return the rectangle of an image (H, W) that is true."""
    rows, columns = np.flatnonzero(counted.any(1)), np.flatnonzero(counted.any(0))
    return Window(
        slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
    )
