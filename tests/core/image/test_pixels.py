"""The numpy functions; that torch's do the same is in test_tensor.py."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from spiden_cli.core.image import tensor
from spiden_cli.core.image.picture import Range
from spiden_cli.core.image.pixels import (
    in_8_bit_units,
    rounded_to_8_bit,
    to_grey,
    to_pixels,
    to_unit,
)

_ranges = st.tuples(st.integers(0, 65534), st.integers(1, 65535)).map(
    lambda ends: Range(ends[0], min(65535, ends[0] + ends[1]))
)


@given(_ranges, st.data())
def test_pixels_inside_any_range_survive(range, data):
    values = st.integers(int(range.black), int(range.white))
    pixels = data.draw(arrays(np.uint16, array_shapes(min_dims=2, max_dims=2), elements=values))
    unit = to_unit(pixels, range)
    assert unit.dtype == np.float32
    assert unit.flags.c_contiguous
    assert 0 <= unit.min() <= unit.max() <= 1
    assert np.array_equal(to_pixels(unit, np.uint16, range), pixels)


def test_black_is_0_and_white_is_1_and_nothing_is_clipped():
    pixels = np.array([[50, 100, 600, 1100, 2100]], np.uint16)
    assert to_unit(pixels, Range(100, 1100)).tolist() == [[pytest.approx([-0.05, 0, 0.5, 1, 2])]]


def test_output_is_clipped_to_the_range():
    planes = np.array([[[-0.4, 0.5, 1.7, np.inf]]], np.float32)
    assert to_pixels(planes, np.uint16, Range(100, 1100)).tolist() == [[100, 600, 1100, 1100]]
    assert planes[0, 0, 0] == np.float32(-0.4)  # the input stays


def test_full_range_is_division_by_the_largest_value():
    every = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    assert np.array_equal(to_unit(every)[0], every.astype(np.float32) / np.float32(65535))
    assert np.array_equal(to_unit(every, Range(0, 65535)), to_unit(every))
    assert np.array_equal(to_pixels(to_unit(every), "uint16"), every)


@pytest.mark.parametrize("shape", [(16, 9), (16, 9, 3)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_source_is_not_shared(shape, dtype):
    pixels = np.full(shape, 7, dtype)
    to_unit(pixels)[:] = 0
    assert (pixels == 7).all()


def test_floats_are_scaled_and_neither_clipped_nor_rounded():
    pixels = np.array([[-0.5, 0.25], [1.75, 300.0]], np.float32)
    planes = to_unit(pixels, Range(0, 2))
    assert planes.tolist() == [[[-0.25, 0.125], [0.875, 150.0]]]
    assert np.array_equal(to_pixels(planes, np.float32, Range(0, 2)), pixels)


def test_what_does_not_fit_is_refused():
    plane = np.zeros((1, 2, 2), np.float32)
    with pytest.raises(ValueError, match="NaN"):
        to_pixels(plane * np.float32(np.nan), np.uint8)
    with pytest.raises(ValueError, match="float32, not int32"):
        to_pixels(plane, np.int32)
    with pytest.raises(ValueError, match="expected"):
        to_pixels(plane[0], np.uint8)
    with pytest.raises(ValueError, match="beyond uint8"):
        to_pixels(plane, np.uint8, Range(0, 4095))


_planes = array_shapes(min_dims=2, max_dims=2, max_side=70).flatmap(
    lambda size: arrays(np.float32, (3, *size), elements=st.floats(0, 1, width=32))
)


@given(_planes)
def test_grey_is_torch_s_to_the_bit(planes):
    assert np.array_equal(to_grey(planes), tensor.to_grey(torch.from_numpy(planes)).numpy())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_grey_of_large_and_stacked_planes_is_torch_s_to_the_bit(dtype):
    planes = np.random.default_rng(0).random((2, 3, 401, 503)).astype(dtype)
    grey = to_grey(planes)
    assert (grey.shape, grey.dtype) == ((2, 1, 401, 503), dtype)
    assert np.array_equal(grey, tensor.to_grey(torch.from_numpy(planes)).numpy())
    assert to_grey(grey) is grey


@given(_ranges, arrays(np.float32, (3, 4, 5), elements=st.floats(-1, 2, width=32)))
def test_tensors_and_arrays_have_the_same_pixels(range, planes):
    there = tensor.to_pixels(torch.from_numpy(planes), np.uint16, range)
    assert np.array_equal(there, to_pixels(planes, np.uint16, range))
    assert np.array_equal(tensor.to_tensor(there, range).numpy(), to_unit(there, range))


@given(_ranges, st.data())
def test_8_bit_units_are_255_to_the_range(range, data):
    pixels = data.draw(arrays(np.uint16, array_shapes(min_dims=2, max_dims=2)))
    values = in_8_bit_units(pixels, range)
    assert values.dtype == np.float32
    np.testing.assert_allclose(values, 255 * to_unit(pixels, range)[0], rtol=1e-6)


@given(st.integers(0, 60000), st.integers(1, 5535))
def test_8_bits_go_from_black_to_white(black, span):
    values = np.array([0, black, black + span, 65535], np.uint16)
    rounded = rounded_to_8_bit(values, Range(black, black + span))
    assert rounded.tolist() == [0, 0, 255, 255]


def test_8_bits_of_the_full_range_are_the_nearest():
    every = np.arange(65536, dtype=np.uint16)
    assert np.array_equal(rounded_to_8_bit(every), np.rint(every / 257))
    assert np.array_equal(rounded_to_8_bit(every, Range(0, 65535)), rounded_to_8_bit(every))
