"""Full-reference quality of pictures: PSNR and SSIM."""

import math
from typing import NamedTuple

import numpy as np

from spiden_cli.core.image.picture import Pixels, Range
from spiden_cli.errors import InputError

__all__ = ["SSIM_WINDOW", "Quality", "check_alike", "psnr", "quality", "ssim"]

SSIM_WINDOW = 11  # 3.5 sigma each side of the centre, sigma = 1.5
_STRIP = 512  # rows that are measured at once, so that no large picture is held in float64


def psnr(restored: Pixels, clean: Pixels, range: Range | None = None) -> float:
    """Peak signal-to-noise ratio in dB: 10 log10(peak^2 / mean squared error).

    The peak is white minus black; the mean is over all pixels and channels.

    Args:
        restored: (H, W) or (H, W, 3), uint8 or uint16.
        clean: the reference, of the same shape and type.
        range: black and white level of both; None: the full range of the type.

    Returns:
        dB; infinity if both are equal.

    Raises:
        InputError: shapes or types differ.
    """
    check_alike(restored, clean)
    squares = 0.0
    for top in np.arange(0, len(clean), _STRIP):
        one, other = (p[top : top + _STRIP].astype(np.float64) for p in (restored, clean))
        squares += float(np.sum((one - other) ** 2))
    error = squares / clean.size
    peak = (range or Range.full(clean.dtype)).span
    return math.inf if error == 0 else 10 * math.log10(peak**2 / error)


def ssim(restored: Pixels, clean: Pixels, range: Range | None = None) -> float:
    """Structural similarity, 1 for equal pictures; for colour the mean over the channels.

    Wang, Bovik, Sheikh, Simoncelli, "Image Quality Assessment: From Error Visibility to Structural
    Similarity", IEEE TIP 2004: 11 x 11 Gaussian window of sigma 1.5, K1 = 0.01, K2 = 0.03,
    population covariance.

    Args:
        restored: (H, W) or (H, W, 3), uint8 or uint16, at least 11 pixels a side.
        clean: the reference, of the same shape and type.
        range: black and white level of both; None: the full range of the type.

    Raises:
        InputError: shapes or types differ, or the picture is smaller than the window.
    """
    from skimage.metrics import structural_similarity  # slow to import, needed here only

    check_alike(restored, clean)
    if min(clean.shape[:2]) < SSIM_WINDOW:
        raise InputError(
            f"SSIM needs at least {SSIM_WINDOW} x {SSIM_WINDOW} pixels, not {_shape(clean)}"
        )
    margin = SSIM_WINDOW // 2  # where the window leaves the picture, similarity isn't counted
    rows, total = len(clean) - 2 * margin, 0.0
    for top in np.arange(0, rows, _STRIP):
        bottom = min(int(top) + _STRIP, rows)
        strip = slice(int(top), bottom + 2 * margin)
        mean = structural_similarity(  # type: ignore[no-untyped-call]
            clean[strip],
            restored[strip],
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            data_range=(range or Range.full(clean.dtype)).span,
            channel_axis=-1 if clean.ndim == 3 else None,
        )
        total += float(mean) * (bottom - int(top))
    return total / rows


class Quality(NamedTuple):
    """How close an image comes to the clean one.

    Attributes:
        noisy_psnr: of the noisy image, in dB; infinite for equal images.
        psnr: of the denoised image, in dB.
        ssim: of the denoised image; None if it was not asked for, or the image is under 11 pixels.
    """

    noisy_psnr: float
    psnr: float
    ssim: float | None


def quality(
    noisy: Pixels, denoised: Pixels, clean: Pixels, range: Range | None = None,
    with_ssim: bool = True,
) -> Quality:  # fmt: skip
    """Measure a denoised image beside the noisy one.

    Args:
        noisy: (H, W) or (H, W, 3), uint8 or uint16.
        denoised: of the same shape and type.
        clean: the reference, of the same shape and type.
        range: black and white level of all three; None: the full range of the type.
        with_ssim: measure structural similarity too, where the image is large enough.

    Raises:
        InputError: shapes or types differ.
    """
    similar = with_ssim and min(clean.shape[:2]) >= SSIM_WINDOW
    return Quality(
        psnr(noisy, clean, range),
        psnr(denoised, clean, range),
        ssim(denoised, clean, range) if similar else None,
    )


def check_alike(restored: Pixels, clean: Pixels) -> None:
    """Refuse to compare pictures of different kinds.

    Args:
        restored: (H, W) or (H, W, 3), uint8 or uint16.
        clean: likewise.

    Raises:
        InputError: shapes or types differ.
    """
    if restored.shape != clean.shape or restored.dtype != clean.dtype:
        raise InputError(
            f"can't compare {_shape(restored)} ({restored.dtype}) with {_shape(clean)} "
            f"({clean.dtype}); both pictures need the same size, channels and depth"
        )
    if clean.dtype not in (np.uint8, np.uint16, np.float32):
        raise InputError(
            f"quality is measured on pixels of 8 or 16 bits or 32-bit floats, not {clean.dtype}"
        )


def _shape(pixels: Pixels) -> str:
    height, width = pixels.shape[:2]
    return f"{width} x {height} {'colour' if pixels.ndim == 3 else 'grey'}"
