"""Bundled models on data sets, each combination measured once: for the tables of results.py."""

import hashlib
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from cells import Cells, Key
from graphics import draw_pictures
from sizes import OnePass, Sized, draws, sized, spread

import spiden_cli as spiden
from spiden_cli.core.data.datasets import Dataset
from spiden_cli.core.energy.comparison import Comparison, compare
from spiden_cli.core.energy.constants import load_constants
from spiden_cli.core.energy.measurement import measured
from spiden_cli.core.energy.twins import find_twin
from spiden_cli.core.engine.ensemble import EnsembleEngine
from spiden_cli.core.tasks.evaluation import Evaluation

ENSEMBLE, ONE_PASS = " --ensemble", " in one pass"
SEEDS = tuple(range(5))
"""The draws of noise that are added to each picture: a set leaves the last digit to the luck of
one."""


@cache
def engine(model: str) -> spiden.Engine:
    """Return the engine of a bundled model, whose name may end in a way to run it."""
    if model.endswith(ENSEMBLE):
        return EnsembleEngine(engine(model.removesuffix(ENSEMBLE)))
    network, info = spiden.load_weights(spiden.find_weights(model.removesuffix(ONE_PASS)))
    if model.endswith(ONE_PASS):  # of weighted spikes, what the dense engine does anyway
        return spiden.DenseEngine(network) if info.config.weighted else OnePass(network)
    threads = torch.get_num_threads()
    return spiden.make_engine("auto", network, torch.device("cpu"), info.firing_rate, threads)


def weights_of(model: str) -> Path:
    """Return the weights of a bundled model, whose name may end in a way to run it."""
    return spiden.find_weights(model.removesuffix(ENSEMBLE).removesuffix(ONE_PASS))


@cache
def fingerprint(model: str) -> str:
    """Return the start of the hash of a model's tensors, which alone decide its scores."""
    content = weights_of(model).read_bytes()
    return hashlib.sha256(content[8 + int.from_bytes(content[:8], "little") :]).hexdigest()[:16]


DRAWN, DRAWN_COUNT, DRAWN_SEED = "drawn", 16, 7
"""The set of drawn pictures, which is no download but made by graphics.py."""

_drawn_folder = tempfile.TemporaryDirectory()


@cache
def find_set(name: str, data_dir: Path | None) -> Dataset:
    """Return a data set by its name."""
    if name != DRAWN:
        return spiden.find_dataset(name, data_dir)
    folder = Path(_drawn_folder.name)
    draw_pictures(folder, DRAWN_COUNT, DRAWN_SEED)
    return spiden.find_dataset(str(folder), None)


@dataclass(frozen=True)
class Bench:
    """Evaluates models on sets; each combination once, and only if it isn't known yet.

    Attributes:
        data_dir: folder with set12/, bsd68/, ...; None: they are fetched.
        cells: what is known.
        number: of draws of the noise that a cell has at least.
    """

    data_dir: Path | None
    cells: Cells
    number: int = len(SEEDS)

    @cache  # noqa: B019 - lives as long as the program
    def run(self, model: str, dataset: str, sigma: float | None, timesteps: int = 4) -> Evaluation:
        """Return the scores of a model on a set; sigma None is estimated for each picture."""
        images = find_set(dataset, self.data_dir)
        key, weights = Key(model, dataset, sigma, timesteps), fingerprint(model)
        found = self.cells.find(key, weights)
        for seed in (0,) if images.has_noise else SEEDS[: self.number]:
            if found is not None and seed in found.seeds:
                continue
            print(f"{key}, draw {seed}", flush=True)
            draw = spiden.evaluate(
                engine(model), images.samples, sigma, timesteps, seeds=(seed,),
                for_camera=spiden.read_info(weights_of(model)).for_camera,
            )  # fmt: skip
            found = self.cells.add(key, weights, draw)
        assert found is not None
        return found

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
