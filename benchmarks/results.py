"""Measure every bundled model, and set the results beside published figures.

    python benchmarks/results.py [--data-dir DIR] [--section TITLE] [--draws N]

Writes docs/results.md: Set12, BSD68, CBSD68, drawn pictures and nam25 with the protocol of `spiden
evaluate`. What it measures is kept in docs/results.json, draw by draw of the noise: a run that was
interrupted goes on there, and another measures only what is missing, or of other weights. With
--section, such as "Real photographs", the others stay as they are; it may be given several times.
With --draws as few draws will do where there are no more. The classical denoisers that are measured
on real photographs are those of benchmarks/classical.py, which has run before.
"""

import argparse
from collections.abc import Callable
from functools import cache
from pathlib import Path

from bench import DRAWN, DRAWN_COUNT, DRAWN_SEED, ENSEMBLE, SEEDS, Bench, engine, twin
from cells import Cells
from energy_table import energy_table
from pairs_table import DATASET, LEVELS, pairs_table
from published_table import published_table
from sections import HEAD, read_sections, write_sections
from sizes import (
    answer,
    claim_table,
    draws,
    one_pass_table,
    paired,
    ratios,
    sizes_table,
    spread,
)

import spiden_cli as spiden
from spiden_cli.core.bundled import DEFAULT_COLOUR_MODEL, DEFAULT_MODEL, model_for
from spiden_cli.report.evaluation import PROTOCOL

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "docs" / "results.md"
CELLS = RESULTS.with_suffix(".json")
SIGMAS = (15.0, 25.0, 50.0)
TIMESTEPS = (1, 2, 3, 4, 8)


def timesteps_table(bench: Bench, models: list[str]) -> str:
    """Return PSNR, firing rate and operations by number of timesteps, in Markdown."""
    lines = [
        "| model | T | PSNR, dB | SSIM | firing rate | additions per pixel |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for model in models:
        for timesteps in TIMESTEPS:
            result = bench.run(model, "set12", 25.0, timesteps)
            additions = result.mean("synaptic_operations")
            lines.append(
                f"| {model} | {timesteps} | {spread(draws(result))} | {result.mean('ssim'):.4f} "
                f"| {result.mean('firing_rate'):.3f} | {additions:,.0f} |"
            )
    return "\n".join(lines)


def models_table(bench: Bench, models: list[str], sets: tuple[str, ...]) -> str:
    """Return PSNR by model, set and noise level, in Markdown."""
    headings = [f"{name} {sigma:g}" for name in sets for sigma in SIGMAS]
    lines = [f"| model | {' | '.join(headings)} |", "|---|" + "--:|" * len(headings)]
    for model in models:
        values = [bench.psnr(model, name, sigma) for name in sets for sigma in SIGMAS]
        lines.append(f"| {model} | {' | '.join(values)} |")
    return "\n".join(lines)


@cache
def grey_models() -> list[str]:
    """Return the bundled models for grey images."""
    return [name for name in spiden.model_names() if engine(name).config.image_channels == 1]


def spiking_models() -> list[str]:
    """Return the spiking ones of them."""
    return [name for name in grey_models() if engine(name).config.spiking]


def beside_published(bench: Bench) -> str:
    """Write the section on published methods."""
    return f"""\
`{DEFAULT_MODEL}` for the grey sets, `{DEFAULT_COLOUR_MODEL}` for CBSD68. SPIDEN is the spiking
network of the paper; on CBSD68 the others are CBM3D and the networks' colour versions. DnCNN is one
network per noise level; FFDNet, like ours, one for all. Others' figures are as published. SPIDEN's
is from its abstract, which leaves sigma and the timesteps open: that it belongs in this row is
inferred.

{published_table(bench)}"""


def real_photographs(bench: Bench) -> str:
    """Write the section on real pairs."""
    model = model_for(colour=True, coarse=True)
    levels = ",".join(f"{level:g}" for level in LEVELS)
    return f"""\
`{DATASET}`: 25 photographs at high ISO with the noise of their cameras; the mean of 500 shots is
the clean one. `spiden evaluate --dataset {DATASET} --sigma auto,{levels}` prints every picture of
`{model}`, T = 4, which is told the root mean square of the noise. Nothing was chosen on these
pictures, but for the best single level, which nobody knows beforehand. BM3D and scikit-image's
non-local means take the level that scikit-image estimates (h = 0.8 sigma), OpenCV's its defaults:
`python benchmarks/classical.py`.

{pairs_table(lambda sigma: bench.run(model, DATASET, sigma))}"""


def flat_areas(bench: Bench) -> str:
    """Write the section on drawn pictures."""
    colour, grey = DEFAULT_COLOUR_MODEL, DEFAULT_MODEL
    names, levels = (colour, twin(colour), grey, twin(grey)), (10.0, 25.0)
    found = {name: [bench.run(name, DRAWN, sigma) for sigma in levels] for name in names}
    noisy = [f"{one.mean('noisy_psnr'):.2f}" for one in found[colour]]
    rows = {f"`{name}`": [spread(draws(one)) for one in some] for name, some in found.items()}
    lines = "\n".join(
        f"| {name} | {' | '.join(cells)} |" for name, cells in ({"noisy": noisy} | rows).items()
    )
    loss = [spread(paired(*pair)) for pair in zip(found[twin(colour)], found[colour], strict=True)]
    return f"""\
Mean PSNR in dB on {DRAWN_COUNT} pictures of flat tones, type and charts, in colour (`{grey}` takes
their channels one by one), of which the first draw of the noise is

```sh
python benchmarks/graphics.py drawn --count {DRAWN_COUNT} --seed {DRAWN_SEED}
spiden evaluate --dataset drawn/ --sigma 10,25 -m {colour}
```

| model | sigma 10 | sigma 25 |
|---|--:|--:|
{lines}

On flat tones spikes cost {loss[0]} and {loss[1]} dB in colour, by rounding, and photographs have
taught the colour networks less of them than the grey: where `{grey}` is ahead, `-m {grey}` is
better for screenshots and drawings."""


def timesteps(bench: Bench) -> str:
    """Write the section on T."""
    return timesteps_table(bench, spiking_models())


def on_set12(bench: Bench) -> str:
    """Write the section on the grey models on Set12."""
    return models_table(bench, grey_models(), ("set12",))


def on_bsd68(bench: Bench) -> str:
    """Write the section on the grey models on BSD68."""
    return models_table(bench, grey_models(), ("bsd68",))


def on_cbsd68(bench: Bench) -> str:
    """Write the section on colour pictures."""
    colour = [name for name in spiden.model_names() if name not in grey_models()]
    return f"""\
Grey models take the three channels one by one.

{models_table(bench, [DEFAULT_MODEL, *colour], ("cbsd68",))}"""


def orientations(bench: Bench) -> str:
    """Write the section on the mean over orientations."""
    return f"""\
The mean over eight orientations, `--ensemble`, is eight times the work.

{models_table(bench, [f"{DEFAULT_MODEL}{ENSEMBLE}"], ("set12",))}"""


def sizes(bench: Bench) -> str:
    """Write the section on size and activity."""
    names = spiking_models()
    pairs = [(bench.sized(name), bench.sized(twin(name))) for name in names]
    return f"""\
T = 4. A position is a square of 2 x 2 pixels; neurons at coarser resolutions count by their share.
Where several neurons share a channel, each has kernels of its own after it, which is why
`base-if` has twice the parameters of its twin. Both see the same noise.

{sizes_table(pairs, {name: bench.compared(name) for name in names})}"""


def one_pass(bench: Bench) -> str:
    """Write the section on quantised CNNs."""
    return f"""\
A spiking network stands for a CNN whose activations have few levels; here the same weights run as
that CNN, in one pass, on the same noise. Spikes of equal weight (`base-if`) gain a little by their
order in time. Weighted spikes are the binary digits of its activations, and so it: the dense engine
computes them in one pass, the event engine, on the left, spike by spike. Rounding of sums is all
that differs.

{one_pass_table({"base-if": (2, 4, 8), "base": (4,)}, bench.one_pass)}"""


def energy(bench: Bench) -> str:
    """Write the section on energy."""
    spiking = spiking_models()
    twins = {name: twin(name) for name in spiking}
    cnn_psnr = {name: bench.run(name, "set12", 25.0).mean("psnr") for name in twins.values()}
    compared = {name: {t: bench.compared(name, t) for t in (2, 3, 4, 8)} for name in spiking}
    return f"""\
Energy divided by that of each CNN in the same number format: below 1 the spiking network needs
less. Bold: its PSNR is no lower than that CNN's. `spiden energy` prints more baselines, and
[energy.md](energy.md) says what each model counts.

{energy_table(compared, twins, cnn_psnr)}"""


def claim(bench: Bench) -> str:
    """Write the section on the paper's statement."""
    names = ("base", "base"), ("base", "base-if"), ("base-if", "base-if"), ("tiny", "tiny")
    pairs = [(bench.sized(spiking), bench.sized(twin(other))) for spiking, other in names]
    compared = {spiking: bench.compared(spiking) for spiking in {name for name, _ in names}}
    spiking_of = {twin(name): name for name in compared}
    columns = [ratios(pair, compared, spiking_of) for pair in pairs]
    return f"""\
The paper's abstract says that a larger spiking network denoises competitively with 20 % less
energy; that it is set against a CNN of like quality is inferred. `base` over `base-if-cnn` is that
case: PSNR as good, with more parameters. `base` over `base-cnn` is the case of equal parameters.
`base-if` has more parameters than `base-if-cnn`, and still less PSNR: a CNN of its PSNR would be
smaller, and the ratios higher. Energy at T = 4 over that of the CNN in the same number format, or
with 8-bit weights and activations of as few bits as hold the levels of the spikes; yes: at least
20 % less.

For `base` over `base-if-cnn`: {answer(columns[1])}

{claim_table(pairs, columns)}"""


SECTIONS: dict[str, Callable[[Bench], str]] = {
    "Beside published methods": beside_published,
    "Real photographs": real_photographs,
    "Flat areas: drawn pictures": flat_areas,
    "Timesteps: Set12, sigma 25": timesteps,
    "Set12: mean PSNR in dB, spiking models at T = 4": on_set12,
    "BSD68: mean PSNR in dB, spiking models at T = 4": on_bsd68,
    "CBSD68: mean PSNR in dB, spiking models at T = 4": on_cbsd68,
    "Eight orientations: mean PSNR in dB, T = 4": orientations,
    "Size and activity: Set12, sigma 25": sizes,
    "The same weights in one pass: Set12, sigma 25": one_pass,
    "Energy: Set12, sigma 25": energy,
    "A larger network at like quality: Set12, sigma 25": claim,
}


def main() -> None:
    """Measure, and write docs/results.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, help="folder with set12/, bsd68/, ...")
    parser.add_argument("--section", choices=SECTIONS, action="append", help="these alone")
    draws = range(1, len(SEEDS) + 1)
    parser.add_argument(
        "--draws", type=int, choices=draws, default=len(SEEDS), help="of the noise, at least"
    )
    options = parser.parse_args()
    bench = Bench(options.data_dir, Cells(CELLS), options.draws)
    for title in options.section or SECTIONS:
        write(title, SECTIONS[title](bench))


def write(title: str, text: str) -> None:
    """Write a section beside the others."""
    written = read_sections(RESULTS) | {title: text}
    protocol = f"{PROTOCOL[0].upper()}{PROTOCOL[1:]}"
    head = f"""\
# Results

Made by `python benchmarks/results.py`, which keeps what it measured, picture by picture, in
[results.json](results.json). {protocol}.
A mean ± a standard deviation is over {len(SEEDS)} draws of the noise, a figure without one of the
first draw; SSIM is a mean over the draws, and spikes, additions and energy are those of all.
Differences are taken draw by draw, on the same noise."""
    ordered = {name: written[name] for name in SECTIONS if name in written}
    write_sections(RESULTS, {HEAD: head} | ordered)


if __name__ == "__main__":
    main()
