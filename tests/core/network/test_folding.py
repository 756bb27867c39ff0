"""Folded and frozen networks compute what the network in evaluation mode computes."""

import pytest
import torch
from torch import nn

from spiden_cli.core.network.folding import fold
from spiden_cli.core.network.presets import PRESETS

NEURONS = ["if", "lif", "relu"]


@pytest.mark.parametrize("neuron", NEURONS)
@pytest.mark.parametrize("name", PRESETS)
def test_folding_keeps_the_output(make, name, neuron):
    network, noisy = make(name, neuron=neuron), torch.rand(2, 1, 13, 16)
    folded = fold(network)
    torch.testing.assert_close(
        fold(network.double())(noisy.double(), 25.0, 3), network(noisy.double(), 25.0, 3)
    )
    # In float32 a rounding flips a spike where a potential meets its threshold: few, if any.
    close = (folded(noisy, 25.0, 3) - network.float()(noisy, 25.0, 3)).abs() < 1e-4
    assert close.float().mean() > 0.95


def test_a_folded_network_has_no_normalisation_and_no_gradients(make):
    folded = fold(make("base").train())
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    assert not any(parameter.requires_grad for parameter in folded.parameters())
    assert not folded.training
    assert [name for name, _ in folded.spike_driven()][-1] == "readout"


def test_folding_leaves_the_network_as_it_is(make):
    network = make("tiny").train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    fold(network)(torch.rand(1, 1, 12, 12), 25.0)
    assert network.training
    after = network.state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())


@pytest.mark.parametrize("neuron", NEURONS)
def test_frozen_statistics_equal_evaluation_while_it_trains(make, neuron):
    network, noisy = make("base", neuron=neuron).double(), torch.rand(1, 1, 12, 12).double()
    expected = network(noisy, 25.0, 3)
    network.freeze_norm()
    network.train()
    torch.testing.assert_close(network(noisy, 25.0, 3), expected)
    means = [layer.norm.running_mean.clone() for _, layer in network.conv_norms()]
    network(noisy + 5, 25.0, 3).sum().backward()
    for (_, layer), mean in zip(network.conv_norms(), means, strict=True):
        assert torch.equal(layer.norm.running_mean, mean)
        assert layer.conv.weight.grad is not None
