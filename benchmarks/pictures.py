"""Make the README's pictures.

    python benchmarks/pictures.py [FOLDER that holds nam25/]

clean.png and noisy.png are the sample photograph; its noise is white and Gaussian, sigma 25,
seeded; the noisy file is clipped and rounded to 8 bits, as a file must be. photograph.png and
photograph_clean.png are a part of a real photograph at high ISO and of the mean of 500 shots of its
scene (nam25, picture 18; docs/guide.md says where it is from); beside.jpg is that photograph before
and after `spiden denoise`, each pixel drawn as 2 x 2.
"""

import dataclasses
import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

import spiden_cli as spiden
from spiden_cli.core.bundled import sample_picture
from spiden_cli.core.image.picture import Picture
from spiden_cli.core.image.region import Region, cropped
from spiden_cli.core.image.tensor import to_pixels, to_tensor

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "images"
SIGMA = 25.0
PART = Region(176, 8, 320, 240)  # of picture 18
ZOOM = 2


def main() -> None:
    """Write the pictures into docs/images."""
    clean = spiden.read_picture(sample_picture())
    spiden.write_picture(FOLDER / "clean.png", clean)
    spiden.write_picture(FOLDER / "noisy.png", _noisy(clean))
    photograph, mean = _photograph(Path(sys.argv[1]) if sys.argv[1:] else None)
    spiden.write_picture(FOLDER / "photograph.png", photograph)
    spiden.write_picture(FOLDER / "photograph_clean.png", mean)
    denoised = spiden.load("auto").denoise(photograph).image
    labels = {
        "a photograph at high ISO": photograph,
        "spiden denoise": denoised,
    }
    _beside(labels).save(FOLDER / "beside.jpg", quality=88, subsampling=0, optimize=True)
    for label, picture in labels.items():
        print(f"{label}: {spiden.psnr(picture.pixels, mean.pixels):.2f} dB")


def _photograph(data_dir: Path | None) -> tuple[Picture, Picture]:
    pairs = spiden.find_dataset("nam25", data_dir)
    place = [path.name for path in pairs.paths].index("18.png")
    noisy, clean = (
        cropped(spiden.read_picture(paths[place]), PART) for paths in (pairs.noisy, pairs.paths)
    )
    return noisy, clean


def _noisy(clean: Picture) -> Picture:
    tensor = spiden.add_gaussian_noise(to_tensor(clean.pixels), SIGMA, seed=0)
    return dataclasses.replace(clean, pixels=to_pixels(tensor, clean.pixels.dtype))


def _beside(pictures: dict[str, Picture]) -> Image.Image:
    first = next(iter(pictures.values()))
    width, height = ZOOM * first.width, ZOOM * first.height
    gap, band = 16, 44
    canvas = Image.new("RGB", ((width + gap) * len(pictures) - gap, height + band), "white")
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(28)
    for index, (label, picture) in enumerate(pictures.items()):
        left = index * (width + gap)
        enlarged = Image.fromarray(picture.pixels).resize((width, height), Image.Resampling.NEAREST)
        canvas.paste(enlarged, (left, band))
        draw.text((left + 2, 2), label, "black", font)
    return canvas


if __name__ == "__main__":
    main()
