"""How fast the spikes are: the event engine beside CNNs, other frameworks and BM3D.

    pip install -e '.[fast,plots]' bm3d snntorch && pip install --no-deps spikingjelly==2.0.0 loguru
    python benchmarks/inference.py [--threads N] [--section TITLE]

Writes the sections of docs/performance.md that have tables, and docs/images/performance.png; with
--section, such as "The family", that one alone. Times are medians; what is compared runs in turns,
in one process, so that a busy machine slows all alike: ratios hold there, seconds do not. With one
thread it is processor time, otherwise wall-clock time.
Rivals that are not installed are left out.
"""

import argparse
import os
import time
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from bench import twin
from growth import growth
from memory import memory_table
from rivals import BM3D, SnnTorch, SpikingJelly
from sections import read_sections, write_sections
from startup import startup_table
from timing import SIGMA, TIMESTEPS, Run, in_turns, noisy_photograph
from training_step import training_table

import spiden_cli as spiden
from spiden_cli.core.engine.engine import Engine
from spiden_cli.core.engine.event.engine import EventEngine
from spiden_cli.core.engine.selection import BREAK_EVEN_RATE
from spiden_cli.core.image.pixels import Planes
from spiden_cli.core.network.parameters import parameter_count

REPORT = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
CPU = torch.device("cpu")

MODEL = "base-if"
"""What the frameworks can run too: none knows weighted spikes."""
ORIGINAL = "DnCNN-17, torch"
SIDE, SIDE_OF_CHECK = 512, 256
"""Of the picture, in pixels, and of that on which the frameworks' spikes are compared."""


class Options(NamedTuple):
    """What is measured, and how."""

    network: spiden.Denoiser
    twin: spiden.Denoiser
    threads: int
    repeats: int

    @property
    def clock(self) -> Callable[[], float]:
        """What times are read from: of one thread the processor's, which others don't disturb."""
        return time.process_time if self.threads == 1 else time.perf_counter


def contenders(options: Options) -> dict[str, Engine]:
    """Return every engine that can run here, ours first."""
    network = options.network
    dncnn = spiden.Denoiser(spiden.PRESETS["dncnn17"].twin())  # its weights don't change its time
    made: dict[str, Engine] = {
        "event": EventEngine(network, options.threads),
        "event-int16": EventEngine(network, options.threads, "int16"),
        "CNN twin, torch": spiden.DenseEngine(options.twin, CPU),
        ORIGINAL: spiden.DenseEngine(dncnn, CPU),
        "dense, torch": spiden.DenseEngine(network, CPU),
    }
    for rival in (SpikingJelly, SnnTorch):
        try:
            made[rival.name] = rival(network)
        except ImportError:
            print(f"{rival.name} is not installed: left out")
    return made


def check(engines: Mapping[str, Engine], noisy: Planes) -> None:
    """Check that the frameworks send our spikes, but for the few that rounding flips."""
    ours = spiden.denoise_planes(engines["event"], noisy, SIGMA, TIMESTEPS).denoised
    for name in {"dense, torch", SpikingJelly.name, SnnTorch.name} & set(engines):
        theirs = spiden.denoise_planes(engines[name], noisy, SIGMA, TIMESTEPS).denoised
        share = (np.abs(ours - theirs) < 1e-3).mean()
        print(f"  {name}: {share:.2%} of the pixels as ours")
        assert share > 0.8, name  # a division by the threshold rounds, and flips spikes


def compare(engines: Mapping[str, Engine], noisy: Planes, options: Options) -> dict[str, float]:
    """Return the seconds of every engine, and of BM3D, on one image; slow ones run once."""

    def runner(engine: Engine) -> Run:
        return lambda: spiden.denoise_planes(engine, noisy, SIGMA, TIMESTEPS)

    runs = {name: runner(engine) for name, engine in engines.items()}
    try:
        bm3d = BM3D()
        runs[BM3D.name] = lambda: bm3d.denoise(noisy, SIGMA)
    except ImportError:
        print("bm3d is not installed: left out")
    slow = {"dense, torch", SpikingJelly.name, SnnTorch.name, BM3D.name}
    return in_turns(runs, options.repeats, slow, options.clock)


def ratio_table(times: Mapping[str, float]) -> str:
    """Return our two engines' time over each rival's, in Markdown."""
    ours = ("event", "event-int16")
    lines = [f"| time over that of | {' | '.join(ours)} |", "|---|--:|--:|"]
    for rival in [name for name in times if name not in ours]:
        cells = [f"{times[engine] / times[rival]:.3f}" for engine in ours]
        lines.append(f"| {rival} | {' | '.join(cells)} |")
    return "\n".join(lines)


def family_table(options: Options) -> str:
    """Return what each grey model takes for one picture, over DnCNN and over its own twin."""
    noisy = noisy_photograph(SIDE, SIDE)
    dncnn = spiden.DenseEngine(spiden.Denoiser(spiden.PRESETS["dncnn17"].twin()), CPU)
    runs: dict[str, Run] = {ORIGINAL: lambda: spiden.denoise_planes(dncnn, noisy, SIGMA, TIMESTEPS)}
    cnns: dict[str, str] = {}
    sizes = {ORIGINAL: parameter_count(dncnn.config)}
    for name in spiden.model_names():
        network, info = spiden.load_weights(spiden.find_weights(name))
        if info.config.image_channels == 3:
            continue
        kinds = ("event", "event-int16") if info.config.spiking else ("dense",)
        for kind in kinds:
            engine = spiden.make_engine(kind, network, CPU, info.firing_rate, options.threads)
            row = f"{name}, {engine.name}"
            sizes[row] = parameter_count(info.config)
            cnns[row] = f"{twin(name) if info.config.spiking else name}, dense"
            runs[row] = lambda e=engine: spiden.denoise_planes(e, noisy, SIGMA, TIMESTEPS)
    found = in_turns(runs, options.repeats, clock=options.clock)
    lines = [
        f"| model, engine | parameters | over {ORIGINAL} | over its CNN twin |",
        "|---|--:|--:|--:|",
    ]
    for name, seconds in found.items():
        beside = f"{seconds / found[cnns[name]]:.2f}" if name in cnns else "-"
        over = seconds / found[ORIGINAL]
        lines.append(f"| {name} | {sizes[name]:,} | {over:.2f} | {beside} |")
    return "\n".join(lines)


def thread_table(network: spiden.Denoiser, repeats: int, threads: int) -> str:
    """Return how much faster all threads are than one."""
    noisy = noisy_photograph(1024, 1024)
    lines = ["| engine | 1 thread, s | threads | s | speed-up |", "|---|--:|--:|--:|--:|"]
    for numbers in ("float32", "int16"):
        alone, all_of_them = (EventEngine(network, n, numbers) for n in (1, threads))
        found = in_turns(
            {
                "one": lambda e=alone: spiden.denoise_planes(e, noisy, SIGMA, TIMESTEPS),
                "all": lambda e=all_of_them: spiden.denoise_planes(e, noisy, SIGMA, TIMESTEPS),
            },
            repeats,
        )
        lines.append(
            f"| {alone.name} | {found['one']:.2f} | {threads} | {found['all']:.2f} "
            f"| {found['one'] / found['all']:.2f} |"
        )
    return "\n".join(lines)


def against_others(options: Options) -> str:
    """Write the section on the other ways to compute the same."""
    engines = contenders(options)
    check(engines, noisy_photograph(SIDE_OF_CHECK, SIDE_OF_CHECK))
    found = compare(engines, noisy_photograph(SIDE, SIDE), options)
    return f"""\
`{MODEL}`, which other frameworks can run too: the same weights, and the same spikes up to rounding.
Time of the event engine divided by theirs; below 1 it is faster. BM3D is PyPI's `bm3d`.

{ratio_table(found)}"""


def family(options: Options) -> str:
    """Write the section on all models."""
    return f"""\
All grey models; [results.md](results.md) has their PSNR, and how many neurons they have and how
often those fire. Time of each divided by that of {ORIGINAL}, and of its own CNN twin, in one run:

{family_table(options)}"""


def spikes_and_pixels(options: Options) -> str:
    """Write the section on what the time depends on."""
    return f"""\
All thresholds of `{MODEL}` scaled. Time of each engine divided by that of the CNN twin, which does
not depend on spikes:

{growth(options.network, options.twin, options.repeats, options.threads, options.clock)}

![Time against firing rate and pixels](images/performance.png)

A synaptic operation is a kernel weight added to a potential because a spike came in. `--engine
auto` takes the event engine below a rate of {BREAK_EVEN_RATE}."""


def startup(options: Options) -> str:
    """Write the section on whole processes."""
    return f"""\
Whole processes: Python starts, imports, reads a picture, denoises it and writes another. With the
event engine `spiden` imports no torch. BM3D and OpenCV run as scripts of a few lines. All but the
first `spiden` are told the noise level.

{startup_table(options.repeats)}"""


def threads(options: Options) -> str:
    """Write the section on threads."""
    return f"""\
`{MODEL}`, 1024 x 1024, on cores that nothing else used:

{thread_table(options.network, options.repeats, options.threads)}"""


def memory(_: Options) -> str:
    """Write the section on memory."""
    return f"""\
`spiden denoise --engine event`, the whole process; 1 GB is 10^9 bytes:

{memory_table([(3000, 4000), (4000, 6000), (8000, 6000)])}"""


def training(options: Options) -> str:
    """Write the section on training."""
    return f"""\
One optimiser step of `dncnn17`, T = {TIMESTEPS}, 16 patches of 48 x 48, each in processes of its
own (`python benchmarks/training_step.py`). spikingjelly's network is built of its own layers, in
multi-step mode, as its tutorials build one. The other lines take the difference apart: its neurons
in our network, which runs the encoder once and keeps channels last; and that with freed memory
kept, as `spiden train` keeps it. What is left there is convolutions, the same for both:

{training_table(options.threads)}"""


SECTIONS: dict[str, Callable[[Options], str]] = {
    "Against others": against_others,
    "The family": family,
    "Against spikes and pixels": spikes_and_pixels,
    "From the prompt and back": startup,
    "Threads": threads,
    "Memory": memory,
    "Training": training,
}


def main() -> None:
    """Measure, and write the sections."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--section", choices=SECTIONS, action="append", help="these alone")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    network, _ = spiden.load_weights(spiden.find_weights(MODEL))
    cnn, _ = spiden.load_weights(spiden.find_weights(twin(MODEL)))
    options = Options(network, cnn, arguments.threads, arguments.repeats)
    for title in arguments.section or SECTIONS:
        how = "processor time of one thread"
        if options.threads > 1:
            how = f"{options.threads} threads"
        table = SECTIONS[title](options)
        busy = f"{os.getloadavg()[0]:.0f} processes ready to run on {os.cpu_count()} cores"
        made = f"_{date.today():%-d %B %Y}, {how}, {busy}, torch {torch.__version__}._"
        write_sections(REPORT, read_sections(REPORT) | {title: f"{table}\n\n{made}"})


if __name__ == "__main__":
    main()
