"""Direct encoding: pixels become channels of a position, the noise level one more."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from spiden_cli.core.network.config import NetworkConfig
from spiden_cli.core.network.encoding import encode, pad_to_multiple


@given(st.sampled_from([1, 3]), st.integers(1, 4), st.booleans())
def test_shapes(channels, unshuffle, noise_map):
    config = NetworkConfig(image_channels=channels, unshuffle=unshuffle, noise_map=noise_map)
    encoded = encode(torch.rand(2, channels, 12, 24), torch.tensor([10.0, 50.0]), config, unshuffle)
    assert encoded.shape == (2, config.encoded_channels, 12 // unshuffle, 24 // unshuffle)
    assert config.encoded_channels == channels * unshuffle**2 + noise_map


def test_pixels_then_the_noise_map():
    config = NetworkConfig(unshuffle=2, noise_map=True)
    encoded = encode(torch.arange(8.0).view(1, 1, 2, 4), torch.tensor([32.0]), config, 2)
    assert encoded[0, :, 0, 0].tolist() == [0, 1, 4, 5, 0.5]
    assert encoded[0, :, 0, 1].tolist() == [2, 3, 6, 7, 0.5]


@given(st.integers(5, 20), st.integers(5, 20), st.integers(1, 4))
def test_padding_mirrors_below_and_right(height, width, multiple):
    images = torch.rand(1, 1, height, width)
    padded = pad_to_multiple(images, multiple)
    assert padded.shape[-2] == -(-height // multiple) * multiple
    assert padded.shape[-1] == -(-width // multiple) * multiple
    assert torch.equal(padded[..., :height, :width], images)
    for row in range(height, padded.shape[-2]):
        assert torch.equal(padded[..., row, :width], images[..., 2 * height - 2 - row, :])
    for column in range(width, padded.shape[-1]):
        assert torch.equal(padded[..., :height, column], images[..., 2 * width - 2 - column])
