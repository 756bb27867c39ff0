"""`spiden denoise` on single planes of any type of number, as a microscopist runs it."""

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from scipy.ndimage import gaussian_filter


@pytest.fixture
def plane() -> np.ndarray:
    """A noisy plane, (40, 48), about 500 to 2500 with noise of 200."""
    generator = np.random.default_rng(5)
    clean = gaussian_filter(generator.normal(size=(40, 48)), 4)
    clean = 500 + 2000 * (clean - clean.min()) / np.ptp(clean)
    return clean + generator.normal(0, 200, clean.shape)


def denoise(spiden, *arguments):
    return spiden("denoise", *arguments, "-m", "tiny", "--threads", 1)


def roughness(plane: np.ndarray) -> float:
    return float(np.nanmean(np.abs(np.diff(plane.astype(np.float64)))))


def save(path: Path, plane: np.ndarray) -> None:
    if path.suffix == ".npy":
        np.save(path, plane)
    else:
        tifffile.imwrite(path, plane, resolution=(100, 100), description="cells")


@pytest.mark.parametrize("suffix", [".tif", ".npy"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int16", "uint32"])
def test_a_plane_comes_back_in_its_own_type_and_units(spiden, tmp_path, plane, dtype, suffix):
    noisy = {"int16": plane - 1500, "uint32": plane * 100 + 1e9}.get(dtype, plane).astype(dtype)
    if noisy.dtype.kind == "f":
        noisy[3:6, 4:9] = np.nan
    source, target = tmp_path / f"plane{suffix}", tmp_path / f"plane_denoised{suffix}"
    save(source, noisy)
    before = source.read_bytes()
    outcome = denoise(spiden, source, "--json")
    assert outcome.code == 0, outcome.stderr
    (record,) = json.loads(outcome.stdout)
    assert record["dtype"] == dtype
    assert record["white"] == pytest.approx(np.nanquantile(noisy.astype(float), 0.999), rel=0.01)
    written = np.load(target) if suffix == ".npy" else tifffile.imread(target)
    assert (written.dtype, written.shape) == (noisy.dtype, noisy.shape)
    np.testing.assert_array_equal(np.isnan(written), np.isnan(noisy))
    assert roughness(written) < 0.8 * roughness(noisy)
    assert source.read_bytes() == before


def test_all_options_of_pictures_are_for_measurements_too(spiden, tmp_path, plane):
    source, clean, mask = (tmp_path / name for name in ("a.tif", "clean.tif", "mask.png"))
    save(source, (plane - 3000).astype(np.float32))
    save(clean, gaussian_filter(plane - 3000, 2))
    Image.fromarray(np.full(plane.shape, 255, np.uint8)).save(mask)
    outcome = denoise(
        spiden, source, "--reference", clean, "--mask", mask, "--region", "4,4,32,30",
        "--compare", tmp_path / "look.png", "-o", tmp_path / "out.tif", "--json",
    )  # fmt: skip
    assert outcome.code == 0, outcome.stderr
    (record,) = json.loads(outcome.stdout)
    assert record["psnr"] > record["noisy_psnr"] + 2
    assert tifffile.imread(tmp_path / "out.tif").shape == (30, 32)
    assert (tmp_path / "look.png").is_file()


def test_a_picture_of_a_measurement_is_scaled_and_that_is_told(spiden, tmp_path, plane):
    source, target = tmp_path / "a.npy", tmp_path / "a.png"
    np.save(source, plane - 3000)
    outcome = denoise(spiden, source, "-o", target)
    assert outcome.code == 0, outcome.stderr
    assert "PNG holds no float64" in outcome.stderr
    with Image.open(target) as image:
        assert np.asarray(image).dtype == np.uint16
        assert np.ptp(np.asarray(image)) > 40_000


def test_a_picture_becomes_an_array(spiden, tmp_path, noisy_png):
    outcome = denoise(spiden, noisy_png, "-o", tmp_path / "a.npy", "--sigma", 25)
    assert outcome.code == 0, outcome.stderr
    assert np.load(tmp_path / "a.npy").shape == (31, 37, 3)


def test_the_sheet_names_the_type(spiden, tmp_path, plane):
    source = tmp_path / "a.tif"
    save(source, plane.astype(np.float32))
    outcome = spiden("denoise", source, "-m", "tiny", "--threads", 1, columns=80)
    assert "48 x 40, grey, float32" in outcome.stdout
