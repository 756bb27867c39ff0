"""Make the pictures of docs/guide.md, by running the commands that it shows, in their order.

    python benchmarks/guide.py

They run in a folder that holds what the guide says one has: the photograph, a clean one, a mask,
and a folder of pictures. Of each `images/guide-NAME.webp` that the guide shows, NAME.png is what
its commands made.
"""

import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

DOCS = Path(__file__).resolve().parents[1] / "docs"
GUIDE = DOCS / "guide.md"
SIZE = (320, 240)  # of the photograph
WIDTH = 1200  # pixels of a picture on the page
WALL = (
    (15, 0), (80, 33), (108, 58), (150, 100), (170, 135), (200, 90), (238, 48), (272, 12), (285, 0)
)  # fmt: skip


def commands(text: str) -> list[list[str]]:
    """Return the commands in the `sh` blocks of a page, split into words."""
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [shlex.split(line) for block in blocks for line in block.splitlines()]


def shown(text: str) -> list[str]:
    """Return the names of the pictures that a page shows of what its commands made."""
    return re.findall(r"\(images/guide-(\w+)\.webp\)", text)


def main() -> None:
    """Run the commands, and write the pictures into docs/images."""
    text = GUIDE.read_text()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        for _, *arguments in commands(text):
            print("spiden", *arguments, flush=True)
            subprocess.run([sys.executable, "-m", "spiden_cli", *arguments], cwd=folder, check=True)
        for picture in shown(text):
            publish(folder / f"{picture}.png", DOCS / "images" / f"guide-{picture}.webp")


def prepare(folder: Path) -> None:
    """Put into a folder what the guide begins with."""
    for name in ("photograph.png", "photograph_clean.png"):
        shutil.copy(DOCS / "images" / name, folder)
    mask = Image.new("RGB", SIZE)
    ImageDraw.Draw(mask).polygon(WALL, "white")
    mask.filter(ImageFilter.GaussianBlur(3)).save(folder / "wall.png")
    (folder / "photographs").mkdir()
    with Image.open(folder / "photograph.png") as photograph:
        for number, left in enumerate((0, 160), 1):
            part = photograph.crop((left, 0, left + 160, 240))
            part.save(folder / "photographs" / f"{number}.jpg", quality=95)


def publish(sheet: Path, target: Path) -> None:
    """Write a sheet as a small file for the page."""
    with Image.open(sheet) as image:
        image.thumbnail((WIDTH, 10 * WIDTH), Image.Resampling.LANCZOS)
        image.save(target, quality=82, method=6)
    print(f"{target.name}: {target.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
