"""A network on a set of images whose clean versions are known: scores, spikes and operations.

An image may be tried with several draws of noise. Its score is then the mean of these trials; how
the mean PSNR of the set varies from draw to draw tells how much of it is the luck of the noise.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, stdev

from spiden_cli.core.data.samples import Sample
from spiden_cli.core.engine.activity import (
    Activity,
    mean_firing_rate,
    mean_spikes_per_channel,
    sum_activities,
    synaptic_operations,
)
from spiden_cli.core.engine.engine import Engine
from spiden_cli.core.image.picture import Pixels
from spiden_cli.core.network.families import graph_of
from spiden_cli.core.noise.model import Gaussian, Noise, Unknown
from spiden_cli.core.tasks.denoising import denoise_picture
from spiden_cli.core.tasks.recognition import Estimate, estimated, noise_of
from spiden_cli.core.tasks.scoring import Trial, eight_bits, planes_of, score


@dataclass(frozen=True)
class ImageScore:
    """What one image scored at one noise level; of several draws of noise, the mean.

    Attributes:
        name: file name of the clean image.
        height: rows of the image.
        width: columns of the image.
        passes: how often an image of this size went through the network: once for each channel
            that a grey network takes by itself, eight times that with an ensemble; of all draws.
        sigma: noise level that was told to the network, in 8-bit units; None if it was a map.
        estimate: what was found of the noise; None if the level was given.
        noisy_psnr: of the noisy image, clipped and rounded to 8 bits, in dB.
        psnr: of the denoised image, in dB.
        ssim: of the denoised image; NaN if it was not asked for.
        activity: spikes and operations by layer, of all draws together; empty for a CNN.
        operations: synaptic operations; for a CNN, its multiply-accumulates in the same layers.
        seconds: time in the network.
        psnrs: of each draw of noise, in dB.
    """

    name: str
    height: int
    width: int
    passes: int
    sigma: float | None
    estimate: Estimate | None
    noisy_psnr: float
    psnr: float
    ssim: float
    activity: Activity
    operations: float
    seconds: float
    psnrs: tuple[float, ...]

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
    def spikes_per_channel(self) -> float:
        """Spikes per channel, position and inference; NaN for a CNN."""
        return mean_spikes_per_channel(self.activity)

    @property
    def psnr_deviation(self) -> float:
        """Standard deviation of the PSNR over the draws of noise, in dB; NaN of a single one."""
        return _deviation(self.psnrs)

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
        seeds: of the draws of noise.
    """

    sigma: float | None
    timesteps: int
    scores: tuple[ImageScore, ...]
    seeds: tuple[int, ...] = (0,)

    def mean(self, quantity: str) -> float:
        """Return the mean over the images of an attribute of `ImageScore`.

        Spikes and operations are those of the whole set, over all of its neurons, channels or
        pixels: a large image counts for more, as it does in their energy.
        """
        if quantity == "firing_rate":
            return mean_firing_rate(self.activity)
        if quantity == "spikes_per_channel":
            return mean_spikes_per_channel(self.activity)
        if quantity == "synaptic_operations":
            pixels = sum(image.pixels for image in self.scores)
            return sum(image.operations for image in self.scores) / pixels
        return fmean(getattr(image, quantity) for image in self.scores)

    @property
    def psnr_deviation(self) -> float:
        """Standard deviation, over the draws of noise, of the mean PSNR; NaN of a single one."""
        draws = zip(*(image.psnrs for image in self.scores), strict=True)
        return _deviation([fmean(draw) for draw in draws])

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
    seeds: Sequence[int] = (0,),
) -> Evaluation:
    """Denoise images as `denoise_picture` does, and score the results; see `scoring`.

    Args:
        engine: runs the network.
        samples: what is denoised, such as `Dataset.samples`.
        sigma: noise level in 8-bit units: of the noise that is added to clean images, and what the
            network is told. None has it estimated, which needs samples with noise of their own.
        timesteps: T, 1 to 64.
        on_image: told the number of images done, each draw of noise counted.
        show: given the pictures of each image, if anybody wants them, with the first seed's noise.
        with_ssim: also measure structural similarity, which takes longer than PSNR.
        for_camera: whether the network was trained on camera noise, for the levels that it is told.
        seeds: of the draws of noise to try on each image, at least one; see `Sample.read`. Samples
            with noise of their own have but one.

    Raises:
        InputError: an image can't be read or is too small, or a grey one meets a colour network;
            the pictures of a pair differ in size or kind; noise is to be added and has no level.
    """

    def tried(sample: Sample, seed: int) -> ImageScore:
        wanted = show if seed == seeds[0] else None
        found = _try(engine, sample, sigma, timesteps, seed, wanted, with_ssim, for_camera)
        on_image(next(done))
        return found

    done = itertools.count(1)
    scores = tuple(_mean([tried(sample, seed) for seed in seeds]) for sample in samples)
    return Evaluation(sigma, timesteps, scores, tuple(seeds))


def _try(
    engine: Engine,
    sample: Sample,
    sigma: float | None,
    timesteps: int,
    seed: int,
    show: Callable[[Shown], None] | None,
    with_ssim: bool,
    for_camera: bool,
) -> ImageScore:
    """Denoise an image with one draw of noise, and score the result; see `evaluate`."""
    noisy, clean = sample.read(sigma, seed)
    noise: Noise = Unknown() if sigma is None else Gaussian(sigma)
    if (estimate := estimated(noise, noisy)) is not None:
        noise = noise_of(estimate, noisy, for_camera)
    result = denoise_picture(engine, noisy, noise, timesteps, estimated=estimate is not None)
    given, denoised = Trial(planes_of(clean), planes_of(noisy)), planes_of(result.picture)
    found = score(given, denoised, with_ssim)
    told = getattr(result.noise, "sigma", None)
    passes = noisy.channels // engine.config.image_channels * engine.passes
    if show is not None:
        show(Shown(sample.clean, eight_bits(given.noisy), eight_bits(denoised)))
    return ImageScore(
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
        psnrs=(found.psnr,),
    )


def _mean(trials: Sequence[ImageScore]) -> ImageScore:
    """Return what an image scored over several draws of noise."""
    if len(trials) == 1:
        return trials[0]
    return replace(
        trials[0],
        passes=sum(trial.passes for trial in trials),
        noisy_psnr=fmean(trial.noisy_psnr for trial in trials),
        psnr=fmean(trial.psnr for trial in trials),
        ssim=fmean(trial.ssim for trial in trials),
        activity=sum_activities(trial.activity for trial in trials),
        operations=fmean(trial.operations for trial in trials),
        seconds=fmean(trial.seconds for trial in trials),
        psnrs=tuple(trial.psnr for trial in trials),
    )


def _deviation(values: Sequence[float]) -> float:
    """Return the standard deviation of a sample; NaN of one value, or where one is infinite."""
    return stdev(values) if len(values) > 1 and all(map(math.isfinite, values)) else math.nan


def _operations(engine: Engine, activity: Activity, height: int, width: int, passes: int) -> int:
    """Return the operations of the layers that spikes drive, or would if it were no CNN."""
    if engine.config.spiking:
        return synaptic_operations(activity)
    graph = graph_of(engine.config)
    dense = graph.dense_operations(height, width)
    return passes * sum(dense[node.name] for node in graph.spike_convolutions)
