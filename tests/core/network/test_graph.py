"""Operations of each layer, against a count tap by tap."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from spiden_cli.core.network.folding import fold
from spiden_cli.core.network.geometry import LayerGeometry, dense_operations, layers
from spiden_cli.core.network.presets import PRESETS


@given(st.integers(1, 7), st.integers(1, 7), st.integers(1, 3), st.integers(1, 3))
def test_operations_equal_a_count(height, width, channels_in, channels_out):
    count = sum(
        0 <= row + down < height and 0 <= column + right < width
        for row in range(height)
        for column in range(width)
        for down in (-1, 0, 1)
        for right in (-1, 0, 1)
    )
    layer = ConvolutionShape("layer", channels_in, channels_out, height, width)
    assert layer.taps == count
    # A convolution of ones over ones sums, per output, the taps that fall inside.
    ones = torch.ones(1, channels_in, height, width)
    outputs = F.conv2d(ones, torch.ones(channels_out, channels_in, 3, 3), padding=1)
    assert layer.dense_operations == int(outputs.sum())


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("channels", [1, 3])
def test_layers_are_those_of_the_network(make, name, channels):
    network = fold(make(name, image_channels=channels))
    shapes = {}

    def look(module, inputs, output):
        kernel = module.weight.shape
        shapes[names[module]] = (kernel[1], kernel[0], *output.shape[-2:])

    names = {m: name for name, m in network.named_modules() if isinstance(m, torch.nn.Conv2d)}
    for module in names:
        module.register_forward_hook(look)
    network(torch.rand(1, channels, 13, 18), 25.0, 2)
    found = layers(network.config, 13, 18)
    stated = {layer.name: layer[1:] for layer in found}
    assert list(stated.items()) == list(shapes.items())
    assert [name for name, _ in network.spike_driven()] == [layer.name for layer in found][1:]
    operations = dense_operations(network.config, 13, 18)
    assert list(operations) == [layer.name for layer in found]
