"""What denoising many small pictures takes besides reading, the network and writing.

    python benchmarks/batch.py

Whole processes, as a user runs them, take turns; the medians go into docs/batches.md. What the
parts take is measured in one more run, inside the process. Beside other work of the machine the
figures of several processes say little.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sections import read_sections, write_sections
from timing import noisy_photograph

import spiden_cli as spiden
from spiden_cli.commands.batch import Work, run
from spiden_cli.commands.crews import Machine
from spiden_cli.commands.denoise_files import Asked, find, naming_for, plan
from spiden_cli.core.image.pixels import to_pixels
from spiden_cli.core.tasks import files as tasks
from spiden_cli.core.tasks.settings import Settings

COUNT, SIDE, REPEATS, PROCESSES = 300, 64, 2, 1
JOBS = (1, 2)
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


def parts(folder: Path, target: Path, level: float | None) -> tuple[float, dict[str, float], float]:
    """Denoise all in this process; return the whole time, that of each part, and that of choosing.

    Args:
        folder: of the pictures.
        target: folder of the results.
        level: of the noise; None to estimate it, which is no part of the network's time.
    """
    taken = {"reading": 0.0, "writing": 0.0}

    def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401
            began = time.perf_counter()
            try:
                return function(*arguments, **options)
            finally:
                taken[name] += time.perf_counter() - began

        return call

    reading, writing = tasks.read_picture, tasks.write_picture
    tasks.read_picture = timed("reading", reading)
    tasks.write_picture = timed("writing", writing)
    model = spiden.load(threads=1)
    model.denoise(spiden.read_picture(folder / "000.png"))  # compiles
    began = time.perf_counter()
    asked = Asked(naming_for(f"{target}/", None, None))
    planned = plan(find([str(folder)], asked), asked)
    chosen = time.perf_counter() - began
    settings = Settings(level, alone=False)
    done = run(planned, Machine(lambda share, alone: Work(model, settings), 1, 1), None)
    tasks.read_picture, tasks.write_picture = reading, writing
    assert done.exit_code == 0
    taken["the network"] = sum(o.report.seconds for o in done.outcomes if o.report is not None)
    return done.seconds, taken, chosen


def best(folder: Path, place: Path, level: float | None) -> tuple[float, dict[str, float], float]:
    """Return what `parts` returns, of the run that other programs held up least."""
    return min(
        (parts(folder, place / str(repeat), level) for repeat in range(REPEATS)),
        key=lambda run: run[0] / sum(run[1].values()),
    )


def processes(folder: Path, place: Path) -> dict[int, float]:
    """Return the median time of a whole process, by the number of --jobs."""
    seconds: dict[int, list[float]] = {jobs: [] for jobs in JOBS}
    for repeat in range(PROCESSES):
        for jobs, times in seconds.items():
            target = place / f"{jobs}-{repeat}"
            command = ["-m", "spiden_cli", "denoise", str(folder), "-o", f"{target}/", "--json"]
            command += ["--sigma", "25", "--jobs", str(jobs), "--threads", str(max(JOBS))]
            began = time.perf_counter()
            ended = subprocess.run([sys.executable, *command], check=True, capture_output=True)
            times.append(time.perf_counter() - began)
            assert len(json.loads(ended.stdout)) == COUNT
    return {jobs: statistics.median(times) for jobs, times in seconds.items()}


def section() -> str:
    """Measure; return the section of docs/batches.md."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "in"
        folder.mkdir()
        make_pictures(folder)
        whole, taken, chosen = best(folder, Path(place) / "given", 25.0)
        estimated, taken_too, _ = best(folder, Path(place) / "estimated", None)
        by_jobs = processes(folder, Path(place))
    ratio, ratio_too = whole / sum(taken.values()), estimated / sum(taken_too.values())
    load = os.getloadavg()[0]
    said = ", ".join(f"{seconds:.2f} s {name}" for name, seconds in taken.items())
    rows = "\n".join(
        f"| {jobs} | {seconds:.1f} | {by_jobs[1] / seconds:.2f} |"
        for jobs, seconds in by_jobs.items()
    )
    return f"""\
Written by `python benchmarks/batch.py` on {os.cpu_count()} cores of a {platform.machine()}
processor: {COUNT} grey pictures of {SIDE} x {SIDE} pixels at a given level, on one thread, the
run of {REPEATS} that other programs held up least.
They took {whole:.2f} s: {said}.
That is {ratio:.2f} times the sum of the three, {ratio_too:.2f} times with an estimate of the noise.
The rest is the look for clipped shadows and lights, and the estimate, more than anything else.
Choosing and checking the files came before and took {chosen:.2f} s.

Whole processes, from the shell's prompt to the shell's prompt, on {max(JOBS)} threads in all, the
median of {PROCESSES}; other programs kept {load:.1f} cores busy meanwhile:

| --jobs | s | times as fast as 1 |
|--:|--:|--:|
{rows}"""


if __name__ == "__main__":
    write_sections(PAGE, read_sections(PAGE) | {TITLE: section()})
