"""What the benchmarks of speed share: a photograph of any size, and a fair clock."""

import statistics
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import numpy as np

import spiden_cli as spiden
from spiden_cli.core.bundled import sample_picture
from spiden_cli.core.image.pixels import Planes
from spiden_cli.core.image.tensor import to_grey, to_tensor
from spiden_cli.core.noise.synthesis import gaussian_noise

SIGMA, TIMESTEPS = 25.0, 4
Run = Callable[[], object]


def photograph(height: int, width: int) -> Planes:
    """Return the bundled picture in grey, mirrored at its edges up to that size; (1, H, W)."""
    grey = to_grey(to_tensor(spiden.read_picture(sample_picture()).pixels))[0].numpy()
    down, right = (-(-size // side) for size, side in zip((height, width), grey.shape, strict=True))
    padding = ((0, grey.shape[0] * (down - 1)), (0, grey.shape[1] * (right - 1)))
    return np.pad(grey, padding, "symmetric")[None, :height, :width].copy()


def noisy_photograph(height: int, width: int) -> Planes:
    """Return the same with noise; (1, H, W)."""
    clean = photograph(height, width)
    return clean + gaussian_noise(clean.shape, SIGMA, 0)


def peak_memory() -> float:
    """Return the most memory that this process has held, in GB of 10^9 bytes.

    Linux counts what a process held before it became this program into `ru_maxrss`: the memory of
    the one that started it. The kernel's own high-water mark is of this program alone.
    """
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e9
    import resource  # macOS, in bytes

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e9


def in_turns(
    runs: Mapping[str, Run],
    repeats: int,
    once: Collection[str] = (),
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
    """Return the median seconds of each, after a warm-up; of those named in `once`, of one run."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(repeats + 1):
        for name, run in runs.items():
            if turn != 1 and name in once:
                continue
            began = clock()
            run()
            times[name].append(clock() - began)
            print(f"  {turn} {name}: {times[name][-1]:.3f} s", flush=True)
    return {
        name: statistics.median(seconds if name in once else seconds[1:])
        for name, seconds in times.items()
    }
