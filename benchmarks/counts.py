"""Denoise simulated photon counts, with the noise known and found automatically, beside BM3D.

    pip install bm3d  # optional; its licence is for non-commercial use
    python benchmarks/counts.py [--photons 1 5 20 100] [--pictures 6] [--document]
    python benchmarks/counts.py --times  # processor time of 512 x 512, beside BM3D's

The pictures are drawn: nuclei of cells under a fluorescence microscope, with texture, blurred by
optics, over a faint background. A detector of gain 2, offset 100 and a read noise of 1 electron
makes 16-bit files of them, which are denoised from the file on. PSNR is over the range of the clean
picture. With --document the table in docs/counts.md is replaced. It takes some minutes on one core.
"""

import argparse
import contextlib
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

import spiden_cli as spiden
from spiden_cli.core.noise.anscombe import Anscombe

SIDE, NUCLEI, BACKGROUND = 192, 9, 0.025
GAIN, OFFSET, READ_NOISE = 2.0, 100.0, 1.0  # read noise in electrons
KNOWN = spiden.PoissonGaussian(GAIN, OFFSET, READ_NOISE * GAIN)
PAGE = Path(__file__).resolve().parents[1] / "docs" / "counts.md"
START, END = "<!-- counts: benchmarks/counts.py -->\n", "<!-- /counts -->\n"

Values = NDArray[np.float64]


def nuclei(seed: int) -> Values:
    """Return a picture of nuclei, (192, 192), brightest 1."""
    chance = np.random.default_rng(seed)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    picture = np.full((SIDE, SIDE), BACKGROUND)
    for _ in range(NUCLEI):
        top, left = chance.uniform(0, SIDE, 2)
        long, short = chance.uniform(15, 21), chance.uniform(11, 15)
        turn, brightness = chance.uniform(0, np.pi), chance.uniform(0.3, 0.9)
        along = (rows - top) * np.cos(turn) + (columns - left) * np.sin(turn)
        across = (columns - left) * np.cos(turn) - (rows - top) * np.sin(turn)
        inside = (along / long) ** 2 + (across / short) ** 2 < 1
        texture = gaussian_filter(chance.normal(size=picture.shape), 3)
        texture *= 0.2 / texture.std()
        picture = np.where(inside, brightness * (1 + texture), picture)
    picture = gaussian_filter(picture, 1.2)
    return picture / picture.max()


def detected(counts: Values, seed: int) -> NDArray[np.uint16]:
    """Return what the detector makes of counts."""
    chance = np.random.default_rng(1000 + seed)
    electrons = chance.poisson(counts) + chance.normal(0, READ_NOISE, counts.shape)
    return np.rint(GAIN * electrons + OFFSET).clip(0, 65535).astype(np.uint16)


def psnr(values: NDArray[np.number], clean: Values) -> float:
    """Return the PSNR over the range of the clean picture, in dB."""
    error = np.mean((values - clean) ** 2)
    return float(10 * np.log10((clean.max() - clean.min()) ** 2 / error))


def bm3d_behind_anscombe() -> Callable[[NDArray[np.uint16]], NDArray[np.number]] | None:
    """Return BM3D on what the exact transform makes of known counts; None if it isn't there."""
    with contextlib.suppress(ImportError):
        from bm3d import bm3d

        transform = Anscombe(KNOWN)

        def denoised(noisy: NDArray[np.uint16]) -> NDArray[np.number]:
            white = transform.forward(noisy)
            low, span = white.min(), np.ptp(white)
            return transform.inverse(bm3d((white - low) / span, 1 / span) * span + low)

        return denoised
    return None


def methods(model: spiden.Model) -> dict[str, Callable[[Path], NDArray[np.number]]]:
    """Return what takes a file of counts to its brightness."""
    bm3d = bm3d_behind_anscombe()

    def read(path: Path) -> NDArray[np.uint16]:
        return spiden.read_picture(path).pixels

    def by_model(path: Path, noise: spiden.Noise | None) -> NDArray[np.number]:
        return model.denoise(spiden.read_picture(path), noise).image.pixels

    found: dict[str, Callable[[Path], NDArray[np.number]]] = {
        "noisy": read,
        "noise known": lambda path: by_model(path, KNOWN),
        "automatic": lambda path: by_model(path, None),
        "automatic, in float32": lambda path: model.denoise(read(path).astype(np.float32)).image,
    }
    if bm3d is not None:
        found["BM3D, noise known"] = lambda path: np.rint(bm3d(read(path)))
    return found


def table(photons: list[float], pictures: int, model: spiden.Model) -> list[str]:
    """Return the mean PSNR of each method at each number of photons, in Markdown."""
    each = methods(model)
    scores = {name: np.zeros((len(photons), pictures)) for name in each}
    with tempfile.TemporaryDirectory() as folder:
        for row, peak in enumerate(photons):
            for seed in range(pictures):
                counts = peak * nuclei(seed)
                path = Path(folder) / f"{peak:g}_{seed}.tif"
                spiden.write_picture(path, spiden.Picture(detected(counts, seed)))
                for name, method in each.items():
                    scores[name][row, seed] = psnr(method(path), GAIN * counts + OFFSET)
            found = (f"{name} {values[row].mean():.2f}" for name, values in scores.items())
            print(f"{peak:g} photons:", ", ".join(found), file=sys.stderr, flush=True)
    lines = ["| photons | " + " | ".join(f"{peak:g}" for peak in photons) + " | mean |"]
    lines.append("|---" * (len(photons) + 2) + "|")
    for name, values in scores.items():
        means = [*values.mean(1), values.mean()]
        lines.append(f"| {name} | " + " | ".join(f"{mean:.2f}" for mean in means) + " |")
    return lines


def times(model: spiden.Model) -> None:
    """Print the processor time of a picture of 512 x 512, in turns with BM3D."""
    side = 512
    field = np.kron(nuclei(0), np.ones((3, 3)))[:side, :side]
    file = detected(20 * field, 0)
    filtered = bm3d_behind_anscombe()
    if filtered is None:
        sys.exit("pip install bm3d")
    model.denoise(file[:64, :64])  # which compiles
    for turn in range(3):
        seconds = []
        for run in (lambda: model.denoise(file), lambda: filtered(file)):
            start = time.process_time()
            run()
            seconds.append(time.process_time() - start)
        ours, others = seconds
        print(f"{turn}: spiden {ours:.2f} s, BM3D {others:.2f} s: {ours / others:.3f}")


def main() -> None:
    """Measure, and print or document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photons", type=float, nargs="+", default=[1, 5, 20, 100])
    parser.add_argument("--pictures", type=int, default=6)
    parser.add_argument("--model", default="auto")
    parser.add_argument("--times", action="store_true", help="measure the time alone")
    parser.add_argument("--document", action="store_true", help="write the table into the page")
    options = parser.parse_args()
    model = spiden.load(options.model)
    if options.times:
        times(model)
        return
    lines = "\n".join(table(options.photons, options.pictures, model)) + "\n"
    print(lines, end="")
    if options.document:
        before, _, rest = PAGE.read_text("utf-8").partition(START)
        _, _, after = rest.partition(END)
        PAGE.write_text(f"{before}{START}\n{lines}\n{END}{after}", "utf-8")


if __name__ == "__main__":
    main()
