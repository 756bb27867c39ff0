from dataclasses import replace

import numpy as np
import pytest

from spiden_cli.core.image.picture import Picture, Range, with_white
from spiden_cli.errors import InputError

DEEP = np.arange(4096, dtype=np.uint16).reshape(64, 64)


@pytest.mark.parametrize(
    ("black", "white"),
    [(0, 0), (5, 4), (float("nan"), 255), (0, float("nan")), (0, float("inf")), (-np.inf, 0)],
)
def test_an_impossible_range_is_refused(black, white):
    with pytest.raises(ValueError, match=r"finite|above"):
        Range(black, white)


def test_range_of_a_type():
    assert Range.full(np.uint8) == Range() == Range(0, 255)
    assert Range.full("uint16") == Range(0, 65535)
    assert Range(100, 4095).span == 3995


def test_a_picture_has_the_full_range_until_told():
    assert Picture(DEEP).levels == Range(0, 65535)
    told = Picture(DEEP, range=Range(10, 4095))
    assert replace(told, pixels=DEEP[::-1]).levels == Range(10, 4095)
    assert told.peak == 4095


@pytest.mark.parametrize("range", [Range(0, 65536), Range(-1, 4095)])
def test_a_range_beyond_the_type_is_refused(range):
    with pytest.raises(ValueError, match="beyond uint16"):
        Picture(DEEP, range=range)


def test_8_bit_pixels_always_have_the_full_range():
    pixels = np.zeros((9, 9), np.uint8)
    assert Picture(pixels, range=Range(0, 255)).peak == 255
    with pytest.raises(ValueError, match="always have the full range"):
        Picture(pixels, range=Range(0, 100))
    with pytest.raises(InputError, match="always 255, not 100: leave --white out"):
        with_white(Picture(pixels), 100)
    assert with_white(Picture(pixels), 255).peak == 255


@pytest.mark.parametrize("white", [0, -1, 65536, float("nan"), float("inf")])
def test_an_impossible_white_is_an_input_error(white):
    with pytest.raises(InputError, match="above 0 and at most 65535"):
        with_white(Picture(DEEP), white)


def test_white_replaces_a_guess_and_keeps_the_rest():
    guessed = Picture(
        DEEP, notes=("changed",), lost=("XMP is gone",), white_guess="white is 4095",
        range=Range(5, 4095),
    )  # fmt: skip
    assert guessed.told == ("changed", "XMP is gone", "white is 4095")
    told = with_white(guessed, 16383)
    assert told.range == Range(5, 16383)
    assert told.told == ("changed", "XMP is gone")
    assert told.pixels is guessed.pixels
    assert with_white(guessed, 3).range == Range(0, 3)  # below the old black


def test_white_below_the_pixels_is_announced():
    assert with_white(Picture(DEEP), 1000).notes == (
        "pixels of up to 4095 are cut to the white level 1000",
    )
