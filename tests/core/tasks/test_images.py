"""Images of other libraries, axes of other orders, and batches."""

import numpy as np
import pytest
import torch
from PIL import Image

import spiden_cli as spiden

SIGMA = 25.0


@pytest.fixture(scope="module")
def model(small_weights):
    return spiden.load(small_weights, engine="dense")


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
@pytest.mark.parametrize("kind", ["array", "tensor"])
def test_colours_may_be_any_axis(model, colour_pixels, axis, kind):
    moved = np.moveaxis(colour_pixels, -1, axis).copy()
    image = torch.from_numpy(moved) if kind == "tensor" else moved
    found = model.denoise(image, SIGMA, channel_axis=axis).image
    assert type(found) is type(image)
    expected = model.denoise(colour_pixels, SIGMA).image
    np.testing.assert_array_equal(np.moveaxis(np.asarray(found), axis, -1), expected)
    assert not np.array_equal(expected, colour_pixels)


def test_a_single_channel_may_be_any_axis(model, grey_pixels):
    expected = model.denoise(grey_pixels, SIGMA).image
    found = model.denoise(grey_pixels[None], SIGMA, channel_axis=0).image
    np.testing.assert_array_equal(found, expected[None])


def test_a_region_of_an_image_whose_colours_come_first(model, colour_pixels):
    whole = model.denoise(colour_pixels, SIGMA).image
    first = np.moveaxis(colour_pixels, -1, 0)
    part = model.denoise(first, SIGMA, channel_axis=0, region=(4, 6, 20, 10)).image
    np.testing.assert_array_equal(np.moveaxis(part, 0, -1), whole[6:16, 4:24])


@pytest.mark.parametrize("mode", ["L", "RGB", "LA", "RGBA", "I;16", "F"])
def test_pillow_images_come_back_as_they_were(model, colour_pixels, mode):
    grey = colour_pixels[..., 0]
    pixels = {
        "L": grey,
        "LA": np.dstack([grey, grey.T.copy().reshape(grey.shape)]),
        "RGB": colour_pixels,
        "RGBA": np.dstack([colour_pixels, grey]),
        "I;16": grey.astype(np.uint16) * 257,
        "F": (grey / 255).astype(np.float32),
    }[mode]
    image = Image.fromarray(pixels)
    assert image.mode == mode
    image.info["dpi"] = (300, 300)
    found = model.denoise(image, SIGMA).image
    assert (found.mode, found.size, found.info["dpi"]) == (mode, image.size, (300, 300))
    values = np.asarray(found)
    if mode in ("LA", "RGBA"):
        np.testing.assert_array_equal(values[..., -1], pixels[..., -1])
        pixels, values = pixels[..., :-1], values[..., :-1]
    expected = model.denoise(pixels.copy(), SIGMA).image
    np.testing.assert_array_equal(values, expected)
    assert not np.array_equal(values, pixels)


def test_a_region_of_a_transparent_pillow_image(model, colour_pixels):
    image = Image.fromarray(np.dstack([colour_pixels, colour_pixels[..., 0]]))
    found = model.denoise(image, SIGMA, region=(4, 6, 20, 10)).image
    assert (found.mode, found.size) == ("RGBA", (20, 10))
    np.testing.assert_array_equal(np.asarray(found)[..., 3], colour_pixels[6:16, 4:24, 0])


@pytest.mark.parametrize(
    ("image", "axis", "words"),
    [
        (Image.new("P", (16, 16)), None, "convert"),
        (Image.new("CMYK", (16, 16)), None, "convert"),
        (Image.new("RGB", (16, 16)), 0, "leave out channel_axis"),
        (np.zeros((16, 16, 3), np.uint8), 3, "3 axes"),
        (np.zeros((16, 16, 3), np.uint8), 0, "three colours"),
        (spiden.Picture(np.zeros((16, 16), np.uint8)), 0, "arrays"),
    ],
)
def test_what_has_no_such_axis_or_mode_is_refused(model, image, axis, words):
    with pytest.raises(spiden.InputError, match=words):
        model.denoise(image, SIGMA, channel_axis=axis)


@pytest.mark.parametrize("kind", ["array", "tensor", "list", "pillow"])
def test_a_batch_is_what_its_images_are_one_by_one(model, colour_pixels, kind):
    images = [colour_pixels, colour_pixels[::-1].copy()]
    levels = [SIGMA, 10.0]
    expected = [
        model.denoise(image, level).image for image, level in zip(images, levels, strict=True)
    ]
    given = {
        "array": np.stack(images),
        "tensor": torch.from_numpy(np.moveaxis(np.stack(images), -1, 1).copy()),
        "list": images,
        "pillow": [Image.fromarray(image) for image in images],
    }[kind]
    done = []
    found = model.denoise_batch(given, levels, on_image=lambda *counts: done.append(counts))
    assert done == [(1, 2), (2, 2)]
    assert [result.noise.sigma for result in found.results] == levels
    assert type(found.images) is type(given)
    values = found.images if kind != "tensor" else found.images.movedim(1, -1)
    np.testing.assert_array_equal(np.stack([np.asarray(v) for v in values]), np.stack(expected))


def test_the_axis_of_colours_counts_in_the_whole_batch(model, colour_pixels):
    batch = np.moveaxis(np.stack([colour_pixels] * 2), -1, 1)
    expected = model.denoise(colour_pixels, SIGMA).image
    for axis in (1, -3):
        found = model.denoise_batch(batch, SIGMA, channel_axis=axis).images
        np.testing.assert_array_equal(found[1], np.moveaxis(expected, -1, 0))
    with pytest.raises(spiden.InputError, match="first axis"):
        model.denoise_batch(batch, SIGMA, channel_axis=0)


def test_batches_that_are_none_are_refused(model, grey_pixels):
    for images, noise in ((grey_pixels, SIGMA), ("ab", SIGMA), ([grey_pixels], [1.0, 2.0])):
        with pytest.raises(spiden.InputError):
            model.denoise_batch(images, noise)


def test_an_empty_batch_is_empty(model):
    assert model.denoise_batch(np.zeros((0, 16, 16), np.uint8), SIGMA).images.shape == (0, 16, 16)
    assert model.denoise_batch([], SIGMA).images == []
