"""Bundled models on data sets, each combination measured once: for the tables of results.py."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from sizes import OnePass, Sized, draws, sized, spread

import spiden_cli as spiden
from spiden_cli.core.energy.comparison import Comparison, compare
from spiden_cli.core.energy.constants import load_constants
from spiden_cli.core.energy.measurement import measured
from spiden_cli.core.energy.twins import find_twin
from spiden_cli.core.engine.ensemble import EnsembleEngine
from spiden_cli.core.tasks.evaluation import Evaluation

ENSEMBLE, ONE_PASS = " --ensemble", " in one pass"
SEVERAL, SEEDS = ("set12", 4), tuple(range(5))
"""The set and T that are measured with several draws of noise: a dozen pictures leave the last
digit to the luck of one. The others are measured with the first."""


@cache
def engine(model: str) -> spiden.Engine:
    """Return the engine of a bundled model, whose name may end in a way to run it."""
    if model.endswith(ENSEMBLE):
        return EnsembleEngine(engine(model.removesuffix(ENSEMBLE)))
    network, info = spiden.load_weights(spiden.find_weights(model.removesuffix(ONE_PASS)))
    if model.endswith(ONE_PASS):  # of weighted spikes, what the dense engine does anyway
        return spiden.DenseEngine(network) if info.config.weighted else OnePass(network)
    return spiden.make_engine("auto", network, torch.device("cpu"), info.firing_rate)


def is_for_camera(model: str) -> bool:
    """Return whether a bundled model was trained on camera noise."""
    name = model.removesuffix(ENSEMBLE).removesuffix(ONE_PASS)
    return spiden.read_info(spiden.find_weights(name)).for_camera


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
        several = (dataset, timesteps) == SEVERAL and not model.endswith((ENSEMBLE, ONE_PASS))
        return spiden.evaluate(
            engine(model), images.samples, sigma, timesteps, for_camera=is_for_camera(model),
            seeds=SEEDS if several else (0,),
        )  # fmt: skip

    def psnr(self, model: str, dataset: str, sigma: float, timesteps: int = 4) -> str:
        """Return the mean PSNR in dB, with its deviation where several draws were measured."""
        return spread(draws(self.run(model, dataset, sigma, timesteps)))

    @cache  # noqa: B019 - likewise
    def compared(self, model: str, timesteps: int = 4) -> Comparison:
        """Return a spiking model's operations and energy at sigma 25, beside its twin's."""
        found = self.run(model, "set12", 25.0, timesteps)
        return compare(measured(engine(model).config, found), load_constants())

    def one_pass(self, model: str, timesteps: int, once: bool) -> Evaluation:
        """Return a spiking model at sigma 25 as it is, or as a quantised CNN in one pass."""
        return self.run(f"{model}{ONE_PASS}" if once else model, "set12", 25.0, timesteps)

    def sized(self, model: str) -> Sized:
        """Return a model at sigma 25 and T = 4, and how large it is."""
        return sized(model, self.run(model, "set12", 25.0))


def twin(model: str) -> str:
    """Return the name of a bundled model's CNN twin."""
    path = find_twin(spiden.find_weights(model))
    assert path is not None
    return path.stem
