"""`spiden noise`, as a user runs it."""

import json

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def clean(tmp_path):
    rows, columns = np.mgrid[:70, :91]
    pixels = np.stack([60 + rows, 60 + columns, 200 - rows], -1).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "clean.png")
    return tmp_path / "clean.png"


def rms(noisy, clean):
    difference = np.asarray(Image.open(noisy), float) - np.asarray(Image.open(clean), float)
    return float(np.sqrt(np.mean(difference**2)))


@pytest.mark.parametrize("kind", ["camera", "white", "poisson"])
def test_the_level_told_is_that_of_the_file(spiden, clean, kind):
    (record,) = [json.loads(spiden("noise", clean, "--kind", kind, "--json").stdout)]
    noisy = clean.with_name("clean_noisy.png")
    assert record["output"] == str(noisy)
    assert record["level"] == pytest.approx(rms(noisy, clean), rel=1e-3)
    assert rms(noisy, clean) > 0.5


def test_the_seed_decides_camera_and_noise(spiden, clean, tmp_path):
    files = [tmp_path / f"{name}.png" for name in "abc"]
    for path, seed in zip(files, (1, 1, 2), strict=True):
        assert spiden("noise", clean, "-o", path, "--seed", seed).code == 0
    first, same, other = (path.read_bytes() for path in files)
    assert first == same != other


def test_more_sensitive_is_noisier_and_white_noise_has_its_sigma(spiden, clean, tmp_path):
    levels = {}
    for options in (("--iso", 400), ("--iso", 25_600), ("--kind", "white", "--sigma", 10)):
        outcome = spiden(
            "noise", clean, "-o", tmp_path / "n.png", "--json", "--overwrite", *options
        )
        levels[options] = json.loads(outcome.stdout)["level"]
    low, high, white = levels.values()
    assert low < high
    assert white == pytest.approx(10, rel=0.03)


def test_the_report_names_the_camera(spiden, clean):
    outcome = spiden("noise", clean)
    for words in ("sensor", "noise reduction", "JPEG", "seed", "written to"):
        assert words in outcome.stdout


def test_grey_deep_pictures_stay_what_they_are(spiden, tmp_path):
    pixels = (np.mgrid[:60, :61][0] * 1000).astype(np.uint16)
    Image.fromarray(pixels).save(tmp_path / "deep.png")
    for kind in ("camera", "white", "poisson"):
        files = (tmp_path / "deep.png", "-o", tmp_path / "n.png", "--overwrite")
        outcome = spiden("noise", *files, "--kind", kind)
        assert outcome.code == 0
        with Image.open(tmp_path / "n.png") as noisy:
            assert np.asarray(noisy).dtype == np.uint16
            assert noisy.size == (61, 60)


def test_a_picture_of_several_tiles_has_no_seams(spiden, tmp_path):
    Image.new("RGB", (540, 40), (128, 128, 128)).save(tmp_path / "wide.png")
    spiden("noise", tmp_path / "wide.png", "-o", tmp_path / "n.png", "--iso", 6400)
    noise = np.asarray(Image.open(tmp_path / "n.png"), float) - 128
    columns = noise.std(axis=(0, 2))
    assert columns.min() > 0.3 * np.median(columns)
    assert columns.max() < 3 * np.median(columns)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--kind", "pink"), "choose one of camera, white, poisson"),
        (("--sigma", "25"), "--sigma is for --kind white"),
        (("--kind", "white", "--iso", "800"), "--iso is for --kind camera"),
        (("--iso", "0"), "50 to 204800"),
        (("--iso", "nan"), "50 to 204800"),
        (("--kind", "poisson", "--photons", "1e-300"), "from 0.001"),
        (("--kind", "white", "--sigma", "-1"), "0 to 255"),
        (("-o", "{clean}"), "is an input"),
    ],
)
def test_bad_input_is_one_line(spiden, clean, options, words):
    before = clean.read_bytes()
    given = [option.format(clean=clean) for option in options]
    outcome = spiden("noise", clean, *given)
    assert outcome.code != 0
    assert words in outcome.stderr
    assert len(outcome.stderr.strip().splitlines()) == 1
    assert clean.read_bytes() == before
    assert sorted(path.name for path in clean.parent.iterdir()) == ["clean.png"]


def test_a_picture_too_small_for_a_camera_is_refused(spiden, tmp_path):
    Image.new("RGB", (20, 20)).save(tmp_path / "small.png")
    outcome = spiden("noise", tmp_path / "small.png")
    assert outcome.code == 2
    assert "32 pixels a side" in outcome.stderr
