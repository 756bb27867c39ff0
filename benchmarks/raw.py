"""Camera raw: denoised before or after the tone curve, and where its noise is estimated.

    python benchmarks/raw.py PHOTOGRAPH...

A clean photograph is taken back to linear light and through a Bayer mosaic; Poisson-Gaussian noise
is added, and LibRaw develops it. PSNR is against the same mosaic without noise, developed alike.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import rawpy
from PIL import Image

import spiden_cli as spiden
from spiden_cli.core.files.picture_files import read_picture
from spiden_cli.core.image.picture import Picture
from spiden_cli.core.tasks.raw_noise import estimate_raw_noise

sys.path.append(str(Path(__file__).parents[1] / "tests" / "core" / "files"))
from raw_files import mosaic_of, write_dng

SIDE = 384
SENSORS = {"100": (2e-4, 1e-6), "1600": (2e-3, 2e-5), "12800": (1e-2, 3e-4)}
"""About these sensitivities of a small sensor: shot noise, and the square of read noise."""
WAYS = ("noisy", "linear light", "after the curve", "and estimate from the mosaic")


def to_light(pixels: np.ndarray) -> np.ndarray:
    """The curve of sRGB undone, (H, W, 3) uint8 to 0..1."""
    x = pixels / 255
    return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)


def to_srgb(light: np.ndarray) -> np.ndarray:
    """The curve of sRGB."""
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light.clip(0) ** (1 / 2.4) - 0.055)


def psnr(pixels: np.ndarray, clean: np.ndarray) -> float:
    """In dB, of values 0..1, without the border and the white patch."""
    difference = (pixels - clean)[8:-8, 8:-8]
    return float(-10 * np.log10(np.mean(difference**2)))


def measured(model: spiden.Model, light: np.ndarray, shot: float, read: float) -> list[float]:
    """PSNR of each way."""
    with tempfile.TemporaryDirectory() as folder:
        noisy, clean = Path(folder) / "noisy.dng", Path(folder) / "clean.dng"
        write_dng(noisy, mosaic_of(light, shot, read))
        write_dng(clean, mosaic_of(light))
        target = read_picture(clean).pixels / 65535
        picture, estimate = read_picture(noisy), estimate_raw_noise(noisy)
        with rawpy.imread(str(noisy)) as raw:
            linear = raw.postprocess(
                use_camera_wb=True, output_bps=16, no_auto_bright=True, gamma=(1, 1)
            )
    before = model.denoise(Picture(linear)).image.pixels / 65535
    after = [model.denoise(picture, noise).image.pixels / 65535 for noise in (None, estimate)]
    return [psnr(way, target) for way in (picture.pixels / 65535, to_srgb(before), *after)]


def main(names: list[str]) -> None:
    """Print a table for docs/files.md."""
    model = spiden.load(threads=1)
    print("| ISO | " + " | ".join(WAYS) + " |\n|---|" + "---:|" * len(WAYS))
    for sensitivity, (shot, read) in SENSORS.items():
        scores = []
        for name in names:
            with Image.open(name) as image:
                part = np.asarray(image.convert("RGB"))[64 : 64 + SIDE, 64 : 64 + SIDE]
            scores.append(measured(model, to_light(part), shot, read))
        means = np.mean(scores, axis=0)
        print(
            f"| {sensitivity} | " + " | ".join(f"{mean:.2f}" for mean in means) + " |", flush=True
        )


if __name__ == "__main__":
    main(sys.argv[1:])
