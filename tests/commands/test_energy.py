"""`spiden energy`, as a user runs it."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from spiden_cli.core.network.denoiser import Denoiser
from spiden_cli.core.weights import WeightsInfo, read_info, save_weights
from spiden_cli.report.energy_plots import pareto_front


@pytest.fixture
def picture(tmp_path: Path, grey_pixels: np.ndarray) -> Path:
    path = tmp_path / "clean.png"
    Image.fromarray(grey_pixels).save(path)
    return path


@pytest.fixture
def with_twin(tmp_path: Path, small_weights: Path) -> Path:
    """The small network, and beside it a CNN of its topology."""
    path = tmp_path / "pair.safetensors"
    shutil.copy(small_weights, path)
    _save_cnn(tmp_path / "pair-cnn.safetensors", read_info(small_weights))
    return path


def _save_cnn(path: Path, info: WeightsInfo, **changes: object) -> None:
    config = replace(info.config.twin(), **changes)
    torch.manual_seed(1)
    save_weights(path, Denoiser(config), replace(info, config=config))


def test_one_setting_shows_layers_and_verdict(spiden, picture, small_weights):
    outcome = spiden("energy", picture, "-m", small_weights)
    assert outcome.code == 0, outcome.stderr
    for word in (
        "encoder", "blocks.0.conv1", "readout", "all", "T = 4", "clean.png", "PSNR",
        "operations", "lemaire", "movement", "int8/32", "3-bit", "DnCNN", "s/n", "s/ch",
    ):  # fmt: skip
        assert word in outcome.stdout
    assert "W: it wins" in outcome.stderr


@pytest.mark.parametrize("columns", ["80", "120"])
def test_no_figure_is_cut_off(spiden, picture, small_weights, monkeypatch, columns):
    from spiden_cli.report import console

    monkeypatch.setattr(console.data, "_width", int(columns))
    single = spiden("energy", picture, "-m", small_weights).stdout
    sweep = spiden("energy", picture, "-m", small_weights, "--timesteps", "1,8").stdout
    for text in (single, sweep):
        assert "…" not in text
        assert max(len(line) for line in text.splitlines()) <= int(columns)


def test_a_sweep_has_a_record_for_each_setting(spiden, picture, small_weights):
    outcome = spiden(
        "energy", picture, "--models", small_weights, "--sigma", "15,25", "--timesteps", "1,2,4",
        "--json",
    )  # fmt: skip
    records = json.loads(outcome.stdout)
    settings = [(record["sigma"], record["timesteps"]) for record in records]
    assert settings == [(15, 1), (15, 2), (15, 4), (25, 1), (25, 2), (25, 4)]
    assert [record["quantised_bits"] for record in records[:3]] == [1, 2, 3]


def test_every_energy_has_every_baseline(spiden, picture, small_weights):
    (record,) = json.loads(spiden("energy", picture, "-m", small_weights, "--json").stdout)
    assert {e["model"] for e in record["energy"]} == {"operations", "lemaire", "movement"}
    for verdict in record["energy"]:
        assert set(verdict["baselines"]) == {
            "cnn_same_format", "cnn_fp32", "cnn_int8", "cnn_quantised", "dncnn17_fp32",
        }  # fmt: skip
        for key, joules in verdict["baselines"].items():
            assert verdict["ratios"][key] == pytest.approx(verdict["joules"] / joules)
        layers = [
            sum(priced["joules"].values())
            for layer in record["layers"]
            for priced in layer["energy"]
            if (priced["model"], priced["format"]) == (verdict["model"], verdict["format"])
        ]
        assert sum(layers) == pytest.approx(verdict["joules"])


def test_the_psnr_and_spikes_are_those_of_evaluate(spiden, picture, small_weights):
    folder = picture.parent
    shutil.copy(picture, folder / "second.png")
    arguments = ("--dataset", folder, "-m", small_weights, "--json")
    (energy,) = json.loads(spiden("energy", *arguments).stdout)
    (evaluated,) = json.loads(spiden("evaluate", *arguments).stdout)
    assert energy["psnr"] == pytest.approx(evaluated["mean"]["psnr"])
    pixels = energy["pixels"]
    assert energy["operations"]["accumulates"] / pixels == pytest.approx(
        evaluated["mean"]["synaptic_operations"]
    )


def test_the_default_is_the_bundled_picture(spiden, small_weights):
    (record,) = json.loads(spiden("energy", "-m", small_weights, "--json").stdout)
    assert record["source"] == "coffee.png"
    assert record["images"] == 1
    assert record["sigma"] == 25


def test_a_twin_beside_the_weights_is_measured(spiden, picture, with_twin):
    (record,) = json.loads(spiden("energy", picture, "-m", with_twin, "--json").stdout)
    twin = with_twin.with_name("pair-cnn.safetensors")
    arguments = ("evaluate", "--dataset", picture.parent, "-m", twin, "--json")
    (evaluated,) = json.loads(spiden(*arguments).stdout)
    assert record["cnn_psnr"] == pytest.approx(evaluated["mean"]["psnr"])


def test_a_twin_of_another_topology_is_left_out(spiden, picture, with_twin):
    twin = with_twin.with_name("pair-cnn.safetensors")
    _save_cnn(twin, read_info(with_twin), width=4)
    outcome = spiden("energy", picture, "-m", with_twin, "--json")
    assert json.loads(outcome.stdout)[0]["cnn_psnr"] is None
    assert "topology" in outcome.stderr


def test_csv_holds_the_figures_of_json(spiden, picture, small_weights, tmp_path):
    table = tmp_path / "energy.csv"
    outcome = spiden(
        "energy", picture, "-m", small_weights, "--timesteps", "1,2", "--json", "--csv", table
    )
    with table.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    for record in json.loads(outcome.stdout):
        mine = [row for row in rows if row["timesteps"] == str(record["timesteps"])]
        layers = ["all", *(layer["name"] for layer in record["layers"])]
        assert list(dict.fromkeys(row["layer"] for row in mine)) == layers
        whole = [row for row in mine if row["layer"] == "all"]
        for row, verdict in zip(whole, record["energy"], strict=True):
            assert float(row["joules"]) == verdict["joules"]
            assert int(row["accumulates"]) == record["operations"]["accumulates"]


def test_a_plot_is_drawn(spiden, picture, with_twin, tmp_path):
    png, svg = tmp_path / "energy.png", tmp_path / "energy.svg"
    plots = ("--plot", png, "--plot", svg)
    outcome = spiden("energy", picture, "-m", with_twin, "--timesteps", "1,4", *plots)
    assert outcome.code == 0, outcome.stderr
    with Image.open(png) as drawn:
        assert min(drawn.size) > 500
    assert "<svg" in svg.read_text()


numbers = st.integers(0, 9).map(float)


@given(points=st.lists(st.tuples(numbers, numbers), min_size=1, max_size=12))
def test_the_pareto_front_is_what_nothing_beats(points):
    """A point is beaten by one of no more energy and no less PSNR that isn't the same."""

    def beaten(point):
        return any(
            other != point and other[0] <= point[0] and other[1] >= point[1] for other in points
        )

    assert pareto_front(points) == sorted({point for point in points if not beaten(point)})


def test_printed_constants_can_be_given_back(spiden, picture, small_weights, tmp_path):
    printed = spiden("energy", "--print-constants")
    file = tmp_path / "mine.toml"
    file.write_text(printed.stdout)
    arguments = ("energy", picture, "-m", small_weights, "--json")
    assert spiden(*arguments, "--constants", file).stdout == spiden(*arguments).stdout


def test_constants_change_their_model_alone(spiden, picture, small_weights, tmp_path):
    file = tmp_path / "mine.toml"
    section = spiden("energy", "--print-constants").stdout.split("[lemaire]")[0]
    file.write_text(section.replace("fp32_add_pj = 0.9", "fp32_add_pj = 9.0"))
    arguments = ("energy", picture, "-m", small_weights, "--json")
    (before,) = json.loads(spiden(*arguments).stdout)
    (after,) = json.loads(spiden(*arguments, "--constants", file).stdout)
    for old, new in zip(before["energy"], after["energy"], strict=True):
        changed = old["model"] == "operations" and old["format"] == "fp32"
        assert (new["joules"] > old["joules"]) == changed


CHANGES = {
    "negative": ("fp32_add_pj = 0.9", "fp32_add_pj = -0.9", "at least 0"),
    "no number": ("fp32_add_pj = 0.9", "fp32_add_pj = 'x'", "at least 0"),
    "infinite": ("fp32_add_pj = 0.9", "fp32_add_pj = inf", "at least 0"),
    "missing": ("fp32_add_pj = 0.9", "", "missing constant operations.fp32_add_pj"),
    "unknown": ("fp32_add_pj = 0.9", "fp32_add_pj = 0.9\nbf16 = 1", "unknown constant"),
    "section": ("[operations]", "[loihi]\nx = 1\n[operations]", "unknown section 'loihi'"),
    "syntax": ("[operations]", "[operations", "not a TOML"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_bad_constants_are_one_line(spiden, picture, small_weights, tmp_path, change):
    old, new, message = CHANGES[change]
    file = tmp_path / "mine.toml"
    text = spiden("energy", "--print-constants").stdout
    assert old in text
    file.write_text(text.replace(old, new))
    outcome = spiden("energy", picture, "-m", small_weights, "--constants", file)
    _is_one_line(outcome, 2, message)


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--model", "none"], 3, "no weights 'none'"),
        (["--dataset", "set13"], 4, "no data set 'set13'"),
        (["--timesteps", "0"], 2, "1 to"),
        (["--timesteps", "x"], 2, "whole numbers"),
        (["--sigma", "-3"], 2, "sigma"),
        (["--constants", "{tmp}/none.toml"], 2, "can't read"),
        (["--plot", "{tmp}/x.bmp"], 6, "suffix"),
        (["--csv", "{tmp}/none/x.csv"], 6, "can't write"),
        (["{tmp}/none.png"], 2, "none.png"),
        (["{tmp}/clean.png", "--dataset", "{tmp}"], 2, "not both"),
    ],
)
def test_bad_options_are_one_line(spiden, picture, small_weights, tmp_path, options, code, message):
    options = [option.format(tmp=tmp_path) for option in options]
    if "--model" not in options:
        options += ["--model", small_weights]
    if not options[0].endswith(".png") and "--dataset" not in options:
        options.insert(0, picture)
    _is_one_line(spiden("energy", *options), code, message)


def test_a_cnn_has_no_spikes_to_count(spiden, picture, with_twin):
    twin = with_twin.with_name("pair-cnn.safetensors")
    _is_one_line(spiden("energy", picture, "-m", twin), 2, "no spikes")


def _is_one_line(outcome, code, message):
    assert outcome.code == code, outcome.stderr
    assert outcome.stdout == ""
    assert len(outcome.stderr.strip().splitlines()) == 1
    assert message in outcome.stderr


def test_the_event_engine_has_the_same_bill(spiden, small_weights):
    bills = []
    for engine in ("dense", "event"):
        outcome = spiden("energy", "-m", small_weights, "--engine", engine, "--json")
        assert outcome.code == 0, outcome.stderr
        (record,) = json.loads(outcome.stdout)
        bills.append(record["psnr"])
    assert bills[0] == pytest.approx(bills[1], abs=0.01)
