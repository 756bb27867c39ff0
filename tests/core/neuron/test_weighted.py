"""Weighted spikes are the binary digits of the quantised value."""

from fractions import Fraction
from math import floor

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from spiden_cli.core.neuron.integrate_and_fire import IFParameters
from spiden_cli.core.neuron.layer import WeightedLayer
from spiden_cli.core.neuron.quantiser import quantise
from spiden_cli.core.neuron.weighted import digits, spike_count, weighted_state, weighted_step

timesteps = st.integers(1, 8)
potentials = st.sampled_from([0.0, 0.5])
thresholds = st.sampled_from([0.25, 0.5, 1.0, 2.0, 8.0])
# Multiples of 2^-20, from clipped below to clipped above: float64 holds every sum exactly.
inputs = st.lists(st.integers(-(2**20), 2**24), min_size=1, max_size=40).map(
    lambda whole: torch.tensor(whole, dtype=torch.float64) / 2**20
)


def send(total: torch.Tensor, p: IFParameters, count: int):
    """Run the neuron: its spikes (T, ...), thresholds (T, ...), first and last potential."""
    state = weighted_state(total, p, count)
    start = state.potential
    spikes, weights = [], []
    for _ in range(count):
        fired, state = weighted_step(state)
        spikes.append(fired)
        weights.append(state.threshold.expand_as(fired))
    return torch.stack(spikes), torch.stack(weights), start, state.potential


def level_of(x: float, theta: float, phi: float, count: int) -> int:
    """n = clip(floor(phi + 2^T x / theta), 0, 2^T - 1), in whole numbers and fractions alone."""
    charge = Fraction(phi) + 2**count * Fraction(x) / Fraction(theta)
    return min(max(floor(charge), 0), 2**count - 1)


@given(inputs, thresholds, potentials, timesteps)
def test_the_spikes_are_the_digits_of_the_clipped_value(x, theta, phi, count):
    p = IFParameters(torch.tensor([theta], dtype=torch.float64), phi)
    spikes, *_ = send(x, p, count)
    for value, fired in zip(x.tolist(), spikes.T.tolist(), strict=True):
        assert fired == [int(d) for d in f"{level_of(value, theta, phi, count):0{count}b}"]


@given(inputs, thresholds, potentials, timesteps)
def test_what_is_sent_is_what_the_quantiser_gives(x, theta, phi, count):
    threshold = torch.tensor([theta], dtype=torch.float64)
    spikes, weights, *_ = send(x, IFParameters(threshold, phi), count)
    quantised = quantise(x, threshold, phi, 2**count, 2**count - 1)
    assert torch.equal((weights * spikes).sum(0), threshold * quantised)
    assert torch.equal(spikes, digits(quantised, count))
    assert torch.equal(spikes.sum(0), spike_count(quantised, count))


@given(st.integers(0, 2**32 - 1), st.floats(0.05, 8), st.floats(0, 0.99), timesteps)
def test_any_number_is_quantised_alike(seed, theta, phi, count):
    x = torch.from_numpy(np.random.default_rng(seed).normal(theta / 2, theta, 100))
    threshold = torch.tensor([theta], dtype=torch.float64)
    charge = phi + 2**count * x / theta
    x = x[(charge - charge.round()).abs() > 1e-9]  # at a tie the order of rounding decides
    spikes, weights, *_ = send(x, IFParameters(threshold, phi), count)
    quantised = threshold * quantise(x, threshold, phi, 2**count, 2**count - 1)
    torch.testing.assert_close((weights * spikes).sum(0), quantised)


@given(inputs, thresholds, potentials, timesteps)
def test_the_soft_reset_loses_nothing(x, theta, phi, count):
    p = IFParameters(torch.tensor([theta], dtype=torch.float64), phi)
    spikes, weights, start, last = send(x, p, count)
    assert torch.equal(start, x + phi * theta / 2**count)
    assert torch.equal(start, (weights * spikes).sum(0) + last)
    inside = (start >= 0) & (start < theta)
    assert ((last[inside] >= 0) & (last[inside] < theta / 2**count)).all()  # less than a level


@pytest.mark.parametrize("count", range(1, 13))
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_digits_and_counts_of_every_level(count, dtype):
    levels = range(2**count)
    values = torch.tensor(levels, dtype=dtype) / 2**count
    planes = digits(values, count)
    assert planes.shape == (count, 2**count)
    for n, plane in zip(levels, planes.T.tolist(), strict=True):
        assert plane == [int(d) for d in f"{n:0{count}b}"]
    found = spike_count(values, count)
    assert found.dtype == dtype
    assert found.tolist() == [bin(n).count("1") for n in levels]


@given(st.integers(1, 16), st.integers(0, 2**32 - 1))
def test_the_slope_of_the_count_is_positive_and_finite(count, seed):
    levels = np.random.default_rng(seed).integers(0, 2**count, 50)
    values = torch.tensor([0.0, *levels / 2**count]).requires_grad_()
    spike_count(values, count).sum().backward()
    assert (values.grad > 0).all()
    assert values.grad.isfinite().all()
    rising = values.grad[values.argsort()]
    assert (rising.diff() <= 0).all()  # a small value has the most to lose by growing


@pytest.mark.parametrize("count", [4, 8, 12])
def test_the_slope_is_that_of_the_mean_count(count):
    # The numbers below m = 2^k have k / 2 ones on average: the line that the slope integrates to.
    values = (torch.arange(2**count, dtype=torch.float64) / 2**count).requires_grad_()
    spike_count(values, count).sum().backward()
    risen = values.grad.sum() / 2**count
    assert risen == pytest.approx(count / 2, abs=0.5)


@given(st.integers(0, 2**32 - 1), st.integers(1, 8), timesteps, st.sampled_from([0.5, 1.0, 2.0]))
def test_a_population_rounds_at_k_times_as_many_levels_together(seed, population, count, theta):
    # Inside the range: above, each neuron stops at its own highest level.
    levels = population * 2**count
    random = np.random.default_rng(seed)
    current = torch.from_numpy(random.uniform(-0.5, 1 - 1 / 2**count, (1, 2, 3, 3))) * theta
    layer = WeightedLayer(2, theta, population=population).double()
    values = layer(current, count).unflatten(1, (population, 2))
    charge = 0.5 + levels * current / layer.threshold[0].item()
    assume(((charge - charge.round()).abs() > 1e-9).all())
    torch.testing.assert_close((values * 2**count).sum(1), charge.floor().clamp_min(0))


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), timesteps)
def test_a_quantised_layer_is_the_layer(seed, population, count):
    generator = torch.Generator().manual_seed(seed)
    layer = WeightedLayer(3, 0.9, population=population)
    current = torch.randn(2, 3, 4, 5, generator=generator)
    values = layer(current, count)
    assert values.shape == (2, 3 * population, 4, 5)
    assert torch.equal(values, layer(current, count, quantised=True))


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), timesteps)
def test_a_layer_gives_what_its_neurons_send(seed, population, count):
    generator = torch.Generator().manual_seed(seed)
    layer = WeightedLayer(3, 1.0, population=population).double()
    layer.log_threshold.data = torch.randn(3 * population, generator=generator).double() / 2
    current = torch.randn(2, 3, 4, 5, generator=generator, dtype=torch.float64)
    p = IFParameters(layer.threshold, layer.initial_potential)
    spikes, weights, *_ = send(current.repeat(1, population, 1, 1), p, count)
    sent = (weights * spikes).sum(0) / layer.threshold
    torch.testing.assert_close(layer(current, count), sent)


@pytest.mark.parametrize("quantised", [False, True])
def test_the_threshold_and_the_input_learn(quantised):
    layer = WeightedLayer(2, 1.0, population=2)
    current = torch.rand(3, 2, 4, 4, requires_grad=True)
    layer(current, 3, quantised).sum().backward()
    assert layer.log_threshold.grad.abs().min() > 0
    assert current.grad.abs().max() > 0
