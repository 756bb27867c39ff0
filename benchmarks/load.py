"""Many pictures in one process: does memory stay flat, and the last as fast as the first?

    python benchmarks/load.py --pictures 2000 --threads 8

Small pictures are read, denoised and written, one after the other, through the Python API. Then
threads share one model, and what they get must be what one thread gets, byte for byte.
"""

import argparse
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

import spiden_cli as spiden
from spiden_cli.core.image.picture import Picture

HUNDRED = 100


def main() -> None:
    """Print what was measured; leave with 1 if memory grew or threads got something else."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--model", default="tiny")
    parser.add_argument("--side", type=int, default=96)
    options = parser.parse_args()
    model = spiden.load(options.model, threads=1)
    generator = np.random.default_rng(0)
    pictures = [
        generator.integers(0, 255, (options.side, options.side), np.uint8) for _ in range(16)
    ]

    memory, seconds = many(model, pictures, max(2, options.pictures // HUNDRED))
    growth = memory[-1] / memory[0] - 1
    print(f"{len(seconds) * HUNDRED} pictures of {options.side} x {options.side}, {options.model}:")
    print(f"memory after the first hundred {memory[0]:.0f} MB, at the end {memory[-1]:.0f} MB "
          f"({growth:+.1%})")  # fmt: skip
    print(f"processor time of the first hundred {seconds[0]:.2f} s, the last {seconds[-1]:.2f} s, "
          f"the slowest {max(seconds):.2f} s")  # fmt: skip
    alone = [model.denoise(picture, 25.0).image for picture in pictures]
    with ThreadPoolExecutor(options.threads) as pool:
        work = [pool.submit(model.denoise, picture, 25.0) for _ in range(4) for picture in pictures]
        shared = [future.result().image for future in work]
    other = sum(
        not np.array_equal(result, alone[index % len(alone)]) for index, result in enumerate(shared)
    )
    print(f"{options.threads} threads on one model: {len(shared)} pictures, {other} not as of one")
    sys.exit(growth > 0.05 or other > 0)


def many(
    model: spiden.Model, pictures: list[np.ndarray], hundreds: int
) -> tuple[list[float], list[float]]:
    """Denoise; return MB of memory after each hundred, and its seconds of processor time."""
    memory, seconds = [], []
    with tempfile.TemporaryDirectory() as name:
        source, target = Path(name) / "noisy.png", Path(name) / "clean.png"
        for _ in range(hundreds):
            began = time.process_time()
            for index in range(HUNDRED):
                spiden.write_picture(source, Picture(pictures[index % len(pictures)]))
                result = model.denoise(spiden.read_picture(source), 25.0)
                spiden.write_picture(target, result.image)
            seconds.append(time.process_time() - began)
            memory.append(resident())
    return memory, seconds


def resident() -> float:
    """Return the memory of this process that is in use, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main()
