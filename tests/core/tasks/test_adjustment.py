"""A user's hand: what stays, what grows, and how luminance and colour keep apart."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from small_networks import exact, shrunk

import spiden_cli as spiden
from spiden_cli.core.engine.activity import synaptic_operations
from spiden_cli.core.engine.dense import DenseEngine
from spiden_cli.core.image.picture import Picture, Range
from spiden_cli.core.image.pixels import to_grey
from spiden_cli.core.tasks.adjustment import Adjustment, scaled
from spiden_cli.core.tasks.denoising import denoise_picture
from spiden_cli.errors import InputError

factors = st.floats(0, 2)
shares = st.floats(0, 1)
SIGMA = 25.0


def chroma(planes: np.ndarray) -> np.ndarray:
    return planes - to_grey(planes)


@pytest.fixture(scope="module")
def photo(data_dir) -> np.ndarray:
    """A part of a photograph of high ISO, (128, 128, 3) uint8."""
    with Image.open(data_dir / "nam25" / "noisy" / "12.png") as image:
        return np.asarray(image.convert("RGB"))[:128, :128]


@pytest.fixture(scope="module")
def model() -> spiden.Model:
    return spiden.load("base-colour")


@pytest.fixture(scope="module")
def floats(photo) -> np.ndarray:
    return (photo / 255).astype(np.float32)


@pytest.mark.parametrize("name", ["strength", "chroma_strength", "detail"])
@pytest.mark.parametrize("value", [-0.01, 2.01, math.nan, math.inf])
def test_a_value_out_of_range_is_refused_by_name(name, value):
    with pytest.raises(InputError, match=name.replace("_", " ")):
        Adjustment(**{name: value})


def test_detail_ends_at_1():
    Adjustment(detail=1.0)
    with pytest.raises(InputError, match=r"0 to 1, not 1\.5"):
        Adjustment(detail=1.5)


@given(factors, factors, shares, st.integers(0, 2**32 - 1))
def test_luminance_is_of_one_result_and_colour_of_the_other(strength, colour, detail, seed):
    random = np.random.default_rng(seed)
    noisy, bright, coloured = random.random((3, 3, 4, 5), np.float32)
    found = Adjustment(strength, colour, detail).combined(noisy, bright, coloured)
    expected = detail * to_grey(noisy) + (1 - detail) * to_grey(bright)
    np.testing.assert_allclose(to_grey(found), expected, atol=1e-5)
    np.testing.assert_allclose(chroma(found), chroma(coloured), atol=1e-5)


@given(shares, st.integers(0, 2**32 - 1))
def test_of_a_grey_picture_a_share_of_what_was_removed_is_put_back(detail, seed):
    noisy, denoised = np.random.default_rng(seed).random((2, 1, 4, 5), np.float32)
    found = Adjustment(detail=detail).combined(noisy, denoised, denoised)
    np.testing.assert_allclose(found, denoised + detail * (noisy - denoised), atol=1e-6)


@given(st.floats(0, 255), factors)
def test_a_level_and_a_map_are_scaled_alike_up_to_255(level, strength):
    number = scaled(level, strength)
    assert number == pytest.approx(min(level * strength, 255))
    mapped = scaled(np.full((2, 3), level, np.float32), strength)
    np.testing.assert_allclose(mapped, number, rtol=1e-5, atol=1e-30)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_at_strength_0_every_bit_stays_and_nothing_runs(model, photo, dtype):
    pixels = photo.astype(dtype) * (257 if dtype == np.uint16 else 1)
    range = {np.uint16: Range(300, 40000), np.float32: Range(-3, 777)}.get(dtype)
    picture = Picture(pixels, range=range)  # some pixels are beyond it
    result = model.denoise(picture, adjustment=Adjustment(0))
    np.testing.assert_array_equal(result.image.pixels, pixels)
    assert result.image.pixels is not pixels
    assert result.removed == 0
    assert result.activity == {}


def test_defaults_are_what_it_was_without(model, photo):
    plain = model.denoise(photo, SIGMA)
    for same in (Adjustment(), Adjustment(1.0, 1.0, 0.0)):
        found = model.denoise(photo, SIGMA, adjustment=same)
        np.testing.assert_array_equal(found.image, plain.image)
        assert found.activity == plain.activity


def test_more_strength_removes_more_of_a_real_photograph(model, photo):
    removed = [
        model.denoise(photo, 8.0, adjustment=Adjustment(strength)).removed
        for strength in (0, 0.25, 0.5, 1, 1.5, 2)
    ]
    assert removed == sorted(removed)
    assert removed[0] == 0
    assert removed[-1] > 1.5 * removed[2]


def test_the_removed_is_measured_on_the_picture(model, floats):
    result = model.denoise(floats, SIGMA)
    difference = 255 * (result.image.astype(float) - floats)
    assert result.removed == pytest.approx(np.sqrt(np.mean(difference**2)), rel=1e-4)


def test_detail_1_leaves_luminance_and_chroma_strength_0_leaves_colour(model, floats):
    noisy = floats.transpose(2, 0, 1)

    def planes(**values: float) -> np.ndarray:
        found = model.denoise(floats, SIGMA, adjustment=Adjustment(**values)).image
        return found.transpose(2, 0, 1)

    plain, all_detail = planes(), planes(detail=1.0)
    np.testing.assert_allclose(to_grey(all_detail), to_grey(noisy), atol=1e-5)
    np.testing.assert_allclose(chroma(all_detail), chroma(plain), atol=1e-5)
    grey_only, colour_only = planes(chroma_strength=0.0), planes(strength=0.0, chroma_strength=1.0)
    np.testing.assert_allclose(chroma(grey_only), chroma(noisy), atol=1e-5)
    np.testing.assert_allclose(to_grey(grey_only), to_grey(plain), atol=1e-5)
    np.testing.assert_allclose(to_grey(colour_only), to_grey(noisy), atol=1e-5)
    np.testing.assert_allclose(chroma(colour_only), chroma(plain), atol=1e-5)
    assert np.abs(plain - noisy).max() > 0.05


def test_8_bits_stay_alike_within_rounding(model, photo):
    found = model.denoise(photo, 10.0, adjustment=Adjustment(detail=1.0)).image
    inside = ((photo > 20) & (photo < 235)).all(-1)  # beyond, clipping takes its share
    luma = [np.asarray(Image.fromarray(pixels).convert("L"), int) for pixels in (photo, found)]
    assert np.abs(luma[0] - luma[1])[inside].max() <= 1


def test_two_strengths_are_two_runs_in_the_activity(model, photo):
    alone = [
        model.denoise(photo, SIGMA, adjustment=Adjustment(strength)).activity
        for strength in (0.5, 1.5)
    ]
    told = []
    both = model.denoise(
        photo, SIGMA, adjustment=Adjustment(0.5, 1.5), on_tile=lambda *now: told.append(now)
    )
    assert synaptic_operations(both.activity) == sum(map(synaptic_operations, alone))
    slots = [activity["readout"].slots for activity in (*alone, both.activity)]
    assert slots[2] == slots[0] + slots[1]
    assert told == [(1, 2), (2, 2)]


@pytest.mark.parametrize(
    "noise",
    [
        spiden.Gaussian(10.0),
        spiden.NoiseMap(np.full((128, 128), 10, np.float32)),
        spiden.PoissonGaussian(gain=1e-9, read_noise=10.0 / 255),
    ],
)
def test_any_kind_of_noise_is_scaled(model, photo, noise):
    image = photo.astype(np.float32) / 255  # of floats nothing is taken for clipped
    expected = model.denoise(image, 15.0)
    found = model.denoise(image, noise, adjustment=Adjustment(1.5))
    np.testing.assert_allclose(found.image, expected.image, atol=1e-6)
    assert found.noise is noise


@pytest.mark.parametrize("channels", [1, 3])
def test_tiles_leave_no_seam(colour_pixels, channels):
    engine = DenseEngine(exact(shrunk("base", image_channels=channels), 3))
    picture = Picture(colour_pixels)
    hand = Adjustment(0.5, 2.0, 0.25)
    whole, tiled = (
        denoise_picture(engine, picture, 32.0, 2, tile, adjustment=hand, map_firing=True)
        for tile in ((64, 64), (10, 14))
    )
    np.testing.assert_array_equal(tiled.picture.pixels, whole.picture.pixels)
    assert tiled.activity == whole.activity
    assert tiled.removed == pytest.approx(whole.removed)
    np.testing.assert_array_equal(tiled.firing_map.rate, whole.firing_map.rate)


def test_a_network_that_is_told_no_level_takes_no_strength(make, colour_pixels):
    engine, picture = DenseEngine(make("dncnn17")), Picture(colour_pixels)
    for refused in (Adjustment(0.5), Adjustment(1, 2)):
        with pytest.raises(InputError, match="told no noise level"):
            denoise_picture(engine, picture, SIGMA, 2, adjustment=refused)
    plain = denoise_picture(engine, picture, SIGMA, 2)
    grainy = denoise_picture(engine, picture, SIGMA, 2, adjustment=Adjustment(detail=0.5))
    assert grainy.removed < plain.removed
    none = denoise_picture(engine, picture, SIGMA, 2, adjustment=Adjustment(0))
    assert none.removed == 0


def test_a_grey_picture_has_no_colour_to_adjust(small_weights, grey_pixels):
    model = spiden.load(small_weights, threads=1)
    plain = model.denoise(grey_pixels, SIGMA)
    found = model.denoise(grey_pixels, SIGMA, adjustment=Adjustment(chroma_strength=0.0))
    np.testing.assert_array_equal(found.image, plain.image)
    assert found.activity == plain.activity
    assert "grey" in " ".join(found.notes)
