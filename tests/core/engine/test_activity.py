"""Spikes and synaptic operations, against a count of one spike after another."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from spiden_cli.core.network.geometry import dense_operations
from spiden_cli.core.network.recording import record_spikes

from spiden_cli.core.engine.activity import (
    LayerActivity,
    layer_activity,
    mean_firing_rate,
    synaptic_operations,
    taps,
    total,
)
from spiden_cli.core.engine.dense import DenseEngine
from spiden_cli.core.network.folding import fold
from spiden_cli.core.network.presets import PRESETS


def reached(row: int, column: int, height: int, width: int) -> int:
    """Positions that a 3x3 kernel joins to this one."""
    return sum(
        0 <= row + down < height and 0 <= column + right < width
        for down in (-1, 0, 1)
        for right in (-1, 0, 1)
    )


@given(st.integers(1, 6), st.integers(1, 6))
def test_taps(height, width):
    expected = [[reached(y, x, height, width) for x in range(width)] for y in range(height)]
    assert taps(height, width).tolist() == expected


@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 5), st.integers(1, 4))
def test_one_layer_equals_a_count(seed, height, width, timesteps):
    generator = torch.Generator().manual_seed(seed)
    spikes = torch.rand(timesteps, 3, height, width, generator=generator) < 0.3
    silent = int((spikes.sum(0) == 0).sum())
    found = layer_activity(
        spikes.sum((0, 1)), silent, channels_in=3, channels_out=5, timesteps=timesteps
    )
    additions = sum(5 * reached(int(y), int(x), height, width) for _, _, y, x in spikes.nonzero())
    assert found.synaptic_operations == additions
    assert found.spikes == int(spikes.sum())
    assert found.firing_rate == pytest.approx(spikes.double().mean().item())
    assert found.spikes_per_neuron == pytest.approx(timesteps * found.firing_rate)
    everything = layer_activity(torch.full((height, width), 3.0), 0, 3, 5, 1)  # all fire once
    assert everything.synaptic_operations == everything.dense_operations


@pytest.mark.parametrize("neuron", ["if", "lif"])
@pytest.mark.parametrize("name", PRESETS)
def test_the_engine_counts_what_a_whole_network_does(make, name, neuron):
    network, noisy = make(name, neuron=neuron, layers=4), torch.rand(1, 9, 6)
    found = DenseEngine(network, torch.device("cpu")).run(noisy, 25.0, 3).activity
    folded = fold(network)
    with record_spikes(folded, torch.clone) as records, torch.no_grad():
        folded(noisy[None], 25.0, 3)
    layers = dict(folded.spike_driven())
    dense = dense_operations(network.config, 9, 6)
    assert list(found) == list(records)
    for layer, (spikes,) in records.items():
        height, width = spikes.shape[-2:]
        fan_out = layers[layer].out_channels
        assert found[layer] == LayerActivity(
            spikes=int(spikes.sum()),
            neurons=spikes[0].numel(),
            slots=spikes.numel(),
            silent=int((spikes.sum(0) == 0).sum()),
            synaptic_operations=sum(
                fan_out * reached(int(y), int(x), height, width) for *_, y, x in spikes.nonzero()
            ),
            dense_operations=dense[layer],
        )
    assert found["readout"].spikes > 0


def test_a_cnn_has_no_spikes(make):
    engine = DenseEngine(make("tiny", neuron="relu"), torch.device("cpu"))
    activity = engine.run(torch.rand(1, 12, 12), 25.0, 4).activity
    assert activity == {}
    assert math.isnan(mean_firing_rate(activity))
    assert synaptic_operations(activity) == 0


def test_totals():
    first = {"a": LayerActivity(1, 10, 20, 9, 9, 90), "b": LayerActivity(4, 10, 20, 7, 36, 90)}
    second = {"a": LayerActivity(3, 10, 20, 8, 27, 90), "b": LayerActivity(2, 10, 20, 9, 18, 90)}
    both = total([first, second])
    assert both["a"] == LayerActivity(4, 20, 40, 17, 36, 180)
    assert synaptic_operations(both) == 36 + 54
    assert mean_firing_rate(both) == 10 / 80
    assert total([]) == {}
