"""The time that a person feels: whole processes, from the shell's prompt to the shell's prompt.

    pip install opencv-python-headless bm3d  # both optional
    python benchmarks/startup.py

Each process starts Python, imports what it needs, reads a picture, denoises it and writes another.
The runs take turns, and the medians are compared; the event engine's compiled code is on disk.
`inference.py` writes the table into docs/performance.md.
"""

import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from timing import SIGMA, in_turns, noisy_photograph

import spiden_cli as spiden
from spiden_cli.core.image.pixels import to_pixels

SIDES = (64, 512)
OPENCV = (
    "import cv2\n"
    "noisy = cv2.imread({source!r}, cv2.IMREAD_GRAYSCALE)\n"
    "cv2.imwrite({target!r}, cv2.fastNlMeansDenoising(noisy, None, {sigma}))"
)
BM3D = (
    "import bm3d, numpy\nfrom PIL import Image\n"
    "noisy = numpy.asarray(Image.open({source!r})) / 255\n"
    "clean = bm3d.bm3d(noisy, {sigma} / 255)\n"
    "Image.fromarray((clean.clip(0, 1) * 255).round().astype('uint8')).save({target!r})"
)


def commands(source: Path, target: Path) -> dict[str, list[str]]:
    """Return what to run on a picture, by name."""
    spiden_denoise = ["-m", "spiden_cli", "denoise", str(source), "-o", str(target), "--overwrite"]
    found = {
        "import torch": ["-c", "import torch"],
        "spiden denoise": spiden_denoise,
        "spiden denoise --sigma 25": [*spiden_denoise, "--sigma", f"{SIGMA:g}"],
        "spiden denoise --engine dense": [*spiden_denoise, "--engine", "dense"],
    }
    named = {"source": str(source), "target": str(target), "sigma": SIGMA}
    if find_spec("cv2") is not None:
        found["OpenCV, non-local means"] = ["-c", OPENCV.format(**named)]
    if find_spec("bm3d") is not None:
        found["BM3D"] = ["-c", BM3D.format(**named)]
    return found


def startup_table(repeats: int) -> str:
    """Time every process on each size of picture; return a table in Markdown."""
    seconds: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for side in SIDES:
            source, target = Path(folder) / f"{side}.png", Path(folder) / "denoised.png"
            pixels = to_pixels(noisy_photograph(side, side), np.uint8)
            spiden.write_picture(source, spiden.Picture(pixels))
            runs = {
                name: lambda c=command: subprocess.run(
                    [sys.executable, *c], check=True, capture_output=True
                )
                for name, command in commands(source, target).items()
            }
            for name, taken in in_turns(runs, repeats).items():
                seconds.setdefault(name, []).append(taken)
    torch = seconds["import torch"]
    lines = [
        "| process | "
        + " | ".join(f"{side} x {side}, over `import torch`" for side in SIDES)
        + " |",
        "|---|" + "--:|" * len(SIDES),
    ]
    for name, taken in seconds.items():
        cells = (f"{t / t0:.2f}" for t, t0 in zip(taken, torch, strict=True))
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(startup_table(repeats=5))
