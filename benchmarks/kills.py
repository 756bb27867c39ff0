"""Kill trainings and denoisings at random moments, and fill the disk: nothing may be lost or half.

    python benchmarks/kills.py --kills 100
    python benchmarks/kills.py --kills 100 --seconds 120   # as many as there is time for

A killed training is resumed, and must end in the bits of one that was not. What a killed denoising
has written must be whole, and its second run must leave nothing but the outputs. On Linux, for an
administrator, a small file system of memory fills up at every size below that of the output.
"""

import argparse
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import tifffile
import torch
from PIL import Image

from spiden_cli.app import main as spiden
from spiden_cli.core.data.training_images import TrainingImages
from spiden_cli.core.network.presets import preset
from spiden_cli.core.training.config import TrainingConfig
from spiden_cli.core.training.loop import train
from spiden_cli.core.training.run_folder import RunFolder
from spiden_cli.core.training.setup import resume_run, start_run

NETWORK = replace(preset("tiny-if"), width=4, layers=4)
CONFIG = TrainingConfig(steps=6, batch_size=2, patch_size=16, warmup=1, validate_every=1)
FORK = multiprocessing.get_context("fork")  # the imports, which take longest, are done once
CPU = torch.device("cpu")


def main() -> None:
    """Run all; print a table; leave with 1 if anything was lost, half or left behind."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100, help="of each kind")
    parser.add_argument("--seconds", type=float, default=1e9, help="of each kind, at most")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    moments, failed = random.Random(options.seed), 0
    print(
        "| what | kills | before the end | lost | half | left behind |\n|---|--:|--:|--:|--:|--:|"
    )
    with tempfile.TemporaryDirectory(prefix="spiden-kills-") as name:
        for what, one in (("training", Trainings), ("folder", Folders), ("TIFF", Tiffs)):
            place = Path(name) / what
            place.mkdir()
            counts, began, case = [0, 0, 0, 0, 0], time.monotonic(), one(place)
            while counts[0] < options.kills and time.monotonic() - began < options.seconds:
                found = case.kill(moments.uniform(0, 1.1))
                counts = [count + more for count, more in zip(counts, (1, *found), strict=True)]
            print(f"| {what} | {' | '.join(map(str, counts))} |", flush=True)
            failed += sum(counts[2:])
        print("\n" + full_disk(Path(name)))
    sys.exit(failed > 0)


def killed(work: Callable[[], None], after: float) -> bool:
    """Run in a process that is killed after some seconds; return whether that was in time."""
    child = FORK.Process(target=quietly, args=(work,))
    child.start()
    child.join(after)
    if child.is_alive():
        os.kill(child.pid, signal.SIGKILL)
    child.join()
    return child.exitcode == -signal.SIGKILL


def quietly(work: Callable[[], None]) -> None:
    """Run without a word."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    work()


def timed(work: Callable[[], None]) -> float:
    """Run in a process of its own; return its seconds."""
    began = time.monotonic()
    killed(work, 600)
    return time.monotonic() - began


class Trainings:
    """Runs of a small network, each killed once and resumed."""

    def __init__(self, place: Path) -> None:
        self.place = place
        generator = torch.Generator().manual_seed(1)
        images = list(torch.randint(0, 255, (3, 1, 20, 24), generator=generator, dtype=torch.uint8))
        self.images = TrainingImages(images[:2], images[2:])
        self.length = timed(lambda: self.train(place / "whole"))
        self.whole = self.state(place / "whole")

    def train(self, folder: Path) -> None:
        """Start the run, or go on with it."""
        kept = RunFolder(folder)
        if kept.checkpoint.exists():
            run = resume_run(kept, NETWORK, CONFIG, self.images, CPU)
        else:
            run = start_run(NETWORK, CONFIG, self.images, CPU, {"preset": "tiny"})
        for _ in train(run, kept):
            pass

    def state(self, folder: Path) -> dict[str, bytes]:
        """Return all tensors of the checkpoint, as bytes."""
        tensors = RunFolder(folder).load().tensors
        return {name: tensor.numpy().tobytes() for name, tensor in tensors.items()}

    def kill(self, share: float) -> tuple[int, int, int, int]:
        """Kill one at a share of its length, then do it whole; return what the table counts."""
        folder = self.place / "killed"
        shutil.rmtree(folder, ignore_errors=True)
        early = killed(lambda: self.train(folder), share * self.length)
        timed(lambda: self.train(folder))
        left = [path for path in folder.iterdir() if path.name.startswith(".spiden-")]
        same = self.state(folder) == self.whole
        return early, not same, not (folder / "weights.safetensors").exists(), len(left)


class Folders:
    """Denoisings of a folder of pictures."""

    count, side, suffix = 12, 96, ".png"

    def __init__(self, place: Path) -> None:
        self.noisy, self.out = place / "noisy", place / "out"
        self.noisy.mkdir()
        generator = np.random.default_rng(0)
        for index in range(self.count):
            pixels = generator.integers(0, 255, (self.side, self.side), np.uint8)
            self.write(self.noisy / f"{index}{self.suffix}", pixels)
        timed(self.denoise)  # compiles, if need be
        self.length = timed(self.denoise)
        self.whole = self.written()

    def write(self, path: Path, pixels: np.ndarray) -> None:
        """Write a noisy picture."""
        Image.fromarray(pixels).save(path)

    def denoise(self) -> None:
        """Denoise all."""
        sys.argv = ["spiden", "denoise", str(self.noisy), "-o", str(self.out), "-m", "tiny",
                    "--threads", "1", "--overwrite"]  # fmt: skip
        with suppress(SystemExit):
            spiden()

    def written(self) -> dict[str, bytes]:
        """Return the files of the output folder, by name."""
        return {path.name: path.read_bytes() for path in self.out.iterdir()}

    def kill(self, share: float) -> tuple[int, int, int, int]:
        """Kill one at a share of its length, then do it whole; return what the table counts."""
        shutil.rmtree(self.out, ignore_errors=True)
        early = killed(self.denoise, share * self.length)
        there = self.written() if self.out.exists() else {}
        half = sum(self.whole.get(name, content) != content for name, content in there.items())
        timed(self.denoise)
        after = self.written()
        lost = sum(after.get(name) != content for name, content in self.whole.items())
        return early, lost, half, len(after.keys() - self.whole.keys())


class Tiffs(Folders):
    """Denoisings of one large TIFF."""

    count, side, suffix = 1, 1200, ".tif"

    def write(self, path: Path, pixels: np.ndarray) -> None:
        """Write a noisy picture."""
        tifffile.imwrite(path, pixels, compression="deflate")


def full_disk(place: Path) -> str:
    """Denoise into file systems that are too small by less and less; return a sentence."""
    small = place / "small"
    small.mkdir()
    source = place / "folder" / "noisy" / "0.png"
    wrong = tried = 0
    for pages in range(1, 8):
        mount = ["mount", "-t", "tmpfs", "-o", f"size={4096 * pages}", "tmpfs", str(small)]
        if subprocess.run(mount, check=False, capture_output=True).returncode:
            return "a full disk: not tried, since only an administrator may mount one"
        try:
            target, codes = small / "out.png", FORK.Queue()

            def denoise(target: Path = target, codes: "multiprocessing.Queue" = codes) -> None:
                sys.argv = ["spiden", "denoise", str(source), "-o", str(target), "-m", "tiny"]
                try:
                    spiden()
                except SystemExit as leaving:
                    codes.put(leaving.code)

            timed(denoise)
            code, left = codes.get(timeout=10), [path.name for path in small.iterdir()]
            tried += 1
            wrong += (code, left) not in ((6, []), (0, ["out.png"]))
        finally:
            subprocess.run(["umount", str(small)], check=True)
    return f"a full disk: {tried} sizes, {wrong} with another end than a refusal or a whole file"


if __name__ == "__main__":
    main()
