"""`spiden spikes`, as a user runs it."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

import spiden_cli
from spiden_cli.core.exchange.spike_files import read_spikes


@pytest.fixture
def noisy_grey(tmp_path, grey_pixels):
    noise = np.random.default_rng(5).normal(0, 25, grey_pixels.shape)
    path = tmp_path / "grey.png"
    Image.fromarray((grey_pixels + noise).clip(0, 255).astype(np.uint8)).save(path)
    return path


@pytest.mark.parametrize("suffix", [".npz", ".h5"])
def test_file_table_and_record_say_the_same(spiden, small_weights, noisy_grey, suffix):
    target, table = noisy_grey.with_name(f"s{suffix}"), noisy_grey.with_name("rates.csv")
    outcome = spiden(
        "spikes", noisy_grey, "-m", small_weights, "--sigma", 25, "-o", target, "--csv", table,
        "--json", "--potentials",
    )  # fmt: skip
    assert outcome.code == 0, outcome.stderr
    report, recording = json.loads(outcome.stdout), read_spikes(target)
    assert [layer["layer"] for layer in report["layers"]] == list(recording.layers)
    rows = list(csv.DictReader(table.read_text().splitlines()))
    for layer in report["layers"]:
        spikes = recording.layers[layer["layer"]].spikes
        assert spikes.sum() == layer["spikes"] > 0
        assert spikes.mean() == pytest.approx(layer["rate"])
        assert spikes.mean((1, 2, 3)) == pytest.approx(layer["rates"])
        own = [row for row in rows if row["layer"] == layer["layer"]]
        assert len(own) == spikes.shape[0] * spikes.shape[1]
        assert sum(int(row["spikes"]) for row in own) == layer["spikes"]
        row = own[-1]
        channels = recording.layers[layer["layer"]].channels
        place = int(row["neuron"]) * channels + int(row["channel"])
        assert spikes[int(row["timestep"]) - 1, place].sum() == int(row["spikes"])
    assert recording.layers["neurons"].potentials.shape == recording.layers["neurons"].shape


def test_the_spikes_are_those_that_denoise_counts(spiden, noisy_grey):
    outcome = spiden("spikes", noisy_grey, "-m", "tiny", "--sigma", 25, "--json")
    report = json.loads(outcome.stdout)
    assert report["output"] == str(noisy_grey.with_name("grey_spikes.npz"))
    found = spiden_cli.load("tiny", engine="dense").denoise(np.asarray(Image.open(noisy_grey)), 25)
    spikes = [layer.spikes for layer in found.activity.values()]
    assert [layer["spikes"] for layer in report["layers"]] == spikes


def test_numpy_alone_reads_the_file(spiden, small_weights, noisy_grey):
    spiden("spikes", noisy_grey, "-m", small_weights, "--sigma", 25)
    file = np.load(noisy_grey.with_name("grey_spikes.npz"))
    about = json.loads(file["about"].item())
    assert about["picture"] == "grey.png"
    assert about["sigma"] == 25
    for layer in about["layers"]:
        spikes = np.unpackbits(file[f"{layer['name']}/spikes"], axis=-1, count=layer["width"])
        shape = (about["timesteps"], layer["neurons"], layer["height"], layer["width"])
        assert spikes.shape == shape


def test_a_figure_of_each_layer(spiden, small_weights, noisy_grey):
    figures = [noisy_grey.with_name(f"look.{suffix}") for suffix in ("png", "svg")]
    outcome = spiden(
        "spikes", noisy_grey, "-m", small_weights, "--sigma", 25, "--timesteps", 2,
        "--plot", figures[0], "--plot", figures[1],
    )  # fmt: skip
    assert outcome.code == 0, outcome.stderr
    with Image.open(figures[0]) as image:
        assert len(image.convert("L").getcolors(256)) > 20
    assert b"<svg" in figures[1].read_bytes()


def test_a_colour_picture_becomes_grey_for_a_grey_network(spiden, small_weights, noisy_png):
    outcome = spiden("spikes", noisy_png, "-m", small_weights, "--sigma", 25)
    assert outcome.code == 0
    assert "became grey" in outcome.stderr


def test_the_table_fits_eighty_columns(spiden, noisy_png):
    outcome = spiden("spikes", noisy_png, "--sigma", 25, "--timesteps", 6, columns=80)
    assert outcome.code == 0
    assert "coarser.down.neurons" in outcome.stdout
    assert all(len(line) <= 80 for line in outcome.stdout.splitlines() if "written" not in line)


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("-o", "{grey}"), 6, "suffix"),
        (("-o", "spikes.npz", "--csv", "spikes.npz"), 2, "two outputs"),
        (("--csv", "{grey}"), 2, "is an input"),
        (("--layer", "nowhere"), 2, "no layer 'nowhere'"),
        (("--timesteps", "0"), 2, "1 to 64"),
        (("-m", "tiny-cnn"), 2, "CNN"),
        (("-o", "nowhere/s.npz"), 6, "folder"),
    ],
)
def test_what_can_not_be_done_is_refused(
    spiden, noisy_grey, tmp_path, monkeypatch, options, code, words
):
    monkeypatch.chdir(tmp_path)
    options = [option.format(grey=noisy_grey) for option in options]
    before = noisy_grey.read_bytes()
    outcome = spiden("spikes", noisy_grey, "--sigma", 25, "-m", "tiny", *options)
    assert (outcome.code, outcome.stdout) == (code, "")
    assert words in outcome.stderr
    assert noisy_grey.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["grey.png"]


def test_without_h5py_a_user_is_told_what_to_install(spiden, noisy_grey, monkeypatch):
    monkeypatch.setattr("spiden_cli.core.exchange.spike_files.util.find_spec", lambda name: None)
    outcome = spiden("spikes", noisy_grey, "-m", "tiny", "-o", noisy_grey.with_name("s.h5"))
    assert outcome.code == 2
    assert "spiden[hdf5]" in outcome.stderr


def test_files_that_are_there_are_replaced_only_if_asked(spiden, noisy_grey, tmp_path):
    files = [tmp_path / name for name in ("s.npz", "r.csv", "p.png")]
    for path in files:
        path.write_text("precious")
    options = ("-o", files[0], "--csv", files[1], "--plot", files[2], "--sigma", 25, "-m", "tiny")
    outcome = spiden("spikes", noisy_grey, *options)
    assert outcome.code == 6
    assert "--overwrite" in outcome.stderr
    assert [path.read_text() for path in files] == ["precious"] * 3
    assert spiden("spikes", noisy_grey, *options, "--overwrite").code == 0
    assert all(path.read_bytes()[:8] != b"precious" for path in files)
