"""What benchmarks/results.py keeps of its measurements, so that a run goes on where it ended."""

import importlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_networks import exact, shrunk

from spiden_cli.core.data.samples import clean_images
from spiden_cli.core.energy.comparison import SAME, compare
from spiden_cli.core.energy.constants import load_constants
from spiden_cli.core.energy.measurement import measured
from spiden_cli.core.engine.dense import DenseEngine
from spiden_cli.core.tasks.evaluation import evaluate

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture
def cells(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("cells")


def test_draws_kept_one_by_one_are_those_of_one_run(cells, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32), np.uint8)
    for name, part in (("a", pixels), ("b", pixels[:24, ::-1])):
        Image.fromarray(part).save(tmp_path / f"{name}.png")
    samples = clean_images([tmp_path / "a.png", tmp_path / "b.png"])
    engine = DenseEngine(exact(shrunk("tiny"), seed=1))
    path, key = tmp_path / "cells.json", cells.Key("tiny", "set12", 25.0, 2)
    for seed in (0, 1, 2):
        assert cells.Cells(path).find(key, "weights") is None or seed
        cells.Cells(path).add(key, "weights", evaluate(engine, samples, 25.0, 2, seeds=[seed]))
    whole = evaluate(engine, samples, 25.0, 2, seeds=[0, 1, 2])
    found = cells.Cells(path).find(key, "weights")
    assert found.seeds == whole.seeds
    assert found.activity == whole.activity
    assert found.psnr_deviation == pytest.approx(whole.psnr_deviation, abs=1e-4)
    for mine, theirs in zip(found.scores, whole.scores, strict=True):
        assert (mine.name, mine.passes, mine.pixels) == (theirs.name, theirs.passes, theirs.pixels)
        assert mine.psnrs == pytest.approx(theirs.psnrs, abs=1e-4)
        for measure in ("psnr", "noisy_psnr", "ssim", "firing_rate"):
            assert getattr(mine, measure) == pytest.approx(getattr(theirs, measure), abs=1e-4)
        assert mine.operations == pytest.approx(theirs.operations, abs=0.1)


def test_a_cell_of_other_weights_is_measured_again(cells, tmp_path):
    Image.new("L", (16, 16), 90).save(tmp_path / "a.png")
    samples = clean_images([tmp_path / "a.png"])
    engine = DenseEngine(exact(shrunk("tiny"), seed=1))
    known = cells.Cells(tmp_path / "cells.json")
    key, other = (cells.Key("tiny", name, 25.0, 1) for name in ("bsd68", "set12"))
    for seed in (0, 1):
        known.add(key, "old", evaluate(engine, samples, 25.0, 1, seeds=[seed]))
    known.add(other, "old", evaluate(engine, samples, 25.0, 1))
    assert known.find(key, "new") is None
    known.add(key, "new", evaluate(engine, samples, 25.0, 1))
    again = cells.Cells(tmp_path / "cells.json")
    assert again.find(key, "old") is None
    assert again.find(key, "new").seeds == (0,)
    assert again.find(other, "old") is not None


def test_energy_beside_a_cnn_of_more_draws_is_that_of_a_picture(cells, tmp_path):
    Image.new("L", (16, 16), 90).save(tmp_path / "a.png")
    samples = clean_images([tmp_path / "a.png"])
    engine = DenseEngine(exact(shrunk("tiny"), seed=1))
    one, three = (
        compare(
            measured(engine.config, evaluate(engine, samples, 25.0, 1, seeds=range(draws))),
            load_constants(),
        )
        for draws in (1, 3)
    )
    over = importlib.import_module("energy_table").over
    assert three.measurement.images == 3
    for verdict in one.verdicts:
        key = (verdict.model, verdict.precision.name)
        alone = one.verdict(*key).energy / one.verdict(*key).baselines[SAME]
        assert over(one, three, *key, SAME) == pytest.approx(alone)
