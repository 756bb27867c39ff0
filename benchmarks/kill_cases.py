"""What `benchmarks/kills.py` kills: each case runs work, kills it somewhere, does it again."""

import hashlib
import http.client
import importlib
import multiprocessing
import os
import pkgutil
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO, ClassVar

import numpy as np
import tifffile
import torch
from PIL import Image
from urllib3.filepost import encode_multipart_formdata

import spiden_cli.core
from spiden_cli.app import main as spiden
from spiden_cli.core.data.download import download_files
from spiden_cli.core.data.sources import PinnedFile, Source
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

    def kill(self, share: float, number: int = 0) -> tuple[int, int, int, int]:
        """Kill one at a share of its length, then do it whole; return what the table counts."""
        shutil.rmtree(self.out, ignore_errors=True)
        self.out.mkdir()
        early = killed(self.work, share * self.length)
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


class Quiet(SimpleHTTPRequestHandler):
    """Sends files, slowly enough to be killed at, and says nothing."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def copyfile(self, source: BinaryIO, outputfile: BinaryIO) -> None:
        """Send a file in two halves."""
        content = source.read()
        half = len(content) // 2
        for part in (content[:half], content[half:]):
            outputfile.write(part)
            outputfile.flush()
            time.sleep(0.05)


class Downloads(Folders):
    """Downloads of a data set from a server on this machine."""

    count, shape, suffix = 8, (96, 96), ".png"

    def __init__(self, place: Path) -> None:
        handler = partial(Quiet, directory=str(place / "noisy"))
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        super().__init__(place)

    def work(self) -> None:
        """Download what is missing."""
        contents = {path.name: path.read_bytes() for path in self.noisy.rglob("*.png")}
        files = tuple(
            PinnedFile(name, name, hashlib.sha256(content).hexdigest())
            for name, content in sorted(contents.items())
        )
        source = Source("pictures", "a", "b", files)
        missing = [file for file in files if not (self.out / file.name).exists()]
        download_files(source, missing, self.out, base_url=self.address)


class Uploads(Folders):
    """Servers that are killed while a picture is sent to them, denoised or sent back."""

    count, shape, suffix = 1, (400, 400), ".png"
    parts, pause = 8, 0.1

    def __init__(self, place: Path) -> None:
        self.out = place / "out"
        self.out.mkdir()
        picture = place / "sent.png"
        pixels = np.random.default_rng(0).integers(0, 255, self.shape, np.uint8)
        Image.fromarray(pixels).save(picture)
        fields = {"picture": ("sent.png", picture.read_bytes(), "image/png")}
        self.body, self.type = encode_multipart_formdata(fields)
        self.length = 0.0
        with self.served() as (port, _):
            self.send(port)  # compiles, if need be
            began = time.monotonic()
            self.whole_answer = self.send(port)
            self.length = time.monotonic() - began
        if self.whole_answer is None:
            sys.exit("the server doesn't answer")

    @contextmanager
    def served(self) -> Iterator[tuple[int, int]]:
        """Run a server; yield its port and its process."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        child = FORK.Process(target=quietly, args=(partial(self.serve, port),))
        child.start()
        try:
            for _ in range(600):
                with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                time.sleep(0.05)
            yield port, child.pid
        finally:
            with suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGKILL)
            child.join()

    def serve(self, port: int) -> None:
        """Serve until killed."""
        sys.argv = ["spiden", "serve", "--port", str(port), "-m", "tiny", "--threads", "1"]
        spiden()

    def send(self, port: int) -> bytes | None:
        """Send the picture in parts; return the denoised one, None if no whole answer comes."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        with suppress(OSError, http.client.HTTPException):
            connection.putrequest("POST", "/denoise")
            connection.putheader("Content-Type", self.type)
            connection.putheader("Content-Length", str(len(self.body)))
            connection.endheaders()
            step = -(-len(self.body) // self.parts)
            for at in range(0, len(self.body), step):
                connection.send(self.body[at : at + step])
                time.sleep(self.pause)
            answer = connection.getresponse()
            content = answer.read()
            return content if answer.status == http.client.OK else None
        return None

    def kill(self, share: float, number: int = 0) -> tuple[int, int, int, int]:
        """Kill a server at a share of an upload's length, then send it whole to another."""
        got: list[bytes | None] = []
        with self.served() as (port, pid):
            client = threading.Thread(target=lambda: got.append(self.send(port)))
            client.start()
            client.join(share * self.length)
            early = client.is_alive()
            os.kill(pid, signal.SIGKILL)
            client.join()
        half = got[0] not in (None, self.whole_answer)
        with self.served() as (port, _):
            lost = self.send(port) != self.whole_answer
            left = list(Path(tempfile.gettempdir()).iterdir())
        return early, lost, half, len(left)


KINDS = {
    "training": Trainings, "folder": Folders, "TIFF": Tiffs, "stack": Stacks, "OME-Zarr": Zarrs,
    "commands": Commands, "exports": Exports, "downloads": Downloads, "serve": Uploads,
}  # fmt: skip
