"""Thresholds are the errors of `estimate_noise`'s docstring with a little room."""

import tracemalloc

import numpy as np
import pytest
from cpu_time import takes_under
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import gaussian_filter

from spiden_cli.core.image.picture import Range
from spiden_cli.core.noise.blind import estimate_noise, is_coarse
from spiden_cli.core.noise.estimation import estimate_sigma
from spiden_cli.errors import InputError


def as_file(values: np.ndarray) -> np.ndarray:
    return np.rint(values.clip(0, 255)).astype(np.uint8)


def scene(channels: int = 3, side: int = 256) -> np.ndarray:
    """Smooth surfaces and a few edges, in floats of 8-bit units."""
    rows, columns = np.mgrid[:side, :side] / side
    planes = [90 + 60 * rows * columns + 20 * np.sin(4 * columns + c) for c in range(channels)]
    picture = np.stack(planes, -1)
    picture[side // 3 : side // 2, side // 4 : side // 2] += 40
    return picture if channels == 3 else picture[..., 0]


def coarse_noise(shape: tuple[int, ...], level: float, blur: float, seed: int = 0) -> np.ndarray:
    white = np.random.default_rng(seed).normal(size=shape)
    noise = gaussian_filter(white, (blur, blur, 0) if len(shape) == 3 else blur)
    return noise * level / noise.std()


@settings(max_examples=20)
@given(st.floats(1, 60), st.integers(0, 999), st.sampled_from([1, 3]))
def test_white_noise_is_what_it_was_before(sigma, seed, channels):
    clean = scene(channels, 160)
    noisy = as_file(clean + np.random.default_rng(seed).normal(0, sigma, clean.shape))
    found = estimate_noise(noisy)
    assert found.is_white
    assert found.sigma == found.white == estimate_sigma(noisy)


@pytest.mark.parametrize(("name", "sigma"), [("set12", 5), ("set12", 50), ("cbsd68", 25)])
def test_white_noise_in_real_pictures_is_what_it_was_before(data_dir, name, sigma):
    for seed, path in enumerate(sorted((data_dir / name).iterdir())[:5]):
        with Image.open(path) as image:
            clean = np.asarray(image)
        noise = np.random.default_rng(seed).normal(0, sigma, clean.shape)
        noisy = as_file(clean + noise)
        assert estimate_noise(noisy).sigma == estimate_sigma(noisy)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("blur", "least"), [(0.7, 0.8), (1.0, 0.7), (1.5, 0.5)])
@pytest.mark.parametrize("level", [3, 6, 10])
def test_coarse_noise_is_found(channels, blur, least, level):
    """In grey, coarser noise reads lower: what is wider than a block goes with the plane."""
    clean = scene(channels)
    found = estimate_noise(as_file(clean + coarse_noise(clean.shape, level, blur)))
    assert not found.is_white
    low, high = (least, 1.1) if channels == 1 else (0.65, 1.5)
    assert low * level < found.level < high * level
    assert 1.3 < found.coarseness < 2
    assert level < found.sigma < 4 * level
    assert "coarse" in str(found)


@pytest.mark.parametrize("channels", [1, 3])
def test_depth_and_range_do_not_matter(channels):
    clean = scene(channels)
    noisy = (clean + coarse_noise(clean.shape, 6, 1)) / 255
    expected = estimate_noise(noisy.astype(np.float32)).sigma
    assert expected > 10
    assert estimate_noise(as_file(noisy * 255)).sigma == pytest.approx(expected, rel=0.03)
    for black, white in ((0, 65535), (0, 4095), (300, 1323)):
        deep = np.rint(black + noisy * (white - black)).astype(np.uint16)
        assert estimate_noise(deep, Range(black, white)).sigma == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_clean_picture_is_clean(channels):
    found = estimate_noise(as_file(scene(channels)))
    assert found.sigma < 0.6
    assert "noise was found" in str(found)


def test_a_flat_picture_has_no_noise():
    assert str(estimate_noise(np.full((200, 200, 3), 90, np.uint8))) == "no noise was found"


def test_a_grey_picture_in_three_channels_is_as_noisy_as_in_one():
    clean = scene(1)
    noisy = as_file(clean + np.random.default_rng(1).normal(0, 12, clean.shape))
    three = estimate_noise(np.repeat(noisy[..., None], 3, 2))
    assert three.sigma == pytest.approx(estimate_noise(noisy).sigma)


@pytest.mark.parametrize("name", ["bsd432", "photos"])
def test_clean_photographs_are_left_nearly_as_they_are(data_dir, name):
    """Denoised at sigma 5 a photograph keeps about 43 dB to itself."""
    if not (data_dir / name).is_dir():
        pytest.skip(f"no {name} in {data_dir}: clean photographs are not tested")
    found = []
    for path in sorted((data_dir / name).iterdir())[::40]:
        with Image.open(path) as image:
            found.append(estimate_noise(np.asarray(image.convert("RGB"))).sigma)
    assert np.median(found) < 2
    assert np.mean(np.array(found) > 5) <= 0.05  # sand and gravel all over look like noise


def test_a_band_that_is_clipped_is_left_out():
    clean = scene()
    noisy = as_file(clean + coarse_noise(clean.shape, 6, 1))
    expected = estimate_noise(noisy).level
    with_bars = np.concatenate([np.zeros_like(noisy), noisy, np.full_like(noisy, 255)])
    assert estimate_noise(with_bars).level == pytest.approx(expected, rel=0.1)


def test_time_and_memory_do_not_grow_with_the_picture():
    photo = np.random.default_rng(0).integers(90, 150, (3000, 4000, 3), np.uint8)
    assert takes_under(1.5, lambda: estimate_noise(photo))
    tracemalloc.start()
    estimate_noise(photo)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6  # in floats the picture has 144e6


def test_too_small_a_picture_is_an_input_error():
    with pytest.raises(InputError, match="too small to estimate"):
        estimate_noise(np.zeros((9, 8, 3), np.uint8))


def test_only_noise_of_a_camera_is_coarse():
    clean = scene()
    white = np.random.default_rng(0).normal(0, 10, clean.shape)
    coarse = as_file(clean + coarse_noise(clean.shape, 10, 1.0))
    assert is_coarse(coarse, Range())
    assert not is_coarse(as_file(clean + white), Range())
    assert not is_coarse(coarse[:9, :8], Range())  # too small to tell
