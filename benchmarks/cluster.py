"""A volume denoised by one process, and by two workers of a local Dask cluster.

    python benchmarks/cluster.py

Both have one thread a process, and take turns in one run; each has denoised something before, so
that the model is loaded and compiled. What starting the cluster takes is told apart. Written into
docs/clusters.md.
"""

import filecmp
import os
import platform
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import zarr
from sections import read_sections, write_sections
from timing import noisy_photograph

import spiden_cli as spiden
from spiden_cli.cluster.connection import LOCAL, connected
from spiden_cli.cluster.volumes import denoise_volume
from spiden_cli.commands.work import Work
from spiden_cli.core.tasks.settings import Files, Settings

PLANES, SIDE, WORKERS, REPEATS, MODEL = 8, 512, 2, 2, "tiny"
PAGE = Path(__file__).resolve().parents[1] / "docs" / "clusters.md"
TITLE = "How much faster"


def make_volume(path: Path) -> None:
    """Write planes of the bundled photograph, each in four chunks."""
    planes = np.stack([noisy_photograph(SIDE, SIDE) for _ in range(PLANES)])
    values = np.rint(planes.reshape(PLANES, SIDE, SIDE) * 4000).clip(0, 65535).astype(np.uint16)
    array = zarr.create_array(
        str(path), shape=values.shape, dtype=values.dtype, chunks=(1, SIDE // 2, SIDE // 2)
    )
    array[...] = values


def seconds(work: Work, source: Path, target: Path) -> float:
    """Denoise; return what it took."""
    began = time.perf_counter()
    work.denoise(Files(source, target), lambda sentence: None)
    return time.perf_counter() - began


def alike(one: Path, other: Path) -> bool:
    """Return whether two folders hold the same files."""
    names = sorted(path.relative_to(one).as_posix() for path in one.rglob("*") if path.is_file())
    _, wrong, missing = filecmp.cmpfiles(one, other, names, shallow=False)
    return not wrong and not missing


def section() -> str:
    """Measure; return the section of docs/clusters.md."""
    model, settings = spiden.load(MODEL, threads=1), Settings(axes="ZYX")
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        source = place / "in.zarr"
        make_volume(source)
        began = time.perf_counter()
        with connected(LOCAL, WORKERS) as cluster:
            started = time.perf_counter() - began

            def apart(*arguments):  # noqa: ANN002, ANN202
                return denoise_volume(cluster, *arguments)

            works = {"one": Work(model, settings), "two": Work(model, settings, False, apart)}
            taken: dict[str, list[float]] = {kind: [] for kind in works}
            for repeat in range(-1, REPEATS):  # the first compiles
                for kind, work in works.items():
                    target = place / f"{kind}{repeat}.zarr"
                    needed = seconds(work, source, target)
                    if repeat >= 0:
                        taken[kind].append(needed)
                assert alike(place / f"one{repeat}.zarr", place / f"two{repeat}.zarr")
    one, two = (statistics.median(times) for times in taken.values())
    load = os.getloadavg()[0]
    return f"""\
Written by `python benchmarks/cluster.py` on {os.cpu_count()} cores of a {platform.machine()}
processor: {PLANES} planes of {SIDE} x {SIDE} pixels in an OME-Zarr, model {MODEL}, one thread a
process, medians of {REPEATS} in turns. The files were the same, to the bit.

| | s |
|---|--:|
| one process, without a cluster | {one:.1f} |
| {WORKERS} workers of `--scheduler local` | {two:.1f} |
| starting these workers | {started:.1f} |

That is {one / two:.2f} times as fast, beside the start. The machine was busy: its load was
{load:.1f} at the end, these workers among it, so that they had less than a core each.
Beside other programs two processes get a larger share of the cores than one; on a quiet machine two
workers are at most twice as fast."""


if __name__ == "__main__":
    write_sections(PAGE, read_sections(PAGE) | {TITLE: section()})
