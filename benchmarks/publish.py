"""Make a file for weights/ of what a training run wrote.

    python benchmarks/publish.py runs/base weights/base.safetensors

Kernels are rounded to half precision, which halves the file (and, as the figures in
docs/results.md are of these files, costs what those say); the metadata gain the recipe that the
run is a part of.
"""

import json
import sys
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save

from spiden_cli.core.atomic import atomic_path
from spiden_cli.core.weights import read_tensors

RECIPE = "docs/training/reproduce.sh"


def publish(run: Path, target: Path) -> None:
    """Write the weights of a run, smaller and with their recipe.

    Args:
        run: folder of the run.
        target: file to write.
    """
    source = run / "weights.safetensors"
    _, tensors = read_tensors(source)  # refused unless sound
    with safe_open(source, framework="np") as file:
        metadata = dict(file.metadata())
    record = json.loads(metadata["spiden"])
    record["training"]["recipe"] = RECIPE
    metadata["spiden"] = json.dumps(record)
    kernels = {name for name, tensor in tensors.items() if tensor.ndim == 4}
    smaller = {
        name: tensor.astype(np.float16) if name in kernels else tensor
        for name, tensor in tensors.items()
    }
    with atomic_path(target) as temporary:
        temporary.write_bytes(save(smaller, metadata))


if __name__ == "__main__":
    publish(*map(Path, sys.argv[1:]))
