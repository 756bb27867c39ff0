"""Noise as cameras make it: from a clean picture to one that a camera might have taken of it.

A developed picture is taken back to the sensor, noise is added there, and the camera's own steps
follow, as in Brooks et al., "Unprocessing Images for Learned Raw Denoising", CVPR 2019 (arXiv
1811.11127), and Guo et al., "Toward Convolutional Blind Denoising of Real Photographs", CVPR 2019
(CBDNet, arXiv 1807.04686):

    sRGB -> tone curve and gamma undone -> colour matrix and white balance undone -> raw
    raw -> shot and read noise -> Bayer mosaic -> demosaicing -> white balance, colour matrix
        -> gamma, tone curve -> noise reduction and sharpening -> resampling -> JPEG

Shot and read noise are those of Foi et al. 2008 (IEEE TIP 17(10), eq. 4): a raw value x has the
variance shot x + read. Of all steps but the last two only what they do to the noise is kept: a
camera's own spare the picture as well as they can, and better than the simple ones here.
docs/camera-noise.md has the ranges and where they come from.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from io import BytesIO
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from spiden_cli.core.image.tensor import to_grey
from spiden_cli.core.noise.demosaicing import demosaic, mosaic

__all__ = ["Cameras", "Exposure", "draw_cameras", "photograph", "rms_level"]

ISO = (100.0, 12_800.0)
"""Sensitivities that cameras are drawn at."""
_WELL = (8e3, 8e4)
"""Electrons that fill a pixel at ISO 100: a phone's, a full-frame camera's."""
_READ_ELECTRONS = (1.0, 5.0)
_RED_GAIN, _BLUE_GAIN = (1.6, 2.4), (1.3, 2.0)
_CROSSTALK = (0.2, 1.0)
"""How much of the other colours a camera's colour matrix takes away from each."""
_CONTRAST = (1.0, 1.6)
_LUMA_BLUR, _CHROMA_BLUR = (0.4, 2.5), (0.7, 4.0)
"""Standard deviation in pixels of the camera's noise reduction."""
_SHARPENING = (0.0, 1.0)
_LENS_BLUR = (0.3, 1.0)
_SCALE = (0.75, 2.0)
"""Pixels of the finished picture for each pixel of the sensor."""
_REACH = 8  # pixels on each side of a blur


@dataclass(frozen=True)
class Cameras:
    """Cameras and their settings, one for each image of a batch; tensors (B,) unless said.

    Attributes:
        shot: variance of the raw noise for each unit of the raw value, whose white is 1.
        read: variance of the raw noise in the dark.
        white_balance: (B, 3) gains of red, green and blue.
        colour_matrix: (B, 3, 3), from the camera's linear colours to linear sRGB.
        contrast: exponent of the tone curve, 1 for none.
        malvar: which of the two demosaicing rules, bool.
        luma_blur, chroma_blur: standard deviation of the noise reduction, in pixels.
        luma_share, chroma_share: how much of what it would remove it does remove, 0 to 1.
        sharpening: amount of the unsharp mask, of 1 pixel.
        lens_blur: standard deviation of the blur of the picture itself, in pixels; 0 for none.
        scale: pixels of the finished picture for each pixel of the sensor.
        quality: of the JPEG, 1 to 100, int; 0 for no JPEG.
        subsampling: of its chroma, 0 for 4:4:4 and 2 for 4:2:0, int.
    """

    shot: Tensor
    read: Tensor
    white_balance: Tensor
    colour_matrix: Tensor
    contrast: Tensor
    malvar: Tensor
    luma_blur: Tensor
    chroma_blur: Tensor
    luma_share: Tensor
    chroma_share: Tensor
    sharpening: Tensor
    lens_blur: Tensor
    scale: Tensor
    quality: Tensor
    subsampling: Tensor

    def to(self, device: torch.device) -> "Cameras":
        """Return the same on a device."""
        return Cameras(*(getattr(self, setting.name).to(device) for setting in fields(self)))


class Exposure(NamedTuple):
    """What a camera made of pictures.

    Attributes:
        clean: without noise and before JPEG: the picture, but for blur and scale;
            (B, 3, H, W), range [0, 1].
        noisy: with both; likewise, multiples of 1/255.
        level: (B,), root mean square of the noise in 8-bit units: as it went into the JPEG, or as
            it came out if that is less. What compression does to the picture is no noise.
    """

    clean: Tensor
    noisy: Tensor
    level: Tensor


def draw_cameras(count: int, generator: torch.Generator, iso: tuple[float, float] = ISO) -> Cameras:
    """Draw cameras at random, on the generator's device.

    Args:
        count: B.
        generator: where the randomness comes from.
        iso: lowest and highest sensitivity; drawn evenly on a logarithmic scale.
    """
    device = generator.device

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=generator, device=device)

    def logarithmic(low: float, high: float) -> Tensor:
        return torch.exp(uniform(*torch.tensor([low, high]).log().tolist()))

    def chance(share: float) -> Tensor:
        return uniform(0, 1) < share

    shot = logarithmic(*iso) / 100 / logarithmic(*_WELL)
    return Cameras(
        shot=shot,
        read=(uniform(*_READ_ELECTRONS) * shot).square(),
        white_balance=torch.stack(
            [uniform(*_RED_GAIN), torch.ones(count, device=device), uniform(*_BLUE_GAIN)], 1
        ),
        colour_matrix=_colour_matrix(uniform(*_CROSSTALK), [uniform(0, 1) for _ in range(3)]),
        contrast=uniform(*_CONTRAST),
        malvar=chance(0.5),
        luma_blur=uniform(*_LUMA_BLUR),
        chroma_blur=uniform(*_CHROMA_BLUR),
        luma_share=uniform(0, 1) * chance(0.8),
        chroma_share=uniform(0.3, 1) * chance(0.9),
        sharpening=uniform(*_SHARPENING) * chance(0.5),
        lens_blur=uniform(*_LENS_BLUR) * chance(0.4),
        scale=torch.where(chance(0.5), logarithmic(*_SCALE), torch.ones(count, device=device)),
        quality=(100 - 25 * uniform(0, 1).square()).round().long() * chance(0.85),
        subsampling=chance(0.6) * 2,
    )


def _colour_matrix(strength: Tensor, shares: Sequence[Tensor]) -> Tensor:
    """Return matrices whose rows sum to one, so that grey stays grey: (B, 3, 3).

    Args:
        strength: how much each colour loses of the two others, (B,).
        shares: of that, the part of the first other one, three times (B,).
    """
    rows = []
    for row, share in enumerate(shares):
        others = iter([-strength * share, -strength * (1 - share)])
        rows.append(torch.stack([1 + strength if c == row else next(others) for c in range(3)], 1))
    return torch.stack(rows, 1)


def photograph(clean: Tensor, cameras: Cameras, generator: torch.Generator) -> Exposure:
    """Take pictures of pictures.

    Args:
        clean: (B, 3, H, W), range [0, 1]; H and W at least 9, the reach of the filters.
        cameras: B of them.
        generator: where the noise comes from; on the same device.

    Returns:
        Pictures of the same size: scaling keeps the middle of what grew, and mirrors what shrank.
    """
    raw = _to_sensor(clean, cameras)
    variance = raw * _each(cameras.shot) + _each(cameras.read)
    noise = torch.randn(raw.shape, generator=generator, device=raw.device)
    residual = _develop(raw + noise * variance.sqrt(), cameras) - _develop(raw, cameras)
    seen = torch.where(_each(cameras.lens_blur > 0), _blurred(clean, cameras.lens_blur), clean)
    both = torch.cat([seen, _reduced(residual, cameras)], 1)
    moved = _rescaled(both, cameras.scale)
    seen, residual = moved[:, :3], moved[:, 3:]
    before = (seen + residual).clamp(0, 1)
    noisy = _through_jpeg(before, cameras)
    return Exposure(seen, noisy, torch.minimum(rms_level(seen, before), rms_level(seen, noisy)))


def rms_level(clean: Tensor, noisy: Tensor) -> Tensor:
    """Return the root mean square of the noise of each image, (B,), in 8-bit units."""
    return (noisy - clean).square().mean((1, 2, 3)).sqrt() * 255


def _each(values: Tensor) -> Tensor:
    return values[:, None, None, None]


def _to_sensor(picture: Tensor, cameras: Cameras) -> Tensor:
    """Undo what development does: the raw values of a picture, all three colours at each pixel."""
    curved = _tone(picture, 1 / cameras.contrast)
    linear = torch.where(curved <= 0.04045, curved / 12.92, ((curved + 0.055) / 1.055) ** 2.4)
    inverse = torch.linalg.inv(cameras.colour_matrix)
    raw = torch.einsum("bij,bjhw->bihw", inverse, linear)
    return (raw / cameras.white_balance[:, :, None, None]).clamp(0, 1)


def _develop(raw: Tensor, cameras: Cameras) -> Tensor:
    """Mosaic, demosaic and develop raw values; clipped to [0, 1], as cameras clip."""
    colour = demosaic(mosaic(raw.clamp(0, 1)), cameras.malvar)
    balanced = (colour * cameras.white_balance[:, :, None, None]).clamp(0, 1)
    linear = torch.einsum("bij,bjhw->bihw", cameras.colour_matrix, balanced).clamp(0, 1)
    root = linear.clamp_min(0.0031308) ** (1 / 2.4)
    curved = torch.where(linear <= 0.0031308, linear * 12.92, 1.055 * root - 0.055)
    return _tone(curved, cameras.contrast)


def _tone(values: Tensor, exponent: Tensor) -> Tensor:
    """S-curve x^g / (x^g + (1 - x)^g), whose inverse is that of 1/g."""
    up, down = values ** _each(exponent), (1 - values) ** _each(exponent)
    return up / (up + down)


def _reduced(noise: Tensor, cameras: Cameras) -> Tensor:
    """What the camera's noise reduction, luma and chroma apart, and sharpening leave of noise."""
    luma = to_grey(noise)
    chroma = noise - luma
    luma = torch.lerp(luma, _blurred(luma, cameras.luma_blur), _each(cameras.luma_share))
    chroma = torch.lerp(chroma, _blurred(chroma, cameras.chroma_blur), _each(cameras.chroma_share))
    soft = _blurred(luma, torch.ones_like(cameras.luma_blur))
    return luma + chroma + _each(cameras.sharpening) * (luma - soft)


def _blurred(planes: Tensor, deviations: Tensor) -> Tensor:
    """Blur (B, C, H, W) by Gaussians, of one standard deviation for each image, in pixels."""
    count, channels, height, width = planes.shape
    offsets = torch.arange(-_REACH, _REACH + 1, device=planes.device)
    kernels = torch.exp(-0.5 * (offsets / deviations[:, None].clamp_min(0.1)).square())
    kernels = (kernels / kernels.sum(1, keepdim=True)).repeat_interleave(channels, 0)[:, None]
    padded = F.pad(planes, (_REACH,) * 4, mode="reflect").flatten(0, 1)[None]
    down = F.conv2d(padded, kernels[..., None], groups=count * channels)
    across = F.conv2d(down, kernels[:, :, None], groups=count * channels)
    return across.reshape(count, channels, height, width)


def _rescaled(planes: Tensor, scale: Tensor) -> Tensor:
    """Scale about the middle, bilinearly; the size stays, and the border is mirrored."""
    grid = F.affine_grid(
        torch.eye(2, 3, device=planes.device) / scale[:, None, None], list(planes.shape),
        align_corners=False,
    )  # fmt: skip
    moved = F.grid_sample(planes, grid, padding_mode="reflection", align_corners=False)
    return torch.where(_each(scale == 1), planes, moved)


def _through_jpeg(pictures: Tensor, cameras: Cameras) -> Tensor:
    """Round to 8 bits and compress each picture with libjpeg, by Pillow."""
    rounded = (pictures * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    settings = zip(cameras.quality.tolist(), cameras.subsampling.tolist(), strict=True)
    with ThreadPoolExecutor() as pool:  # libjpeg lets other threads run
        decoded = list(pool.map(_compressed, rounded, *zip(*settings, strict=True)))
    planes = torch.from_numpy(np.stack(decoded)).to(pictures.device).permute(0, 3, 1, 2)
    return planes / 255


def _compressed(pixels: NDArray[np.uint8], quality: int, subsampling: int) -> NDArray[np.uint8]:
    """Return what JPEG makes of (H, W, 3); quality 0 leaves it as it is."""
    from PIL import Image

    if not quality:
        return pixels
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=quality, subsampling=subsampling)
    return np.asarray(Image.open(stream))
