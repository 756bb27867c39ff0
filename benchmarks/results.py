"""Measure every bundled model, and set the results beside the floors and goals of the project.

    python benchmarks/results.py [--data-dir DIR]

Writes docs/results.md: Set12 and BSD68 with the protocol of `spiden evaluate`; and
weights/README.md, a card for each model. Floors and goals are published figures: BM3D and DnCNN as
their tables print them, and SPIDEN's own.
"""

import argparse
from collections.abc import Iterator
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
RESULTS, CARDS = ROOT / "docs" / "results.md", ROOT / "weights" / "README.md"
SIGMAS = (15.0, 25.0, 50.0)
ENSEMBLE = " --ensemble"


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


@dataclass(frozen=True)
class Aim:
    """One line of the table of aims; `least` says whether more is better."""

    what: str
    floor: float | None
    goal: float
    measured: float
    least: bool = True

    def line(self) -> str:
        """Return what was aimed at, what was measured, and whether it is enough, in Markdown."""
        numbers = " | ".join(map(self._number, (self.floor, self.goal, self.measured)))
        return f"| {self.what} | {numbers} | {self._verdict()} |"

    def _number(self, value: float | None) -> str:
        return "-" if value is None else f"{value:.{self.digits}f}"

    @property
    def digits(self) -> int:
        """Digits after the point: for decibels those of the published figures."""
        return 2 if self.least or self.goal > 0.2 else 3

    def _verdict(self) -> str:
        better = (lambda a, b: a >= b) if self.least else (lambda a, b: a <= b)
        shown = round(self.measured, self.digits)
        if better(shown, self.goal):
            return "goal"
        if self.floor is None:
            return "not met"
        return "floor" if better(shown, self.floor) else "not met"


def aims(bench: Bench, model: str) -> Iterator[Aim]:
    """Yield what the project set out to reach with a grey network, measured."""
    middle = bench.run(model, "set12", 25.0)
    yield Aim("Set12, sigma 25, T = 4, dB", 30.18, 30.43, middle.mean("psnr"))
    gap = bench.psnr(twin(model), "set12", 25.0) - middle.mean("psnr")
    yield Aim("the same, below its own CNN twin, dB", 0.25, 0.05, gap, least=False)
    yield Aim("Set12, sigma 25, T = 2, dB", 29.97, 30.18, bench.psnr(model, "set12", 25.0, 2))
    yield Aim("Set12, sigma 15, T = 4, dB", 32.37, 32.86, bench.psnr(model, "set12", 15.0))
    yield Aim("Set12, sigma 50, T = 4, dB", 26.72, 27.18, bench.psnr(model, "set12", 50.0))
    rate = mean_firing_rate(middle.activity)
    yield Aim("mean firing rate per timestep, T = 4", 0.15, 0.08, rate, least=False)
    for sigma, floor, goal in zip(
        SIGMAS, (31.07, 28.57, 25.62), (31.72, 29.23, 26.23), strict=True
    ):
        measured = bench.psnr(model, "bsd68", sigma)
        yield Aim(f"BSD68, sigma {sigma:g}, T = 4, dB", floor, goal, measured)


def twin(model: str) -> str:
    """Return the name of a bundled model's CNN twin."""
    path = find_twin(spiden.find_weights(model))
    assert path is not None
    return path.stem


def aims_table(bench: Bench) -> str:
    """Return the table of aims in Markdown: of the default models, grey and colour."""
    colour = Aim(
        f"`{DEFAULT_COLOUR_MODEL}`: CBSD68, sigma 25, T = 4, dB", None, 31.21,
        bench.psnr(DEFAULT_COLOUR_MODEL, "cbsd68", 25.0),
    )  # fmt: skip
    lines = [f"| what | floor | goal | `{DEFAULT_MODEL}` | |", "|---|--:|--:|--:|---|"]
    return "\n".join([*lines, *(aim.line() for aim in (*aims(bench, DEFAULT_MODEL), colour))])


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


def card(bench: Bench, model: str) -> str:
    """Return what is known of a model, in Markdown: data, command, time, results, limits."""
    info = spiden.read_info(spiden.find_weights(model))
    config, training, (low, high) = info.config, info.training, info.sigma
    minutes = float(training["seconds"]) / 60
    kind = "CNN twin (ReLU)" if not config.spiking else f"spiking, {config.neuron.upper()} neurons"
    held_out = ", ".join(
        f"{psnr:.2f} dB at {sigma}" for sigma, psnr in info.validation_psnr.items()
    )
    dataset, called = ("set12", "Set12") if config.image_channels == 1 else ("cbsd68", "CBSD68")
    tested = ", ".join(
        f"{bench.psnr(model, dataset, sigma):.2f} dB at {sigma:g}" for sigma in SIGMAS
    )
    rate = "" if info.firing_rate is None else f" Firing rate there: {info.firing_rate:.3f}."
    timesteps = ", ".join(map(str, info.timesteps))
    steps = f", trained for T = {timesteps}" if config.spiking else ""
    return f"""## {model}

{kind}; {config.layers} layers of {config.width} channels; preset `{info.preset}`{steps}.

- **Data**: {training["data"]}, {training["images"]} images; sigma {low:g} to {high:g}.
- **Command**: `{training["command"]}`
- **Start**: {training["start"]}.
- **Time**: {training["steps"]} steps in {minutes:.0f} minutes on {training["device"]}.
- **Held-out images** (sigma): {held_out}.{rate}
- **{called}** (sigma{", T = 4" if config.spiking else ""}): {tested}.
"""


LIMITS = """## Limits of all of them

White Gaussian noise on natural photographs is what they know: noise that is correlated (JPEG,
demosaicing, scaling), depends on the signal (photon counting), or other kinds of pictures are
outside of it. Above the highest sigma of training they leave noise behind. The grey networks take
the channels of a colour picture one by one, and so can't use what the channels have in common; the
colour ones take no grey picture.
"""


def main() -> None:
    """Measure, and write docs/results.md and weights/README.md."""
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

## Aims

Floors: the paper (30.18 dB) and BM3D. Goals: DnCNN, each as published, and compared at the digits
that are shown, which are those of the published figures.

{aims_table(bench)}

## Timesteps: Set12, sigma 25

{timesteps_table(bench, spiking)}

## Models: mean PSNR in dB, spiking ones at T = 4

{models_table(bench, grey, ("set12", "bsd68"))}

The mean over eight orientations, `--ensemble`, is eight times the work:

{models_table(bench, [f"{DEFAULT_MODEL}{ENSEMBLE}"], ("set12",))}

Colour; grey models take the three channels one by one:

{models_table(bench, [DEFAULT_MODEL, *colour], ("cbsd68",))}

## Energy: Set12, sigma 25

Energy over that of each CNN, in the same number format: below 1 the spiking network wins. Bold: its
PSNR is no lower than that CNN's. `spiden energy` prints more baselines, and
[energy.md](energy.md) says what each model counts.

{energy_table(engines, twins, cnn_psnr, images.paths)}
"""
    RESULTS.write_text(text)
    cards = "\n".join(card(bench, model) for model in grey + colour)
    CARDS.write_text(f"# Models\n\nWritten by `python benchmarks/results.py`.\n\n{cards}\n{LIMITS}")
    print(text)


if __name__ == "__main__":
    main()
