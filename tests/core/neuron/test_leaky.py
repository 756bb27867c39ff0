"""The LIF neuron: an IF neuron whose potential decays before the current comes in."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from spiden_cli.core.neuron.integrate_and_fire import IFParameters, if_step, initial_state
from spiden_cli.core.neuron.layer import run
from spiden_cli.core.neuron.leaky import LIFParameters, lif_step


def drive(currents, fire: IFParameters, leak: torch.Tensor):
    p = LIFParameters(fire, leak)
    return run(list(currents), initial_state(currents[0], fire), lambda i, s: lif_step(i, s, p))


def test_the_potential_decays_and_the_current_does_not():
    currents = torch.tensor([[0.5], [0.5], [0.5]])
    spikes, state = drive(currents, IFParameters(torch.tensor(1.0), 0.0), torch.tensor(0.5))
    assert [spike.item() for spike in spikes] == [0, 0, 0]  # 1/2, 3/4, 7/8: an IF neuron fires
    assert state.potential.item() == 0.875


def test_soft_reset_then_decay():
    currents = torch.tensor([[2.0], [0.5], [0.0]])
    spikes, state = drive(currents, IFParameters(torch.tensor(1.0), 0.0), torch.tensor(0.5))
    assert [spike.item() for spike in spikes] == [1, 1, 0]  # 2 -> 1; 1/2 + 1/2 fires -> 0
    assert state.potential.item() == 0


@given(st.integers(0, 2**32 - 1), st.integers(1, 8), st.sampled_from([0.0, 0.5]))
def test_without_a_leak_it_is_an_if_neuron(seed, timesteps, initial):
    currents = torch.randn(timesteps, 40, generator=torch.Generator().manual_seed(seed))
    p = IFParameters(torch.tensor(0.7), initial)
    leaky, left = drive(currents, p, torch.ones(()))
    plain, kept = run(list(currents), initial_state(currents[0], p), lambda i, s: if_step(i, s, p))
    assert torch.equal(torch.stack(leaky), torch.stack(plain))
    assert torch.equal(left.potential, kept.potential)


def test_gradient_of_the_leak():
    # V'[2] = lambda * V[1] + I[2] with V[1] = 1/4: ds[2]/dlambda = V[1] h / theta, h = 1.
    leak = torch.tensor(0.5, requires_grad=True)
    currents = torch.tensor([[0.25], [0.75]])
    spikes, _ = drive(currents, IFParameters(torch.tensor(1.0), 0.0), leak)
    assert spikes[1].item() == 0  # 0.875: within half a threshold
    spikes[1].sum().backward()
    assert leak.grad.item() == 0.25
