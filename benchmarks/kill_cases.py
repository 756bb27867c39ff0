"""What `benchmarks/kills.py` kills: each case runs work, kills it somewhere, does it again.

What needs a network is in `network_kill_cases`.
"""

import importlib
import multiprocessing
import os
import pkgutil
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import tifffile
import torch
from PIL import Image

import spiden_cli.core
from spiden_cli.app import main as spiden
from spiden_cli.core.data.training_images import TrainingImages
from spiden_cli.core.network.presets import preset
from spiden_cli.core.training.config import TrainingConfig
from spiden_cli.core.training.loop import train
from spiden_cli.core.training.run_folder import RunFolder
from spiden_cli.core.training.setup import resume_run, start_run

NETWORK = replace(preset("tiny-if"), width=4, layers=4)
CONFIG = TrainingConfig(steps=6, batch_size=2, patch_size=16, warmup=1, validate_every=1)
FORK = multiprocessing.get_context("fork")
# The imports, which take longest, are done once, here: what is killed is work.
for module in ("torch._dynamo", "numba", "matplotlib.backends.backend_agg", "scipy.ndimage"):
    importlib.import_module(module)
for found in pkgutil.walk_packages(spiden_cli.core.__path__, "spiden_cli.core."):
    importlib.import_module(found.name)
CPU = torch.device("cpu")


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

    def kill(self, share: float, number: int = 0) -> tuple[int, int, int, int]:
        """Kill one at a share of its length, then do it whole; return what the table counts."""
        folder = self.place / "killed"
        shutil.rmtree(folder, ignore_errors=True)
        began = time.monotonic()
        early = killed(lambda: self.train(folder), share * self.length)
        self.length = 1.05 * self.length if early else time.monotonic() - began  # as others let it
        timed(lambda: self.train(folder))
        left = [path for path in folder.iterdir() if path.name.startswith(".spiden-")]
        same = self.state(folder) == self.whole
        return early, not same, not (folder / "weights.safetensors").exists(), len(left)


class Folders:
    """Denoisings of a folder of pictures."""

    count, shape, suffix, options = 12, (96, 96), ".png", ()

    def __init__(self, place: Path) -> None:
        self.noisy, self.out = place / "noisy", place / "out"
        self.noisy.mkdir()
        generator = np.random.default_rng(0)
        for index in range(self.count):
            pixels = generator.integers(0, 255, self.shape, np.uint8)
            self.write(self.noisy / f"{index}{self.suffix}", pixels)
        self.out.mkdir()
        timed(self.work)  # compiles, if need be
        self.length = timed(self.work)
        self.whole = self.written()
        if not self.whole:
            sys.exit("the work that is to be killed fails by itself")

    def write(self, path: Path, pixels: np.ndarray) -> None:
        """Write a noisy picture."""
        Image.fromarray(pixels).save(path)

    def work(self) -> None:
        """Denoise all."""
        sys.argv = ["spiden", "denoise", str(self.noisy), "-o", str(self.out), "-m", "tiny",
                    "--threads", "1", "--overwrite", *self.options]  # fmt: skip
        with suppress(SystemExit):
            spiden()

    def written(self) -> dict[str, bytes]:
        """Return the files of the output folder by where they are, empty folders included."""
        return {
            str(path.relative_to(self.out)): path.read_bytes() if path.is_file() else b""
            for path in self.out.rglob("*")
            if not self.is_temporary(path)
        }

    def is_temporary(self, path: Path) -> bool:
        """Return whether a killed process may leave this, to be removed by the next."""
        return path.relative_to(self.out).parts[0].startswith(".spiden-")

    def killed(self, share: float) -> bool:
        """Kill one at a share of its length; return whether that was in time."""
        return killed(self.work, share * self.length)

    def kill(self, share: float, number: int = 0) -> tuple[int, int, int, int]:
        """Kill one at a share of its length, then do it whole; return what the table counts."""
        shutil.rmtree(self.out, ignore_errors=True)
        self.out.mkdir()
        early = self.killed(share)
        there = self.written()
        half = sum(self.whole.get(name, content) != content for name, content in there.items())
        self.length = timed(self.work)
        after = self.written()
        lost = sum(after.get(name) != content for name, content in self.whole.items())
        left = [*(after.keys() - self.whole.keys()), *filter(self.is_temporary, self.out.iterdir()),
                *Path(tempfile.gettempdir()).iterdir()]  # fmt: skip
        return early, lost, half, len(left)


class Tiffs(Folders):
    """Denoisings of one large TIFF in strips."""

    count, shape, suffix, options = 1, (2000, 3000), ".tif", ("--timesteps", "1")

    def write(self, path: Path, pixels: np.ndarray) -> None:
        """Write a noisy picture."""
        tifffile.imwrite(path, pixels, compression="deflate", rowsperstrip=64)


class Stacks(Folders):
    """Denoisings of a stack of pages."""

    count, shape, suffix = 1, (128, 128), ".tif"

    def write(self, path: Path, pixels: np.ndarray) -> None:
        """Write a noisy stack."""
        stack = np.stack([np.roll(pixels, step) for step in range(12)])
        tifffile.imwrite(path, stack, imagej=True, metadata={"axes": "ZYX"})


class Zarrs(Folders):
    """Denoisings of an OME-Zarr of two levels."""

    count, shape, suffix = 1, (128, 128), ".zarr"

    def write(self, path: Path, pixels: np.ndarray) -> None:
        """Write a noisy volume, in another process: the threads of zarr don't survive a fork."""
        timed(lambda: self.write_here(path, np.stack([np.roll(pixels, at) for at in range(6)])))

    def write_here(self, path: Path, stack: np.ndarray) -> None:
        """Write a noisy volume."""
        import zarr

        group = zarr.open_group(str(path), mode="w", zarr_format=2)
        for level in (0, 1):
            values = stack[:, :: 1 + level, :: 1 + level]
            array = group.create_array(
                str(level), shape=values.shape, dtype=values.dtype, chunks=(1, 64, 64)
            )
            array[...] = values
        axes = [{"name": name, "type": "space"} for name in "zyx"]
        datasets = [{"path": str(level)} for level in (0, 1)]
        group.attrs["multiscales"] = [{"version": "0.4", "axes": axes, "datasets": datasets}]


class Commands(Folders):
    """Other commands that write files, by turns; of each as a run of its own."""

    count, shape, suffix = 1, (64, 64), ".png"
    runs: ClassVar = [
        "spikes IN -o OUT/s.npz -m tiny --csv OUT/s.csv",
        "spikes IN -o OUT/s.h5 -m tiny",
        "denoise - -o OUT/stdin.png -m tiny",
        "energy IN -m tiny --csv OUT/e.csv --plot OUT/e.png",
        "noise IN -o OUT/n.png",
        "compare IN IN -o OUT/c.png",
        "analyze --timesteps 1,2 --csv OUT/y.csv --plot OUT/y.png",
    ]
    turn = 0

    def work(self) -> None:
        """Run the command whose turn it is."""
        source = self.noisy / "0.png"
        with source.open("rb") as stream:
            os.dup2(stream.fileno(), 0)
        sys.stdin = os.fdopen(0, "r", closefd=False)
        line = self.runs[self.turn].replace("OUT", str(self.out)).replace("IN", str(source))
        sys.argv = ["spiden", *line.split(), "--overwrite"]
        with suppress(SystemExit):
            spiden()

    def kill(self, share: float, number: int = 0) -> tuple[int, int, int, int]:
        """Kill the next command, having run it whole to know its length and its files."""
        self.turn = number % len(self.runs)
        shutil.rmtree(self.out)
        self.out.mkdir()
        self.length, self.whole = timed(self.work), self.written()
        return super().kill(share)


class Exports(Commands):
    """Exports of networks, by turns."""

    runs: ClassVar = [
        "export base-if -o OUT/a.nir --size 64x64",
        "export tiny -o OUT/a.onnx",
        "export base-if -o OUT/a-int8.npz",
    ]
