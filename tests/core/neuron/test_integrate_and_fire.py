"""The IF neuron: the equations of its docstring, on numbers that a reader can check by hand."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spiden_cli.core.neuron.integrate_and_fire import IFParameters, if_step, initial_state
from spiden_cli.core.neuron.layer import run
from spiden_cli.core.neuron.surrogate import rectangular, triangular


def fire(currents: list[float], threshold: float = 1.0, initial: float = 0.0):
    """Spikes and final potential of one neuron."""
    p = IFParameters(torch.tensor(threshold), initial)
    steps = [torch.tensor([current]) for current in currents]
    spikes, state = run(steps, initial_state(steps[0], p), lambda i, s: if_step(i, s, p))
    return [int(spike) for spike in spikes], state.potential.item()


@pytest.mark.parametrize(
    ("currents", "spikes", "left"),
    [
        ([1.0], [1], 0.0),  # V = theta fires
        ([0.75, 0.25], [0, 1], 0.0),
        ([0.75, 0.75], [0, 1], 0.5),  # soft reset: the excess stays
        ([2.5, 0.0, 0.0, 0.0], [1, 1, 0, 0], 0.5),  # and fires again, once per step
        ([-1.0, 1.0, 1.0], [0, 0, 1], 0.0),  # V may be negative
    ],
)
def test_integrates_fires_and_keeps_the_excess(currents, spikes, left):
    assert fire(currents) == (spikes, left)


def test_starts_at_a_fraction_of_the_threshold():
    assert fire([1.0], threshold=2.0, initial=0.5) == ([1], 0.0)
    assert fire([0.5], threshold=2.0, initial=0.5) == ([0], 1.5)


@given(st.integers(0, 2**32 - 1), st.integers(1, 8), st.floats(0.1, 5), st.sampled_from([0.0, 0.5]))
def test_no_charge_is_lost(seed, timesteps, threshold, initial):
    generator = torch.Generator().manual_seed(seed)
    currents = 2 * torch.randn(timesteps, 50, generator=generator, dtype=torch.float64)
    p = IFParameters(torch.tensor(threshold, dtype=torch.float64), initial)
    before = initial_state(currents[0], p)
    spikes, after = run(list(currents), before, lambda i, s: if_step(i, s, p))
    emitted = threshold * torch.stack(spikes).sum(0)
    torch.testing.assert_close(emitted, before.potential + currents.sum(0) - after.potential)


def test_a_step_changes_no_input():
    current, p = torch.tensor([2.0]), IFParameters(torch.tensor(1.0))
    state = initial_state(current, p)
    if_step(current, state, p)
    assert (current.item(), state.potential.item()) == (2.0, 0.5)


def test_gradient_of_one_spike():
    # V' = 1.25 is a quarter of a threshold past it: h = 3/4; ds/dI = h / theta.
    current = torch.tensor([1.0], requires_grad=True)
    threshold = torch.tensor(1.0, requires_grad=True)
    p = IFParameters(threshold, 0.25, triangular)
    spikes, _ = if_step(current, initial_state(current, p), p)
    spikes.sum().backward()
    assert spikes.item() == 1
    assert current.grad.item() == 0.75
    assert threshold.grad.item() == -0.75 + 0.25 * 0.75  # through theta, and through V[0]


def test_gradient_through_time_and_reset():
    # Two steps of 0.75: V' = 0.75, then 1.5, both within half a threshold, so that dV'/dI and
    # ds/dI are 1: the first spike's reset takes from the second one what it gives.
    currents = torch.tensor([[0.75], [0.75]], requires_grad=True)
    p = IFParameters(torch.tensor(1.0), 0.0, rectangular)
    spikes, _ = run(list(currents), initial_state(currents[0], p), lambda i, s: if_step(i, s, p))
    assert [spike.item() for spike in spikes] == [0, 1]
    (to_second,) = torch.autograd.grad(spikes[1].sum(), currents)
    assert to_second.flatten().tolist() == [0, 1]
