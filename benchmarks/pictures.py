"""Make the README's pictures: the sample photograph, clean, noisy, denoised, and side by side.

    python benchmarks/pictures.py

The noise is white and Gaussian, sigma 25, seeded; the noisy file is clipped and rounded to 8 bits,
as a file must be.
"""

import dataclasses
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

import spiden_cli as spiden
from spiden_cli.core.bundled import sample_picture
from spiden_cli.core.image.picture import Picture
from spiden_cli.core.image.tensor import to_pixels, to_tensor

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "images"
SIGMA = 25.0


def main() -> None:
    """Write clean.png, noisy.png and beside.png."""
    clean = spiden.read_picture(sample_picture())
    noisy = _noisy(clean)
    denoised = spiden.load("auto").denoise(noisy).image
    spiden.write_picture(FOLDER / "clean.png", clean)
    spiden.write_picture(FOLDER / "noisy.png", noisy)
    labels = {
        f"noisy, {spiden.psnr(noisy.pixels, clean.pixels):.1f} dB": noisy,
        f"spiden, {spiden.psnr(denoised.pixels, clean.pixels):.1f} dB": denoised,
    }
    _beside(labels).save(FOLDER / "beside.png", optimize=True)
    for label in labels:
        print(label)


def _noisy(clean: Picture) -> Picture:
    tensor = spiden.add_gaussian_noise(to_tensor(clean.pixels), SIGMA, seed=0)
    return dataclasses.replace(clean, pixels=to_pixels(tensor, clean.pixels.dtype))


def _beside(pictures: dict[str, Picture]) -> Image.Image:
    first = next(iter(pictures.values()))
    gap, band = 8, 22
    canvas = Image.new("RGB", ((first.width + gap) * len(pictures) - gap, first.height + band))
    canvas.paste("white", (0, 0, *canvas.size))
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(15)
    for index, (label, picture) in enumerate(pictures.items()):
        left = index * (first.width + gap)
        canvas.paste(Image.fromarray(picture.pixels), (left, band))
        draw.text((left + 2, 2), label, "black", font)
    return canvas


if __name__ == "__main__":
    main()
