"""The verdicts: who is compared with whom, on what."""

from dataclasses import replace

import pytest
from energy_strategies import CONFIG, SIDE, UNET, measurement, passes

from spiden_cli.core.energy.comparison import (
    ORIGINAL,
    SAME,
    TWIN,
    TWIN_INT8,
    TWIN_QUANTISED,
    compare,
    energy_models,
)
from spiden_cli.core.energy.constants import load_constants
from spiden_cli.core.energy.counts import dense_counts
from spiden_cli.core.energy.model import FP32, INT8, quantised, spent
from spiden_cli.core.network.presets import preset

CONSTANTS = load_constants()


each_shape = pytest.mark.parametrize("config", [CONFIG, UNET], ids=["chain", "unet"])


@each_shape
def test_the_baselines_are_the_four_cnns(config):
    comparison = compare(measurement(0.5, config=config), CONSTANTS)
    twin = dense_counts(config.twin(), SIDE, SIDE, 1)
    equivalent = dense_counts(config.twin(), SIDE, SIDE, 1, passes(0.5, config=config).spikes)
    original = dense_counts(preset("dncnn17").twin(), SIDE, SIDE, 1)
    models = {model.name: model for model in energy_models(CONSTANTS)}
    for verdict in comparison.verdicts:
        model = models[verdict.model]
        assert dict(verdict.baselines) == pytest.approx(
            {
                SAME: spent(model, twin, verdict.precision),
                TWIN: spent(model, twin, FP32),
                TWIN_INT8: spent(model, twin, INT8),
                TWIN_QUANTISED: spent(model, equivalent, quantised(3)),
                ORIGINAL: spent(model, original, FP32),
            }
        )


@pytest.mark.parametrize(("population", "bits"), [(1, 3), (2, 4), (4, 5)])
def test_the_low_bit_cnn_holds_the_spikes_of_a_whole_population(population, bits):
    config = replace(CONFIG, inner_population=population)
    assert compare(measurement(0.5, 4, config), CONSTANTS).equivalent_bits == bits


@each_shape
def test_layers_add_up_to_the_verdict(config):
    comparison = compare(measurement(0.5, config=config), CONSTANTS)
    assert {verdict.model for verdict in comparison.verdicts} == {
        "operations", "lemaire", "movement",
    }  # fmt: skip
    for verdict in comparison.verdicts:
        key = verdict.model, verdict.precision.name
        layers = sum(sum(layer.energy[key].values()) for layer in comparison.layers)
        assert layers == pytest.approx(verdict.energy)
        twins = sum(layer.dense_energy[key] for layer in comparison.layers)
        assert twins == pytest.approx(verdict.baselines[SAME])


@each_shape
@pytest.mark.parametrize("timesteps", [1, 4, 16])
def test_the_break_even_decides_who_wins(config, timesteps):
    """Below it the network is cheaper than its twin in the same format, above it dearer."""
    for verdict in compare(measurement(0.5, timesteps, config), CONSTANTS).verdicts:
        if verdict.break_even <= 0:  # it never wins: it loses without a single spike
            silent = compare(measurement(0.0, timesteps, config), CONSTANTS)
            assert _same(silent, verdict).ratio(SAME) > 1
            continue
        for factor in (0.9, 1.1):
            rate = verdict.break_even * factor
            other = compare(measurement(rate, timesteps, config), CONSTANTS)
            assert (_same(other, verdict).ratio(SAME) < 1) == (factor < 1)


def test_spikes_per_neuron_are_those_put_in():
    comparison = compare(measurement(0.25), CONSTANTS)
    assert comparison.spikes_per_neuron == pytest.approx(0.25)
    assert comparison.layers[0].spikes_per_neuron is None
    assert comparison.layers[0].break_even is None
    for layer in comparison.layers[1:]:
        assert layer.spikes_per_neuron == pytest.approx(0.25)


def test_spikes_per_channel_are_those_of_all_its_neurons():
    config = replace(CONFIG, inner_population=2, population=8)
    comparison = compare(measurement(0.25, config=config), CONSTANTS)
    encoder, *inner, readout = comparison.layers
    assert encoder.spikes_per_channel is None
    assert [layer.spikes_per_channel for layer in inner] == pytest.approx([0.5] * len(inner))
    assert readout.spikes_per_channel == pytest.approx(2.0)
    everything = (0.5 * len(inner) + 2) / (len(inner) + 1)  # each layer has the same channels
    assert comparison.spikes_per_channel == pytest.approx(everything)


def test_pictures_of_several_sizes_add_up():
    """Prices depend on the size, so that two sizes are not one of twice the size."""
    small, large = measurement(0.5), measurement(0.5)
    size = (SIDE, SIDE)
    twice = replace(small, pictures={size: 2}, passes={size: _double(small.passes[size])})
    one, two = compare(large, CONSTANTS), compare(twice, CONSTANTS)
    for single, double in zip(one.verdicts, two.verdicts, strict=True):
        assert double.energy == pytest.approx(2 * single.energy)
        assert double.break_even == pytest.approx(single.break_even)
        assert double.baselines == pytest.approx({k: 2 * v for k, v in single.baselines.items()})


def _double(single):
    spikes = {name: layer + layer for name, layer in single.spikes.items()}
    return replace(single, count=2, spikes=spikes)


def _same(comparison, verdict):
    """The verdict of the same energy model and format in another comparison."""
    (found,) = (
        other
        for other in comparison.verdicts
        if (other.model, other.precision) == (verdict.model, verdict.precision)
    )
    return found


@pytest.mark.parametrize(
    ("changes", "latency"),
    [
        ({}, 3),
        ({"neuron": "weighted"}, 15),  # five layers of neurons, T = 3
        # Two blocks, a branch of 12 layers in two resolutions, the read-out's neurons.
        ({"neuron": "weighted", "family": "branched"}, 51),
    ],
)
def test_weighted_spikes_wait_layer_by_layer(changes, latency):
    config = replace(CONFIG, layers=6, shortcuts=True, **changes)
    assert compare(measurement(0.5, 3, config), CONSTANTS).latency == latency


def test_the_low_bit_cnn_holds_all_digits():
    config = replace(CONFIG, neuron="weighted")
    assert compare(measurement(0.5, 4, config), CONSTANTS).equivalent_bits == 4
