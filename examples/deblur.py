"""Restore a blurred picture: half-quadratic splitting, with a spiking denoiser as the prior.

    python examples/deblur.py docs/images/clean.png restored.png

The picture is blurred with a Gaussian (circular at the borders) and gets a little noise; both are
known. Two steps alternate (plug and play: Venkatakrishnan et al. 2013; Zhang et al. 2021, arXiv
2008.13751): the picture that explains what is seen and is close to the last guess, in closed form
by Fourier transforms, and a denoiser, whose noise level falls from 49/255 to that of the noise.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import spiden_cli as spiden


def gaussian_transfer(height: int, width: int, blur: float) -> Tensor:
    """Return the Fourier transform of a Gaussian kernel of that standard deviation, (H, W)."""
    rows, columns = (np.fft.fftfreq(side) for side in (height, width))
    squares = rows[:, None] ** 2 + columns[None] ** 2
    return torch.from_numpy(np.exp(-2 * (np.pi * blur) ** 2 * squares))


def restore(
    seen: Tensor, transfer: Tensor, sigma: float, denoiser: torch.nn.Module, steps: int = 8
) -> Tensor:
    """Deblur images.

    Args:
        seen: blurred and noisy, (B, C, H, W), range [0, 1].
        transfer: Fourier transform of the kernel, (H, W).
        sigma: noise level, in the same units.
        denoiser: denoiser(images, sigma).
        steps: how often the two steps alternate.
    """
    guess, power, spectrum = seen, transfer.abs() ** 2, torch.fft.fft2(seen)
    for level in np.geomspace(49 / 255, max(sigma, 1 / 255), steps):
        weight = 0.23 * sigma**2 / level**2
        data = spectrum * transfer.conj() + weight * torch.fft.fft2(guess)
        guess = denoiser(torch.fft.ifft2(data / (power + weight)).real, level)
    return guess


def main() -> None:
    """Blur a picture, restore it, write both, and print how close they come."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("picture", type=Path, help="a sharp picture")
    parser.add_argument("output", type=Path, help="the restored picture")
    parser.add_argument("--model", default="auto", help="a bundled model, or a weights file")
    parser.add_argument("--blur", type=float, default=1.6, help="of the kernel, in pixels")
    parser.add_argument("--sigma", type=float, default=2.0, help="of the noise, in 8-bit units")
    options = parser.parse_args()

    sharp = spiden.read_picture(options.picture).pixels
    planes = torch.from_numpy(np.atleast_3d(sharp) / 255.0).permute(2, 0, 1)[None]
    transfer = gaussian_transfer(*planes.shape[-2:], options.blur)
    blurred = torch.fft.ifft2(torch.fft.fft2(planes) * transfer).real
    noise = torch.randn(blurred.shape, generator=torch.Generator().manual_seed(0))
    seen = blurred + options.sigma / 255 * noise.to(blurred)
    denoiser = spiden.PlugAndPlayDenoiser(options.model)
    found = restore(seen, transfer, options.sigma / 255, denoiser)
    for name, planes in (("blurred", seen), ("restored", found)):
        pixels = (255 * planes[0]).round().clamp(0, 255).byte().permute(1, 2, 0).numpy()
        pixels = pixels.reshape(sharp.shape)
        print(f"{name}: {spiden.psnr(pixels, sharp):.2f} dB")
        path = options.output.with_stem(f"{options.output.stem}_{name}")
        spiden.write_picture(path, spiden.Picture(pixels))


if __name__ == "__main__":
    main()
