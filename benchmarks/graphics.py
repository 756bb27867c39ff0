"""Draw pictures that photographs have too few of: flat tones, skies, charts, screens of text.

    python benchmarks/graphics.py FOLDER --count 60 --seed 0

Networks that learn from photographs alone leave a mottle on a clear sky, and blur the edges of
type. These pictures are for training beside photographs, and, drawn with another seed, for
measuring what is left (`spiden evaluate --dataset FOLDER`). The same seed draws the same pictures.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.random import Generator, default_rng
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter, zoom

SIDE = 320
WORDS = (
    "light",
    "noise",
    "spike",
    "edge",
    "paper",
    "The quick fox",
    "0123456789",
    "{x: 1.5} (a+b)",
)

Pixels = NDArray[np.uint8]


def colour(rng: Generator) -> tuple[int, int, int]:
    """Draw a tone: grey, muted or strong."""
    tone = rng.uniform(0, 255, 3)
    saturation = rng.choice([0.0, 0.3, 1.0])
    red, green, blue = tone.mean() + saturation * (tone - tone.mean())
    return round(red), round(green), round(blue)


def sky(rng: Generator) -> Pixels:
    """A gradient from tone to tone, with or without soft clouds."""
    ends = np.array([colour(rng), colour(rng)], float)
    ends[1] = ends[0] + rng.uniform(0.05, 0.6) * (ends[1] - ends[0])
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE - 0.5
    share = np.clip(0.5 + np.cos(angle) * x + np.sin(angle) * y, 0, 1)
    clouds = zoom(rng.normal(size=(9, 9)), SIDE / 9, order=3)[:SIDE, :SIDE]
    share += rng.choice([0.0, 0.1, 0.4]) * clouds
    picture = ends[0] + share[..., None] * (ends[1] - ends[0])
    # Dithered, as a camera's own noise does: no steps between the tones.
    return np.floor(picture + rng.uniform(size=picture.shape)).clip(0, 255).astype(np.uint8)


def shapes(rng: Generator) -> Pixels:
    """Flat shapes on a flat ground, as in drawings, signs and maps."""
    image = Image.new("RGB", (2 * SIDE, 2 * SIDE), colour(rng))
    draw = ImageDraw.Draw(image)
    for _ in range(rng.integers(3, 30)):
        corners = rng.uniform(-0.1 * SIDE, 2.1 * SIDE, (rng.integers(3, 7), 2))
        box = [*np.sort(corners[:2], axis=0).ravel()]
        kind = rng.integers(4)
        if kind == 0:
            draw.rectangle(box, colour(rng), colour(rng), int(rng.integers(0, 8)))
        elif kind == 1:
            draw.ellipse(box, colour(rng), colour(rng), int(rng.integers(0, 8)))
        elif kind == 2:
            draw.polygon([*map(tuple, corners)], colour(rng))
        else:
            draw.line([*map(tuple, corners)], colour(rng), int(rng.integers(1, 16)))
    return np.asarray(image.reduce(2))  # smooth edges, as any renderer draws them


def screen(rng: Generator) -> Pixels:
    """Type in windows: a screenshot, hard edges and all."""
    image = Image.new("RGB", (SIDE, SIDE), colour(rng))
    draw = ImageDraw.Draw(image)
    for _ in range(rng.integers(1, 5)):
        left, top = rng.integers(-20, SIDE - 60, 2)
        width, height = rng.integers(60, SIDE, 2)
        dark = rng.uniform() < 0.4
        paper = tuple(int(v) for v in rng.integers(0, 60, 3) + (0 if dark else 195))
        ink = tuple(int(v) for v in rng.integers(0, 90, 3) + (165 if dark else 0))
        draw.rectangle([left, top, left + width, top + height], paper, colour(rng))
        draw.rectangle([left, top, left + width, top + 14], colour(rng))
        font = ImageFont.load_default(float(rng.integers(9, 24)))
        step = int(font.size * 1.4)
        for y in range(top + 18, top + height - step, step):
            words = " ".join(rng.choice(WORDS, max(1, width // 50)))
            draw.text((left + 6, y), words, ink if rng.uniform() < 0.8 else colour(rng), font)
    return np.asarray(image)


def chart(rng: Generator) -> Pixels:
    """Lines, bars and a grid on paper, some in soft focus."""
    image = Image.new("RGB", (SIDE, SIDE), tuple(int(v) for v in rng.integers(225, 256, 3)))
    draw = ImageDraw.Draw(image)
    for at in range(20, SIDE, int(rng.integers(15, 60))):
        draw.line([(20, at), (SIDE - 10, at)], (200, 200, 200))
        draw.line([(at, 10), (at, SIDE - 20)], (200, 200, 200))
    for _ in range(rng.integers(1, 5)):
        heights = SIDE / 2 + np.cumsum(rng.normal(0, 12, 40))
        points = [*zip(np.linspace(20, SIDE - 10, 40), heights, strict=True)]
        draw.line(points, colour(rng), int(rng.integers(1, 5)))
    for at in range(30, SIDE - 30, int(rng.integers(24, 60))):
        if rng.uniform() < 0.5:
            draw.rectangle([at, rng.integers(60, SIDE - 30), at + 15, SIDE - 20], colour(rng))
    pixels = np.asarray(image)
    if rng.uniform() < 0.3:
        return gaussian_filter(pixels, (rng.uniform(0.5, 2),) * 2 + (0,))
    return pixels


KINDS: tuple[Callable[[Generator], Pixels], ...] = (sky, shapes, screen, chart)


def draw_pictures(folder: Path, count: int, seed: int) -> None:
    """Draw pictures into a folder, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        kind = KINDS[index % len(KINDS)]
        pixels = kind(default_rng([seed, index]))
        Image.fromarray(pixels).save(folder / f"{kind.__name__}-{index:03}.png")


def main() -> None:
    """Write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    draw_pictures(arguments.folder, arguments.count, arguments.seed)
    print(f"drew {arguments.count} pictures in {arguments.folder}")


if __name__ == "__main__":
    main()
