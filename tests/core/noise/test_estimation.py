"""Thresholds are the errors of `estimate_sigma`'s docstring with a little room."""

import tracemalloc

import numpy as np
import pytest
from cpu_time import takes_under
from PIL import Image
from scipy.stats import gamma

from spiden_cli.core.image.picture import Range
from spiden_cli.core.image.tensor import to_tensor
from spiden_cli.core.noise import estimation
from spiden_cli.core.noise.estimation import estimate_sigma
from spiden_cli.errors import InputError


def noisy_file(clean: np.ndarray, sigma: float, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, sigma, clean.shape)
    return np.rint((clean + noise).clip(0, 255)).astype(np.uint8)


@pytest.mark.parametrize(("sigma", "mean_error"), [(5, 0.25), (15, 0.15), (25, 0.25), (50, 1.4)])
def test_error_on_set12(data_dir, sigma, mean_error):
    errors = []
    for seed, path in enumerate(sorted((data_dir / "set12").glob("*.png"))):
        with Image.open(path) as image:
            errors.append(estimate_sigma(noisy_file(np.asarray(image), sigma, seed)) - sigma)
    assert len(errors) == 12
    assert np.abs(errors).mean() < mean_error


def test_error_on_colour(data_dir):
    for seed, path in enumerate(sorted((data_dir / "cbsd68").iterdir())[:5]):
        with Image.open(path) as image:
            assert estimate_sigma(noisy_file(np.asarray(image), 25, seed)) == pytest.approx(
                25, abs=1
            )


@pytest.mark.parametrize("sigma", [2.0, 10.0, 40.0])
def test_pure_noise_is_measured_closely(sigma):
    noise = noisy_file(np.full((200, 220), 127.5), sigma, seed=0)
    assert estimate_sigma(noise) == pytest.approx(sigma, rel=0.03)


def test_a_smooth_gradient_has_no_noise():
    ramp = np.add.outer(np.arange(100), np.arange(110)).astype(np.uint8)
    assert estimate_sigma(ramp) < 0.6
    assert estimate_sigma(np.full((50, 50), 90, np.uint8)) == 0


def test_depth_and_container_do_not_matter(grey_pixels):
    deep = grey_pixels.astype(np.uint16) * 257
    expected = estimate_sigma(grey_pixels)
    assert estimate_sigma(deep) == pytest.approx(expected, rel=1e-4)
    assert estimate_sigma(to_tensor(grey_pixels)) == pytest.approx(expected, rel=1e-4)


def test_colour_is_the_root_mean_square_of_its_channels():
    generator = np.random.default_rng(4)
    noise = generator.normal(0, (5, 10, 15), (150, 150, 3))
    picture = np.rint(128 + noise).astype(np.uint8)
    expected = np.sqrt(np.mean(np.square([5, 10, 15])))
    assert estimate_sigma(picture) == pytest.approx(expected, rel=0.03)


def test_same_picture_same_answer(colour_pixels):
    assert estimate_sigma(colour_pixels) == estimate_sigma(colour_pixels.copy())


def test_twelve_megapixels_take_less_than_two_seconds():
    photo = noisy_file(np.full((3000, 4000, 3), 120.0, np.float32), 20, seed=0)
    assert estimate_sigma(photo) == pytest.approx(20, rel=0.02)
    assert takes_under(2.0, lambda: estimate_sigma(photo))


def test_too_small_a_picture_is_an_input_error():
    with pytest.raises(InputError, match="8 x 9 pixels is too small to estimate"):
        estimate_sigma(np.zeros((9, 8), np.uint8))
    with pytest.raises(InputError, match="too small"):
        estimate_sigma(np.zeros((4, 900), np.uint8))


def test_energy_quantile_is_the_one_of_liu_et_al():
    """Their Gamma approximation, from the derivative operators themselves."""
    unit = np.eye(49).reshape(49, 7, 7)
    horizontal = ((unit[:, :, 2:] - unit[:, :, :-2]) / 2).reshape(49, -1).T
    vertical = ((unit[:, 2:, :] - unit[:, :-2, :]) / 2).reshape(49, -1).T
    operator = horizontal.T @ horizontal + vertical.T @ vertical
    rank, trace = np.linalg.matrix_rank(operator), np.trace(operator)
    quantile = gamma.ppf(0.99, rank / 2, scale=2 * trace / rank)
    assert pytest.approx(quantile, abs=0.005) == estimation._ENERGY_QUANTILE


@pytest.mark.parametrize("depth", ["u1", "u2"])
@pytest.mark.parametrize("shape", [(40, 50), (700, 501), (900, 1100, 3)])
def test_windows_of_the_stored_pixels_are_those_of_the_whole_picture_in_floats(shape, depth):
    """Bit for bit what converting the whole picture first gives."""
    peak = np.iinfo(depth).max
    noise = np.random.default_rng(3).normal(0.5, 0.1, shape)
    pixels = np.rint(noise.clip(0, 1) * peak).astype(depth)
    planes = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    whole = planes.astype(np.float32) * np.float32(255 / peak)
    expected = [estimation._estimate_plane(*estimation._patches(plane, Range())) for plane in whole]
    assert estimate_sigma(pixels) == np.sqrt(sum(sigma**2 for sigma in expected) / len(expected))


def test_gradients_of_a_small_picture_are_those_of_its_patches():
    pixels = np.random.default_rng(4).integers(0, 256, (31, 47), np.uint8)
    pixels[:9, :12] = 7  # patches of one tone, which are left out
    patches, energy = estimation._patches(pixels, Range.full(pixels.dtype))
    assert patches.shape[1] == 25 * 41 - 3 * 6
    assert np.array_equal(energy, estimation._gradient_energy(patches))


@pytest.mark.parametrize("channels", [1, 3])
def test_memory_is_that_of_the_sampled_patches(channels):
    pixels = np.random.default_rng(0).integers(0, 256, (4000, 4000, channels), np.uint8)
    patches = 100_000 * 49 * np.dtype(np.float32).itemsize
    tracemalloc.start()
    estimate_sigma(pixels if channels == 3 else pixels[..., 0])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * patches  # the whole picture in floats: 3.3 or 9.8 times as much by itself


def test_sigma_is_in_units_of_the_range(grey_pixels):
    clean = np.tile(grey_pixels, (4, 4)) / 255
    noisy = (clean + np.random.default_rng(2).normal(0, 25 / 255, clean.shape)).clip(0, 1)
    expected = estimate_sigma(noisy[None].astype(np.float32))
    for black, white in ((0, 65535), (0, 4095), (32768, 36863), (100, 1123)):
        pixels = np.rint(black + noisy * (white - black)).astype(np.uint16)
        assert estimate_sigma(pixels, Range(black, white)) == pytest.approx(expected, rel=0.01)
