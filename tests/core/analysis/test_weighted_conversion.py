"""The weighted-spike neuron: what its closed form must be, level by level and digit by digit."""

import numpy as np
import pytest
import torch
from analysis_strategies import formulas, potentials, samples, thresholds, weighted_neurons
from hypothesis import given, settings
from hypothesis import strategies as st

from spiden_cli.core.analysis.conversion import closed_form, errors_and_rates, simulate
from spiden_cli.core.analysis.distributions import Gaussian, Laplace, Sample
from spiden_cli.core.analysis.staircase import Neuron, edges, respond, simulated_edges
from spiden_cli.core.analysis.sweep import least_error
from spiden_cli.core.neuron.quantiser import quantise
from spiden_cli.errors import InputError

timesteps = st.integers(1, 8)
currents = st.lists(st.floats(-2, 3), min_size=1, max_size=50).map(np.array)
PARTS = ("signal", "rounding", "clipping", "affine", "silent")


def ones(level):
    return np.array([bin(int(n)).count("1") for n in level])


@settings(max_examples=30)
@given(weighted_neurons, timesteps)
def test_edges_are_those_of_the_simulated_neuron(neuron, count):
    rises = edges(neuron, count)
    assert len(rises) == 2**count - 1
    np.testing.assert_allclose(rises, simulated_edges(neuron, count), atol=1e-12)


@pytest.mark.parametrize("initial", [0.0, 0.5])
@pytest.mark.parametrize("count", [1, 2, 4, 8])
def test_a_current_on_the_edge_fires(initial, count):
    neuron = Neuron(initial, weighted=True)
    rises = edges(neuron, count)
    np.testing.assert_array_equal(respond(rises, neuron, count).level, np.arange(1, 2**count))
    below = respond(np.nextafter(rises, -1) - 1e-12, neuron, count)
    np.testing.assert_array_equal(below.level, np.arange(2**count - 1))


@given(weighted_neurons, timesteps, currents)
def test_the_spikes_are_the_ones_of_the_level(neuron, count, x):
    level, spikes = respond(x, neuron, count)
    np.testing.assert_array_equal(spikes, ones(level))


@given(weighted_neurons, timesteps, currents)
def test_the_network_quantiser_is_the_same_staircase(neuron, count, x):
    rises = edges(neuron, count)
    x = x[np.abs(x[:, None] - rises).min(axis=1) > 1e-9]
    one = torch.ones((), dtype=torch.float64)
    values = quantise(torch.from_numpy(x), one, neuron.initial, 2**count, 2**count - 1)
    np.testing.assert_array_equal(values * 2**count, np.searchsorted(rises, x, side="right"))


@given(samples | formulas, weighted_neurons, timesteps, thresholds)
def test_sparsity_counts_the_digits_of_each_level(x, neuron, count, threshold):
    above = x.tail(threshold * edges(neuron, count)).probability
    levels = np.append(1, above) - np.append(above, 0)  # P(level n)
    expected = levels @ ones(range(2**count))
    found = closed_form(x, neuron, count, threshold)
    assert found.spikes == pytest.approx(expected, abs=1e-10)
    assert found.sparsity == pytest.approx(1 - expected / count, abs=1e-10)


@given(samples | formulas, potentials, timesteps, thresholds)
def test_it_errs_as_equal_spikes_in_exponentially_many_timesteps(x, initial, count, threshold):
    # 2^T levels, the highest theta (1 - 2^-T): the IF neuron of that threshold, 2^T - 1 timesteps.
    found = closed_form(x, Neuron(initial, weighted=True), count, threshold)
    equal = closed_form(x, Neuron(initial), 2**count - 1, threshold * (1 - 0.5**count))
    for part in PARTS:
        assert getattr(found, part) == pytest.approx(getattr(equal, part), abs=1e-9), part
    assert found.spikes <= equal.spikes + 1e-9


@settings(max_examples=15)
@given(formulas, st.integers(1, 6))
def test_so_its_best_threshold_is_that_neurons(x, count):
    best = least_error(x, Neuron(weighted=True), count)
    equal = least_error(x, Neuron(), 2**count - 1)
    assert best.mse == pytest.approx(equal.mse, rel=1e-9)
    assert best.threshold * (1 - 0.5**count) == pytest.approx(equal.threshold, rel=1e-4)


@given(st.floats(-2, 2), weighted_neurons, timesteps, thresholds)
def test_from_the_highest_level_on_all_is_clipped(mean, neuron, count, threshold):
    x = Gaussian(mean)
    highest = threshold * (1 - 0.5**count)
    clipped = closed_form(x, neuron, count, threshold).clipping
    assert clipped == pytest.approx(float(x.tail(np.array(highest)).squared_excess), abs=1e-15)


@settings(max_examples=15)
@given(samples | formulas, weighted_neurons, timesteps)
def test_many_thresholds_at_once_are_each_of_them(x, neuron, count):
    at = np.geomspace(0.1, 20, 30)
    errors, rates = errors_and_rates(x, neuron, count, edges(neuron, count), at)
    each = [closed_form(x, neuron, count, float(threshold)) for threshold in at]
    np.testing.assert_allclose(errors, [c.mse for c in each], atol=1e-10)
    np.testing.assert_allclose(rates, [c.rate for c in each], atol=1e-12)


def test_a_higher_threshold_may_fire_more():
    # 3 is 11 in binary, 4 is 100: what falls from level 4 to level 3 gains a spike.
    x = Sample(np.array([1.0, 0.0]))  # in units of its deviation 2 and 0
    neuron = Neuron(weighted=True)
    low, high = (closed_form(x, neuron, 3, 2 * 8 / level) for level in (4, 3))
    assert low.spikes == 1 / 2
    assert high.spikes == 2 / 2


@pytest.mark.parametrize("sparsity", [0.45, 0.5, 0.6, 0.7])
def test_the_least_error_is_found_where_sparsity_goes_up_and_down(sparsity):
    x = Sample(np.random.default_rng(2).normal(4, 0.2, 400).clip(0))
    neuron = Neuron(weighted=True)
    best = least_error(x, neuron, 4, sparsity)
    assert best.sparsity >= sparsity
    at = np.geomspace(0.01 * x.reach, 40 * x.reach, 100_000)
    errors, rates = errors_and_rates(x, neuron, 4, edges(neuron, 4), at)
    changes = np.diff(1 - rates >= sparsity).sum()
    assert changes > 2  # islands of enough sparsity
    assert best.mse <= errors[1 - rates >= sparsity].min() + 1e-5 * best.signal


@pytest.mark.parametrize("x", [Gaussian(), Laplace()])
def test_a_bit_more_is_about_six_decibels(x):
    # Less what a wider range costs: the limit is 6.02 dB, from below.
    quality = [least_error(x, Neuron(weighted=True), count).sqnr for count in range(3, 9)]
    gains = np.diff(quality)
    assert ((gains > 4) & (gains < 6.03)).all()
    assert (np.diff(gains)[1:] > 0).all()


def test_a_value_worked_by_hand():
    # theta = 4, T = 2: x = -1, 0.4, 0.6, 2.2, 3.4, 5 become 0, 0, 1, 2, 3, 3; ones 0 0 1 1 2 2.
    values = np.array([-1.0, 0.4, 0.6, 2.2, 3.4, 5.0])
    unit = values.std()
    for convert in (closed_form, simulate):
        found = convert(Sample(values), Neuron(weighted=True), 2, 4 / unit)
        assert found.rounding * unit**2 == pytest.approx((0.16 + 0.16 + 0.04) / 6)
        assert found.clipping * unit**2 == pytest.approx((0.16 + 4) / 6)
        assert found.spikes == pytest.approx(6 / 6)
        assert found.rate == pytest.approx(1 / 2)
        assert found.silent == pytest.approx(2 / 6)


def test_a_leak_and_too_many_digits_are_refused():
    with pytest.raises(InputError, match="no leak"):
        Neuron(leak=0.9, weighted=True)
    for count in (0, 11):
        with pytest.raises(InputError, match="weighted spikes must be 1 to 10"):
            edges(Neuron(weighted=True), count)
