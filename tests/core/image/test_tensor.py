import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from spiden_cli.core.image.tensor import to_grey, to_pixels, to_tensor

_shapes = array_shapes(min_dims=2, max_dims=2, max_side=9)
_any_pixels = st.tuples(
    _shapes, st.sampled_from([(), (3,)]), st.sampled_from(["u1", "u2"])
).flatmap(lambda kind: arrays(np.dtype(kind[2]), kind[0] + kind[1]))


@given(_any_pixels)
def test_pixels_survive_the_round_trip(pixels):
    tensor = to_tensor(pixels)
    assert tensor.dtype == torch.float32
    assert tensor.is_contiguous()
    assert 0 <= tensor.min() <= tensor.max() <= 1
    again = to_pixels(tensor, pixels.dtype)
    assert again.dtype == pixels.dtype
    assert np.array_equal(again, pixels)


def test_every_16_bit_value_survives():
    pixels = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    assert np.array_equal(to_pixels(to_tensor(pixels), np.uint16), pixels)


def test_channels_come_first_and_the_source_is_not_shared(colour_pixels):
    tensor = to_tensor(colour_pixels)
    assert tensor.shape == (3, 31, 37)
    assert tensor[2, 5, 7].item() == np.float32(colour_pixels[5, 7, 2]) / np.float32(255)


def test_clips_and_rounds_half_to_even():
    values = torch.tensor([[[-0.4, 1.7, 0.5 / 255, 1.5 / 255, 2.5 / 255, float("inf")]]])
    assert to_pixels(values, np.uint8).tolist() == [[0, 255, 0, 2, 2, 255]]


@pytest.mark.parametrize("shape", [(2, 4, 4), (4, 4), (1, 1, 4, 4)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="expected"):
        to_pixels(torch.zeros(shape), np.uint8)


def test_nan_and_other_dtypes_are_refused():
    with pytest.raises(ValueError, match="NaN"):
        to_pixels(torch.full((1, 2, 2), float("nan")), np.uint8)
    with pytest.raises(ValueError, match="uint8"):
        to_pixels(torch.zeros(1, 2, 2), np.int32)


def test_grey_has_the_weights_of_bt601():
    primaries = torch.eye(3).reshape(3, 3, 1)  # columns: red, green, blue
    assert to_grey(primaries).flatten().tolist() == pytest.approx([0.299, 0.587, 0.114])
    assert to_grey(torch.ones(2, 3, 4, 5)).shape == (2, 1, 4, 5)
    assert to_grey(torch.ones(3, 4, 5)).max() <= 1.0 + 1e-6
    grey = torch.rand(1, 4, 5)
    assert to_grey(grey) is grey
