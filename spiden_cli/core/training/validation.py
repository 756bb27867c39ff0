"""The measure of a run on held-out images: PSNR as `spiden evaluate` has it, and firing rates."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

import torch
from torch import Tensor

from spiden_cli.core.image.pixels import Planes
from spiden_cli.core.network.denoiser import Denoiser
from spiden_cli.core.noise.camera import draw_cameras, photograph
from spiden_cli.core.noise.training import OBSERVED, noise_of
from spiden_cli.core.tasks.scoring import Trial, score, trial

CROP = 160
_ANY = torch.Generator()  # for what draws nothing


@dataclass(frozen=True)
class Validation:
    """What a validation found.

    Attributes:
        psnr: mean PSNR in dB, by level of white noise, or "camera", "pairs" or "frames"; with the
            last it is measured against another noisy frame, whose noise bounds it.
        firing_rates: spikes per neuron and timestep, by layer; for a CNN, mean activations.
        neurons: of each layer, over all images.
    """

    psnr: dict[str, float]
    firing_rates: dict[str, float]
    neurons: dict[str, int]

    @property
    def mean_firing_rate(self) -> float:
        """Spikes per neuron and timestep of the whole network, as `spiden evaluate` counts them."""
        neurons = [self.neurons[name] for name in self.firing_rates]
        return fmean(self.firing_rates.values(), neurons)


def validation_levels(sigma: tuple[float, float]) -> list[float]:
    """Return the noise levels to validate at: those of the literature that the range holds."""
    low, high = sigma
    return [level for level in (15.0, 25.0, 50.0) if low <= level <= high] or [(low + high) / 2]


@torch.no_grad()
def validate(
    network: Denoiser,
    images: Sequence[Tensor],
    noise: str,
    sigma: tuple[float, float],
    timesteps: int,
    quantised: bool,
    device: torch.device,
) -> Validation:
    """Denoise the centre of each image and measure PSNR against the clean one.

    Args:
        network: what to measure; its mode is restored afterwards.
        images: uint8 (C, H, W), or float16 of observations.
        noise: "pairs" or "frames" of such; "white", or "camera" for a random camera's for each
            image before the white.
        sigma: range of levels of white noise, in 8-bit units.
        timesteps: T.
        quantised: measure the layer-synchronous quantisers instead.
        device: where the network is.
    """
    was_training = network.training
    network.eval()
    values: dict[str, list[float]] = defaultdict(list)
    rates: dict[str, list[Tensor]] = defaultdict(list)
    neurons: dict[str, int] = defaultdict(int)

    def observe(name: str, spikes: Tensor) -> None:
        rates[name].append(network.firing_rates(spikes, timesteps).mean())
        neurons[name] += spikes[0].numel()  # one timestep of one image

    for seed, image in enumerate(images):
        for kind, level, given in _trials(image, noise, sigma, seed):
            noisy = torch.from_numpy(given.noisy[None]).to(device)
            denoised = network(noisy, level, timesteps, quantised, observe)[0].float().cpu()
            values[kind].append(score(given, denoised.numpy()).psnr)
    network.train(was_training)
    means = {name: float(torch.stack(found).mean()) for name, found in rates.items()}
    return Validation({kind: fmean(scores) for kind, scores in values.items()}, means, neurons)


def _trials(
    image: Tensor, noise: str, sigma: tuple[float, float], seed: int
) -> Iterator[tuple[str, float, Trial]]:
    """Yield the name, the level and the images of each trial with an image."""
    clean = _centre(image)
    if noise in OBSERVED:
        given = noise_of("pairs", sigma)(torch.from_numpy(clean)[None], _ANY)
        yield noise, float(given.sigma), Trial(given.clean[0].numpy(), given.noisy[0].numpy())
        return
    if noise == "camera":
        generator = torch.Generator().manual_seed(seed)
        taken = photograph(torch.from_numpy(clean)[None], draw_cameras(1, generator), generator)
        yield noise, float(taken.level), Trial(taken.clean[0].numpy(), taken.noisy[0].numpy())
    for level in validation_levels(sigma):
        yield f"{level:g}", level, trial(clean, level, seed)


def _centre(image: Tensor) -> Planes:
    """Return the centre of an image as a network sees it: (C, H, W) float32; bytes in [0, 1]."""
    height, width = image.shape[-2:]
    top, left = max(0, (height - CROP) // 2), max(0, (width - CROP) // 2)
    white = 1 if image.is_floating_point() else 255
    return (image[:, top : top + CROP, left : left + CROP].float() / white).numpy()
