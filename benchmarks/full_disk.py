"""Fill the disk under every command that writes: a refusal and nothing left, or a whole file.

    python benchmarks/full_disk.py                     # on Linux, as an administrator
    python benchmarks/full_disk.py export analyze      # these commands alone

A file system of memory is mounted that is too small for what a command writes, by more and more;
another time the place for temporary files is as small. The command must end with exit code 6 and
leave nothing half written, or with 0 and what it writes on a disk with room. A training that was
refused must go on, on a disk with room, from the checkpoint that it left, to the same weights.
"""

import argparse
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import tifffile
import torch
import torch._dynamo  # slow to import, by every training: once is enough
from PIL import Image
from safetensors.torch import load

from spiden_cli.app import main as spiden

FORK = multiprocessing.get_context("fork")
PAGE = 4096
REFUSED = 6
SIDE = 96
COMMANDS = (
    "denoise IN/a.png -o OUT/a.png -m tiny",
    "denoise IN/a.png -o OUT/a.tiff -m tiny --compare OUT/c.png",
    "denoise IN/a.png -o OUT/a.webp -m tiny --log OUT/log.jsonl",
    "denoise IN -o OUT/ -m tiny",
    "denoise IN/stack.tif -o OUT/s.tif -m tiny",
    "denoise IN/stack.tif -o OUT/s.npy -m tiny",
    "denoise IN/v.zarr -o OUT/v.zarr -m tiny",
    "denoise - -o OUT/a.png -m tiny",
    "spikes IN/a.png -o OUT/s.npz -m tiny --csv OUT/s.csv --plot OUT/s.png",
    "spikes IN/a.png -o OUT/s.h5 -m tiny",
    "export base-if -o OUT/t.nir --size 64x64",
    "export tiny -o OUT/t.onnx",
    "export base-if -o OUT/t-int8.npz",
    "noise IN/a.png -o OUT/n.png",
    "compare IN/a.png IN/b.png -o OUT/c.png",
    "energy IN/a.png -m tiny --csv OUT/e.csv --plot OUT/e.png",
    "analyze --timesteps 1,2 --csv OUT/y.csv --plot OUT/y.png",
    "train --data IN/many -o OUT/run --preset tiny --steps 2 --validate-every 1 --patch-size 16",
)


def main() -> None:
    """Try all; print a table; leave with 1 if anything ended otherwise."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", nargs="*", help="first words of lines that are tried")
    asked = parser.parse_args().command
    torch.set_num_threads(1)
    failed = 0
    print("| command | bytes | refused | written | otherwise |\n|---|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory(prefix="spiden-full-") as name:
        place = Path(name)
        make_inputs(place / "in")
        out = place / "out"
        for command in COMMANDS:
            if asked and command.split()[0] not in asked:
                continue
            out.mkdir()
            code = run(command, place)
            whole = written(out)
            size = sum(map(len, whole.values()))
            shutil.rmtree(out)
            if code:
                print(f"| {command} | ends with {code} where there is room | | | |", flush=True)
                failed += 1
                continue
            refused = fine = 0
            wrong = []
            pages = max(1, size // PAGE)
            for most in sorted({1, max(1, pages // 4), max(1, pages // 2), pages}):
                with mounted(out, most):
                    code, left = run(command, place), written(out)
                    if command.startswith("train") and code == REFUSED:
                        left = {} if goes_on(command, place, whole) else left
                whole_now = code == 0 and left.keys() == whole.keys()
                clean = code == REFUSED and all(whole.get(path) == left[path] for path in left)
                refused += clean
                fine += whole_now
                if not (clean or whole_now):
                    wrong.append(f"{most} pages: {code}, {sorted(left)}")
            print(f"| {command} | {size} | {refused} | {fine} | {'; '.join(wrong)} |", flush=True)
            failed += len(wrong)
        with mounted(place / "temporary", 1):
            tempfile.tempdir = str(place / "temporary")
            code = run("denoise - -o OUT/a.png -m tiny", place)
            left = [*(place / "temporary").iterdir()]
        print(f"\nstdin where temporary files have no room: exit code {code}, {len(left)} left")
    sys.exit(failed > 0 or code != REFUSED or bool(left))


def goes_on(command: str, place: Path, whole: dict[str, bytes]) -> bool:
    """Return whether a training that was refused goes on, elsewhere, to a whole one's weights."""
    room = place / "room"
    shutil.copytree(place / "out", room)
    resumed = command.replace("OUT", str(room))
    if (room / "run" / "checkpoint.safetensors").exists():
        resumed += " --resume"
    code, there = run(resumed, place), written(room)
    shutil.rmtree(room)
    if code or there.keys() != whole.keys():
        return False
    one, other = (load(files["run/weights.safetensors"]) for files in (there, whole))
    return one.keys() == other.keys() and all(one[name].equal(other[name]) for name in one)


def make_inputs(place: Path) -> None:
    """Write noisy pictures, a stack and a volume."""
    (place / "many").mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 255, (12, SIDE, SIDE), np.uint8)
    for at, name in enumerate(("a.png", "b.png", "many/1.png", "many/2.png", "many/3.png")):
        Image.fromarray(pixels[at]).save(place / name)
    tifffile.imwrite(place / "stack.tif", pixels, imagej=True, metadata={"axes": "ZYX"})
    maker = FORK.Process(target=make_volume, args=(place / "v.zarr", pixels))
    maker.start()
    maker.join()


def make_volume(path: Path, pixels: np.ndarray) -> None:
    """Write an OME-Zarr, in another process: the threads of zarr don't survive a fork."""
    import zarr

    group = zarr.open_group(str(path), mode="w", zarr_format=2)
    shape = group.create_array("0", shape=pixels.shape, dtype=pixels.dtype, chunks=(1, 64, 64))
    shape[...] = pixels
    axes = [{"name": name, "type": "space"} for name in "zyx"]
    group.attrs["multiscales"] = [{"version": "0.4", "axes": axes, "datasets": [{"path": "0"}]}]


@contextmanager
def mounted(place: Path, pages: int) -> Iterator[None]:
    """Mount a file system of memory of some pages."""
    place.mkdir(exist_ok=True)
    size = f"size={PAGE * pages}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(place)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(place)], check=True)
        place.rmdir()


def run(command: str, place: Path) -> int | None:
    """Run a command in a process of its own, without a word; return its exit code."""
    words = command.replace("OUT", str(place / "out")).replace("IN", str(place / "in")).split()
    child = FORK.Process(target=quietly, args=(words, place / "in" / "a.png"))
    child.start()
    child.join(300)
    if child.is_alive():
        child.kill()
        child.join()
    return child.exitcode


def quietly(words: list[str], stdin: Path) -> None:
    """Run a command with a picture on stdin."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    os.dup2(os.open(stdin, os.O_RDONLY), 0)
    sys.stdin = os.fdopen(0, closefd=False)
    sys.argv = ["spiden", *words]
    spiden()


def written(out: Path) -> dict[str, bytes]:
    """Return the files of a folder; the log and the lock of a run go on, and count as none."""
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in out.rglob("*")
        if path.is_file() and path.name not in ("log.jsonl", ".lock")
    }


if __name__ == "__main__":
    main()
