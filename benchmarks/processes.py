"""Training over several processes: images per second, and whether the loss is that of one.

    python benchmarks/processes.py --processes 1,2 --steps 40

Each run is `torchrun --nproc-per-node N -m spiden_cli train` with the same total batch and the same
seed; a process computes with one thread. Pictures are made here, so that nothing need be fetched.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image


def main() -> None:
    """Print a table; leave with 1 if the losses differ by more than the order of sums explains."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--processes", default="1,2")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--preset", default="tiny")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--patch-size", type=int, default=48)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    print("| processes | images per second | times one | loss |")
    print("|--:|--:|--:|--:|")
    speeds, losses = [], []
    with tempfile.TemporaryDirectory() as place:
        make_pictures(Path(place) / "pictures")
        for count in map(int, options.processes.split(",")):
            speed, loss = measured(options, Path(place), count)
            speeds.append(speed)
            losses.append(loss)
            print(f"| {count} | {speed:.1f} | {speed / speeds[0]:.2f} | {loss:.6f} |", flush=True)
    sys.exit(max(losses) / min(losses) > 1.001)


def make_pictures(folder: Path) -> None:
    """Write a few pictures of smooth shapes."""
    folder.mkdir()
    generator = np.random.default_rng(0)
    for number in range(8):
        coarse = Image.fromarray(generator.integers(0, 255, (12, 16), np.uint8))
        coarse.resize((320, 240), Image.Resampling.BICUBIC).save(folder / f"{number}.png")


def measured(options: argparse.Namespace, place: Path, count: int) -> tuple[float, float]:
    """Train; return images per second, without start and validation, and the last loss."""
    output = place / f"of-{count}"
    torchrun = ["-m", "torch.distributed.run", f"--nproc-per-node={count}", "--standalone"]
    arguments = {
        "data": place / "pictures", "preset": options.preset, "steps": options.steps,
        "batch-size": options.batch_size, "patch-size": options.patch_size, "timesteps": 4,
        "validate-every": options.steps, "precision": "float32", "device": options.device,
        "threads": 1, "output": output,
    }  # fmt: skip
    written = [f"--{name}={value}" for name, value in arguments.items()]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *torchrun, "-m", "spiden_cli", "train", *written]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    (last,) = map(json.loads, (output / "log.jsonl").read_text().splitlines())
    return last["images_per_second"], last["loss"]


if __name__ == "__main__":
    main()
