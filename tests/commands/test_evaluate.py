"""`spiden evaluate`, as a user runs it."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def folder(tmp_path: Path, grey_pixels: np.ndarray) -> Path:
    """Three clean pictures."""
    for index in range(3):
        Image.fromarray(np.roll(grey_pixels, index * 5)).save(tmp_path / f"{index}.png")
    return tmp_path


def test_every_setting_and_every_image_is_there(spiden, folder, small_weights):
    outcome = spiden(
        "evaluate", "--dataset", folder, "--model", small_weights, "--sigma", "15,50",
        "--timesteps", "1,4", "--json",
    )  # fmt: skip
    records = json.loads(outcome.stdout)
    settings = [(record["sigma"], record["timesteps"]) for record in records]
    assert settings == [(15, 1), (15, 4), (50, 1), (50, 4)]
    for record in records:
        assert [image["name"] for image in record["images"]] == ["0.png", "1.png", "2.png"]
        for measure, mean in record["mean"].items():
            values = [image[measure] for image in record["images"]]
            assert mean == pytest.approx(np.mean(values))


def test_the_noisy_psnr_is_that_of_the_noise(spiden, folder, small_weights):
    outcome = spiden("evaluate", "--dataset", folder, "-m", small_weights, "--sigma", "5", "--json")
    (record,) = json.loads(outcome.stdout)
    assert record["mean"]["noisy_psnr"] == pytest.approx(20 * np.log10(255 / 5), abs=0.3)


def test_two_calls_measure_the_same(spiden, folder, small_weights):
    first, second = (
        json.loads(spiden("evaluate", "--dataset", folder, "-m", small_weights, "--json").stdout)
        for _ in range(2)
    )
    for record in (first[0], second[0]):
        del record["mean"]["seconds"]
        for image in record["images"]:
            del image["seconds"]
    assert first == second


def of(spiden, *arguments):
    outcome = spiden("evaluate", *arguments, "--json")
    assert outcome.code == 0, outcome.stderr
    (record,) = json.loads(outcome.stdout)
    return record


def test_a_seed_changes_the_noise_and_repeats_average(spiden, folder, small_weights):
    call = ("--dataset", folder, "-m", small_weights)
    draws = [of(spiden, *call, "--seed", seed) for seed in (0, 1, 2)]
    default, repeated = of(spiden, *call), of(spiden, *call, "--seed", 1, "--repeats", 2)
    for index in range(3):
        first, second, third = (draw["images"][index]["psnr"] for draw in draws)
        assert default["images"][index]["psnr"] == first != second != third
        assert repeated["images"][index]["psnr"] == pytest.approx((second + third) / 2)
    means = [draw["mean"]["psnr"] for draw in draws[1:]]
    assert repeated["mean"]["psnr"] == pytest.approx(np.mean(means))
    assert repeated["psnr_deviation"] == pytest.approx(np.std(means, ddof=1))
    assert (default["seed"], default["repeats"], default["psnr_deviation"]) == (0, 1, None)
    assert (repeated["seed"], repeated["repeats"]) == (1, 2)
    assert "seeds 1 to 2" in repeated["protocol"]
    outcome = spiden("evaluate", *call, "--seed", 1, "--repeats", 2)
    mean = f"{repeated['mean']['psnr']:.2f} ± {repeated['psnr_deviation']:.2f}"
    assert mean in outcome.stdout
    assert "seeds 1 to 2" in outcome.stderr


def test_spikes_of_a_set_are_those_of_energy(spiden, folder, small_weights):
    with Image.open(folder / "0.png") as image:  # of another size, and of other spikes
        image.crop((0, 0, 17, 16)).point(lambda value: 255 - value // 2).save(folder / "3.png")
    record = of(spiden, "--dataset", folder, "-m", small_weights)
    outcome = spiden("energy", "--dataset", folder, "-m", small_weights, "--json")
    (energy,) = json.loads(outcome.stdout)
    assert record["mean"]["spikes_per_channel"] > 0
    assert record["mean"]["spikes_per_channel"] == pytest.approx(energy["spikes_per_channel"])
    operations = energy["operations"]
    added = operations["accumulates"] / energy["pixels"]
    assert record["mean"]["synaptic_operations"] == pytest.approx(added)
    rate = operations["spikes_out"] / operations["neurons"]
    assert record["mean"]["firing_rate"] == pytest.approx(rate)
    each = [image["firing_rate"] for image in record["images"]]
    assert record["mean"]["firing_rate"] != pytest.approx(np.mean(each), rel=1e-4)


@pytest.mark.parametrize("extra", [(), ("--sigma", "15,25", "--per-image"), ("--repeats", "2")])
def test_no_figure_is_cut_off_on_80_columns(spiden, folder, small_weights, monkeypatch, extra):
    from spiden_cli.report import console

    monkeypatch.setattr(console.data, "_width", 80)
    text = spiden("evaluate", "--dataset", folder, "-m", small_weights, *extra).stdout
    assert "s/ch" in text
    assert "…" not in text


def test_an_ensemble_is_labelled_and_counted_in_full(spiden, folder, small_weights):
    call = ["evaluate", "--dataset", folder, "-m", small_weights, "--json"]
    (alone,), (ensemble,) = (
        json.loads(spiden(*call, *extra).stdout) for extra in ([], ["--ensemble"])
    )
    assert ensemble["engine"] == f"{alone['engine']}, 8 orientations"
    operations = ensemble["mean"]["synaptic_operations"] / alone["mean"]["synaptic_operations"]
    assert operations == pytest.approx(8, rel=0.1)


def test_saved_images_are_those_that_were_scored(spiden, folder, small_weights, tmp_path):
    out = tmp_path / "saved"
    outcome = spiden(
        "evaluate", "--dataset", folder, "-m", small_weights, "--save-images", out, "--json"
    )
    (record,) = json.loads(outcome.stdout)
    (inside,) = out.iterdir()
    assert len(list(inside.iterdir())) == 6
    clean = np.asarray(Image.open(folder / "1.png"), dtype=float)
    denoised = np.asarray(Image.open(inside / "1_denoised.png"), dtype=float)
    error = np.mean((clean - denoised) ** 2)
    assert record["images"][1]["psnr"] == pytest.approx(10 * np.log10(255**2 / error))


def test_the_table_has_each_image_and_the_mean(spiden, folder, small_weights):
    outcome = spiden("evaluate", "--dataset", folder, "-m", small_weights)
    for word in ("0.png", "1.png", "2.png", "mean", "noisy dB", "PSNR dB", "SSIM", "ops/pixel"):
        assert word in outcome.stdout
    assert "not clipped" in outcome.stderr


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--dataset", "set13"], 4),
        (["--dataset", "{tmp}/empty"], 4),
        (["--sigma", "15,x"], 2),
        (["--timesteps", "0"], 2),
        (["--timesteps", "1,,2"], 2),
        (["--model", "none"], 3),
        (["--repeats", "0"], 2),
        (["--seed", "-1"], 2),
        (["--seed", "65535", "--repeats", "2"], 2),
    ],
)
def test_bad_options_are_one_line(spiden, folder, small_weights, tmp_path, options, code):
    (tmp_path / "empty").mkdir()
    options = [option.format(tmp=tmp_path) for option in options]
    defaults = {"--dataset": folder, "--model": small_weights}
    for name, value in defaults.items():
        if name not in options:
            options += [name, value]
    outcome = spiden("evaluate", *options)
    assert outcome.code == code, outcome.stderr
    assert outcome.stdout == ""
    assert len(outcome.stderr.strip().splitlines()) == 1
