"""How much memory a worker takes for planes of different sizes, in chunks of one size.

    python benchmarks/cluster_memory.py

A local cluster of one worker denoises a volume of one plane, and is asked for the most memory that
its process ever had; once for each size, and in another process by itself. For comparison, what
one process takes that holds planes as a whole. Written into docs/clusters.md.
"""

import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from sections import read_sections, write_sections

SIDES, CHUNK, MODEL = (512, 1024, 2048), 512, "tiny"
PAGE = Path(__file__).resolve().parents[1] / "docs" / "clusters.md"
TITLE = "How much memory"


def most() -> float:
    """Return the most memory that this process had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def make_volume(path: Path, side: int) -> None:
    """Write a plane of noise, band by band."""
    import zarr

    array = zarr.create_array(
        str(path), shape=(1, side, side), dtype="u2", chunks=(1, CHUNK, CHUNK)
    )
    generator = np.random.default_rng(side)
    for top in range(0, side, CHUNK):
        array[0, top : top + CHUNK] = generator.normal(9000, 600, (min(CHUNK, side), side)).astype(
            "u2"
        )


def measure(source: Path, on_cluster: bool) -> dict[str, float]:
    """Denoise in this process or by a worker; return its most memory, before and after, in MB."""
    import spiden_cli as spiden
    from spiden_cli.cluster.connection import LOCAL, connected
    from spiden_cli.cluster.volumes import denoise_volume
    from spiden_cli.commands.work import Work
    from spiden_cli.core.tasks.settings import Files, Settings

    model, settings = spiden.load(MODEL, threads=1), Settings(axes="ZYX")
    files = Files(source, source.with_name("out.zarr"))
    if not on_cluster:
        model.loaded(colour=False)
        before = most()
        Work(model, settings).denoise(files, lambda sentence: None)
        return {"before": before, "after": most()}
    with connected(LOCAL, 1) as cluster:

        def apart(*arguments):  # noqa: ANN002, ANN202
            return denoise_volume(cluster, *arguments)

        def asked() -> float:
            return max(cluster.client.run(most).values())

        before = asked()
        Work(model, settings, False, apart).denoise(files, lambda sentence: None)
        return {"before": before, "after": asked()}


def row(side: int) -> str:
    """Measure one size; return a row of the table."""
    told = []
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("cluster", "alone"):
            source = Path(folder) / kind / "in.zarr"
            source.parent.mkdir()
            make_volume(source, side)
            done = subprocess.run(
                [sys.executable, __file__, str(source), kind], check=True, stdout=subprocess.PIPE
            )
            found = json.loads(done.stdout)
            told += [f"{found[when]:.0f}" for when in ("before", "after")]
    return f"| {side} x {side} | {' | '.join(told)} |"


def section() -> str:
    """Measure; return the section of docs/clusters.md."""
    rows = "\n".join(map(row, SIDES))
    return f"""\
Written by `python benchmarks/cluster_memory.py` on {os.cpu_count()} cores of a {platform.machine()}
processor: the most memory, in MB, that a process had before it denoised one plane of 16 bits in
chunks of {CHUNK} x {CHUNK}, and after; model {MODEL}, one thread. Before there are Python, Dask,
numba and torch.

| plane | a worker, before | after | a process that holds planes, before | after |
|--:|--:|--:|--:|--:|
{rows}

Planes above 1024 x 1024 are denoised in tiles of that size. Beside a tile, and what the network
sees around it, a worker holds samples of the plane, no more of a larger one."""


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(measure(Path(sys.argv[1]), sys.argv[2] == "cluster")))
    else:
        write_sections(PAGE, read_sections(PAGE) | {TITLE: section()})
