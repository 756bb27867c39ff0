"""A network on a set of images whose clean versions are known: scores, spikes and operations."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from spiden_cli.core.data.samples import Sample
from spiden_cli.core.engine.activity import (
    Activity,
    mean_firing_rate,
    sum_activities,
    synaptic_operations,
)
from spiden_cli.core.engine.engine import Engine
from spiden_cli.core.image.picture import Pixels
from spiden_cli.core.network.families import graph_of
from spiden_cli.core.noise.blind import NoiseEstimate, estimate_noise
from spiden_cli.core.noise.model import as_noise, found_noise
from spiden_cli.core.tasks.denoising import denoise_picture
from spiden_cli.core.tasks.scoring import Trial, eight_bits, planes_of, score


@dataclass(frozen=True)
class ImageScore:
    """What one image scored at one noise level.

    Attributes:
        name: file name of the clean image.
        height: rows of the image.
        width: columns of the image.
        passes: how often an image of this size went through the network: once for each channel
            that a grey network takes by itself, eight times that with an ensemble.
        sigma: noise level that was told to the network, in 8-bit units; None if it was a map.
        estimate: what was found of the noise; None if the level was given.
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
    sigma: float | None
    estimate: NoiseEstimate | None
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
    def change(self) -> float:
        """What denoising did to the PSNR, in dB: negative if the image got worse."""
        return 0.0 if self.psnr == self.noisy_psnr else self.psnr - self.noisy_psnr

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
        sigma: noise level in 8-bit units; None if it was estimated image by image.
        timesteps: T.
        scores: image by image.
    """

    sigma: float | None
    timesteps: int
    scores: tuple[ImageScore, ...]

    def mean(self, quantity: str) -> float:
        """Return the mean over the images of an attribute of `ImageScore`."""
        return fmean(getattr(image, quantity) for image in self.scores)

    @property
    def worst(self) -> ImageScore:
        """The image that gained least, or lost most."""
        return min(self.scores, key=lambda image: image.change)

    @property
    def worse(self) -> int:
        """How many images got worse."""
        return sum(image.change < 0 for image in self.scores)

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
    samples: Sequence[Sample],
    sigma: float | None,
    timesteps: int,
    on_image: Callable[[int], None] = lambda done: None,
    show: Callable[[Shown], None] | None = None,
    with_ssim: bool = True,
    for_camera: bool = False,
) -> Evaluation:
    """Denoise images as `denoise_picture` does, and score the results; see `scoring`.

    Args:
        engine: runs the network.
        samples: what is denoised, such as `Dataset.samples`.
        sigma: noise level in 8-bit units: of the noise that is added to clean images, and what the
            network is told. None has it estimated, which needs samples with noise of their own.
        timesteps: T, 1 to 64.
        on_image: told the number of images done.
        show: given the pictures of each image, if anybody wants them.
        with_ssim: also measure structural similarity, which takes longer than PSNR.
        for_camera: whether the network was trained on camera noise, for the levels that it is told.

    Raises:
        InputError: an image can't be read or is too small, or a grey one meets a colour network;
            the pictures of a pair differ in size or kind; noise is to be added and has no level.
    """
    scores = []
    for done, sample in enumerate(samples, 1):
        noisy, clean = sample.read(sigma)
        estimate = estimate_noise(noisy.pixels, noisy.levels) if sigma is None else None
        noise = found_noise(estimate, for_camera) if estimate is not None else as_noise(sigma)
        result = denoise_picture(engine, noisy, noise, timesteps)
        given, denoised = Trial(planes_of(clean), planes_of(noisy)), planes_of(result.picture)
        found = score(given, denoised, with_ssim)
        told = getattr(result.noise, "sigma", None)
        passes = noisy.channels // engine.config.image_channels * engine.passes
        scores.append(
            ImageScore(
                name=sample.clean.name,
                height=noisy.height,
                width=noisy.width,
                passes=passes,
                sigma=told if isinstance(told, float) else None,
                estimate=estimate,
                noisy_psnr=found.noisy_psnr,
                psnr=found.psnr,
                ssim=math.nan if found.ssim is None else found.ssim,
                activity=result.activity,
                operations=_operations(engine, result.activity, noisy.height, noisy.width, passes),
                seconds=result.seconds,
            )
        )
        if show is not None:
            show(Shown(sample.clean, eight_bits(given.noisy), eight_bits(denoised)))
        on_image(done)
    return Evaluation(sigma, timesteps, tuple(scores))


def _operations(engine: Engine, activity: Activity, height: int, width: int, passes: int) -> int:
    """Return the operations of the layers that spikes drive, or would if it were no CNN."""
    if engine.config.spiking:
        return synaptic_operations(activity)
    graph = graph_of(engine.config)
    dense = graph.dense_operations(height, width)
    return passes * sum(dense[node.name] for node in graph.spike_convolutions)
