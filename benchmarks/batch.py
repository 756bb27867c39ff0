"""What denoising many small pictures takes besides reading, the network and writing.

    OPENBLAS_NUM_THREADS=1 python benchmarks/batch.py

Whole processes, as a user runs them, take turns; the medians go into docs/batches.md. What the
parts take is measured inside this process, whose linear algebra has one thread, as that of the
command line. Beside other work of the machine the figures of several at once say little.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sections import read_sections, write_sections
from timing import noisy_photograph

import spiden_cli as spiden
from spiden_cli.commands.batch import run
from spiden_cli.commands.crews import Machine
from spiden_cli.commands.denoise_files import Asked, find, naming_for, plan
from spiden_cli.commands.work import Work
from spiden_cli.core.image.pixels import to_pixels
from spiden_cli.core.tasks import files as tasks
from spiden_cli.core.tasks.settings import Settings

COUNT, SIDE, REPEATS, PROCESSES = 300, 64, 2, 3
THREADS = 2
WAYS = {
    "one at a time: `--threads 1`": ("--threads", "1"),
    "as it comes: two at once, in one process": ("--threads", str(THREADS)),
    "`--jobs 2`": ("--threads", str(THREADS), "--jobs", "2"),
}
PAGE = Path(__file__).resolve().parents[1] / "docs" / "batches.md"
TITLE = "How long it takes"


def make_pictures(folder: Path) -> None:
    """Write noisy parts of the bundled photograph, each another one."""
    pixels = to_pixels(noisy_photograph(512, 512), np.uint8)
    generator = np.random.default_rng(0)
    for index in range(COUNT):
        top, left = generator.integers(0, 512 - SIDE, 2)
        part = np.ascontiguousarray(pixels[top : top + SIDE, left : left + SIDE])
        spiden.write_picture(folder / f"{index:03}.png", spiden.Picture(part))


class Taken(NamedTuple):
    """What a batch took, in seconds.

    Attributes:
        whole: from the first picture to the last.
        parts: the sums over all pictures of reading, writing, and the network.
        choosing: the files, before that.
    """

    whole: float
    parts: dict[str, float]
    choosing: float

    @property
    def ratio(self) -> float:
        """How many times as long as its parts, one after another."""
        return self.whole / sum(self.parts.values())


def measured(folder: Path, target: Path, level: float | None, threads: int) -> Taken:
    """Denoise all in this process.

    Args:
        folder: of the pictures.
        target: folder of the results.
        level: of the noise; None to estimate it, which is no part of the network's time.
        threads: as `--threads` says.
    """
    taken, lock = {"reading": 0.0, "writing": 0.0}, threading.Lock()

    def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401
            began = time.perf_counter()
            try:
                return function(*arguments, **options)
            finally:
                with lock:
                    taken[name] += time.perf_counter() - began

        return call

    reading, writing = tasks.read_picture, tasks.write_picture
    tasks.read_picture = timed("reading", reading)
    tasks.write_picture = timed("writing", writing)
    model = spiden.load(threads=threads)
    model.denoise(spiden.read_picture(folder / "000.png"))  # compiles
    began = time.perf_counter()
    asked = Asked(naming_for(f"{target}/", None, None))
    planned = plan(find([str(folder)], asked), asked)
    chosen = time.perf_counter() - began
    settings = Settings(level, alone=False)
    done = run(planned, Machine(lambda share, alone: Work(model, settings), None, threads), None)
    tasks.read_picture, tasks.write_picture = reading, writing
    assert done.exit_code == 0
    taken["the network"] = sum(o.report.seconds for o in done.outcomes if o.report is not None)
    return Taken(done.seconds, taken, chosen)


def best(folder: Path, target: Path, level: float | None, threads: int) -> Taken:
    """Return what the run took that other programs held up least."""
    runs = (measured(folder, target / str(turn), level, threads) for turn in range(REPEATS))
    return min(runs, key=lambda taken: taken.ratio)


def processes(folder: Path, place: Path) -> dict[str, float]:
    """Return the median time of a whole process, for each way to run it."""
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    for turn in range(PROCESSES):
        for way, options in WAYS.items():
            target = place / f"{len(seconds[way])}-{turn}-{len(options)}-{options[1]}"
            command = ["-m", "spiden_cli", "denoise", str(folder), "-o", f"{target}/", "--json"]
            began = time.perf_counter()
            ended = subprocess.run(
                [sys.executable, *command, *options], check=True, capture_output=True
            )
            seconds[way].append(time.perf_counter() - began)
            assert len(json.loads(ended.stdout)) == COUNT
    return {way: statistics.median(times) for way, times in seconds.items()}


def section() -> str:
    """Measure; return the section of docs/batches.md."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "in"
        folder.mkdir()
        make_pictures(folder)
        given = best(folder, Path(place) / "given", 25.0, 1)
        estimated = best(folder, Path(place) / "estimated", None, 1)
        at_once = best(folder, Path(place) / "at-once", None, THREADS)
        by_way = processes(folder, Path(place))
    said = ", ".join(f"{seconds:.2f} s {name}" for name, seconds in given.parts.items())
    first = next(iter(by_way.values()))
    rows = "\n".join(
        f"| {way} | {seconds:.1f} | {first / seconds:.2f} |" for way, seconds in by_way.items()
    )
    return f"""\
Written by `OPENBLAS_NUM_THREADS=1 python benchmarks/batch.py` on {os.cpu_count()} cores of a
{platform.machine()} processor: {COUNT} grey pictures of {SIDE} x {SIDE} pixels, the run
of {REPEATS} that other programs held up least.

One at a time, with the noise given, they took {given.whole:.2f} s:
{said}.
That is {given.ratio:.2f} times the sum of the three, and {estimated.ratio:.2f} times where the
noise is estimated; the rest is the estimate and the look for clipped shadows and lights, more than
anything else. Two at once, as it comes, with the estimate, they took {at_once.whole:.2f} s:
{at_once.ratio:.2f} times the sum. Choosing and checking the files came before and took
{given.choosing:.2f} s.

Whole processes, from the shell's prompt to the shell's prompt, with the noise estimated, the median
of {PROCESSES}; other programs kept {os.getloadavg()[0]:.1f} cores busy meanwhile:

| {COUNT} pictures | s | times as fast |
|---|--:|--:|
{rows}"""


if __name__ == "__main__":
    write_sections(PAGE, read_sections(PAGE) | {TITLE: section()})
