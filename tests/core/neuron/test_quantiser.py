"""The quantiser is T layer-synchronous timesteps of an IF neuron."""

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from spiden_cli.core.neuron.integrate_and_fire import IFParameters, if_step, initial_state
from spiden_cli.core.neuron.layer import run
from spiden_cli.core.neuron.quantiser import quantise


def rate(current: torch.Tensor, threshold: torch.Tensor, initial: float, timesteps: int):
    """Spikes per timestep of real IF neurons under a constant current."""
    p = IFParameters(threshold, initial)
    start = initial_state(current, p)
    spikes, _ = run([current] * timesteps, start, lambda i, s: if_step(i, s, p))
    return torch.stack(spikes).mean(0)


@given(
    current=st.floats(-3, 20),
    threshold=st.floats(0.05, 8),
    initial=st.floats(0, 0.99),
    timesteps=st.integers(1, 16),
)
def test_equals_the_neuron_under_a_constant_current(current, threshold, initial, timesteps):
    charge = initial + timesteps * current / threshold
    assume(abs(charge - round(charge)) > 1e-6)  # at a tie the order of rounding decides
    x, theta = (torch.tensor([value], dtype=torch.float64) for value in (current, threshold))
    torch.testing.assert_close(
        quantise(x, theta, initial, timesteps), rate(x, theta, initial, timesteps)
    )


def test_levels():
    x = torch.tensor([-1.0, 0.1, 0.2, 0.5, 0.8, 0.9, 5.0])
    levels = quantise(x, torch.tensor(1.0), 0.5, 2)
    assert levels.tolist() == [0, 0, 0, 0.5, 1, 1, 1]  # rounded to nearest
    floors = quantise(x, torch.tensor(1.0), 0.0, 2)
    assert floors.tolist() == [0, 0, 0, 0.5, 0.5, 0.5, 1]  # rounded down


@given(st.integers(0, 2**32 - 1), st.integers(1, 8))
def test_gradient_is_that_of_the_clipped_relu(seed, timesteps):
    generator = torch.Generator().manual_seed(seed)
    x = 3 * torch.randn(2, 3, 4, 5, generator=generator, dtype=torch.float64) + 1
    theta = 0.5 + torch.rand(3, 1, 1, generator=generator, dtype=torch.float64)
    weight = torch.randn(x.shape, generator=generator, dtype=torch.float64)
    gradients = []
    for function in (
        lambda x, theta: quantise(x, theta, 0.5, timesteps),
        lambda x, theta: (x / theta).clamp(0, 1),
    ):
        inputs = x.clone().requires_grad_(), theta.clone().requires_grad_()
        gradients.append(torch.autograd.grad((function(*inputs) * weight).sum(), inputs))
    for found, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(found, expected)


def test_one_timestep_has_the_gradient_of_the_rectangular_spike():
    current = torch.linspace(-0.95, 1.95, 30, dtype=torch.float64)
    theta = torch.tensor([0.8], dtype=torch.float64)
    gradients = []
    for function in (quantise, rate):
        inputs = current.clone().requires_grad_(), theta.clone().requires_grad_()
        gradients.append(torch.autograd.grad(function(*inputs, 0.5, 1).sum(), inputs))
    for found, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_gradients_come_back_in_the_number_format_of_their_input(dtype):
    current = torch.rand(2, 3, 4, 4).to(dtype).requires_grad_()
    theta = torch.ones(3, 1, 1, requires_grad=True)
    quantise(current, theta, 0.5, 4).sum().backward()
    assert current.grad.dtype == dtype
    assert theta.grad.dtype == torch.float32
    assert theta.grad.shape == theta.shape
