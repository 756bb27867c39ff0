"""A network on a set of clean images with known noise: scores, spikes and operations."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from spiden_cli.core.engine.activity import (
    Activity,
    mean_firing_rate,
    sum_activities,
    synaptic_operations,
)
from spiden_cli.core.engine.engine import Engine
from spiden_cli.core.image.picture import Pixels
from spiden_cli.core.network.families import graph_of
from spiden_cli.core.tasks.denoising import denoise_planes
from spiden_cli.core.tasks.scoring import eight_bits, read_clean, score, trial


@dataclass(frozen=True)
class ImageScore:
    """What one image scored at one noise level.

    Attributes:
        name: file name.
        height: rows of the image.
        width: columns of the image.
        passes: how often an image of this size went through the network: once for each channel
            that a grey network takes by itself, eight times that with an ensemble.
        noisy_psnr: of the noisy image, clipped and rounded to 8 bits, in dB.
        psnr: of the denoised image, in dB.
        ssim: of the denoised image; NaN if it was not asked for.
        activity: spikes and operations by layer; empty for a CNN.
        operations: synaptic operations; for a CNN, its multiply-accumulates in the same layers.
        seconds: time in the network.
    """

    name: str
    height: int
    width: int
    passes: int
    noisy_psnr: float
    psnr: float
    ssim: float
    activity: Activity
    operations: int
    seconds: float

    @property
    def pixels(self) -> int:
        """Pixels of the image, channels not counted."""
        return self.height * self.width

    @property
    def firing_rate(self) -> float:
        """Spikes per neuron and timestep; NaN for a CNN."""
        return mean_firing_rate(self.activity)

    @property
    def synaptic_operations(self) -> float:
        """Synaptic operations, or multiply-accumulates of a CNN, per pixel."""
        return self.operations / self.pixels


@dataclass(frozen=True)
class Evaluation:
    """What a set of images scored with one network, noise level and number of timesteps.

    Attributes:
        sigma: noise level in 8-bit units.
        timesteps: T.
        scores: image by image.
    """

    sigma: float
    timesteps: int
    scores: tuple[ImageScore, ...]

    def mean(self, quantity: str) -> float:
        """Return the mean over the images of an attribute of `ImageScore`."""
        return fmean(getattr(image, quantity) for image in self.scores)

    @property
    def activity(self) -> Activity:
        """Of all images together; empty for a CNN."""
        return sum_activities(image.activity for image in self.scores)


@dataclass(frozen=True)
class Shown:
    """The pictures behind a score, to save or to look at; 8 bits, (H, W) or (H, W, 3)."""

    path: Path
    noisy: Pixels
    denoised: Pixels


def evaluate(
    engine: Engine,
    paths: Sequence[Path],
    sigma: float,
    timesteps: int,
    on_image: Callable[[int], None] = lambda done: None,
    show: Callable[[Shown], None] | None = None,
    with_ssim: bool = True,
    seeds: Sequence[int] | None = None,
) -> Evaluation:
    """Add noise to clean images, remove it, and score the result; see `scoring`.

    Args:
        engine: runs the network.
        paths: clean images.
        sigma: noise level in 8-bit units.
        timesteps: T, 1 to 64.
        on_image: told the number of images done.
        show: given the pictures of each image, if anybody wants them.
        with_ssim: also measure structural similarity, which takes longer than PSNR.
        seeds: of the noise of each image; None: its position in the set.

    Raises:
        InputError: an image can't be read or is too small, or a grey one meets a colour network.
    """
    scores = []
    for done, (path, seed) in enumerate(zip(paths, seeds or range(len(paths)), strict=True), 1):
        given = trial(read_clean(path), sigma, seed)
        began = time.perf_counter()
        denoised, activity = denoise_planes(engine, given.noisy, sigma, timesteps)
        seconds = time.perf_counter() - began
        channels, height, width = given.clean.shape
        passes = channels // engine.config.image_channels * engine.passes
        found = score(given, denoised, with_ssim)
        scores.append(
            ImageScore(
                path.name, height, width, passes, found.noisy_psnr, found.psnr,
                math.nan if found.ssim is None else found.ssim, activity,
                _operations(engine, activity, height, width, passes), seconds,
            )
        )  # fmt: skip
        if show is not None:
            show(Shown(path, eight_bits(given.noisy), eight_bits(denoised)))
        on_image(done)
    return Evaluation(sigma, timesteps, tuple(scores))


def _operations(engine: Engine, activity: Activity, height: int, width: int, passes: int) -> int:
    """Return the operations of the layers that spikes drive, or would if it were no CNN."""
    if engine.config.spiking:
        return synaptic_operations(activity)
    graph = graph_of(engine.config)
    dense = graph.dense_operations(height, width)
    return passes * sum(dense[node.name] for node in graph.spike_convolutions)
