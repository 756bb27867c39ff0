"""`spiden evaluate` on pairs of real noisy and clean pictures, as a user runs it."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def pairs(tmp_path: Path, colour_pixels: np.ndarray) -> Path:
    """Three pairs: white noise of 20, of 5, and none at all."""
    folder = tmp_path / "pairs"
    for side in ("noisy", "clean"):
        (folder / side).mkdir(parents=True)
    generator = np.random.default_rng(0)
    for name, sigma in (("a", 20), ("b", 5), ("c", 0)):
        noisy = colour_pixels + generator.normal(0, 1, colour_pixels.shape) * sigma
        noisy = np.rint(noisy.clip(0, 255)).astype(np.uint8)
        Image.fromarray(noisy).save(folder / "noisy" / f"{name}.png")
        Image.fromarray(colour_pixels).save(folder / "clean" / f"{name}.png")
    return folder


def evaluated(spiden, *arguments):
    outcome = spiden("evaluate", *arguments, "--json")
    assert outcome.code == 0, outcome.stderr
    return json.loads(outcome.stdout)


def test_the_level_is_estimated_as_denoise_does(spiden, pairs, small_weights, tmp_path):
    (record,) = evaluated(spiden, "--dataset", pairs, "-m", small_weights)
    assert (record["pairs"], record["sigma"], record["sigma_estimated"]) == (True, None, True)
    assert "none added" in record["protocol"]
    assert (record["seed"], record["repeats"], record["psnr_deviation"]) == (None, None, None)
    outcome = spiden(
        "denoise", pairs / "noisy", "-o", tmp_path / "out", "-m", small_weights,
        "--reference", pairs / "clean", "--json",
    )  # fmt: skip
    for image, denoised in zip(record["images"], json.loads(outcome.stdout), strict=True):
        assert image["psnr"] == denoised["psnr"]
        assert image["noisy_psnr"] == denoised["noisy_psnr"]
        assert image["sigma"] == pytest.approx(denoised["sigma"], abs=1e-3)
        assert image["noise_found"] == denoised["noise_found"]
    changes = {image["name"]: image["change"] for image in record["images"]}
    assert changes["a.png"] == pytest.approx(
        record["images"][0]["psnr"] - record["images"][0]["noisy_psnr"]
    )
    worst = min((name for name in changes if changes[name] is not None), key=changes.get)
    assert record["worst"]["name"] in (worst, "c.png")
    assert record["worse"] == sum(change is None or change < 0 for change in changes.values())


def test_levels_beside_auto_and_the_best_of_them(spiden, pairs, small_weights):
    records = evaluated(
        spiden, "--dataset", pairs, "-m", small_weights, "--sigma", "auto, 2,40", "--timesteps",
        "1,2",
    )  # fmt: skip
    assert [(record["sigma"], record["timesteps"]) for record in records] == [
        (None, 1), (None, 2), (2, 1), (2, 2), (40, 1), (40, 2),
    ]  # fmt: skip
    noisy = {record["mean"]["noisy_psnr"] for record in records}
    assert len(noisy) == 1  # whatever level is tried, no noise is added
    for steps in (1, 2):
        given = [r for r in records if r["timesteps"] == steps and r["sigma"] is not None]
        best = max(given, key=lambda record: record["mean"]["psnr"])
        assert [
            r["sigma"] for r in records if r["timesteps"] == steps and r["best_single_level"]
        ] == [best["sigma"]]
        assert {image["sigma"] for image in given[0]["images"]} == {2}
    outcome = spiden("evaluate", "--dataset", pairs, "-m", small_weights, "--sigma", "auto,2,40")
    rows = [line for line in outcome.stdout.splitlines() if "(best)" in line]
    assert len(rows) == 1
    for word in ("auto", "change", "worst", "worse"):
        assert word in outcome.stdout


def test_one_level_is_not_the_best_of_any(spiden, pairs, small_weights):
    records = evaluated(spiden, "--dataset", pairs, "-m", small_weights, "--sigma", "auto,5")
    assert not any(record["best_single_level"] for record in records)


def test_the_table_lists_what_became_of_each_pair(spiden, pairs, small_weights):
    outcome = spiden("evaluate", "--dataset", pairs, "-m", small_weights)
    for word in ("a.png", "b.png", "c.png", "mean", "noisy dB", "PSNR dB", "change", "sigma", "~"):
        assert word in outcome.stdout
    assert "of 3 pictures got worse" in outcome.stdout
    assert "worst change: " in outcome.stdout
    assert "none added" in outcome.stderr


def test_saved_images_are_those_that_were_scored(spiden, pairs, small_weights, tmp_path):
    out = tmp_path / "saved"
    records = evaluated(
        spiden, "--dataset", pairs, "-m", small_weights, "--sigma", "auto,10", "--save-images", out
    )
    assert sorted(path.name for path in out.iterdir()) == ["small-auto-T4", "small-sigma10-T4"]
    for record, place in zip(records, sorted(out.iterdir()), strict=True):
        assert len(list(place.iterdir())) == 6
        noisy = (place / "a_noisy.png", pairs / "noisy" / "a.png")
        assert np.array_equal(*(np.asarray(Image.open(path)) for path in noisy))
        clean = np.asarray(Image.open(pairs / "clean" / "a.png"), dtype=float)
        error = np.mean((clean - np.asarray(Image.open(place / "a_denoised.png"))) ** 2)
        assert record["images"][0]["psnr"] == pytest.approx(10 * np.log10(255**2 / error))


def test_a_noisy_file_is_never_replaced(spiden, pairs, small_weights):
    place = pairs / "small-auto-T4"  # where the images would be saved
    place.mkdir()
    (pairs / "noisy" / "a.png").rename(pairs / "noisy" / "x.png")
    (place / "x_denoised.png").symlink_to(pairs / "noisy" / "x.png")
    (pairs / "clean" / "a.png").rename(pairs / "clean" / "x.png")
    before = (pairs / "noisy" / "x.png").read_bytes()
    outcome = spiden("evaluate", "--dataset", pairs, "-m", small_weights, "--save-images", pairs)
    assert outcome.code == 2
    assert "is an input" in outcome.stderr
    assert (pairs / "noisy" / "x.png").read_bytes() == before


def test_auto_needs_noise_of_its_own(spiden, pairs, small_weights):
    for sigma in ("auto", "25,auto"):
        outcome = spiden(
            "evaluate", "--dataset", pairs / "clean", "-m", small_weights, "--sigma", sigma
        )
        assert (outcome.code, outcome.stdout) == (2, "")
        (line,) = outcome.stderr.splitlines()
        assert "--sigma auto needs pictures with noise of their own" in line


@pytest.mark.parametrize("option", ["--seed", "--repeats"])
def test_no_noise_is_added_to_draw_again(spiden, pairs, small_weights, option):
    outcome = spiden("evaluate", "--dataset", pairs, "-m", small_weights, option, "1")
    assert (outcome.code, outcome.stdout) == (2, "")
    (line,) = outcome.stderr.splitlines()
    assert f"no noise is added: leave out {option}" in line


def missing(folder: Path) -> None:
    (folder / "clean" / "b.png").unlink()


def empty(folder: Path) -> None:
    for path in (folder / "noisy").iterdir():
        path.unlink()


def other_size(folder: Path) -> None:
    Image.open(folder / "noisy" / "c.png").crop((0, 0, 20, 20)).save(folder / "noisy" / "c.png")


def other_kind(folder: Path) -> None:
    Image.open(folder / "noisy" / "c.png").convert("L").save(folder / "noisy" / "c.png")


def one_side(folder: Path) -> None:
    (folder / "clean").rename(folder / "reference")


def no_picture(folder: Path) -> None:
    (folder / "clean" / "b.png").write_bytes(b"text")


@pytest.mark.parametrize("model", ["small", "auto"])
@pytest.mark.parametrize(
    ("breaking", "words"),
    [
        (missing, "noisy/b.png has no picture of that name in clean/"),
        (empty, "a folder without pictures"),
        (other_size, "20 x 20 colour and"),
        (other_kind, "37 x 31 grey and"),
        (one_side, "has noisy/ but no clean/"),
        (no_picture, "not a picture that spiden can read"),
    ],
)
def test_broken_pairs_are_one_line_and_nothing_is_written(
    spiden, pairs, small_weights, tmp_path, model, breaking, words
):
    breaking(pairs)
    weights = small_weights if model == "small" else model
    out = tmp_path / "out"
    outcome = spiden("evaluate", "--dataset", pairs, "-m", weights, "--save-images", out)
    assert outcome.code in (2, 4)
    assert outcome.stdout == ""
    (line,) = outcome.stderr.splitlines()
    assert words in line
    assert not out.exists()


def test_photon_counts_are_found_as_denoise_does(spiden, small_weights, tmp_path):
    light = 400 * np.add.outer(np.linspace(0, 1, 192) ** 2, np.zeros(192))
    noisy = 100 + 2 * np.random.default_rng(0).poisson(light)
    for side, pixels in (("noisy", noisy), ("clean", np.rint(100 + 2 * light))):
        (tmp_path / side).mkdir()
        Image.fromarray(pixels.astype(np.uint16)).save(tmp_path / side / "a.png")
    (record,) = evaluated(spiden, "--dataset", tmp_path, "-m", small_weights)
    (image,) = record["images"]
    assert image["noise_found"].startswith("photon counts, gain 2")
    assert image["sigma"] is None
