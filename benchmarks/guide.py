"""Make the pictures of the guides in docs/, by running the commands that they show, in their order.

    python benchmarks/guide.py                    # docs/guide.md
    python benchmarks/guide.py microscopy         # docs/microscopy.md, which trains: minutes

They run in a folder that holds what the guide says one has: the photograph, a clean one, a mask,
and a folder of pictures; or what `examples/microscope.py` writes. Of each `images/GUIDE-NAME.webp`
that a guide shows, NAME.png is what its commands made.
"""

import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
SIZE = (320, 240)  # of the photograph
WIDTH = 1200  # pixels of a picture on the page
WALL = (
    (15, 0), (80, 33), (108, 58), (150, 100), (170, 135), (200, 90), (238, 48), (272, 12), (285, 0)
)  # fmt: skip


def commands(text: str) -> list[list[str]]:
    """Return the commands in the `sh` blocks of a page, split into words."""
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [shlex.split(line) for block in blocks for line in block.splitlines()]


def shown(guide: str, text: str) -> list[str]:
    """Return the names of the pictures that a guide shows of what its commands made."""
    return re.findall(rf"\(images/{guide}-(\w+)\.webp\)", text)


def main() -> None:
    """Run the commands, and write the pictures into docs/images."""
    guide = sys.argv[1] if len(sys.argv) > 1 else "guide"
    text = (DOCS / f"{guide}.md").read_text()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if guide == "microscopy":
            script = ROOT / "examples" / "microscope.py"
            subprocess.run([sys.executable, script], cwd=folder, check=True)
        else:
            prepare(folder)
        for _, *arguments in commands(text):
            print("spiden", *arguments, flush=True)
            subprocess.run([sys.executable, "-m", "spiden_cli", *arguments], cwd=folder, check=True)
        for picture in shown(guide, text):
            publish(folder / f"{picture}.png", DOCS / "images" / f"{guide}-{picture}.webp")


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
