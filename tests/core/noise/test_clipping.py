"""Clipped noise: the formulas against simulation, and pictures that get their black back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiden_cli.core.image.picture import Range
from spiden_cli.core.noise.clipping import (
    Clipping,
    before_clipping,
    clipping_of,
    deviation_after_clipping,
    mean_after_clipping,
)

FULL = Range(0, 255)


@given(value=st.floats(-60, 255), sigma=st.floats(1, 60))
def test_the_mean_is_that_of_clipped_noise(value, sigma):
    noise = np.random.default_rng(0).normal(0, sigma, 100_000)
    clipped = np.maximum(value + noise, 0)
    found = mean_after_clipping(np.array(value), sigma)
    assert found == pytest.approx(clipped.mean(), abs=5 * sigma / 300)


@given(sigma=st.floats(0, 255))
def test_the_deviation_is_that_of_clipped_noise_around_middle_grey(sigma):
    noise = np.random.default_rng(1).normal(0, 1, 100_000) * sigma
    clipped = (127.5 + noise).clip(0, 255)
    assert deviation_after_clipping(sigma) == pytest.approx(clipped.std(), rel=0.02, abs=1e-6)


@given(sigma=st.floats(0, 200))
def test_before_is_the_inverse_of_after(sigma):
    assert before_clipping(deviation_after_clipping(sigma)) == pytest.approx(sigma, abs=0.05)


@given(
    black=st.floats(0, 120), white=st.floats(0, 120), share=st.floats(0, 1), seed=st.integers(0, 99)
)
def test_restored_values_keep_their_order_and_move_outwards(black, white, share, seed):
    values = np.random.default_rng(seed).uniform(0, 1, (1, 4, 50)).astype(np.float32)
    restored = Clipping(black, white).restored(values, share)
    assert restored.dtype == np.float32
    order = np.argsort(values.ravel())
    assert (np.diff(restored.ravel()[order]) >= -1e-5).all()
    if white == 0:
        assert (restored <= values + 1e-5).all()
    if black == 0:
        assert (restored >= values - 1e-5).all()


@pytest.mark.parametrize("sigma", [10, 25, 60])
def test_black_and_white_come_back(sigma):
    clean = np.repeat(np.linspace(0, 255, 9), 64)[None].repeat(300, 0)
    noise = np.random.default_rng(2).normal(0, sigma, clean.shape)
    noisy = np.rint(clean + noise).clip(0, 255).astype(np.uint8)
    found = clipping_of(noisy, FULL, deviation_after_clipping(sigma))
    assert found.black == pytest.approx(sigma, rel=0.25)
    assert found.white == pytest.approx(sigma, rel=0.25)
    means = noisy.reshape(300, 9, 64).mean((0, 2))  # what the best denoiser finds
    restored = 255 * found.restored((means[None, None] / 255).astype(np.float32))[0, 0].clip(0, 1)
    truth = np.linspace(0, 255, 9)
    assert abs(restored - truth).max() < 0.35 * abs(means - truth).max()


def test_noise_that_no_end_has_clipped_moves_nothing():
    noisy = np.random.default_rng(3).normal(128, 10, (200, 200)).clip(1, 254).astype(np.uint8)
    values = np.linspace(0, 1, 100, dtype=np.float32)[None, None]
    found = clipping_of(noisy, FULL, 10.0)
    np.testing.assert_allclose(found.restored(values), values, atol=0.004)


def test_noise_that_is_weaker_in_the_dark_is_not_taken_for_clipped():
    clean = np.repeat(np.linspace(0, 255, 64), 4)[None].repeat(256, 0)
    noise = np.random.default_rng(4).normal(0, 1, clean.shape) * 20 * np.sqrt(clean / 255)
    noisy = np.rint(clean + noise).clip(0, 255).astype(np.uint8)
    found = clipping_of(noisy, FULL, 14.0)
    assert found.black < 5 < found.white


def test_what_is_black_without_noise_is_no_sign_of_any():
    picture = np.full((100, 100), 90, np.uint8)
    picture[:40] = 0
    assert clipping_of(picture, FULL, 5.0).white < 0.1
    restored = clipping_of(picture, FULL, 5.0).restored(np.full((1, 1, 4), 90 / 255, np.float32))
    np.testing.assert_allclose(restored, 90 / 255, atol=1e-6)


def test_a_picture_without_noise_is_left_alone():
    assert clipping_of(np.zeros((50, 50, 3), np.uint8), FULL, 0.0) == Clipping(0.0, 0.0)


def test_sixteen_bits_with_a_range_of_their_own():
    rng = np.random.default_rng(5)
    clean = np.repeat(np.linspace(0, 255, 8), 40)[None].repeat(320, 0)
    noisy = (clean + rng.normal(0, 20, clean.shape)).clip(0, 255)
    deep = np.rint(1000 + noisy / 255 * 3000).astype(np.uint16)
    eight = clipping_of(np.rint(noisy).astype(np.uint8), FULL, 20.0)
    found = clipping_of(deep, Range(1000, 4000), 20.0)
    assert found.black == pytest.approx(eight.black, abs=2)
    assert found.white == pytest.approx(eight.white, abs=2)
