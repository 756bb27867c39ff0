"""The measure of a run on held-out images: PSNR as `spiden evaluate` has it, and firing rates."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import torch
from torch import Tensor

from spiden_cli.core.image.pixels import Planes
from spiden_cli.core.network.denoiser import Denoiser
from spiden_cli.core.tasks.scoring import score, trial

CROP = 160


@dataclass(frozen=True)
class Validation:
    """What a validation found.

    Attributes:
        psnr: mean PSNR in dB, by noise level.
        firing_rates: spikes per neuron and timestep, by layer; for a CNN, mean activations.
    """

    psnr: dict[str, float]
    firing_rates: dict[str, float]

    @property
    def mean_firing_rate(self) -> float:
        """Mean over the layers; those of a preset differ in nothing but the read-out's fan-out."""
        return fmean(self.firing_rates.values())


def validation_levels(sigma: tuple[float, float]) -> list[float]:
    """Return the noise levels to validate at: those of the literature that the range holds."""
    low, high = sigma
    return [level for level in (15.0, 25.0, 50.0) if low <= level <= high] or [(low + high) / 2]


@torch.no_grad()
def validate(
    network: Denoiser,
    images: Sequence[Tensor],
    sigma: tuple[float, float],
    timesteps: int,
    quantised: bool,
    device: torch.device,
) -> Validation:
    """Denoise the centre of each image and measure PSNR against the clean one.

    Args:
        network: what to measure; its mode is restored afterwards.
        images: uint8 (C, H, W).
        sigma: range of noise levels, in 8-bit units.
        timesteps: T.
        quantised: measure the layer-synchronous quantisers instead.
        device: where the network is.
    """
    was_training = network.training
    network.eval()
    levels: dict[str, float] = {}
    rates: dict[str, list[Tensor]] = defaultdict(list)

    def observe(name: str, spikes: Tensor) -> None:
        rates[name].append(spikes.mean())

    for level in validation_levels(sigma):
        values = []
        for seed, image in enumerate(images):
            given = trial(_centre(image), level, seed)
            noisy = torch.from_numpy(given.noisy[None]).to(device)
            denoised = network(noisy, level, timesteps, quantised, observe)[0].float().cpu()
            values.append(score(given, denoised.numpy()).psnr)
        levels[f"{level:g}"] = fmean(values)
    network.train(was_training)
    means = {name: float(torch.stack(values).mean()) for name, values in rates.items()}
    return Validation(levels, means)


def _centre(image: Tensor) -> Planes:
    """Return the centre of an image as a network sees it: (C, H, W) float32 in [0, 1]."""
    height, width = image.shape[-2:]
    top, left = max(0, (height - CROP) // 2), max(0, (width - CROP) // 2)
    return (image[:, top : top + CROP, left : left + CROP].float() / 255).numpy()
