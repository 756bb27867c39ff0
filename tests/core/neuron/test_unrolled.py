"""The fused loop over time is autograd through `if_step`: bit for bit forward, and backward."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spiden_cli.core.neuron.integrate_and_fire import IFParameters, if_step, initial_state
from spiden_cli.core.neuron.layer import run
from spiden_cli.core.neuron.surrogate import SURROGATES
from spiden_cli.core.neuron.unrolled import unrolled


def stepped(current: torch.Tensor, p: IFParameters, timesteps: int) -> torch.Tensor:
    """The textbook way: one `if_step` after another."""
    currents = current.chunk(timesteps)
    spikes, _ = run(currents, initial_state(currents[0], p), lambda i, s: if_step(i, s, p))
    return torch.cat(spikes)


def inputs(seed: int, timesteps: int, dtype: torch.dtype, threshold_shape: tuple[int, ...]):
    """Currents of T timesteps of 2 images, thresholds, and a gradient for the spikes."""
    generator = torch.Generator().manual_seed(seed)
    shape = (timesteps * 2, 3, 4, 5)
    current = torch.randn(shape, generator=generator, dtype=dtype) + 0.3
    threshold = 0.3 + torch.rand(threshold_shape, generator=generator, dtype=dtype)
    return current, threshold, torch.randn(shape, generator=generator, dtype=dtype)


def both_ways(current, threshold, weight, initial, surrogate, timesteps):
    """Spikes and gradients of current, threshold, a learnt potential: fused, then by autograd."""
    for function in (unrolled, stepped):
        leaves = [current.clone().requires_grad_(), threshold.clone().requires_grad_()]
        if isinstance(initial, torch.Tensor):
            leaves.append(initial.clone().requires_grad_())
        p = IFParameters(leaves[1], leaves[2] if leaves[2:] else initial, SURROGATES[surrogate])
        spikes = function(leaves[0], p, timesteps)
        yield spikes, *torch.autograd.grad((spikes * weight).sum(), leaves)


@pytest.mark.parametrize("surrogate", SURROGATES)
@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    timesteps=st.integers(1, 6),
    initial=st.sampled_from([0.0, 0.5, 0.3, "learnt"]),
    shape=st.sampled_from([(3, 1, 1), (1,), ()]),
)
def test_equals_autograd_through_the_steps(surrogate, seed, timesteps, initial, shape):
    for dtype in (torch.float32, torch.float64):
        arguments = inputs(seed, timesteps, dtype, shape)
        phi = 1.5 * arguments[1] - 0.8 if initial == "learnt" else initial
        fused, autograd = both_ways(*arguments, phi, surrogate, timesteps)
        assert torch.equal(fused[0], autograd[0])
        for found, expected in zip(fused[1:], autograd[1:], strict=True):
            torch.testing.assert_close(found, expected)


def test_a_potential_at_the_threshold_fires():
    p = IFParameters(torch.tensor(1.0), 0.0)
    assert unrolled(torch.tensor([0.5, 0.5, 1.0, 2.0, 0.0]), p, 5).tolist() == [0, 1, 1, 1, 1]


def test_keeps_channels_last():
    current = torch.randn(4, 3, 5, 5).to(memory_format=torch.channels_last).requires_grad_()
    spikes = unrolled(current, IFParameters(torch.ones(3, 1, 1)), 2)
    assert spikes.is_contiguous(memory_format=torch.channels_last)
    spikes.sum().backward()
    assert current.grad.is_contiguous(memory_format=torch.channels_last)


def test_a_bfloat16_current_gets_its_gradient_in_bfloat16():
    # Under autocast, currents come from bfloat16 convolutions; the membrane stays float32.
    current, threshold, weight = inputs(0, 4, torch.float32, (3, 1, 1))
    current = current.bfloat16()
    fused, autograd = both_ways(current, threshold, weight, 0.5, "arctan", 4)
    assert fused[0].dtype == torch.float32
    assert torch.equal(fused[0], autograd[0])
    assert fused[1].dtype == torch.bfloat16
    torch.testing.assert_close(fused[1], autograd[1], rtol=2e-2, atol=2e-2)
    torch.testing.assert_close(fused[2], autograd[2], rtol=1e-4, atol=1e-4)


def test_leaves_current_and_incoming_gradient_as_they_were():
    current, threshold, weight = inputs(1, 3, torch.float64, (3, 1, 1))
    leaf, kept = current.clone().requires_grad_(), weight.clone()
    unrolled(leaf, IFParameters(threshold), 3).backward(weight)
    assert torch.equal(leaf, current)
    assert torch.equal(weight, kept)
