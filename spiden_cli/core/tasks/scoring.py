"""One trial of a network: a noisy image, the clean one, and how close its output comes.

The field's protocol (Zhang et al. 2017, DnCNN, and its public test code): white Gaussian noise is
added in floating point, neither clipped nor quantised, and seeded per image. The output is clipped
and rounded to 8 bits; PSNR is measured per image, then averaged. Every command and the training
loop score in this way, and so are pictures with a camera's own noise. A network for grey images
takes the channels of a colour image one by one; one for colour images refuses a grey image.
"""

from typing import NamedTuple

import numpy as np

from spiden_cli.core.image.metrics import Quality, quality
from spiden_cli.core.image.picture import Picture, Pixels
from spiden_cli.core.image.pixels import Planes, to_pixels, to_unit
from spiden_cli.core.noise.synthesis import gaussian_noise


class Trial(NamedTuple):
    """A clean image and its noisy version, (C, H, W) float32 in [0, 1] plus noise."""

    clean: Planes
    noisy: Planes


def planes_of(picture: Picture) -> Planes:
    """Return a picture as (C, H, W) float32, from black at 0 to white at 1."""
    return to_unit(picture.pixels, picture.levels)


def trial(clean: Planes, sigma: float, seed: int) -> Trial:
    """Add noise to a clean image.

    Args:
        clean: (C, H, W), range [0, 1].
        sigma: noise level in 8-bit units.
        seed: of the noise: the position of the image in its set.
    """
    return Trial(clean, clean + gaussian_noise(clean.shape, sigma, seed))


def score(given: Trial, denoised: Planes, with_ssim: bool = False) -> Quality:
    """Compare a network's output, (C, H, W), with the clean image of its trial."""
    clean, noisy = (eight_bits(planes) for planes in given)
    return quality(noisy, eight_bits(denoised), clean, with_ssim=with_ssim)


def eight_bits(planes: Planes) -> Pixels:
    """Clip and round (C, H, W) to 8-bit pixels, (H, W) or (H, W, 3)."""
    return to_pixels(planes, np.uint8)
