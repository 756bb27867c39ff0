"""Measure every bundled model, and set the results beside published figures.

    python benchmarks/results.py [--data-dir DIR] [--section TITLE]

Writes docs/results.md: Set12, BSD68, CBSD68 and nam25 with the protocol of `spiden evaluate`. With
--section, such as "Real photographs", the others stay as they are. The classical denoisers that
are measured on real photographs are those of benchmarks/classical.py, which has run before.
"""

import argparse
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from energy_table import energy_table
from pairs_table import DATASET, LEVELS, pairs_table

import spiden_cli as spiden
from spiden_cli.core.bundled import DEFAULT_COLOUR_MODEL, DEFAULT_MODEL, model_for
from spiden_cli.core.energy.twins import find_twin
from spiden_cli.core.engine.ensemble import EnsembleEngine
from spiden_cli.core.tasks.evaluation import Evaluation
from spiden_cli.report.evaluation import PROTOCOL

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "docs" / "results.md"
SIGMAS = (15.0, 25.0, 50.0)
ENSEMBLE = " --ensemble"

TITLES = {"set12": "Set12", "bsd68": "BSD68", "cbsd68": "CBSD68"}
# As the tables of DnCNN (arXiv 1608.03981) and FFDNet (1710.04026) print them, and for SPIDEN its
# paper; at CBSD68 the colour versions, CBM3D and so on.
PUBLISHED: dict[tuple[str, float], dict[str, str]] = {
    ("set12", 15.0): {"BM3D": "32.37", "DnCNN": "32.86", "FFDNet": "32.75"},
    ("set12", 25.0): {"SPIDEN": "30.18", "BM3D": "29.97", "DnCNN": "30.43", "FFDNet": "30.43"},
    ("set12", 50.0): {"BM3D": "26.72", "DnCNN": "27.18", "FFDNet": "27.32"},
    ("bsd68", 15.0): {"BM3D": "31.07", "DnCNN": "31.73", "FFDNet": "31.63"},
    ("bsd68", 25.0): {"BM3D": "28.57", "DnCNN": "29.23", "FFDNet": "29.19"},
    ("bsd68", 50.0): {"BM3D": "25.62", "DnCNN": "26.23", "FFDNet": "26.29"},
    ("cbsd68", 25.0): {"BM3D": "30.71", "DnCNN": "31.24", "FFDNet": "31.21"},
}


@cache
def engine(model: str) -> spiden.Engine:
    """Return the engine of a bundled model, whose name may end in " --ensemble"."""
    if model.endswith(ENSEMBLE):
        return EnsembleEngine(engine(model.removesuffix(ENSEMBLE)))
    network, info = spiden.load_weights(spiden.find_weights(model))
    return spiden.make_engine("auto", network, torch.device("cpu"), info.firing_rate)


def is_for_camera(model: str) -> bool:
    """Return whether a bundled model was trained on camera noise."""
    return spiden.read_info(spiden.find_weights(model.removesuffix(ENSEMBLE))).for_camera


@dataclass(frozen=True)
class Bench:
    """Evaluates models on sets; each combination once."""

    data_dir: Path | None

    @cache  # noqa: B019 - lives as long as the program
    def run(self, model: str, dataset: str, sigma: float | None, timesteps: int = 4) -> Evaluation:
        """Return the scores of a model on a set; sigma None is estimated for each picture."""
        images = spiden.find_dataset(dataset, self.data_dir)
        level = "auto" if sigma is None else f"{sigma:g}"
        print(f"{model} on {images.name}, sigma {level}, T = {timesteps}", flush=True)
        return spiden.evaluate(
            engine(model), images.samples, sigma, timesteps, for_camera=is_for_camera(model)
        )

    def psnr(self, model: str, dataset: str, sigma: float, timesteps: int = 4) -> float:
        """Return the mean PSNR in dB."""
        return self.run(model, dataset, sigma, timesteps).mean("psnr")


def twin(model: str) -> str:
    """Return the name of a bundled model's CNN twin."""
    path = find_twin(spiden.find_weights(model))
    assert path is not None
    return path.stem


def published_table(bench: Bench) -> str:
    """Return the default models beside their CNN twins and published methods, in Markdown."""
    methods = ("SPIDEN", "BM3D", "DnCNN", "FFDNet")
    lines = [
        f"| PSNR in dB, T = 4 | spiking | its CNN twin | {' | '.join(methods)} |",
        "|---|--:|--:|" + "--:|" * len(methods),
    ]
    for (dataset, sigma), row in PUBLISHED.items():
        model = DEFAULT_COLOUR_MODEL if dataset == "cbsd68" else DEFAULT_MODEL
        ours = [bench.psnr(name, dataset, sigma) for name in (model, twin(model))]
        cells = [*(f"{value:.2f}" for value in ours), *(row.get(name, "-") for name in methods)]
        lines.append(f"| {TITLES[dataset]}, sigma {sigma:g} | {' | '.join(cells)} |")
    return "\n".join(lines)


def timesteps_table(bench: Bench, models: list[str]) -> str:
    """Return PSNR, firing rate and operations by number of timesteps, in Markdown."""
    lines = [
        "| model | T | PSNR, dB | SSIM | firing rate | additions per pixel |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for model in models:
        for timesteps in (1, 2, 3, 4, 8):
            result = bench.run(model, "set12", 25.0, timesteps)
            additions = result.mean("synaptic_operations")  # per image, as `spiden evaluate` prints
            lines.append(
                f"| {model} | {timesteps} | {result.mean('psnr'):.2f} | {result.mean('ssim'):.4f} "
                f"| {result.mean('firing_rate'):.3f} | {additions:,.0f} |"
            )
    return "\n".join(lines)


def models_table(bench: Bench, models: list[str], sets: tuple[str, ...]) -> str:
    """Return PSNR by model, set and noise level, in Markdown."""
    headings = [f"{name} {sigma:g}" for name in sets for sigma in SIGMAS]
    lines = [f"| model | {' | '.join(headings)} |", "|---|" + "--:|" * len(headings)]
    for model in models:
        values = [bench.psnr(model, name, sigma) for name in sets for sigma in SIGMAS]
        lines.append(f"| {model} | {' | '.join(f'{value:.2f}' for value in values)} |")
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


def timesteps(bench: Bench) -> str:
    """Write the section on T."""
    return timesteps_table(bench, spiking_models())


def models(bench: Bench) -> str:
    """Write the section on all models."""
    colour = [name for name in spiden.model_names() if name not in grey_models()]
    return f"""{models_table(bench, grey_models(), ("set12", "bsd68"))}

The mean over eight orientations, `--ensemble`, is eight times the work:

{models_table(bench, [f"{DEFAULT_MODEL}{ENSEMBLE}"], ("set12",))}

Colour; grey models take the three channels one by one:

{models_table(bench, [DEFAULT_MODEL, *colour], ("cbsd68",))}"""


def energy(bench: Bench) -> str:
    """Write the section on energy."""
    spiking = spiking_models()
    twins = {name: twin(name) for name in spiking}
    cnn_psnr = {name: bench.psnr(name, "set12", 25.0) for name in twins.values()}
    samples = spiden.find_dataset("set12", bench.data_dir).samples
    return f"""\
Energy divided by that of each CNN in the same number format: below 1 the spiking network needs
less. Bold: its PSNR is no lower than that CNN's. `spiden energy` prints more baselines, and
[energy.md](energy.md) says what each model counts.

{energy_table({name: engine(name) for name in spiking}, twins, cnn_psnr, samples)}"""


SECTIONS: dict[str, Callable[[Bench], str]] = {
    "Beside published methods": beside_published,
    "Real photographs": real_photographs,
    "Timesteps: Set12, sigma 25": timesteps,
    "Models: mean PSNR in dB, spiking ones at T = 4": models,
    "Energy: Set12, sigma 25": energy,
}


def main() -> None:
    """Measure, and write docs/results.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, help="folder with set12/, bsd68/, ...")
    parser.add_argument("--section", choices=SECTIONS, help="measure this one alone")
    options = parser.parse_args()
    bench, wanted = Bench(options.data_dir), [options.section] if options.section else SECTIONS
    parts = re.split(r"^## (.*)$", RESULTS.read_text(), flags=re.MULTILINE)
    written = dict(zip(parts[1::2], (body.strip() for body in parts[2::2]), strict=True))
    written |= {title: SECTIONS[title](bench) for title in wanted}
    head = f"Made by `python benchmarks/results.py`. {PROTOCOL[0].upper()}{PROTOCOL[1:]}."
    sections = [f"## {title}\n\n{written[title]}" for title in SECTIONS if title in written]
    RESULTS.write_text("\n\n".join(["# Results", head, *sections]) + "\n")


if __name__ == "__main__":
    main()
