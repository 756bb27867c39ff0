"""Planes of any number type: shown as floats, and taken back without loss."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from spiden_cli.core.image.picture import Range
from spiden_cli.core.image.showing import range_of_values, show
from spiden_cli.core.image.values import check_type
from spiden_cli.errors import InputError

WHOLE = st.sampled_from(["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64"])
REAL = st.sampled_from(["float16", "float32", "float64"])
SHAPES = st.sampled_from([(8, 9), (9, 8, 3)])


@st.composite
def planes(draw):
    dtype = draw(WHOLE | REAL)
    bounds = {"min_value": -(2**40), "max_value": 2**40} if dtype == "int64" else {}
    elements = arrays.from_dtype(np.dtype(dtype), allow_nan=True, allow_infinity=True, **bounds)
    plane = draw(arrays.arrays(dtype, draw(SHAPES), elements=elements))
    flat = plane.reshape(-1)
    flat[: flat.size // 2] = np.arange(flat.size // 2) % 100  # some are finite
    return plane.clip(-1e30, 1e30) if dtype == "float64" else plane


@given(planes())
def test_what_is_not_touched_stays_to_the_bit(plane):
    back = show(plane).measured
    assert back.dtype == plane.dtype
    np.testing.assert_array_equal(back, plane)


@given(planes())
def test_the_network_sees_finite_floats(plane):
    shown = show(plane)
    assert shown.pixels.dtype == np.float32
    assert np.isfinite(shown.pixels).all()


@pytest.mark.parametrize("dtype", ["int16", "uint32", "int64", "float32", "float64", ">i2", ">f8"])
def test_what_was_removed_is_removed_in_the_plane_s_own_units(dtype):
    plane = (np.arange(400).reshape(20, 20) * 3 + 1000).astype(dtype)
    shown = show(plane)
    np.testing.assert_array_equal(replace(shown, pixels=shown.pixels - 7).measured, plane - 7)


def test_whole_numbers_are_cut_at_the_ends_of_their_type():
    plane = np.array([[0, 5] * 8] * 16, np.uint16)
    shown = show(plane)
    down = replace(shown, pixels=shown.pixels - 3)
    np.testing.assert_array_equal(down.measured, [[0, 2] * 8] * 16)


def test_a_large_offset_costs_no_precision():
    steps = np.arange(400).reshape(20, 20) / 1e4
    plane = 1e9 + steps
    shown = show(plane)
    assert shown.values.base != 0
    span = shown.levels.span
    seen = (shown.pixels - shown.levels.black) / span
    np.testing.assert_allclose(seen, (steps - np.quantile(steps, 0.001)) / span, atol=1e-4)


def test_holes_are_filled_like_what_is_around_them_and_stay_holes():
    noise = np.random.default_rng(0).normal(100, 10, (64, 64))
    plane = noise.copy()
    plane[20:30, 10:25], plane[40, 40], plane[50:, :3] = np.nan, np.inf, -np.inf
    shown = show(plane)
    filled = shown.pixels[20:30, 10:25]
    assert abs(filled.mean() - 100) < 4
    assert 6 < filled.std() < 14
    back = replace(shown, pixels=shown.pixels - 5).measured
    holes = ~np.isfinite(plane)
    np.testing.assert_array_equal(back[holes], plane[holes])
    np.testing.assert_allclose(back[~holes], plane[~holes] - 5, rtol=1e-6)


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        (np.linspace(0, 1, 1001), "float32", Range(0, 1)),
        (np.linspace(-0.2, 1.2, 1001), "float64", Range(0, 1)),
        (np.arange(10), "uint8", Range(0, 255)),
        (np.arange(1001), "int16", Range(1, 999)),
        (np.arange(1001) - 500, "int32", Range(-499, 499)),
        (np.arange(1001) * 1e-6, "float32", Range(1e-6, 999e-6)),
        (np.array([0] * 9999 + [4]), "uint16", Range(0, 4)),
        (np.full(50, 7.0), "float32", Range(7, 14)),
        (np.zeros(50), "int16", Range(0, 1)),
    ],
)
def test_black_and_white(values, dtype, expected):
    found = range_of_values([values], dtype)
    assert (found.black, found.white) == pytest.approx((expected.black, expected.white))


def test_a_hot_pixel_does_not_move_white():
    values = np.random.default_rng(1).normal(1000, 50, 10_000)
    values[17] = 65_535
    assert range_of_values([values], "uint16").white < 1300


@pytest.mark.parametrize("dtype", ["bool", "complex64", "U4", "datetime64[s]", "longdouble"])
def test_what_is_no_brightness_is_refused(dtype):
    with pytest.raises(InputError, match=r"x\.npy"):
        check_type(dtype, "x.npy")


def test_a_plane_without_a_number_is_refused():
    with pytest.raises(InputError, match="not one finite"):
        show(np.full((9, 9), np.nan))
