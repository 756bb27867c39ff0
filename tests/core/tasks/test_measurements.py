"""Images of any type of number: denoised in their own units, in their own type, holes and all."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

import spiden_cli as spiden


@pytest.fixture(scope="module")
def model():
    return spiden.load("tiny", engine="dense", threads=1)


@pytest.fixture(scope="module")
def clean() -> np.ndarray:
    """A smooth scene between 30 and 220, (64, 72)."""
    smooth = gaussian_filter(np.random.default_rng(0).normal(size=(64, 72)), 6)
    return 30 + 190 * (smooth - smooth.min()) / np.ptp(smooth)


@pytest.fixture(scope="module")
def noisy(clean) -> np.ndarray:
    return clean + np.random.default_rng(1).normal(0, 20, clean.shape)


def error(image: np.ndarray, clean: np.ndarray) -> float:
    return float(np.sqrt(np.mean((image.astype(np.float64) - clean) ** 2)))


@pytest.mark.parametrize(
    ("dtype", "scale", "offset"),
    [
        ("uint16", 16, 32_768),
        ("int16", 10, -2000),
        ("int32", 1e5, 7),
        (">u4", 1e6, 1e8),
        ("float16", 0.1, -5),
        ("float32", 1 / 255, 0),
        ("float32", 1e-6, 0),
        ("float64", 1e-3, 1e7),
    ],
)
def test_every_type_is_denoised_in_its_own_units(model, clean, noisy, dtype, scale, offset):
    values = noisy * scale + offset
    given = (np.rint(values) if np.dtype(dtype).kind in "ui" else values).astype(dtype)
    result = model.denoise(given)
    assert result.image.dtype == given.dtype
    assert error((result.image.astype(float) - offset) / scale, clean) < 10  # of 20


def test_the_result_follows_scale_and_offset(model, noisy):
    """Black and white are measured, so that units don't matter."""
    one = model.denoise(noisy * 100).image
    other = model.denoise(noisy * -0.5 + 1e3).image
    scaled = model.denoise(noisy * 7 + 1e4).image
    assert error((scaled - 1e4) / 7, one / 100) < 0.2
    assert error((other - 1e3) / -0.5, one / 100) < 3  # turned black to white: nearly the same


def test_holes_stay_and_do_not_spread(model, clean, noisy):
    given = noisy.astype(np.float32)
    given[10:20, 30:50], given[40, 5], given[0, :8] = np.nan, np.inf, -np.inf
    result = model.denoise(given).image
    holes = ~np.isfinite(given)
    np.testing.assert_array_equal(result[holes], given[holes])
    assert error(result[~holes], clean[~holes]) < 10


def test_what_is_not_denoised_stays_to_the_bit(model, noisy):
    for given in (noisy * 1e-3 + 1e7, np.rint(noisy * 1e6).astype(np.int64) - 2**40):
        still = model.denoise(given, 20, adjustment=spiden.Adjustment(0))
        np.testing.assert_array_equal(still.image, given)
        mask = np.zeros(given.shape, bool)
        mask[20:, 20:] = True
        part = model.denoise(given, 20, mask=mask)
        np.testing.assert_array_equal(part.image[~mask], given[~mask])
        assert (part.image[mask] != given[mask]).mean() > 0.9
        region = model.denoise(given, 20, region=(8, 4, 32, 40))
        whole = model.denoise(given, 20)
        assert region.image.dtype == given.dtype
        np.testing.assert_allclose(region.image, whole.image[4:44, 8:40], rtol=1e-6)


def test_a_white_may_be_given(model, noisy):
    assert model.denoise(noisy, 20, white=255.0).image.dtype == np.float64
    for white in (0.0, -3.0, float("nan"), float("inf")):
        with pytest.raises(spiden.InputError, match="white"):
            model.denoise(noisy, 20, white=white)
