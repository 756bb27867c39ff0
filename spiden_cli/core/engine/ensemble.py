"""Geometric self-ensemble: denoise in all eight orientations, and average.

A network is no more sure of an edge than of the same edge turned, but makes other errors there;
the mean has fewer (Timofte et al. 2016, arXiv 1511.02228, section 3.5: "enhanced prediction").
It costs eight times the work, and that is what the activity says.
"""

import torch
from torch import Tensor

from spiden_cli.core.engine.activity import total
from spiden_cli.core.engine.engine import Engine, Pass


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

    def run(self, noisy: Tensor, sigma: float, timesteps: int) -> Pass:
        """Denoise one image; see `Engine.run`. The activity is that of all eight passes."""
        passes = []
        denoised = torch.zeros_like(noisy)
        for orientation in range(8):
            result = self.engine.run(oriented(noisy, orientation), sigma, timesteps)
            denoised += restored(result.denoised, orientation) / 8
            passes.append(result.activity)
        return Pass(denoised, total(passes))


def oriented(image: Tensor, orientation: int) -> Tensor:
    """Return (C, H, W) in one of eight orientations: 0 to 3 quarter turns, then mirrored."""
    turned = torch.rot90(image, orientation % 4, (1, 2))
    return turned.flip(2) if orientation >= 4 else turned


def restored(image: Tensor, orientation: int) -> Tensor:
    """Undo `oriented`."""
    straight = image.flip(2) if orientation >= 4 else image
    return torch.rot90(straight, -(orientation % 4), (1, 2))
