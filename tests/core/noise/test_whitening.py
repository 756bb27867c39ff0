"""What a network is shown of counts: white noise of the level it is told, and the way back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spiden_cli.core.image.picture import Picture, Range
from spiden_cli.core.image.pixels import to_unit
from spiden_cli.core.noise.model import Gaussian, NoiseMap, PoissonGaussian
from spiden_cli.core.noise.whitening import whitening_for

RAMP = np.linspace(0, 1, 160) * np.ones((160, 1))


def counted(noise: PoissonGaussian, photons: float) -> np.ndarray:
    chance = np.random.default_rng(0)
    values = noise.gain * chance.poisson(photons * RAMP) + noise.offset
    return values + chance.normal(0, 1, RAMP.shape) * noise.read_noise


@settings(max_examples=30)
@given(
    gain=st.floats(0.5, 50), offset=st.floats(50, 1000), read=st.floats(1, 3),
    photons=st.floats(3, 300),
)  # fmt: skip
def test_noise_is_white_and_of_the_level_that_is_told(gain, offset, read, photons):
    noise = PoissonGaussian(gain, offset, read * gain)
    picture = Picture(counted(noise, photons).astype(np.float32), range=Range(0, 65535))
    whitening = whitening_for(noise, picture)
    seen = 255 * whitening.shown(to_unit(picture.pixels, picture.levels))[0]
    for part in (slice(8, 32), slice(-32, -8)):  # dark and light
        deviation = np.diff(seen[:, part], axis=0).std() / np.sqrt(2)
        assert deviation == pytest.approx(whitening.level, rel=0.15)
    assert whitening.level <= 50
    assert seen.mean(0).min() > -20
    assert seen.mean(0).max() < 275


def test_what_was_shown_is_restored_without_bias():
    noise = PoissonGaussian(2, 100, 2)
    picture = Picture(np.rint(counted(noise, 20)).astype(np.uint16))
    whitening = whitening_for(noise, picture)
    seen = whitening.shown(to_unit(picture.pixels, picture.levels))
    found = 65535 * whitening.restored(seen.mean(1, keepdims=True))[0, 0]
    assert np.abs(found - (100 + 40 * RAMP[0])).mean() < 0.6
    assert (found - (100 + 40 * RAMP[0])).mean() == pytest.approx(0, abs=0.2)


def test_white_noise_of_a_deep_picture_is_scaled_up_and_linear():
    chance = np.random.default_rng(0)
    pixels = np.rint(30000 + 300 * RAMP + chance.normal(0, 20, RAMP.shape)).astype(np.uint16)
    noise = Gaussian(255 * 20 / 65535)
    whitening = whitening_for(noise, Picture(pixels))
    seen = whitening.shown(to_unit(pixels))
    assert whitening.level == pytest.approx(0.85 * 255 * 20 / 300, rel=0.05)
    assert whitening.stretch == pytest.approx(whitening.level / noise.sigma)
    np.testing.assert_allclose(65535 * whitening.restored(seen)[0], pixels, atol=0.05)


def test_other_noise_is_shown_as_it_is():
    pixels = (255 * RAMP).astype(np.uint8)
    planes, level = to_unit(pixels), np.full(pixels.shape, 3, np.float32)
    for noise in (Gaussian(10), Gaussian(0), NoiseMap(level)):
        whitening = whitening_for(noise, Picture(pixels))
        assert np.array_equal(whitening.level, noise.sigma)
        assert whitening.shown(planes) is planes
        assert whitening.restored(planes) is planes


def test_counts_under_much_read_noise_are_of_one_level():
    pixels = (65535 * RAMP).astype(np.uint16)
    noise = PoissonGaussian(1e-6, 0, 1000)
    assert whitening_for(noise, Picture(pixels)).level == pytest.approx(255 * 1000 / 65535)
