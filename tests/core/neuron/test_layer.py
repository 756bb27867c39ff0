"""Layers of neurons: T * B images in one call, and thresholds that can be learnt."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spiden_cli.core.neuron.integrate_and_fire import IFParameters, if_step, initial_state
from spiden_cli.core.neuron.layer import IFLayer, LIFLayer, ReLULayer, run
from spiden_cli.core.neuron.leaky import LIFParameters, lif_step
from spiden_cli.core.neuron.surrogate import SURROGATES

LAYERS = {"if": IFLayer, "lif": LIFLayer}


@pytest.mark.parametrize("neuron", LAYERS)
@pytest.mark.parametrize("timesteps", [1, 2, 5])
def test_one_call_is_t_steps_of_every_image(neuron, timesteps):
    layer = LAYERS[neuron](3, 0.8)
    layer.log_threshold.data = torch.tensor([-0.5, 0.0, 0.5])
    images = torch.randn(timesteps, 2, 3, 4, 4)  # T, B, C, H, W
    spikes = layer(images.flatten(0, 1), timesteps).unflatten(0, (timesteps, 2))
    for index in range(2):  # each image alone, step by step
        p = IFParameters(layer.threshold)
        state = initial_state(images[0, index], p)
        for now, fired in zip(images[:, index], spikes[:, index], strict=True):
            if neuron == "lif":
                expected, state = lif_step(now, state, LIFParameters(p, layer.leak))
            else:
                expected, state = if_step(now, state, p)
            assert torch.equal(fired, expected)


@pytest.mark.parametrize("neuron", LAYERS)
def test_spikes_are_binary_and_need_no_state_between_calls(neuron):
    layer = LAYERS[neuron](3, 0.5)
    current = torch.randn(8, 3, 6, 6)
    spikes = layer(current, 4)
    assert set(spikes.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(layer(current, 4), spikes)


@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 6))
def test_a_population_rounds_at_k_t_levels_together(seed, population, timesteps):
    # Hermite's identity: the sum over k of floor(y + k / K) is floor(K y).
    current = torch.from_numpy(np.random.default_rng(seed).normal(0.4, 0.8, (1, 2, 3, 3)))
    layer = IFLayer(2, 1.0, population=population).double()
    spikes = layer(current.repeat(timesteps, 1, 1, 1), timesteps).sum(0)
    together = spikes.unflatten(0, (population, 2)).sum(0)
    levels = population * timesteps
    assert torch.equal(together, (levels * current[0] + 0.5).floor().clamp(0, levels))


@pytest.mark.parametrize("neuron", LAYERS)
def test_a_population_learns_as_its_neurons_would_alone(neuron):
    torch.manual_seed(0)
    layer = LAYERS[neuron](2, 0.7, population=3)
    current = torch.randn(8, 2, 4, 4, requires_grad=True)
    weights = torch.randn(8, 6, 4, 4)
    (layer(current, 4) * weights).sum().backward()
    together, layer_grad = current.grad.clone(), layer.log_threshold.grad.clone()
    current.grad = None
    for k, phi in enumerate((1 / 6, 3 / 6, 5 / 6)):
        alone = LAYERS[neuron](2, 0.7, initial=phi)
        (alone(current, 4) * weights[:, 2 * k : 2 * k + 2]).sum().backward()
        torch.testing.assert_close(alone.log_threshold.grad, layer_grad[2 * k : 2 * k + 2])
    torch.testing.assert_close(current.grad, together)


@pytest.mark.parametrize("neuron", LAYERS)
def test_an_initial_potential_is_learnt_through_time(neuron):
    """What each neuron starts with is part of its first current, and learns as that does."""
    layer = LAYERS[neuron](3, 0.7, population=2, learn_initial=True)
    plain = LAYERS[neuron](3, 0.7, population=2)
    current = torch.randn(4 * 2, 3, 4, 4)
    assert torch.equal(layer(current, 4), plain(current, 4))
    assert torch.equal(layer(current, 4, quantised=True), plain(current, 4, quantised=True))

    shift = torch.tensor([-1.0, -0.2, 0.0, 0.1, 0.3, 2.0])
    layer.initial_shift.data = shift
    weights = torch.randn(8, 6, 4, 4)
    (layer(current, 4) * weights).sum().backward()
    alone = LAYERS[neuron](6, 0.7, initial=0.0)
    first = (layer.initial_potential * layer.threshold).detach()
    if neuron == "lif":  # the leak comes before the current
        first *= layer.leak.detach()
    first.requires_grad_()
    currents = list(torch.cat([current] * 2, 1).chunk(4))
    spikes = alone(torch.cat([currents[0] + first, *currents[1:]]), 4)
    (spikes * weights).sum().backward()
    assert torch.equal(layer(current, 4), spikes)
    expected = first.grad * layer.threshold * (layer.leak if neuron == "lif" else 1)
    torch.testing.assert_close(layer.initial_shift.grad, expected.flatten().detach())


@pytest.mark.parametrize("neuron", LAYERS)
def test_keeps_channels_last(neuron):
    current = torch.randn(4, 3, 5, 5).to(memory_format=torch.channels_last)
    spikes = LAYERS[neuron](3, 1.0)(current, 2)
    assert spikes.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("neuron", LAYERS)
def test_the_threshold_starts_as_told_and_stays_positive(neuron):
    layer = LAYERS[neuron](2, 3.0)
    torch.testing.assert_close(layer.threshold, torch.full((2, 1, 1), 3.0))
    optimiser = torch.optim.SGD(layer.parameters(), lr=10.0)
    for _ in range(5):
        optimiser.zero_grad()
        layer.threshold.sum().backward()
        optimiser.step()
    assert (layer.threshold > 0).all()


def test_the_leak_stays_between_nought_and_one():
    layer = LIFLayer(3, 1.0)
    layer.logit_leak.data = torch.tensor([-8.0, 0.0, 8.0])
    assert layer.leak.shape == (3, 1, 1)
    assert ((layer.leak > 0) & (layer.leak < 1)).all()
    assert layer.leak[1].item() == 0.5


@pytest.mark.parametrize("surrogate", SURROGATES)
@pytest.mark.parametrize("neuron", LAYERS)
def test_every_parameter_learns(neuron, surrogate):
    layer = LAYERS[neuron](2, 1.0, surrogate=surrogate)
    layer(torch.rand(8, 2, 6, 6), 4).mul(torch.rand(8, 2, 6, 6)).sum().backward()
    for name, parameter in layer.named_parameters():
        assert parameter.grad.abs().min() > 0, name


def test_the_if_layer_quantised_is_its_rate_under_a_constant_current():
    layer = IFLayer(3, 0.9)
    current = torch.randn(2, 3, 8, 8)
    rates = layer(torch.cat([current] * 4), 4).unflatten(0, (4, 2)).mean(0)
    torch.testing.assert_close(layer(current, 4, quantised=True), rates)


def test_the_lif_layer_quantised_runs_the_leaky_steps():
    layer = LIFLayer(3, 0.9)
    current = torch.randn(2, 3, 8, 8)
    p = LIFParameters(IFParameters(layer.threshold), layer.leak)
    spikes, _ = run([current] * 4, initial_state(current, p.fire), lambda i, s: lif_step(i, s, p))
    torch.testing.assert_close(layer(current, 4, quantised=True), torch.stack(spikes).mean(0))


def test_time_means_nothing_to_the_twin():
    current = torch.randn(6, 3, 2, 2)
    assert torch.equal(ReLULayer()(current, 3), current.clamp_min(0))
    assert torch.equal(ReLULayer()(current, 2, quantised=True), current.clamp_min(0))
