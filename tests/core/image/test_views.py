"""Overviews are means; the cut-out is where there is something to see."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiden_cli.core.image.picture import Picture, Range
from spiden_cli.core.image.region import Region
from spiden_cli.core.image.views import (
    choose_cutout,
    choose_difference,
    look,
    look_closely,
    overview,
)

FULL = Range()


@given(st.integers(1, 90), st.integers(1, 90), st.sampled_from([1, 3]), st.integers(1, 40))
def test_an_overview_is_the_mean_of_squares(height, width, channels, side):
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (height, width, channels), dtype=np.uint8)
    small = overview(pixels if channels == 3 else pixels[..., 0], FULL, side)
    factor = max(1, min(max(height, width) // side, height, width))
    assert small.shape == (height // factor, width // factor, channels)
    for row, column in ((0, 0), (small.shape[0] - 1, small.shape[1] - 1)):
        square = pixels[row * factor :, column * factor :][:factor, :factor]
        np.testing.assert_allclose(small[row, column], square.mean((0, 1)), rtol=1e-4)


def test_ranges_are_those_of_the_picture():
    deep = np.full((8, 8), 1000, np.uint16)
    assert overview(deep, Range(0, 2000), 4).ravel() == pytest.approx(127.5)


@pytest.mark.parametrize("colour", [False, True])
def test_the_cutout_holds_an_edge_and_noise(colour):
    clean = np.full((300, 400), 90, np.uint8)
    clean[200:, 250:] = 160  # the edge that is noisy
    clean[:100, :80] = 160  # one without noise
    noisy = clean.astype(float)
    noisy[150:] += np.random.default_rng(0).normal(0, 10, (150, 400))
    noisy = np.rint(noisy).astype(np.uint8)
    if colour:
        clean, noisy = (np.dstack([part] * 3) for part in (clean, noisy))
    found = choose_cutout(noisy, clean, FULL, 60)
    rows, columns = found.window
    assert rows.start >= 120
    assert clean[rows, columns].std() > 20


@given(st.integers(1, 70), st.integers(1, 70))
def test_a_cutout_lies_in_the_picture(height, width):
    pixels = np.random.default_rng(1).integers(0, 256, (height, width), dtype=np.uint8)
    found = choose_cutout(pixels, pixels, FULL, 30)
    assert found[2:] == (min(30, height, width),) * 2
    assert pixels[found.window].shape == (found.height, found.width)


@given(st.integers(0, 400), st.integers(0, 500), st.sampled_from([(), (3,)]), st.integers(2, 4))
def test_a_single_changed_place_is_found_wherever_it_is(top, left, channels, count):
    height, width = 401, 501
    pictures = [np.full((height, width, *channels), 90, np.uint8) for _ in range(count)]
    pictures[-1][top, left] = 91
    found = choose_difference(pictures, [FULL] * count, 60)
    assert found.left <= left < found.left + 60
    assert found.top <= top < found.top + 60
    found.check(width, height)


def test_the_changed_place_is_in_the_middle_of_what_is_shown():
    one = np.zeros((300, 300), np.uint8)
    other = one.copy()
    other[140:150, 160:170] = 200
    found = choose_difference([one, other], [FULL, FULL], 80)
    assert abs(found.top + 40 - 145) <= 20
    assert abs(found.left + 40 - 165) <= 20


@pytest.mark.parametrize("size", [(8, 8), (9, 700), (700, 9), (60, 61)])
def test_of_equal_pictures_the_middle_is_taken(size):
    picture = np.arange(size[0] * size[1], dtype=np.uint16).reshape(size)
    side = min(60, *size)
    found = choose_difference([picture] * 3, [Range.full(np.uint16)] * 3, 60)
    assert found == ((size[1] - side) // 2, (size[0] - side) // 2, side, side)


def test_what_is_transparent_shows_checks_and_no_colour():
    pixels = np.full((64, 64, 3), (255, 0, 0), np.uint8)
    alpha = np.zeros((64, 64), np.uint8)
    alpha[:, 32:] = 255
    picture = Picture(pixels, alpha=alpha)
    for seen in (look(picture, 64), look_closely(picture, Region(0, 0, 64, 64))):
        assert (seen[:, 32:] == (255, 0, 0)).all()
        assert set(np.unique(seen[:, :32])) == {204, 255}
