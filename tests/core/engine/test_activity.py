"""Spikes and synaptic operations, against a count of one spike after another."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from small_networks import SIGMA, exact, picture, shrunk

from spiden_cli.core.engine.activity import (
    LayerActivity,
    layer_activity,
    mean_firing_rate,
    mean_spikes_per_channel,
    sum_activities,
    synaptic_operations,
)
from spiden_cli.core.engine.dense import DenseEngine
from spiden_cli.core.engine.event.engine import EventEngine
from spiden_cli.core.engine.reference import ReferenceEngine
from spiden_cli.core.engine.tiling import Window
from spiden_cli.core.network.config import NetworkConfig
from spiden_cli.core.network.folding import (
    FoldedConvolution,
    FoldedNetwork,
    NeuronParameters,
    fold,
)
from spiden_cli.core.network.graph import ConvolutionShape
from spiden_cli.core.network.presets import PRESETS


def reached(row: int, column: int, shape: ConvolutionShape) -> int:
    """Output positions that a kernel joins to this one."""
    near = shape.kernel // 2
    return sum(
        abs(out_row * shape.stride - row) <= near
        and abs(out_column * shape.stride - column) <= near
        for out_row in range(-(-shape.height // shape.stride))
        for out_column in range(-(-shape.width // shape.stride))
    )


def counted(spikes: torch.Tensor, shape: ConvolutionShape, window: Window) -> LayerActivity:
    """Count the spikes (T, C, H, W) inside a window, one after another."""
    inside = spikes[:, :, *window]
    above, left = window.rows.start, window.columns.start
    everywhere = torch.ones_like(inside[:1])

    def additions(spikes: torch.Tensor) -> int:
        return shape.channels_out * sum(
            reached(above + int(y), left + int(x), shape) for *_, y, x in spikes.nonzero()
        )

    return LayerActivity(
        spikes=int(inside.sum()),
        neurons=inside[0].numel(),
        channels=inside[0].numel() // shape.population,
        slots=inside.numel(),
        silent=int((inside.sum(0) == 0).sum()),
        synaptic_operations=additions(inside),
        dense_operations=additions(everywhere),
    )


@st.composite
def windows(draw: st.DrawFn, height: int, width: int) -> Window:
    """A rectangle of an image, of one position at least."""
    sides = []
    for length in (height, width):
        start = draw(st.integers(0, length - 1))
        sides.append(slice(start, draw(st.integers(start + 1, length))))
    return Window(*sides)


@given(
    st.data(), st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 6), st.integers(1, 4),
    st.sampled_from([1, 3, 5]), st.integers(1, 3),
)  # fmt: skip
def test_one_layer_equals_a_count(data, seed, height, width, timesteps, kernel, stride):
    generator = torch.Generator().manual_seed(seed)
    spikes = torch.rand(timesteps, 3, height, width, generator=generator) < 0.3
    shape = ConvolutionShape("conv", 3, 5, height, width, kernel, stride)
    per_neuron = spikes.sum(0)
    window = data.draw(windows(height, width))
    found = layer_activity(
        shape, window, per_neuron.sum(0).numpy(), (per_neuron > 0).sum(0).numpy(), timesteps
    )
    assert found == counted(spikes.long(), shape, window)
    assert found.firing_rate == pytest.approx(spikes[:, :, *window].double().mean().item())
    assert found.spikes_per_neuron == pytest.approx(timesteps * found.firing_rate)
    ones = np.ones((height, width), np.int64)
    everything = layer_activity(shape, window, 3 * ones, 3 * ones, 1)  # all fire once
    assert everything.synaptic_operations == everything.dense_operations


@pytest.mark.parametrize("window", [None, Window(slice(3, 9), slice(2, 5))])
@pytest.mark.parametrize("neuron", ["if", "lif"])
@pytest.mark.parametrize("name", PRESETS)
def test_the_engine_counts_what_a_whole_network_does(make, name, neuron, window):
    network, noisy = make(name, neuron=neuron, layers=4), torch.rand(1, 9, 6)
    records = {}
    fold(network)(noisy[None], 25.0, 3, observe=lambda name, spikes: records.update({name: spikes}))
    shapes = network.graph.convolutions(9, 6)
    found = DenseEngine(network).run(noisy.numpy(), 25.0, 3, window).activity
    assert list(found) == list(records) == [shape.name for shape in shapes[1:]]
    for shape in shapes[1:]:
        scale = network.graph[network.graph[shape.name].inputs[0]].scale
        inside = Window(slice(0, shape.height), slice(0, shape.width))
        if window is not None:  # which ends with the rows, and so has the padding below
            inside = Window(slice(3 // scale, shape.height), slice(2 // scale, -(-5 // scale)))
        assert found[shape.name] == counted(records[shape.name].long(), shape, inside)
    assert found["readout"].spikes > 0


@pytest.mark.parametrize("engine", [DenseEngine, EventEngine, ReferenceEngine])
def test_spikes_per_channel_by_hand(engine):
    """A current of 0.5 makes each neuron of a threshold of 1 fire twice in four steps."""
    config = NetworkConfig(width=2, layers=3, inner_population=2, population=3)
    kernels = {name: (into, out) for name, into, out in (
        ("encoder", 1, 2), ("blocks.0.conv", 4, 2), ("readout", 6, 1))}  # fmt: skip
    biases = {"encoder": [0.5, -1], "blocks.0.conv": [1, 1], "readout": [0]}
    convolutions = {
        name: FoldedConvolution(np.zeros((out, into, 3, 3), np.float32), np.float32(biases[name]))
        for name, (into, out) in kernels.items()
    }
    ones = np.ones(6, np.float32)
    neurons = {
        "blocks.0.neurons": NeuronParameters(
            ones[:4], np.float32([0.25] * 2 + [0.75] * 2), ones[:4]
        ),
        "neurons": NeuronParameters(ones, ones / 2, ones),
    }
    network = FoldedNetwork(config, convolutions, neurons)
    found = engine(network).run(np.zeros((1, 7, 5), np.float32), 25.0, 4).activity
    first, last = found["blocks.0.conv"], found["readout"]
    # Of two channels one has two neurons that fire twice each, and the other is silent.
    assert (first.spikes, first.spikes_per_neuron, first.spikes_per_channel) == (4 * 35, 1, 2)
    # Then a current of 1 makes three neurons of each channel fire at every step.
    assert (last.spikes, last.spikes_per_neuron, last.spikes_per_channel) == (24 * 35, 4, 12)
    assert mean_spikes_per_channel(found) == 7


@pytest.mark.parametrize("name", PRESETS)
def test_the_neurons_of_a_channel_count_as_one(name):
    config = shrunk(name, neuron="if", width=4, population=3, inner_population=2)
    network = exact(config, 1)
    noisy, seen = picture(config, 9, 6), {}
    engine = DenseEngine(network)
    found = engine.run(noisy, SIGMA, 3, on_spikes=lambda name, spikes: seen.update({name: spikes}))
    for convolution in network.graph.spike_convolutions:
        neurons = network.graph[convolution.inputs[0]]
        per_position = seen[convolution.name].mean(dtype=float)
        assert found.activity[convolution.name].spikes_per_channel == pytest.approx(
            per_position / neurons.currents
        )


def test_a_cnn_has_no_spikes(make):
    engine = DenseEngine(make("tiny", neuron="relu"))
    activity = engine.run(np.full((1, 12, 12), 0.5, np.float32), 25.0, 4).activity
    assert activity == {}
    assert math.isnan(mean_firing_rate(activity))
    assert math.isnan(mean_spikes_per_channel(activity))
    assert synaptic_operations(activity) == 0


def test_totals():
    def layer(*counts: int) -> LayerActivity:
        return LayerActivity(*counts)

    first = {"a": layer(1, 10, 10, 20, 9, 9, 90), "b": layer(4, 10, 5, 20, 7, 36, 90)}
    second = {"a": layer(3, 10, 10, 20, 8, 27, 90), "b": layer(2, 10, 5, 20, 9, 18, 90)}
    both = sum_activities([first, second])
    assert both["a"] == layer(4, 20, 20, 40, 17, 36, 180)
    assert synaptic_operations(both) == 36 + 54
    assert mean_firing_rate(both) == 10 / 80
    assert mean_spikes_per_channel(both) == 10 / 30
    assert sum_activities([]) == {}
