"""Samples: what is read, what is added, and what is told before anything is decoded."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from spiden_cli.core.data import samples
from spiden_cli.core.data.samples import CleanImage, Pair, clean_images
from spiden_cli.core.image.pixels import to_unit
from spiden_cli.errors import InputError


@pytest.fixture
def save(tmp_path: Path):
    def save(name: str, pixels: np.ndarray) -> Path:
        path = tmp_path / name
        Image.fromarray(pixels).save(path)
        return path

    return save


def test_noise_of_the_seed_is_added_unclipped(save, colour_pixels):
    first, second = clean_images([save("a.png", colour_pixels)] * 2)
    noisy, clean = second.read(40.0)
    generator = torch.Generator().manual_seed(1)
    noise = torch.randn(3, *colour_pixels.shape[:2], generator=generator).numpy()
    expected = to_unit(colour_pixels) + noise * np.float32(40 / 255)
    assert np.array_equal(clean.pixels, colour_pixels)
    assert np.array_equal(to_unit(noisy.pixels, noisy.levels), expected)
    assert expected.max() > 1  # and stays so
    assert not np.array_equal(first.read(40.0).noisy.pixels, noisy.pixels)


def test_each_seed_is_another_draw_for_each_image(save, grey_pixels):
    images = clean_images([save("a.png", grey_pixels)] * 3)
    seeds = (0, 1, 2, samples.SEEDS - 1)
    draws = {image.read(25.0, seed).noisy.pixels.tobytes() for image in images for seed in seeds}
    assert len(draws) == len(images) * len(seeds)
    assert np.array_equal(*(images[1].read(25.0, *s).noisy.pixels for s in ((), (0,))))


def test_noise_to_be_added_needs_a_level(save, grey_pixels):
    with pytest.raises(InputError, match=r"a\.png: give the level"):
        CleanImage(save("a.png", grey_pixels), 0).read(None)


def test_a_pair_is_read_as_it_is_at_any_level(save, colour_pixels):
    pair = Pair(clean=save("c.png", colour_pixels), noisy=save("n.png", colour_pixels[::-1]))
    for level in (None, 25.0):
        noisy, clean = pair.read(level)
        assert np.array_equal(noisy.pixels, colour_pixels[::-1])
        assert np.array_equal(clean.pixels, colour_pixels)
    assert pair.is_colour()
    assert pair.files == (pair.clean, pair.noisy)


@pytest.mark.parametrize(
    "change",
    [lambda pixels: pixels[1:], lambda pixels: pixels[:, :-1], lambda pixels: pixels[..., 0]],
    ids=["height", "width", "grey"],
)
@pytest.mark.parametrize("side", [0, 1])
def test_what_is_no_pair_is_refused_by_the_headers_and_when_read(save, colour_pixels, change, side):
    pictures = [colour_pixels, colour_pixels]
    pictures[side] = change(colour_pixels)
    noisy, clean = pictures
    pair = Pair(clean=save("c.png", clean), noisy=save("n.png", noisy))
    for attempt in (pair.is_colour, lambda: pair.read(25.0)):
        with pytest.raises(InputError, match=r"n\.png is .* and .*c\.png is .*the same size"):
            attempt()


def test_a_picture_that_is_stored_turned_is_no_other_size(tmp_path, save, colour_pixels):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    Image.fromarray(np.rot90(colour_pixels)).save(tmp_path / "n.png", exif=exif)
    pair = Pair(clean=save("c.png", colour_pixels), noisy=tmp_path / "n.png")
    assert pair.is_colour()
    noisy, clean = pair.read(None)
    assert np.array_equal(noisy.pixels, clean.pixels)


def test_the_kind_is_told_without_decoding(save, grey_pixels, colour_pixels, monkeypatch):
    grey, colour = save("g.png", grey_pixels), save("c.png", colour_pixels)
    monkeypatch.setattr(samples, "read_picture", None)
    assert [CleanImage(path, 0).is_colour() for path in (grey, colour)] == [False, True]
    assert [Pair(path, path).is_colour() for path in (grey, colour)] == [False, True]
