"""A part of a picture denoised: by a mask, and by a region; what is kept is kept to the bit."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import spiden_cli as spiden
from spiden_cli.core.image.metadata import Metadata
from spiden_cli.core.tasks.masks import as_shares, blended

SIGMA = 25.0
REGIONS = [(0, 0, 8, 8), (11, 5, 17, 13), (0, 0, 37, 31), (29, 23, 8, 8), (3, 0, 8, 31)]


@pytest.fixture(scope="module", params=["dense", "event", "event-int16"])
def model(request, small_weights):
    return spiden.load(small_weights, engine=request.param, threads=1)


def cut(pixels, region):
    left, top, width, height = region
    return pixels[top : top + height, left : left + width]


@pytest.mark.parametrize("region", REGIONS)
def test_a_region_is_the_cut_out_of_the_whole(model, colour_pixels, region):
    whole = model.denoise(colour_pixels, SIGMA)
    part = model.denoise(colour_pixels, SIGMA, region=region)
    assert np.array_equal(part.image, cut(whole.image, region))
    assert not np.array_equal(part.image, cut(colour_pixels, region))


def test_a_region_is_told_the_level_of_the_whole(model, colour_pixels):
    whole = model.denoise(colour_pixels)
    part = model.denoise(colour_pixels, region=(1, 2, 9, 10))
    assert part.noise == whole.noise
    assert np.array_equal(part.image, cut(whole.image, (1, 2, 9, 10)))


@pytest.mark.parametrize("noise", [spiden.PoissonGaussian(0.5), "map"])
def test_noise_that_differs_from_place_to_place_goes_along(model, grey_pixels, noise):
    if noise == "map":
        noise = spiden.NoiseMap(np.linspace(1, 50, grey_pixels.size).reshape(grey_pixels.shape))
    whole = model.denoise(grey_pixels, noise)
    part = model.denoise(grey_pixels, noise, region=(11, 5, 17, 13))
    assert np.array_equal(part.image, cut(whole.image, (11, 5, 17, 13)))


def test_the_firing_of_a_region_is_that_of_the_whole_there(small_weights):
    model = spiden.load(small_weights, engine="event", threads=1)
    pixels = np.random.default_rng(0).integers(0, 256, (64, 80), dtype=np.uint8)
    whole = model.denoise(pixels, SIGMA, map_firing=True).firing_map
    part = model.denoise(pixels, SIGMA, region=(16, 8, 32, 24), map_firing=True).firing_map
    scale = whole.scale
    there = cut(whole.rate, [side // scale for side in (16, 8, 32, 24)])
    np.testing.assert_allclose(part.rate, there, rtol=1e-5)


@pytest.mark.parametrize("shape", [(31, 37), (31, 37, 1), (31, 37, 3)])
def test_arrays_of_any_shape_come_back_as_their_part(model, shape):
    image = np.random.default_rng(0).random(shape)
    part = model.denoise(image, SIGMA, region=(2, 3, 10, 9))
    assert part.image.shape == (9, 10, *shape[2:])
    assert part.image.dtype == image.dtype


@pytest.mark.parametrize("shape", [(31, 37), (1, 31, 37), (3, 31, 37)])
def test_tensors_of_any_shape_come_back_as_their_part(model, shape):
    part = model.denoise(torch.rand(shape), SIGMA, region=(2, 3, 10, 9))
    assert tuple(part.image.shape) == (*shape[:-2], 9, 10)


def test_a_part_of_a_picture_keeps_what_is_said_of_it(model, colour_pixels):
    alpha = colour_pixels[..., 0].copy()
    picture = spiden.Picture(colour_pixels, alpha=alpha, icc_profile=b"icc")
    picture = replace(picture, metadata=Metadata(comment="a", gain_map=b"of the whole"))
    part = model.denoise(picture, SIGMA, region=(2, 3, 10, 9)).image
    assert np.array_equal(part.alpha, cut(alpha, (2, 3, 10, 9)))
    assert part.icc_profile == b"icc"
    assert part.metadata == Metadata(comment="a")
    assert any("gain map" in note for note in part.lost)


@pytest.mark.parametrize(
    ("region", "said"),
    [
        ((0, 0, 38, 31), "beyond the picture, which has 37 x 31"),
        ((-1, 0, 10, 10), "beyond the picture"),
        ((30, 0, 8, 8), "beyond the picture"),
        ((0, 0, 7, 8), "at least 8 x 8"),
        ((0, 0, 8), "four whole numbers"),
        ((0.5, 0, 8, 8), "four whole numbers"),
        (5, "four whole numbers"),
    ],
)
def test_a_region_that_is_none_is_refused(model, grey_pixels, region, said):
    with pytest.raises(spiden.InputError, match=said):
        model.denoise(grey_pixels, SIGMA, region=region)


def test_white_is_denoised_and_black_is_kept_to_the_bit(model, colour_pixels):
    whole = model.denoise(colour_pixels, SIGMA).image
    mask = np.zeros((31, 37), np.uint8)
    mask[4:20, 6:30] = 255
    result = model.denoise(colour_pixels, SIGMA, mask=mask)
    assert np.array_equal(result.image[mask == 255], whole[mask == 255])
    assert np.array_equal(result.image[mask == 0], colour_pixels[mask == 0])


def test_black_keeps_even_what_denoising_would_cut(model, grey_pixels):
    pixels = grey_pixels.astype(np.uint16) * 16
    pixels[0, :5] = 60_000  # beyond the white of 12 bits
    picture = spiden.Picture(pixels, range=spiden.Range(0, 4095))
    mask = np.ones(pixels.shape, bool)
    mask[0, :5] = False
    kept = model.denoise(picture, SIGMA, mask=mask).image.pixels
    assert (kept[0, :5] == 60_000).all()
    assert not np.array_equal(kept, pixels)
    floats = np.where(mask, grey_pixels / 255.0, 7.125)
    assert (model.denoise(floats, SIGMA, mask=mask).image[0, :5] == 7.125).all()


def test_grey_is_between_the_two(model, grey_pixels):
    image = grey_pixels / 255.0
    whole = model.denoise(image, SIGMA).image
    mask = np.linspace(0, 1, image.size).reshape(image.shape)
    found = model.denoise(image, SIGMA, mask=mask).image
    np.testing.assert_allclose(found, image + mask * (whole - image), atol=1e-6)


def test_a_mask_and_a_region_together(model, colour_pixels):
    mask = np.random.default_rng(0).integers(0, 256, (31, 37), dtype=np.uint8)
    whole = model.denoise(colour_pixels, SIGMA, mask=mask).image
    part = model.denoise(colour_pixels, SIGMA, mask=mask, region=(11, 5, 17, 13)).image
    assert np.array_equal(part, cut(whole, (11, 5, 17, 13)))


def test_what_was_removed_is_told_of_where_it_was(model, colour_pixels):
    mask = np.zeros((31, 37), bool)
    mask[:2] = True
    result = model.denoise(colour_pixels, SIGMA, mask=mask)
    difference = result.image[:2].astype(float) - colour_pixels[:2]
    assert result.removed == pytest.approx(np.sqrt(np.mean(difference**2)), abs=0.4)  # rounding
    whole = model.denoise(colour_pixels, SIGMA)
    assert model.denoise(colour_pixels, SIGMA, mask=np.ones((31, 37))).removed == whole.removed


def test_an_all_black_mask_runs_nothing_and_says_so(model, grey_pixels):
    result = model.denoise(grey_pixels, SIGMA, mask=np.zeros((31, 37)), map_firing=True)
    assert np.array_equal(result.image, grey_pixels)
    assert not result.activity
    assert "the mask is black all over, so that nothing was denoised" in result.notes
    assert not any("try" in note for note in result.notes)


def test_masks_of_any_kind_say_the_same():
    eight = np.arange(256, dtype=np.uint8).reshape(16, 16)
    wanted = as_shares(eight, 16, 16)
    assert (wanted.min(), wanted.max()) == (0, 1)
    sixteen = eight.astype(np.uint16) * 257
    coloured = spiden.Picture(np.repeat(eight[..., None], 3, 2))
    # what a reader takes for the white of 12 bits is no white of a mask
    dim = spiden.Picture(sixteen // 16, range=spiden.Range(0, 4095))
    same = sixteen, eight / 255.0, torch.from_numpy(eight), spiden.Picture(sixteen), coloured
    for mask in same:
        np.testing.assert_allclose(as_shares(mask, 16, 16), wanted, atol=1e-6)
    assert as_shares(dim, 16, 16).max() == pytest.approx(4095 / 65535, abs=1e-4)
    painted = spiden.Picture(np.full((16, 16), 255, np.uint8), alpha=eight)  # white on nothing
    np.testing.assert_allclose(as_shares(painted, 16, 16), wanted, atol=1e-6)


@pytest.mark.parametrize(
    ("mask", "said"),
    [
        (np.zeros((37, 31)), "the mask has 31 x 37 pixels, and the picture 37 x 31"),
        (np.zeros((31, 37, 3)), "must be an array"),
        (np.full((31, 37), 1.5), "from 0 to 1"),
        (np.full((31, 37), np.nan), "from 0 to 1"),
        (np.zeros((31, 37), np.int32), "must be an array"),
        ("mask.png", "must be an array"),
        (spiden.Picture((np.eye(37)[:31, :, None] * (1, 2, 3)).astype(np.uint8)), "has colours"),
    ],
)
def test_a_mask_that_is_none_is_refused(model, grey_pixels, mask, said):
    with pytest.raises(spiden.InputError, match=said):
        model.denoise(grey_pixels, SIGMA, mask=mask)


@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 3]))
def test_a_blend_lies_between_and_its_ends_are_exact(seed, channels):
    random = np.random.default_rng(seed)
    noisy, denoised = random.normal(0.5, 1, (2, channels, 5, 7)).astype(np.float32)
    shares = random.choice(np.array([0, 0.25, 1], np.float32), (5, 7))
    mixed = blended(noisy, denoised, shares)
    assert np.array_equal(mixed[:, shares == 1], denoised[:, shares == 1])
    assert np.array_equal(mixed[:, shares == 0], noisy[:, shares == 0])
    low, high = np.minimum(noisy, denoised), np.maximum(noisy, denoised)
    assert ((mixed >= low - 1e-6) & (mixed <= high + 1e-6)).all()


def test_where_a_mask_is_black_no_neuron_is_said_to_fire(small_weights):
    engine = spiden.make_engine("event", spiden.load_weights(small_weights)[0])
    picture = spiden.Picture(np.random.default_rng(0).integers(0, 256, (64, 96), dtype=np.uint8))
    mask = np.zeros((64, 96), bool)
    mask[:, :40] = True
    whole, part = (
        spiden.denoise_picture(engine, picture, SIGMA, 4, (64, 32), map_firing=True, mask=m)
        for m in (None, mask)
    )
    scale = whole.firing_map.scale
    seen, unseen = slice(0, 64 // scale), slice(64 // scale, None)  # the first two of three tiles
    wanted = whole.firing_map.rate[:, seen]
    np.testing.assert_allclose(part.firing_map.rate[:, seen], wanted, rtol=1e-5)
    assert not part.firing_map.rate[:, unseen].any()
