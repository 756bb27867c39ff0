"""The transfer curve: closed form against the network's own neurons."""

import numpy as np
import pytest
import torch
from analysis_strategies import equal_neurons, if_neurons, leaks, neurons, potentials, timesteps
from hypothesis import given, settings
from hypothesis import strategies as st

from spiden_cli.core.analysis.staircase import (
    Neuron,
    check_timesteps,
    edges,
    respond,
    simulated_edges,
)
from spiden_cli.core.neuron.integrate_and_fire import IFParameters
from spiden_cli.core.neuron.quantiser import quantise
from spiden_cli.core.neuron.unrolled import unrolled
from spiden_cli.errors import InputError

currents = st.lists(st.floats(-2, 3), min_size=1, max_size=50).map(np.array)


@given(neurons, timesteps, currents)
def test_levels_are_the_edges_passed(neuron, timesteps, x):
    rises = edges(neuron, timesteps)
    x = x[np.abs(x[:, None] - rises).min(axis=1) > 1e-9]  # rounding may decide on an edge
    passed = np.searchsorted(rises, x, side="right")
    level, spikes = respond(x, neuron, timesteps)
    np.testing.assert_array_equal(level, passed)
    won = np.append(0, np.cumsum(neuron.spikes_won(timesteps)))
    np.testing.assert_array_equal(spikes, won[passed])


@given(equal_neurons, timesteps, currents)
def test_spikes_of_equal_weight_count_the_level(neuron, timesteps, x):
    level, spikes = respond(x, neuron, timesteps)
    np.testing.assert_array_equal(level, spikes)


@settings(max_examples=30)
@given(equal_neurons, st.integers(1, 40))
def test_edges_are_those_of_the_simulated_neuron(neuron, timesteps):
    np.testing.assert_allclose(
        edges(neuron, timesteps), simulated_edges(neuron, timesteps), atol=1e-12
    )


@pytest.mark.parametrize("initial", [0.0, 0.5])
@pytest.mark.parametrize("timesteps", [1, 2, 4, 8, 16])
def test_a_current_on_the_edge_fires(initial, timesteps):
    rises = edges(Neuron(initial), timesteps)  # powers of two: exact in binary
    np.testing.assert_array_equal(
        respond(rises, Neuron(initial), timesteps).level, np.arange(1, timesteps + 1)
    )
    below = np.nextafter(rises, -1)
    np.testing.assert_array_equal(
        respond(below - 1e-12, Neuron(initial), timesteps).level, np.arange(timesteps)
    )


@given(if_neurons, timesteps, currents)
def test_the_network_quantiser_is_the_same_staircase(neuron, timesteps, x):
    rises = edges(neuron, timesteps)
    x = x[np.abs(x[:, None] - rises).min(axis=1) > 1e-9]
    one = torch.ones((), dtype=torch.float64)
    rates = quantise(torch.from_numpy(x), one, neuron.initial, timesteps)
    np.testing.assert_allclose(rates * timesteps, np.searchsorted(rises, x, side="right"))


@given(potentials, leaks, timesteps)
def test_a_leak_only_ever_delays(initial, leak, timesteps):
    leaky = edges(Neuron(initial, leak), timesteps)
    assert (np.diff(leaky) >= 0).all()
    assert (leaky >= edges(Neuron(initial), timesteps) - 1e-12).all()
    assert leaky[0] > 0
    assert leaky[-1] <= 1


@given(potentials, leaks, timesteps, currents)
def test_the_count_never_falls_as_the_current_grows(initial, leak, timesteps, x):
    # Without this a leaky neuron would have no staircase, and bisection no meaning.
    assert (np.diff(respond(np.sort(x), Neuron(initial, leak), timesteps).level) >= 0).all()


@given(potentials, timesteps)
def test_the_leak_goes_over_into_none(initial, timesteps):
    almost = edges(Neuron(initial, 1 - 1e-9), timesteps)
    np.testing.assert_allclose(almost, edges(Neuron(initial), timesteps), atol=1e-7)


@pytest.mark.parametrize(
    ("initial", "leak", "word"),
    [
        (1.0, 1.0, "initial potential"),
        (-0.1, 1.0, "initial potential"),
        (float("nan"), 1.0, "initial potential"),
        (0.5, 0.0, "leak"),
        (0.5, 1.1, "leak"),
    ],
)
def test_a_neuron_that_cannot_be_is_refused(initial, leak, word):
    with pytest.raises(InputError, match=word):
        Neuron(initial, leak)


@pytest.mark.parametrize("count", [0, -1, 1025])
def test_timesteps_out_of_range_are_refused(count):
    with pytest.raises(InputError, match="1 to 1024"):
        check_timesteps(count)
    with pytest.raises(InputError, match="1 to 1024"):
        edges(Neuron(), count)


def test_names():
    assert Neuron().name == "if"
    assert Neuron(leak=0.9).name == "lif"
    assert Neuron(weighted=True).name == "weighted"


@given(st.floats(-3, 4), timesteps, currents)
def test_initial_potentials_beyond_the_threshold(initial, timesteps, x):
    """Equation (1') of docs/analysis.md, which is (1) where the initial potential is in [0, 1)."""
    steps = np.arange(timesteps + 1)[:, None]
    reached = initial + steps * x
    near = np.abs(reached - np.rint(reached)).min(axis=0) > 1e-9  # rounding may decide on an edge
    whole = np.floor(reached).clip(min=0)
    count = np.where(
        x >= 0,
        (timesteps - steps + whole)[1:].min(axis=0).clip(max=timesteps),
        np.minimum(steps, whole).max(axis=0),
    )
    p = IFParameters(torch.tensor(1.0, dtype=torch.float64), initial)
    current = torch.from_numpy(np.tile(x, (timesteps, 1)).astype(float)).flatten()
    fired = unrolled(current, p, timesteps).reshape(timesteps, -1).sum(0).numpy()
    np.testing.assert_array_equal(fired[near], count[near])
    if 0 <= initial < 1:
        plain = np.floor(reached[-1]).clip(0, timesteps)
        np.testing.assert_array_equal(count[near], plain[near])
