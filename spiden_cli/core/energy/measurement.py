"""Spikes of a network on real pictures, with known noise: what all counts rest on."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from torch import Tensor

from spiden_cli.core.energy.counts import Passes
from spiden_cli.core.engine.activity import total
from spiden_cli.core.engine.engine import Engine, Pass
from spiden_cli.core.files.clean import read_clean
from spiden_cli.core.image.metrics import psnr
from spiden_cli.core.image.tensor import to_pixels
from spiden_cli.core.network.presets import NetworkConfig
from spiden_cli.core.noise.synthesis import add_gaussian_noise
from spiden_cli.core.tasks.denoising import denoise_tensor

Size = tuple[int, int]
"""Rows and columns in pixels."""


@dataclass(frozen=True)
class Measurement:
    """A network on a set of pictures, at one noise level and number of timesteps.

    Attributes:
        config: the shape of the network.
        sigma: noise level in 8-bit units.
        timesteps: T.
        psnr: mean over the pictures, in dB, of the 8-bit outputs.
        noisy_psnr: mean over the pictures, in dB.
        pictures: how many there are of each size.
        passes: spikes, by the size of the tile that went through the network; empty for a CNN.
    """

    config: NetworkConfig
    sigma: float
    timesteps: int
    psnr: float
    noisy_psnr: float
    pictures: Mapping[Size, int]
    passes: Mapping[Size, Passes]

    @property
    def pixels(self) -> int:
        """Pixels of all pictures, channels not counted."""
        return sum(height * width * count for (height, width), count in self.pictures.items())

    @property
    def images(self) -> int:
        """Number of pictures."""
        return sum(self.pictures.values())


def measure(
    engine: Engine,
    paths: Sequence[Path],
    sigma: float,
    timesteps: int,
    on_image: Callable[[], None] = lambda: None,
) -> Measurement:
    """Add noise to clean pictures, remove it, and count the spikes.

    Noise is seeded by the position in the set, as `spiden evaluate` does it. A colour picture
    becomes grey for a grey network. Memory does not grow with the number of pictures.

    Args:
        engine: runs the network.
        paths: clean pictures.
        sigma: noise level in 8-bit units.
        timesteps: T >= 1.
        on_image: told of each picture that is done.

    Raises:
        InputError: a picture can't be read or is too small.
    """
    observer = Observer(engine)
    scores, noisy_scores = [], []
    pictures: Counter[Size] = Counter()
    for seed, path in enumerate(paths):
        clean = torch.from_numpy(read_clean(path, engine.config.image_channels))
        noisy = add_gaussian_noise(clean, sigma, seed)
        denoised = denoise_tensor(observer, noisy, sigma, timesteps).denoised
        target, before, after = (to_pixels(x, np.uint8) for x in (clean, noisy, denoised))
        scores.append(psnr(after, target))
        noisy_scores.append(psnr(before, target))
        pictures[clean.shape[1], clean.shape[2]] += 1
        on_image()
    return Measurement(
        engine.config, sigma, timesteps, fmean(scores), fmean(noisy_scores), pictures,
        observer.seen,
    )  # fmt: skip


class Observer:
    """An engine that lets another one work, and remembers the spikes by the size of the image.

    Args:
        engine: does the work.

    Attributes:
        seen: the passes so far, by size of the image; empty for a CNN.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.name, self.config, self.passes = engine.name, engine.config, engine.passes
        self.tile = engine.tile
        self.seen: dict[Size, Passes] = {}

    def run(self, noisy: Tensor, sigma: float, timesteps: int) -> Pass:
        """Denoise one image; see `Engine.run`."""
        result = self.engine.run(noisy, sigma, timesteps)
        if self.config.spiking:
            size = (noisy.shape[1], noisy.shape[2])
            before = self.seen.get(size, Passes(0, {}))
            spikes = total([before.spikes, result.activity])
            self.seen[size] = Passes(before.count + 1, spikes)
        return result
