"""Denoise real pairs without saying how noisy they are, and at the best single level for all.

    python benchmarks/blind.py ../shared/data/nam25

The folder holds `noisy/` and `clean/`, with the same file names. PSNR is in sRGB, over whole
pictures, and averaged over the pictures. Nothing may be chosen by what this prints.
"""

import argparse
import statistics
from collections.abc import Sequence
from pathlib import Path

import spiden_cli as spiden

LEVELS = (5.0, 10.0, 15.0, 20.0)


def main() -> None:
    """Print a line for each picture, then the means and the worst change."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="holds noisy/ and clean/")
    parser.add_argument("--model", default="auto")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--levels", type=float, nargs="*", default=LEVELS)
    options = parser.parse_args()
    model = spiden.load(options.model, threads=options.threads)
    columns = ("noisy", "auto", *(f"sigma {level:g}" for level in options.levels))
    print(f"{'picture':24}", *(f"{column:>9}" for column in columns), " found", flush=True)
    rows = []
    for noisy_path, clean_path in pairs(options.folder):
        noisy, clean = spiden.read_picture(noisy_path), spiden.read_picture(clean_path)
        results = [model.denoise(noisy, level) for level in (None, *options.levels)]
        images = [noisy.pixels, *(result.image.pixels for result in results)]
        rows.append([spiden.psnr(pixels, clean.pixels) for pixels in images])
        found = f"{results[0].estimate}, sigma {results[0].noise.sigma:.1f}"
        print(line(noisy_path.name, rows[-1]), "", found, flush=True)
    means = [statistics.mean(column) for column in zip(*rows, strict=True)]
    print(line("mean", means))
    worst = [min(value - row[0] for value, row in zip(column, rows, strict=True))
             for column in zip(*rows, strict=True)]  # fmt: skip
    print(line("worst change", worst))
    if options.levels:
        best = max(range(2, len(means)), key=means.__getitem__)
        print(f"best single level: {columns[best]}, {means[best]:.2f} dB")


def line(name: str, values: Sequence[float]) -> str:
    """Return a row of the table."""
    return f"{name:24}" + "".join(f"{value:10.2f}" for value in values)


def pairs(folder: Path) -> list[tuple[Path, Path]]:
    """Return the noisy and the clean files of a folder."""
    noisy = sorted((folder / "noisy").iterdir())
    missing = [path.name for path in noisy if not (folder / "clean" / path.name).is_file()]
    if missing or not noisy:
        raise SystemExit(f"{folder}: no clean picture for {', '.join(missing) or 'anything'}")
    return [(path, folder / "clean" / path.name) for path in noisy]


if __name__ == "__main__":
    main()
