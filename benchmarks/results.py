"""Measure every bundled model, and set the results beside published figures.

    python benchmarks/results.py [--data-dir DIR]

Writes docs/results.md: Set12, BSD68 and CBSD68 with the protocol of `spiden evaluate`.
"""

import argparse
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from energy_table import energy_table

import spiden_cli as spiden
from spiden_cli.core.bundled import DEFAULT_COLOUR_MODEL, DEFAULT_MODEL
from spiden_cli.core.energy.twins import find_twin
from spiden_cli.core.engine.activity import mean_firing_rate, synaptic_operations
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


@dataclass(frozen=True)
class Bench:
    """Evaluates models on sets; each combination once."""

    data_dir: Path | None

    @cache  # noqa: B019 - lives as long as the program
    def run(self, model: str, dataset: str, sigma: float, timesteps: int = 4) -> Evaluation:
        """Return the scores of a model on a set."""
        images = spiden.find_dataset(dataset, self.data_dir)
        print(f"{model} on {images.name}, sigma {sigma:g}, T = {timesteps}", flush=True)
        return spiden.evaluate(engine(model), images.paths, sigma, timesteps)

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
        for timesteps in (1, 2, 4, 8):
            result = bench.run(model, "set12", 25.0, timesteps)
            pixels = sum(score.pixels for score in result.scores)
            additions = synaptic_operations(result.activity) / pixels
            lines.append(
                f"| {model} | {timesteps} | {result.mean('psnr'):.2f} | {result.mean('ssim'):.4f} "
                f"| {mean_firing_rate(result.activity):.3f} | {additions:,.0f} |"
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


def main() -> None:
    """Measure, and write docs/results.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, help="folder with set12/, bsd68/, ...")
    bench = Bench(parser.parse_args().data_dir)
    grey = [name for name in spiden.model_names() if engine(name).config.image_channels == 1]
    colour = [name for name in spiden.model_names() if name not in grey]
    spiking = [name for name in grey if engine(name).config.spiking]
    engines = {name: engine(name) for name in spiking}
    twins = {name: twin(name) for name in spiking}
    cnn_psnr = {name: bench.psnr(name, "set12", 25.0) for name in twins.values()}
    images = spiden.find_dataset("set12", bench.data_dir)
    text = f"""# Results

Made by `python benchmarks/results.py`. {PROTOCOL[0].upper()}{PROTOCOL[1:]}.

## Beside published methods

`{DEFAULT_MODEL}` for the grey sets, `{DEFAULT_COLOUR_MODEL}` for CBSD68. SPIDEN is the spiking
network of the paper; on CBSD68 the others are CBM3D and the networks' colour versions. DnCNN is one
network per noise level; FFDNet, like ours, one for all. Others' figures are as published.

{published_table(bench)}

## Timesteps: Set12, sigma 25

{timesteps_table(bench, spiking)}

## Models: mean PSNR in dB, spiking ones at T = 4

{models_table(bench, grey, ("set12", "bsd68"))}

The mean over eight orientations, `--ensemble`, is eight times the work:

{models_table(bench, [f"{DEFAULT_MODEL}{ENSEMBLE}"], ("set12",))}

Colour; grey models take the three channels one by one:

{models_table(bench, [DEFAULT_MODEL, *colour], ("cbsd68",))}

## Energy: Set12, sigma 25

Energy divided by that of each CNN in the same number format: below 1 the spiking network needs
less. Bold: its PSNR is no lower than that CNN's. `spiden energy` prints more baselines, and
[energy.md](energy.md) says what each model counts.

{energy_table(engines, twins, cnn_psnr, images.paths)}
"""
    RESULTS.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
