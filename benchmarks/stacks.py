"""Speed and memory of stacks: a stack beside the same planes as single files.

    python benchmarks/stacks.py

Prints the seconds a plane of both, taken in turns, and the memory that a stack takes above what the
program has before it, by the size of its planes and by their number (100 of them, and the
largest, with one timestep, which takes a little less memory). One thread.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import tifffile
from scipy.ndimage import gaussian_filter

import spiden_cli as spiden
from spiden_cli.core.tasks.files import denoise_file
from spiden_cli.core.tasks.settings import Files, Settings
from spiden_cli.core.tasks.stack_files import denoise_stack_file


def planes(count: int, side: int) -> np.ndarray:
    """Smooth planes of about 12 bits, with noise."""
    generator = np.random.default_rng(0)
    clean = gaussian_filter(generator.normal(size=(side, side)), 6)
    clean = 500 + 2000 * (clean - clean.min()) / np.ptp(clean)
    noisy = (clean + generator.normal(0, 100, clean.shape) for _ in range(count))
    return np.stack([np.rint(plane).clip(0, 4095).astype(np.uint16) for plane in noisy])


def compare(model: spiden.Model, folder: Path, count: int, side: int, rounds: int) -> None:
    """Denoise a stack, and its planes as single files, in turns."""
    stack = planes(count, side)
    tifffile.imwrite(folder / "stack.tif", stack, imagej=True, metadata={"axes": "ZYX"})
    for number, plane in enumerate(stack):
        tifffile.imwrite(folder / f"{number}.tif", plane)
    seconds: dict[str, list[float]] = {"stack": [], "single files": []}
    for _ in range(rounds):
        began = time.perf_counter()
        denoise_stack_file(
            model, Settings(overwrite=True), Files(folder / "stack.tif", folder / "out.tif")
        )
        seconds["stack"].append((time.perf_counter() - began) / count)
        began = time.perf_counter()
        for number in range(count):
            files = Files(folder / f"{number}.tif", folder / "one.tif")
            denoise_file(model, Settings(overwrite=True), files)
        seconds["single files"].append((time.perf_counter() - began) / count)
    for name, values in seconds.items():
        print(f"{name}: {statistics.median(values):.3f} s a plane of {side} x {side}")


def peak(model: spiden.Model, folder: Path, count: int, side: int, timesteps: int) -> None:
    """Print the memory that a stack takes, in this process of its own."""
    path = folder / "stack.tif"
    with tifffile.TiffWriter(path) as writer:
        plane = planes(1, side)[0]
        for number in range(count):
            words = f"ImageJ=1.54f\nimages={count}\nslices={count}\n" if number == 0 else None
            writer.write(plane, description=words, metadata=None, contiguous=False)
    model.denoise(planes(1, 64)[0])
    del plane
    before = memory_now()
    began = time.perf_counter()
    settings = Settings(timesteps=timesteps)
    denoise_stack_file(model, settings, Files(path, folder / "out.tif"))
    took = time.perf_counter() - began
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    file = path.stat().st_size / 2**20
    print(
        f"{count} planes of {side} x {side}, T = {timesteps}, file of {file:.0f} MiB: "
        f"{most - before:.0f} MiB above {before:.0f} MiB, {took / count:.3f} s a plane"
    )


def memory_now() -> float:
    """Resident memory of this process, in MiB (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def main() -> None:
    """Run the comparison, then each measurement of memory in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="tiny")
    parser.add_argument("--planes", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", nargs=3, type=int, metavar=("N", "SIDE", "T"))
    options = parser.parse_args()
    model = spiden.load(options.model, threads=1)
    with tempfile.TemporaryDirectory() as name:
        if options.memory:
            peak(model, Path(name), *options.memory)
            return
        model.denoise(planes(1, 64)[0])
        compare(model, Path(name), options.planes, 512, options.rounds)
    sys.stdout.flush()
    for shape in ((10, 512, 4), (10, 512, 1), (100, 512, 1), (2, 1024, 4), (2, 2048, 4)):
        command = [sys.executable, __file__, "--model", options.model, "--memory"]
        subprocess.run([*command, *map(str, shape)], check=True)


if __name__ == "__main__":
    main()
