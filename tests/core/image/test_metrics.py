import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import correlate1d

from spiden_cli.core.image.metrics import psnr, ssim
from spiden_cli.core.image.picture import Range
from spiden_cli.errors import InputError


@given(st.integers(1, 255))
def test_psnr_of_a_constant_error(error):
    clean, restored = np.zeros((9, 9), np.uint8), np.full((9, 9), error, np.uint8)
    assert psnr(restored, clean) == pytest.approx(20 * math.log10(255 / error))
    assert psnr(clean, restored) == psnr(restored, clean)


def test_psnr_knows_the_peak_of_the_depth(grey_pixels):
    other = grey_pixels[::-1]
    deep = psnr(other.astype(np.uint16) * 257, grey_pixels.astype(np.uint16) * 257)
    assert deep == pytest.approx(psnr(other, grey_pixels))


def test_equal_pictures(colour_pixels):
    assert psnr(colour_pixels, colour_pixels) == math.inf
    assert ssim(colour_pixels, colour_pixels) == pytest.approx(1)


def test_ssim_is_the_formula_of_wang_et_al(grey_pixels):
    noise = np.random.default_rng(0).normal(0, 20, grey_pixels.shape)
    noisy = np.rint((grey_pixels + noise).clip(0, 255)).astype(np.uint8)
    window = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    window /= window.sum()

    def mean(image: np.ndarray) -> np.ndarray:
        smooth = correlate1d(correlate1d(image, window, axis=0), window, axis=1)
        return smooth[5:-5, 5:-5]  # the window must lie inside, as in the authors' code

    x, y = grey_pixels.astype(float), noisy.astype(float)
    mx, my = mean(x), mean(y)
    vx, vy, vxy = mean(x * x) - mx**2, mean(y * y) - my**2, mean(x * y) - mx * my
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    expected = (2 * mx * my + c1) * (2 * vxy + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
    assert ssim(noisy, grey_pixels) == pytest.approx(expected.mean(), abs=1e-6)


def test_ssim_of_colour_is_the_mean_of_its_channels(colour_pixels):
    other = np.roll(colour_pixels, 1, axis=0)
    channels = [ssim(other[..., c], colour_pixels[..., c]) for c in range(3)]
    assert ssim(other, colour_pixels) == pytest.approx(np.mean(channels))


@pytest.mark.parametrize("metric", [psnr, ssim])
def test_pictures_that_differ_in_kind_are_refused(metric, colour_pixels, grey_pixels):
    deep = grey_pixels.astype(np.uint16)
    for other in (colour_pixels, grey_pixels[1:], deep):
        with pytest.raises(InputError, match="same size, channels and depth"):
            metric(other, grey_pixels)
    with pytest.raises(InputError, match="float64"):
        metric(grey_pixels / 255, grey_pixels / 255)


def test_ssim_of_a_picture_below_its_window_is_refused():
    tiny = np.zeros((10, 40), np.uint8)
    with pytest.raises(InputError, match="40 x 10"):
        ssim(tiny, tiny)


@pytest.mark.parametrize(("metric", "tolerance"), [(psnr, 0.01), (ssim, 1e-4)])
def test_quality_is_measured_against_the_range(metric, tolerance, grey_pixels):
    noise = np.random.default_rng(0).normal(0, 20, grey_pixels.shape)
    noisy = (grey_pixels + noise).clip(0, 255)

    def measured(black: int, white: int) -> float:
        scaled = [
            np.rint(black + values * ((white - black) / 255)).astype(np.uint16)
            for values in (noisy, grey_pixels)
        ]
        return metric(*scaled, Range(black, white))

    # SSIM depends on the black level by its brightness term, so it is compared at the same one.
    assert measured(0, 4095) == pytest.approx(measured(0, 65535), abs=tolerance)
    if metric is psnr:
        assert measured(200, 4095) == pytest.approx(measured(0, 65535), abs=tolerance)
