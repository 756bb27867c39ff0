"""A denoiser as plug-and-play libraries call one: `denoiser(y, sigma)`.

The signature is that of deepinv's denoisers (Tachella et al. 2025, deepinv.github.io): images
(B, C, H, W) from 0 to 1, and sigma in the same units. deepinv itself is not needed.
"""

from pathlib import Path

import torch
from torch import Tensor, nn

from spiden_cli.core.tasks.denoising import denoise_planes
from spiden_cli.core.tasks.loading import AUTO
from spiden_cli.core.tasks.model import Model, load
from spiden_cli.errors import InputError

__all__ = ["PlugAndPlayDenoiser"]


class PlugAndPlayDenoiser(nn.Module):
    """A spiking denoiser for deepinv and its like.

    It runs on the event engine where that is faster, outside of torch, so no gradient passes
    through; schemes that need one (unfolded training, gradient steps) can take the network of
    `load_weights`, which learns.

    Args:
        model: a bundled model by name, a weights file, or a `Model`; "auto" takes the one for
            grey or colour images.
        timesteps: T; None: what the model was trained for.

    Raises:
        WeightsError: there are no such weights, or they are damaged.
        InputError: there is no such device or engine, or it can't run this network.
    """

    def __init__(self, model: Model | str | Path = AUTO, timesteps: int | None = None) -> None:
        super().__init__()
        self.model = model if isinstance(model, Model) else load(model)
        self.timesteps = timesteps

    def forward(self, y: Tensor, sigma: Tensor | float, **unused: object) -> Tensor:
        """Remove noise.

        Args:
            y: noisy images, (B, 1, H, W) or (B, 3, H, W), black at 0 and white at 1; noise may
                leave that range. Any real type, any device.
            sigma: standard deviation of the noise, 0 to 1: one for all, or (B,).
            unused: what a library tells its own denoisers besides.

        Returns:
            The denoised images, of the shape, type and device of `y`, not clipped.

        Raises:
            InputError: y or sigma is of another shape or out of range, y isn't finite, or a
                gradient is asked for.
        """
        if y.ndim != 4 or y.shape[1] not in (1, 3) or not y.is_floating_point():
            raise InputError(
                "images must be real, (B, 1, H, W) or (B, 3, H, W), not "
                f"{str(y.dtype).removeprefix('torch.')} {tuple(y.shape)}"
            )
        if y.requires_grad and torch.is_grad_enabled():
            raise InputError(
                "no gradient passes through this denoiser: use torch.no_grad(), or the network of "
                "load_weights"
            )
        if not torch.isfinite(y).all():
            raise InputError("the images hold values that are not finite: the iteration diverged")
        levels = self._levels(sigma, len(y))
        loaded = self.model.loaded(y.shape[1] == 3)
        steps = loaded.info.timesteps[0] if self.timesteps is None else self.timesteps
        planes = y.detach().to("cpu", torch.float32).contiguous().numpy()
        denoised = [
            torch.from_numpy(denoise_planes(loaded.engine, image, 255 * level, steps).denoised)
            for image, level in zip(planes, levels, strict=True)
        ]
        return torch.stack(denoised).to(y) if denoised else y.clone()

    @staticmethod
    def _levels(sigma: Tensor | float, images: int) -> list[float]:
        levels = torch.as_tensor(sigma, dtype=torch.float64).detach().cpu().flatten()
        if len(levels) not in (1, images):
            raise InputError(f"{len(levels)} levels of noise for {images} images")
        if not ((levels >= 0) & (levels <= 1)).all():
            raise InputError("sigma must lie in 0 to 1, in units of the range from black to white")
        found: list[float] = levels.expand(images).tolist()
        return found
