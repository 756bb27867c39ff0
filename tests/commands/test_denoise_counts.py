"""`spiden denoise` of photon counts: files of a microscope, their noise given or found."""

import json

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from tifffile import imread, imwrite

from spiden_cli.core.image.picture import Picture
from spiden_cli.core.noise.model import Unknown
from spiden_cli.core.noise.photon_transfer import estimate_counts
from spiden_cli.core.tasks import recognition
from spiden_cli.core.tasks.recognition import counts_of_dyes

GAIN, OFFSET, READ = 2.0, 100.0, 2.0
NOISE = ("--gain", GAIN, "--offset", OFFSET, "--read-noise", READ)


def cells(side: int = 160, photons: float = 20.0) -> np.ndarray:
    """Return the clean pixels of a few bright discs on a faint ground."""
    rows, columns = np.mgrid[:side, :side]
    picture = np.full((side, side), 0.03)
    for seed in range(6):
        top, left, radius = np.random.default_rng(seed).uniform((0, 0, 12), (side, side, 24))
        picture[(rows - top) ** 2 + (columns - left) ** 2 < radius**2] = 0.4 + 0.1 * seed
    return GAIN * photons * gaussian_filter(picture, 1.5) + OFFSET


def detected(clean: np.ndarray) -> np.ndarray:
    chance = np.random.default_rng(0)
    counts = GAIN * chance.poisson((clean - OFFSET) / GAIN) + OFFSET
    return np.rint(counts + chance.normal(0, READ, clean.shape)).astype(np.uint16)


@pytest.fixture(scope="module")
def clean():
    return cells()


@pytest.fixture
def raw(tmp_path, clean):
    imwrite(tmp_path / "raw.tif", detected(clean))
    return tmp_path / "raw.tif"


def psnr(pixels: np.ndarray, clean: np.ndarray) -> float:
    return float(10 * np.log10(np.ptp(clean) ** 2 / np.mean((pixels - clean) ** 2)))


def test_counts_are_found_and_denoised_as_if_they_were_known(spiden, raw, clean, tmp_path):
    scores = {}
    for name, options in {"found": (), "known": NOISE}.items():
        target = tmp_path / f"{name}.tif"
        done = spiden(
            "denoise", raw, "-m", "tiny", "--engine", "dense", "-o", target, "--json", *options
        )
        assert done.code == 0, done.stderr
        (record,) = json.loads(done.stdout)
        assert record["noise"] == "PoissonGaussian"
        assert record["counts"]["gain"] == pytest.approx(GAIN, rel=0.2)
        dark, light = record["sigma_in_file"]
        assert dark == pytest.approx(np.sqrt(GAIN * 1.2 + READ**2), rel=0.25)
        assert light > 2.5 * dark
        scores[name] = psnr(imread(target), clean)
    assert scores["known"] > psnr(imread(raw), clean) + 10
    assert scores["found"] > scores["known"] - 0.3


def test_the_sheet_says_what_the_noise_is(spiden, raw, small_weights):
    done = spiden("denoise", raw, "-m", small_weights, "--gain", GAIN, "--overwrite", columns=80)
    assert done.code == 0, done.stderr
    sheet = " ".join(done.stdout.split())
    assert "photon counts, gain 2, offset 10" in sheet
    assert "in the dark" in sheet
    assert "in the file's values" in sheet


def test_a_region_is_a_cut_out_and_both_engines_agree(spiden, raw, small_weights, tmp_path):
    made = {}
    for name, options in {
        "dense": ("--engine", "dense"),
        "event": ("--engine", "event"),
        "part": ("--engine", "dense", "--region", "33,21,50,40"),
    }.items():
        target = tmp_path / f"{name}.tif"
        done = spiden("denoise", raw, "-m", small_weights, "-o", target, *NOISE, *options)
        assert done.code == 0, done.stderr
        made[name] = imread(target).astype(int)
    assert np.array_equal(made["part"], made["dense"][21:61, 33:83])
    assert np.abs(made["dense"] - made["event"]).max() <= 1
    assert not np.array_equal(made["dense"], imread(raw))


def test_stuck_pixels_are_replaced_unless_that_is_off(spiden, small_weights, tmp_path, clean):
    pixels = detected(clean)
    pixels[20::32, 13::32] = 900
    imwrite(tmp_path / "hot.tif", pixels)
    np.save(tmp_path / "mask.npy", np.full(clean.shape, 0, np.uint8))
    run = "denoise", tmp_path / "hot.tif", "-m", small_weights, "--overwrite", *NOISE
    (record,) = json.loads(spiden(*run, "--json").stdout)
    assert record["repairs"] == {"stuck": 25, "lines": 0, "rows": 0, "columns": 0}
    assert imread(record["output"]).max() < 400
    assert "25 stuck pixels replaced" in spiden(*run).stdout
    (record,) = json.loads(spiden(*run, "--json", "--hot-pixels", "off").stdout)
    assert record["repairs"]["stuck"] == 0
    # Where nothing is denoised, nothing is repaired.
    (record,) = json.loads(spiden(*run, "--json", "--mask", tmp_path / "mask.npy").stdout)
    assert np.array_equal(imread(record["output"]), pixels)


def test_floats_keep_fractions_of_a_value(spiden, small_weights, tmp_path, clean):
    imwrite(tmp_path / "raw.tif", detected(clean))
    run = "denoise", tmp_path / "raw.tif", "-m", small_weights, "--overwrite", "--json"
    rounded, floats = (
        json.loads(spiden(*run, *more, "--reference", tmp_path / "raw.tif").stdout)[0]
        for more in ((), ("-o", tmp_path / "float.tif", "--float"))
    )
    found = imread(floats["output"])
    assert found.dtype == np.float32
    assert np.abs(found - imread(rounded["output"])).max() <= 0.5 + 1e-3
    assert len(np.unique(found)) > 1000
    assert floats["counts"] == rounded["counts"]
    assert floats["psnr"] == pytest.approx(rounded["psnr"], abs=1)
    refused = spiden(*run, "-o", tmp_path / "out.png", "--float")
    assert refused.code == 2
    assert ".tiff, .npy or .pfm" in " ".join(refused.stderr.split())


def test_noise_that_does_not_grow_is_taken_for_one_level(spiden, small_weights, tmp_path, clean):
    chance = np.random.default_rng(1)
    flat = 30000 + clean + chance.normal(0, 8, clean.shape)
    imwrite(tmp_path / "flat.tif", np.rint(flat).astype(np.uint16))
    run = "denoise", tmp_path / "flat.tif", "-m", small_weights, "--overwrite", "--json"
    done = spiden(*run, "--noise", "poisson-gaussian")
    (record,) = json.loads(done.stdout)
    assert record["counts"] is None
    assert record["sigma_in_file"] == [pytest.approx(8, rel=0.1)] * 2
    assert "no gain was found" in done.stderr + " ".join(record["notes"])
    (white,) = json.loads(spiden(*run, "--noise", "white").stdout)
    assert white["sigma_in_file"][0] == pytest.approx(8, rel=0.1)


def test_a_level_in_the_values_of_the_file_is_that_in_8_bit_units(
    spiden, raw, small_weights, tmp_path
):
    made = []
    for sigma, unit in ((25.7 / 257, "8-bit"), (25.7, "file")):
        target = tmp_path / f"{unit}.tif"
        done = spiden(
            "denoise", raw, "-m", small_weights, "-o", target, "--white", 65535,
            "--sigma", sigma, "--sigma-unit", unit, "--json",
        )  # fmt: skip
        (record,) = json.loads(done.stdout)
        assert record["sigma_in_file"][0] == pytest.approx(25.7)
        assert record["sigma"] == pytest.approx(0.1)
        made.append(imread(target))
    assert np.array_equal(*made)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--gain", 0), "gain must be a number above 0"),
        (("--read-noise", -1), "read noise must be 0"),
        (("--sigma", 10, "--gain", 2), "--gain the level grows"),
        (("--sigma", 10, "--noise", "poisson-gaussian"), "leave out one of the two"),
        (("--noise", "white", "--offset", 100), "--offset is for --noise poisson-gaussian"),
        (("--hot-pixels", "on"), "auto or off"),
        (("--noise", "purple"), "auto, white, poisson-gaussian"),
        (("--sigma-unit", "file"), "give one with --sigma"),
        (("--sigma", 5, "--sigma-unit", "metre"), "8-bit or file"),
        (("--sigma", -5, "--sigma-unit", "file"), "from 0 on"),
        (("--sigma", 1e9, "--sigma-unit", "file"), "at most"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(spiden, raw, small_weights, options, said):
    done = spiden("denoise", raw, "-m", small_weights, *options)
    assert done.code == 2
    assert said in " ".join(done.stderr.split())
    assert len(done.stderr.strip().splitlines()) <= 3
    assert not raw.with_name("raw_denoised.tif").exists()


def test_counts_of_dyes_are_estimated_once(spiden, clean, tmp_path, monkeypatch):
    noisy = np.stack([detected(clean), detected(clean[::-1].copy()), detected(clean.T.copy())], 2)
    imwrite(tmp_path / "dyes.tif", noisy, photometric="rgb")
    looked = []

    def counting(pixels, *settings):
        looked.append(pixels.shape)
        return estimate_counts(pixels, *settings)

    monkeypatch.setattr(recognition, "estimate_counts", counting)
    done = spiden("denoise", tmp_path / "dyes.tif", "--engine", "dense", "--json")
    assert "denoised apart" in done.stderr
    assert len(looked) == 3
    (record,) = json.loads(done.stdout)
    for number, counts in enumerate(record["counts_of_channels"]):
        alone = recognition.estimated(Unknown(), Picture(noisy[..., number].copy()))
        assert counts["gain"] == pytest.approx(alone.noise.gain)


@pytest.mark.parametrize("options", [(), ("--channels", "together")])
def test_dyes_in_red_and_green_are_denoised_apart(spiden, clean, tmp_path, options):
    dyes = [clean, clean[::-1].copy(), np.zeros_like(clean)]
    noisy = np.stack([detected(dyes[0]), detected(dyes[1]), dyes[2].astype(np.uint16)], 2)
    source, target = tmp_path / "dyes.tif", tmp_path / "out.tif"
    imwrite(source, noisy, photometric="rgb")
    done = spiden("denoise", source, "-o", target, "--engine", "dense", "--json", *options)
    assert done.code == 0, done.stderr
    (record,) = json.loads(done.stdout)
    assert ("denoised apart" in done.stderr) == (options == ())
    gains = [psnr(imread(target)[..., k], dyes[k]) - psnr(noisy[..., k], dyes[k]) for k in (0, 1)]
    assert (min(gains) > 11) == (options == ())
    assert record["model"] == ("base" if options == () else "base-colour")
    assert not imread(target)[..., 2].any() or options


def test_a_photograph_of_16_bits_is_not_of_dyes(colour_pixels):
    chance = np.random.default_rng(0)
    big = np.tile(colour_pixels, (5, 5, 1))[:160, :160].astype(float)
    for sigma in (0, 3, 20):
        deep = (257 * (big + sigma * chance.normal(size=big.shape))).clip(0, 65535)
        assert not counts_of_dyes(Picture(deep.astype(np.uint16)))


def test_no_white_is_guessed_aloud_for_counts(spiden, raw, clean):
    raw = raw.parent / "raw.tif"
    outcome = spiden("denoise", raw, "-m", "tiny", *NOISE)
    assert outcome.code == 0, outcome.stderr
    assert "white is taken" not in outcome.stderr
    outcome = spiden("denoise", raw, "-m", "tiny", "--sigma", 5, "--overwrite")
    assert "white is taken to be" in outcome.stderr


def test_a_table_has_no_level_where_counts_have_none(spiden, tmp_path, clean):
    for name in "ab":
        imwrite(tmp_path / f"{name}.tif", detected(clean))
    outcome = spiden("denoise", tmp_path, "-m", "tiny")
    assert outcome.code == 0, outcome.stderr
    rows = [line.split() for line in outcome.stdout.splitlines() if ".tif" in line]
    assert [row[4] for row in rows] == ["-", "-"]
