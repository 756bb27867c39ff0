"""The field's test protocol: known noise on clean images, PSNR and SSIM of what comes back.

White Gaussian noise is added in floating point, neither clipped nor quantised, seeded by the
position of the image in its set. The output is clipped and rounded to 8 bits; PSNR is measured
per image, then averaged (Zhang et al. 2017, DnCNN, and its public test code).
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np

from spiden_cli.core.engine.activity import (
    Activity,
    mean_firing_rate,
    synaptic_operations,
    total,
)
from spiden_cli.core.engine.engine import Engine
from spiden_cli.core.files.picture_files import read_picture
from spiden_cli.core.image.metrics import psnr, ssim
from spiden_cli.core.image.picture import Pixels
from spiden_cli.core.image.tensor import to_pixels, to_tensor
from spiden_cli.core.network.geometry import dense_operations
from spiden_cli.core.noise.synthesis import add_gaussian_noise
from spiden_cli.core.tasks.denoising import denoise_tensor


@dataclass(frozen=True)
class ImageScore:
    """What one image scored at one noise level.

    Attributes:
        name: file name.
        pixels: pixels of the image, channels not counted.
        noisy_psnr: of the noisy image, clipped and rounded to 8 bits, in dB.
        psnr: of the denoised image, in dB.
        ssim: of the denoised image.
        firing_rate: spikes per neuron and timestep; NaN for a CNN.
        synaptic_operations: per pixel, in the spike-driven layers; for a CNN, its multiply-
            accumulates in the same layers.
        seconds: time in the network.
    """

    name: str
    pixels: int
    noisy_psnr: float
    psnr: float
    ssim: float
    firing_rate: float
    synaptic_operations: float
    seconds: float


@dataclass(frozen=True)
class Evaluation:
    """What a set of images scored with one network, noise level and number of timesteps.

    Attributes:
        sigma: noise level in 8-bit units.
        timesteps: T.
        scores: image by image.
        activity: of all images together; empty for a CNN.
    """

    sigma: float
    timesteps: int
    scores: tuple[ImageScore, ...]
    activity: Activity

    def mean(self, quantity: str) -> float:
        """Return the mean over the images of an attribute of `ImageScore`."""
        return fmean(getattr(score, quantity) for score in self.scores)


@dataclass(frozen=True)
class Shown:
    """The pictures behind a score, to save or to look at."""

    name: str
    noisy: Pixels
    denoised: Pixels


def evaluate(
    engine: Engine,
    paths: Sequence[Path],
    sigma: float,
    timesteps: int,
    on_image: Callable[[int], None] = lambda done: None,
    show: Callable[[Shown], None] = lambda shown: None,
) -> Evaluation:
    """Add noise to clean images, remove it, and score the result.

    Args:
        engine: runs the network.
        paths: clean images.
        sigma: noise level in 8-bit units.
        timesteps: T >= 1.
        on_image: told the number of images done.
        show: given the pictures of each image.

    Raises:
        InputError: an image can't be read or is too small, or a grey one meets a colour network.
    """
    scores, activities = [], []
    for seed, path in enumerate(paths):
        clean = to_tensor(read_picture(path).pixels)
        noisy = add_gaussian_noise(clean, sigma, seed)
        began = time.perf_counter()
        result = denoise_tensor(engine, noisy, sigma, timesteps)
        seconds = time.perf_counter() - began
        pictures = [to_pixels(image, np.uint8) for image in (clean, noisy, result.denoised)]
        scores.append(_score(engine, path.name, pictures, result.activity, seconds))
        activities.append(result.activity)
        show(Shown(path.name, pictures[1], pictures[2]))
        on_image(seed + 1)
    return Evaluation(sigma, timesteps, tuple(scores), total(activities))


def _score(
    engine: Engine, name: str, pictures: list[Pixels], activity: Activity, seconds: float
) -> ImageScore:
    clean, noisy, denoised = pictures
    height, width = clean.shape[:2]
    operations = synaptic_operations(activity)
    if not engine.config.spiking:
        planes = clean[..., None].shape[2] // engine.config.image_channels
        passes = planes * engine.passes
        layers = dense_operations(engine.config, height, width)
        operations = passes * sum(count for name, count in layers.items() if name != "encoder")
    return ImageScore(
        name=name,
        pixels=height * width,
        noisy_psnr=psnr(noisy, clean),
        psnr=psnr(denoised, clean),
        ssim=ssim(denoised, clean),
        firing_rate=mean_firing_rate(activity),
        synaptic_operations=operations / (height * width),
        seconds=seconds,
    )
