"""The folds over a graph, each against a count or a measurement; and graphs that are refused."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from spiden_cli.core.network.building import GraphBuilder
from spiden_cli.core.network.families import graph_of
from spiden_cli.core.network.folding import fold
from spiden_cli.core.network.graph import ConvolutionShape, reach
from spiden_cli.core.network.presets import PRESETS, preset
from spiden_cli.errors import InputError


@given(
    st.integers(1, 9), st.integers(1, 9), st.integers(1, 3), st.integers(1, 3),
    st.sampled_from([1, 3, 5]), st.integers(1, 3),
)  # fmt: skip
def test_operations_equal_a_count(height, width, channels_in, channels_out, kernel, stride):
    near = kernel // 2
    count = sum(
        0 <= row * stride + down < height and 0 <= column * stride + right < width
        for row in range(-(-height // stride))
        for column in range(-(-width // stride))
        for down in range(-near, near + 1)
        for right in range(-near, near + 1)
    )
    layer = ConvolutionShape("layer", channels_in, channels_out, height, width, kernel, stride)
    assert layer.taps == count
    # A convolution of ones over ones sums, per output, the taps that fall inside.
    ones = torch.ones(1, channels_in, height, width)
    weight = torch.ones(channels_out, channels_in, kernel, kernel)
    outputs = F.conv2d(ones, weight, stride=stride, padding=near)
    assert layer.dense_operations == int(outputs.sum())
    assert layer.outputs == outputs.numel()


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
    found = network.graph.convolutions(13, 18)
    stated = {
        c.name: (c.channels_in, c.channels_out, -(-c.height // c.stride), -(-c.width // c.stride))
        for c in found
    }
    assert list(stated.items()) == list(shapes.items())
    assert [name for name, _ in network.spike_driven()] == [layer.name for layer in found][1:]
    operations = network.graph.dense_operations(13, 18)
    assert list(operations) == [layer.name for layer in found]


def test_a_position_reaches_as_many_outputs_as_torch_says():
    for side, kernel, stride in ((1, 3, 1), (8, 3, 1), (8, 3, 2), (12, 5, 2), (9, 1, 3)):
        seen = torch.ones(1, 1, side, requires_grad=True)
        F.conv1d(
            seen, torch.ones(1, 1, kernel), stride=stride, padding=kernel // 2
        ).sum().backward()
        assert reach(side, kernel, stride).tolist() == seen.grad.flatten().tolist()


def test_edges_of_the_wrong_kind_are_refused():
    build = GraphBuilder()
    image = build.encode(4, 2)
    current = build.convolution("encoder", image, 8)
    spikes = build.neurons("neurons", current)
    low = build.convolution("low", spikes, 8, stride=2)
    for wrong in (
        lambda: build.convolution("a", current, 8),  # currents never enter a convolution
        lambda: build.neurons("b", spikes),
        lambda: build.neurons("c", image),
        lambda: build.add("d", current, low),  # of another resolution
        lambda: build.add("e", current, spikes),
        lambda: build.concatenate("f", current, low),
        lambda: build.shuffle("g", low, 3),
        lambda: build.convolution("h", spikes, 8, kernel=2),
        lambda: build.neurons("neurons", current),  # the name is taken
        lambda: build.read_out(build.convolution("readout", spikes, 4)),  # nothing hears from low
    ):
        with pytest.raises(InputError):
            wrong()


def test_the_grid_is_that_of_the_coarsest_resolution():
    assert graph_of(preset("base")).grid == 8
    assert graph_of(preset("unet")).grid == 4
    assert graph_of(preset("unet")).positions(graph_of(preset("unet"))["coarse.0.sum"], 9, 13) == (
        3,
        4,
    )


def test_an_unknown_family_is_named_with_those_that_exist():
    with pytest.raises(InputError, match="chain, unet"):
        graph_of(replace(preset("tiny"), family="os"))
