"""`spiden analyze`, as a user runs it."""

import csv
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from spiden_cli.core.analysis.conversion import closed_form
from spiden_cli.core.analysis.distributions import Laplace
from spiden_cli.core.analysis.staircase import Neuron
from spiden_cli.core.network.denoiser import Denoiser
from spiden_cli.core.network.presets import preset
from spiden_cli.core.weights import WeightsInfo, save_weights

LAYER = "blocks.1.neurons1"


def _save_untrained(path: Path, name: str) -> Path:
    """Save a small network that nobody trained: its spikes are real, its pictures are not."""
    torch.manual_seed(0)
    config = replace(preset(name), width=8, layers=6)
    network = Denoiser(config)
    for _ in range(3):  # batch normalisation needs statistics
        network(torch.rand(4, 1, 32, 32), 25.0, 2)
    save_weights(path, network, WeightsInfo(config, "custom", (4,), (0.0, 55.0)))
    return path


@pytest.fixture(scope="module")
def small_if(tmp_path_factory):
    return _save_untrained(tmp_path_factory.mktemp("weights") / "if.safetensors", "tiny-if")


@pytest.fixture(scope="module")
def small_weighted(tmp_path_factory):
    return _save_untrained(tmp_path_factory.mktemp("weights") / "digits.safetensors", "tiny")


def test_the_table_marks_the_best_threshold(spiden):
    outcome = spiden("analyze", "--timesteps", "1,4", "--threshold", "1:3:1", "--sparsity", 0.9)
    assert outcome.code == 0, outcome.stderr
    lines = outcome.stdout.splitlines()
    assert "1.224" in next(line for line in lines if line.rstrip().endswith(" least"))
    assert sum(line.rstrip().endswith(" wanted") for line in lines) == 4
    assert "0.1250  0.3750  0.6250  0.8750" in outcome.stdout
    choices = outcome.stdout[outcome.stdout.index("thresholds to choose") :].splitlines()
    assert [line.split()[-1] for line in choices[2:]] == ["least", "wanted"] * 2
    assert choices[4].split() == ["4", "2.1353", "15.13", "0.8179", "0.728", "least"]
    assert max(len(line.rstrip()) for line in lines) <= 80


def test_large_numbers_keep_to_80_columns(spiden):
    outcome = spiden("analyze", "--mean", 10, "--timesteps", 4, "--threshold", "0.1,1000")
    rows = [line.rstrip() for line in outcome.stdout.splitlines()]
    assert max(map(len, rows)) <= 80
    last = next(line.split() for line in rows if line.lstrip().startswith("1000"))
    assert last[1] == "101.000"  # nothing fires: E[y^2] = mean^2 + 1


def test_json_holds_both_closed_form_and_simulation(spiden):
    outcome = spiden(
        "analyze", "--timesteps", 4, "--threshold", "2,3", "--distribution", "laplace", "--json"
    )
    record = json.loads(outcome.stdout)
    (sweep,) = record["sweeps"]
    assert record["layers"] == []
    assert sweep["edges"] == [0.125, 0.375, 0.625, 0.875]
    assert [point["mark"] for point in sweep["points"]] == ["", "least", ""]
    first = sweep["points"][0]
    assert first["closed_form"]["mse"] == closed_form(Laplace(), Neuron(), 4, 2.0).mse
    assert first["simulated"]["mse"] == pytest.approx(first["closed_form"]["mse"], rel=0.01)


def test_csv_and_plots_are_written(spiden, tmp_path):
    table, png, svg = (tmp_path / name for name in ("a.csv", "a.png", "a.svg"))
    outcome = spiden(
        "analyze", "--timesteps", "1,2", "--threshold", "1,2", "--neuron", "lif", "--leak", 0.8,
        "--csv", table, "--plot", png, "--plot", svg,
    )  # fmt: skip
    assert outcome.code == 0, outcome.stderr
    with table.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 6
    assert {row["neuron"] for row in rows} == {"lif"}
    assert float(rows[0]["leak"]) == 0.8
    assert float(rows[0]["mse"]) == pytest.approx(float(rows[0]["simulated_mse"]), rel=0.01)
    with Image.open(png) as image:
        assert min(image.size) > 500
    assert svg.read_text().startswith("<?xml")
    assert "leak 0.8" in outcome.stdout


def test_weighted_spikes_are_swept(spiden, tmp_path):
    table, svg = tmp_path / "a.csv", tmp_path / "a.svg"
    options = ("--neuron", "weighted", "--timesteps", "1,4", "--threshold", "1:4:1")
    outcome = spiden("analyze", *options, "--sparsity", 0.85, "--csv", table, "--plot", svg)
    assert outcome.code == 0, outcome.stderr
    lines = [line.rstrip() for line in outcome.stdout.splitlines()]
    assert lines[0] == "weighted-spike neuron: phi 0.5"
    assert max(map(len, lines)) <= 80
    assert lines[lines.index("T = 1") - 2].startswith("4  0.0312  0.0938  ")
    choices = outcome.stdout[outcome.stdout.index("thresholds to choose") :].splitlines()
    assert [line.split()[-1] for line in choices[2:]] == ["least", "wanted"] * 2
    assert choices[4].split() == ["4", "3.0920", "24.33", "0.8138", "0.745", "least"]
    assert "value / threshold" in svg.read_text()
    with table.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["neuron"] for row in rows} == {"weighted"}
    for row in rows:
        assert float(row["sparsity"]) == pytest.approx(float(row["simulated_sparsity"]), abs=1e-3)
    record = json.loads(spiden("analyze", *options, "--json").stdout)
    assert [len(sweep["edges"]) for sweep in record["sweeps"]] == [1, 15]
    best = next(p for p in record["sweeps"][1]["points"] if p["mark"] == "least")
    closed, simulated = best["closed_form"], best["simulated"]
    assert closed["mse"] == closed["rounding"] + closed["clipping"]
    assert simulated["mse"] == pytest.approx(closed["mse"], rel=0.01)


def test_layers_of_weighted_spikes(spiden, small_weighted, noisy_png, tmp_path):
    plot, table = tmp_path / "layers.svg", tmp_path / "layers.csv"
    options = ("--weights", small_weighted, "--image", noisy_png, "--timesteps", "1,3")
    outcome = spiden("analyze", *options, "--plot", plot, "--csv", table)
    assert outcome.code == 0, outcome.stderr
    assert "there is no order error" in outcome.stdout
    assert "early " not in outcome.stdout.replace("too early", "")
    assert outcome.stdout.count(LAYER) == 2
    assert max(len(line.rstrip()) for line in outcome.stdout.splitlines()[1:]) <= 80
    assert "order: too early" not in plot.read_text()
    record = json.loads(spiden("analyze", *options, "--json").stdout)
    assert {layer["neuron"] for layer in record["layers"]} == {"weighted"}
    assert all(layer["order"] == layer["cross"] == 0 for layer in record["layers"])
    assert all(layer["mse"] == layer["synchronous_mse"] for layer in record["layers"])
    assert any(0 < layer["rate"] < 1 for layer in record["layers"])
    with table.open(newline="") as stream:
        assert len(list(csv.DictReader(stream))) == len(record["layers"]) == 10


def test_one_layer_of_weighted_spikes_is_swept(spiden, small_weighted, noisy_png):
    options = ("--weights", small_weighted, "--image", noisy_png, "--layer", LAYER)
    record = json.loads(spiden("analyze", *options, "--timesteps", 3, "--json").stdout)
    (sweep,), (layer,) = record["sweeps"], record["layers"]
    assert sweep["neuron"] == "weighted"  # the layer's own, unless another is asked for
    learnt = next(p["closed_form"] for p in sweep["points"] if p["mark"] == "learnt")
    assert learnt["sqnr"] == pytest.approx(layer["sqnr"], abs=0.01)
    assert learnt["rate"] == pytest.approx(layer["rate"], rel=0.01)
    other = spiden("analyze", *options, "--timesteps", 3, "--neuron", "if", "--json").stdout
    assert json.loads(other)["sweeps"][0]["neuron"] == "if"


def test_layers_of_a_network(spiden, small_if, noisy_png, tmp_path):
    plot, table = tmp_path / "layers.svg", tmp_path / "layers.csv"
    options = ("--weights", small_if, "--image", noisy_png, "--timesteps", "1,4")
    outcome = spiden("analyze", *options, "--plot", plot, "--csv", table)
    assert outcome.code == 0, outcome.stderr
    assert outcome.stdout.count(LAYER) == 2
    assert max(len(line.rstrip()) for line in outcome.stdout.splitlines()[1:]) <= 80
    assert plot.stat().st_size > 10_000
    record = json.loads(spiden("analyze", *options, "--json").stdout)
    assert record["sweeps"] == []
    four = [layer for layer in record["layers"] if layer["timesteps"] == 4]
    assert four[0]["order"] == 0
    assert any(layer["order"] > 0 for layer in four)
    with table.open(newline="") as stream:
        assert len(list(csv.DictReader(stream))) == len(record["layers"]) == 10


def test_one_layer_is_swept(spiden, small_if, noisy_png, tmp_path):
    plot = tmp_path / "layer.png"
    options = ("--weights", small_if, "--image", noisy_png, "--layer", LAYER)
    record = json.loads(
        spiden("analyze", *options, "--timesteps", 4, "--json", "--plot", plot).stdout
    )
    (sweep,), (layer,) = record["sweeps"], record["layers"]
    learnt = next(p["closed_form"] for p in sweep["points"] if p["mark"] == "learnt")
    assert learnt["threshold"] == pytest.approx(layer["threshold"])
    assert learnt["sqnr"] == pytest.approx(layer["synchronous_sqnr"], abs=0.01)
    assert plot.is_file()
    outcome = spiden("analyze", *options, "--timesteps", 4)
    assert "learnt" in outcome.stdout
    assert "layers:" in outcome.stdout


def test_the_currents_of_a_twin_can_be_converted(spiden, noisy_png, tmp_path):
    torch.manual_seed(0)
    config = replace(preset("tiny-if"), width=4, layers=4, neuron="relu", image_channels=3)
    path = tmp_path / "twin.safetensors"
    save_weights(path, Denoiser(config), WeightsInfo(config, "custom", (4,), (0.0, 55.0)))
    options = ("--weights", path, "--image", noisy_png, "--timesteps", "2,4")
    record = json.loads(spiden("analyze", *options, "--layer", "neurons", "--json").stdout)
    assert record["layers"] == []
    assert [sweep["timesteps"] for sweep in record["sweeps"]] == [2, 4]
    outcome = spiden("analyze", *options)
    assert outcome.code == 2
    assert "CNN twin" in outcome.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--neuron", "relu"), "choose if, lif or weighted"),
        (("--neuron", "weighted", "--leak", "0.9"), "no leak"),
        (("--neuron", "weighted", "--timesteps", "11"), "1 to 10"),
        (("--neuron", "if", "--leak", "0.9"), "no leak"),
        (("--leak", "0"), "leak must be"),
        (("--initial", "1"), "initial potential"),
        (("--timesteps", "0"), "1 to"),
        (("--timesteps", "9999"), "1 to 1024"),
        (("--threshold", "1:2:0"), "thresholds must be from"),
        (("--threshold", "0,1"), "thresholds must be from"),
        (("--threshold", "1e300"), "thresholds must be from"),
        (("--threshold", "x"), "thresholds must be from"),
        (("--threshold", "3:1:1"), "thresholds must be from"),
        (("--threshold", "1:9:0.00001"), "larger step"),
        (("--distribution", "cauchy"), "choose one of gaussian"),
        (("--mean", "nan"), "the mean"),
        (("--sparsity", "1"), "sparsity"),
        (("--layer", "neurons"), "--weights"),
        (("--image", "a.png"), "--weights"),
        (("--weights", "no-such-model"), "no weights"),
        (("--weights", "base", "--distribution", "laplace"), "two kinds of input"),
        (("--weights", "base", "--mean", "1"), "two kinds of input"),
        (("--weights", "base", "--sparsity", "0.9"), "--layer NAME"),
        (("--weights", "base", "--threshold", "1,2"), "--layer NAME"),
        (("--sigma", "25"), "--weights"),
        (("--mean", "-9"), "the mean"),
        (("--plot", "a.pdf"), "must be .png or .svg"),
    ],
)
def test_bad_options_give_one_clear_line(spiden, options, words):
    outcome = spiden("analyze", *options)
    assert outcome.code in (2, 3, 6)
    assert words in outcome.stderr
    assert len(outcome.stderr.strip().splitlines()) == 1
    assert outcome.stdout == ""


def test_bad_layers_and_pictures_give_one_clear_line(spiden, small_if, noisy_png):
    options = ("analyze", "--weights", small_if, "--timesteps", 1)
    for more, words in (
        (("--image", noisy_png, "--layer", "conv"), "choose one of blocks.0.neurons1"),
        (("--image", "missing.png"), "missing.png"),
        (("--image", noisy_png, "--sigma", "x"), "sigma"),
    ):
        outcome = spiden(*options, *more)
        assert outcome.code == 2
        assert words in outcome.stderr
        assert len(outcome.stderr.strip().splitlines()) == 1


def test_a_missing_matplotlib_is_named(spiden, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    outcome = spiden("analyze", "--plot", "a.png")
    assert outcome.code == 2
    assert "spiden[plots]" in outcome.stderr
