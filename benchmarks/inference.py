"""How fast the spikes are: the event engine beside CNNs, other frameworks and BM3D.

    pip install -e '.[fast,plots]' bm3d snntorch && pip install --no-deps spikingjelly==2.0.0 loguru
    python benchmarks/inference.py [--threads N] [--quick]

Writes docs/performance.md and docs/images/performance.png. Times are wall-clock medians; what is
compared runs in turns, in one process, so that a busy machine slows all alike. Rivals that are not
installed are left out.
"""

import argparse
import platform
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from bench import twin
from growth import growth
from memory import memory_table
from rivals import BM3D, SnnTorch, SpikingJelly
from sections import read_sections, with_table, write_sections
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

FAMILY = "The family"

PART = 4  # of a large picture's sides: what frameworks, which go in tiles, and BM3D get of it

MODEL = "base-if"
"""What the frameworks can run too: none knows weighted spikes."""
ORIGINAL = "DnCNN-17, torch"
RIVALS = (ORIGINAL, "CNN twin, torch", "spikingjelly", "snntorch", "BM3D")


def contenders(network: spiden.Denoiser, cnn: spiden.Denoiser) -> dict[str, Engine]:
    """Return every engine that can run here, ours first."""
    dncnn = spiden.Denoiser(spiden.PRESETS["dncnn17"].twin())  # its weights don't change its time
    made: dict[str, Engine] = {
        "event": EventEngine(network),
        "event-int16": EventEngine(network, numbers="int16"),
        "CNN twin, torch": spiden.DenseEngine(cnn, CPU),
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


def compare(
    engines: Mapping[str, Engine], noisy: Planes, repeats: int, large: bool
) -> dict[str, float]:
    """Time every engine, and BM3D, on one image; of a large one, the slow ones do a part, once."""
    height, width = (side // PART for side in noisy.shape[1:])
    part = noisy[:, :height, :width] if large else noisy

    def runner(engine: Engine, image: Planes) -> Run:
        return lambda: spiden.denoise_planes(engine, image, SIGMA, TIMESTEPS)

    slow = {SpikingJelly.name, SnnTorch.name, BM3D.name}
    runs = {name: runner(e, part if name in slow else noisy) for name, e in engines.items()}
    if large:
        del runs["dense, torch"]
    try:
        bm3d = BM3D()
        runs[BM3D.name] = lambda: bm3d.denoise(part, SIGMA)
    except ImportError:
        print("bm3d is not installed: left out")
    found = in_turns(runs, repeats, slow | {ORIGINAL} if large else set())
    return {name: t * PART**2 if large and name in slow else t for name, t in found.items()}


def ratio_table(sizes: Mapping[str, dict[str, float]]) -> str:
    """Return our two engines' time over each rival's, in Markdown."""
    heads = [f"{size}, {engine}" for size in sizes for engine in ("event", "event-int16")]
    lines = [
        f"| time over that of | {' | '.join(heads)} |",
        "|---|" + "--:|" * len(heads),
    ]
    for rival in RIVALS:
        cells = [
            f"{times[engine] / times[rival]:.3f}" if rival in times else "-"
            for times in sizes.values()
            for engine in ("event", "event-int16")
        ]
        lines.append(f"| {rival} | {' | '.join(cells)} |")
    return "\n".join(lines)


def seconds_table(sizes: Mapping[str, dict[str, float]], pixels: Mapping[str, int]) -> str:
    """Return seconds per megapixel of everything, in Markdown."""
    names = dict.fromkeys(name for times in sizes.values() for name in times)
    lines = [f"| s per megapixel | {' | '.join(sizes)} |", "|---|" + "--:|" * len(sizes)]
    for name in names:
        cells = [
            f"{times[name] / pixels[size] * 1e6:.2f}" if name in times else "-"
            for size, times in sizes.items()
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def family_table(repeats: int) -> str:
    """Return what each grey model takes for one picture, over DnCNN and over its own twin."""
    noisy = noisy_photograph(512, 512)
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
            engine = spiden.make_engine(kind, network, CPU, info.firing_rate)
            row = f"{name}, {engine.name}"
            sizes[row] = parameter_count(info.config)
            cnns[row] = f"{twin(name) if info.config.spiking else name}, dense"
            runs[row] = lambda e=engine: spiden.denoise_planes(e, noisy, SIGMA, TIMESTEPS)
    found = in_turns(runs, repeats)
    lines = [
        f"| model, engine | parameters | s | over {ORIGINAL} | over its CNN twin |",
        "|---|--:|--:|--:|--:|",
    ]
    for name, seconds in found.items():
        beside = f"{seconds / found[cnns[name]]:.2f}" if name in cnns else "-"
        over = seconds / found[ORIGINAL]
        lines.append(f"| {name} | {sizes[name]:,} | {seconds:.3f} | {over:.2f} | {beside} |")
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


def main() -> None:
    """Measure everything, and write the report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="512 x 512 alone")
    parser.add_argument("--family", action="store_true", help="the table of all models alone")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.family:
        sections = read_sections(REPORT)
        table = family_table(arguments.repeats)
        write_sections(REPORT, sections | {FAMILY: with_table(sections[FAMILY], table)})
        return
    network, _ = spiden.load_weights(spiden.find_weights(MODEL))
    cnn, _ = spiden.load_weights(spiden.find_weights(twin(MODEL)))
    engines = contenders(network, cnn)
    shapes = {"512 x 512": (512, 512), "4000 x 3000": (3000, 4000)}
    sizes = {}
    for name, shape in list(shapes.items())[: 1 if arguments.quick else 2]:
        print(name)
        noisy, large = noisy_photograph(*shape), name != "512 x 512"
        if not large:
            check(engines, noisy)
        sizes[name] = compare(engines, noisy, arguments.repeats, large)
    pixels = {name: height * width for name, (height, width) in shapes.items()}
    ratios, seconds = ratio_table(sizes), seconds_table(sizes, pixels)
    print(ratios, seconds, sep="\n\n")
    if arguments.quick:
        return
    REPORT.write_text(
        TEXT.format(
            threads=arguments.threads, repeats=arguments.repeats, model=MODEL,
            timesteps=TIMESTEPS, break_even=BREAK_EVEN_RATE,
            processor=platform.machine(), torch=torch.__version__,
            ratios=ratios, seconds=seconds,
            family=family_table(arguments.repeats),
            growth=growth(network, cnn, arguments.repeats),
            scaling=thread_table(network, arguments.repeats, arguments.threads),
            training=training_table(arguments.threads),
            startup=startup_table(arguments.repeats),
            memory=memory_table([(3000, 4000), (4000, 6000), (8000, 6000)]),
        ),
        encoding="utf-8",
    )  # fmt: skip


TEXT = """# Performance

Written by `python benchmarks/inference.py` on {threads} threads of a {processor} processor, torch
{torch}. Model `{model}`, which other frameworks can run too; T = {timesteps}, sigma 25, grey, the
bundled photograph mirrored to size. Medians of {repeats} runs, taken in turns in one process
after a warm-up. On the large picture
DnCNN-17 ran once, the dense spiking network not at all, and the other frameworks and BM3D once on a
sixteenth of it: times 16, since they go in tiles or blocks.
1 GB is 10^9 bytes.

## How the event engine works

A spike adds a row of weights to the membrane potentials around its position; silent neurons cost
nothing. All layers advance together, a row of positions at a time, each one row behind the layer
before it, so that only a few rows of currents and of spikes (one bit each) are in memory, whatever
the size of the picture. Kernels and loops are compiled at first use, for the processor that they
run on, and cached on disk. Sums are computed in torch's order, so that in float32 the
spikes equal torch's bit for bit wherever torch sums as it does on this processor; elsewhere a
potential within rounding of its threshold may end on the other side of it (tests require 99.9 % of
the pixels within 0.001, and PSNR within 0.005 dB). `event-int16` rounds weights to 16 bits (a test
requires PSNR within 0.02 dB on Set12). Weighted spikes are driven plane by plane here and by their
sum in torch, which rounds otherwise: some spikes flip, a pixel moves by half a grey level on
average, and the PSNR by nothing (tests require 0.02 dB on one picture, 0.005 dB on Set12).

## Against others

Time of the event engine divided by theirs; below 1 it is faster:

{ratios}

{seconds}

Frameworks run the same weights and give the same spikes, up to rounding. BM3D is PyPI's `bm3d`.

## The family

All grey models, 512 x 512; [results.md](results.md) has their PSNR, and how many neurons
they have and how often those fire:

{family}

## Against spikes and pixels

All thresholds of `{model}` scaled, 512 x 512:

{growth}

![Time against firing rate and pixels](images/performance.png)

Operations per second count synaptic operations: a kernel weight added to a potential because a
spike came in. `--engine auto` takes the event engine below a rate of {break_even}.

## From the prompt and back

Whole processes: Python starts, imports, reads a picture, denoises it and writes another
(`python benchmarks/startup.py`). With the event engine `spiden` imports no torch. BM3D and OpenCV
run as scripts of a few lines. All but the first `spiden` are told the noise level.

{startup}

## Threads

{scaling}

## Memory

`spiden denoise --engine event`, the whole process:

{memory}

## Training

One optimiser step of `dncnn17`, T = {timesteps}, 16 patches of 48 x 48, each in processes of its
own (`python benchmarks/training_step.py`). spikingjelly's network is built of its own layers, in
multi-step mode, as its tutorials build one. The other lines take the difference apart: its neurons
in our network, which runs the encoder once and keeps channels last; and that with freed memory
kept, as `spiden train` keeps it. What is left there is convolutions, the same for both:

{training}
"""

if __name__ == "__main__":
    main()
