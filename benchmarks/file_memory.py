"""Memory that reading and writing a picture takes, by format, against what spiden reckons with.

    python benchmarks/file_memory.py              # on Linux; --side 2000 takes minutes

A picture of noise, which packs worst, is written and read again, each in a process of its own. The
peak above what the process had before is measured, and the bound is that of `core/files/needs.py`:
so many MB for each megapixel, and 17 MB for the library, which are most of it in a small picture.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from spiden_cli.core.files.formats import written_as
from spiden_cli.core.files.needs import LIBRARIES, to_read, to_write
from spiden_cli.core.files.picture_files import read_picture, write_picture
from spiden_cli.core.image.picture import Picture

KINDS = {  # type of the values, colours, whether there is transparency
    "grey.png": ("u1", 1, False), "colour.png": ("u1", 3, False), "deep.png": ("u2", 3, True),
    "colour.jpg": ("u1", 3, False), "grey.tif": ("u2", 1, False), "deep.tif": ("u2", 3, False),
    "float.tif": ("f4", 1, False), "colour.bmp": ("u1", 3, False), "deep.ppm": ("u2", 3, False),
    "float.npy": ("f4", 1, False), "colour.webp": ("u1", 3, False), "clear.webp": ("u1", 3, True),
    "colour.jp2": ("u1", 3, False), "deep.jp2": ("u2", 3, False), "colour.avif": ("u1", 3, False),
    "colour.heic": ("u1", 3, False), "colour.jxl": ("u1", 3, False), "deep.jxl": ("u2", 3, False),
}  # fmt: skip


def main() -> None:
    """Print the table; leave with 1 if a bound doesn't hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=700)
    parser.add_argument("--kind", choices=KINDS, action="append")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(measured(Path(options.one[0]), options.one[1], options.side))
        return
    failed = 0
    print(f"MB for each megapixel, and {LIBRARIES / 1e6:.0f} MB more in all, for the library:\n")
    print("| file | a pixel, bytes | read | bound | held, and written | bound |")
    print("|---|--:|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as folder:
        for name in options.kind or KINDS:
            path, size = Path(folder) / name, pixel_bytes(name)
            written, read = (apart(path, what, options.side) for what in ("write", "read"))
            format = written_as(path).name
            most_read, most_written = to_read(format, size), to_write(format, size, size)
            written += 2 * size  # the noisy picture and the denoised one
            library = LIBRARIES / options.side**2
            failed += read > most_read + library or written > most_written + library
            print(f"| {name} | {size} | {read:.1f} | {most_read} | {written:.1f} "
                  f"| {most_written} |", flush=True)  # fmt: skip
    sys.exit(failed > 0)


def pixel_bytes(name: str) -> int:
    """Return the bytes of a pixel."""
    dtype, colours, alpha = KINDS[name]
    return np.dtype(dtype).itemsize * (colours + alpha)


def apart(path: Path, what: str, side: int) -> float:
    """Measure in a process of its own."""
    command = [sys.executable, __file__, "--side", str(side), "--one", str(path), what]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout)


def measured(path: Path, what: str, side: int) -> float:
    """Return the peak in bytes for each pixel, after a small picture has loaded all libraries."""
    small = path.with_name(f"small-{path.name}")
    write_picture(small, noise(path.name, 64))
    read_picture(small)
    picture = noise(path.name, side) if what == "write" else None
    Path("/proc/self/clear_refs").write_text("5")  # begin a new peak
    before = peak()
    if picture is not None:
        write_picture(path, picture)
    else:
        read_picture(path)
    return (peak() - before) / side**2


def noise(name: str, side: int) -> Picture:
    """Return a picture of noise."""
    dtype, colours, alpha = KINDS[name]
    shape = (side, side) if colours == 1 else (side, side, colours)
    values = np.random.default_rng(0).integers(0, 250, shape, np.uint8).astype(dtype)
    if dtype != "u1":
        values *= np.asarray(257 if dtype == "u2" else 1.7, dtype)
    return Picture(values, np.full((side, side), 9, dtype) if alpha else None)


def peak() -> int:
    """Return the peak of this process's memory in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) * 1024


if __name__ == "__main__":
    main()
