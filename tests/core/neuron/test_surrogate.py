"""Surrogate gradients: bumps of unit area, scaled by the threshold, found by name."""

import numpy as np
import pytest
import torch
from scipy.integrate import quad

from spiden_cli.core.neuron.surrogate import SURROGATES, spike, surrogate_named
from spiden_cli.errors import InputError


@pytest.mark.parametrize("name", SURROGATES)
def test_a_surrogate_has_unit_area_and_is_even(name):
    surrogate = surrogate_named(name)

    def at(x: float) -> float:
        return surrogate(torch.tensor(x, dtype=torch.float64)).item()

    near, _ = quad(at, -1, 1, points=[-0.5, 0, 0.5])
    right, _ = quad(at, 1, np.inf)
    left, _ = quad(at, -np.inf, -1)
    assert left + near + right == pytest.approx(1, abs=1e-6)
    assert all(at(x) == at(-x) for x in (0.1, 0.5, 0.7, 3.0))
    assert at(0.0) == 1


def test_shapes_are_those_of_the_papers():
    x = torch.tensor([0.0, 0.5, 0.75, 2.0])
    table = {name: surrogate(x).tolist() for name, surrogate in SURROGATES.items()}
    assert table["rectangular"] == [1, 1, 0, 0]
    assert table["triangular"] == [1, 0.5, 0.25, 0]
    assert table["fast_sigmoid"] == pytest.approx([1, 1 / 4, 1 / 6.25, 1 / 25])
    assert table["arctan"] == pytest.approx(1 / (1 + (np.pi * x.numpy()) ** 2))


def test_an_unknown_name_lists_those_that_exist():
    with pytest.raises(InputError) as refused:
        surrogate_named("guess")
    assert "'guess'" in str(refused.value)
    assert all(name in str(refused.value) for name in SURROGATES)


def test_a_spike_is_a_step_forward_and_a_bump_backward():
    potential = torch.tensor([0.0, 1.0, 2.0, 4.0], requires_grad=True)
    threshold = torch.tensor([2.0], requires_grad=True)
    spikes = spike(potential, threshold, SURROGATES["triangular"])
    assert spikes.tolist() == [0, 0, 1, 1]
    spikes.sum().backward()
    assert potential.grad.tolist() == [0, 0.25, 0.5, 0]  # h(x) / theta, x = (V - theta) / theta
    assert threshold.grad.tolist() == [-0.75]


@pytest.mark.parametrize("name", SURROGATES)
def test_the_gradient_does_not_depend_on_the_unit_of_the_potential(name):
    def gradient(unit: float) -> torch.Tensor:
        x = torch.tensor([0.2, 0.9, 1.3], dtype=torch.float64, requires_grad=True)
        spike(
            unit * x, torch.tensor([unit], dtype=torch.float64), SURROGATES[name]
        ).sum().backward()
        return x.grad

    torch.testing.assert_close(gradient(1.0), gradient(7.0))
