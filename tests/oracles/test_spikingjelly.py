"""Neurons and whole networks rebuilt with spikingjelly: the same spikes, bit for bit.

spikingjelly (Fang et al. 2023, Science Advances) is an independent implementation. What has to be
set so that both mean the same: `v_reset=None` is the soft reset; V starts at 0 there, so phi theta
is put in; a neuron takes one threshold, so a layer is one node per channel. Both fire at V = theta
(its heaviside is x >= 0).

Its LIF node with `decay_input=False` is V - V / tau + I where ours is lambda V + I: the same
number if tau is a power of two, and the same up to rounding, which flips spikes, if not.
"""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from small_networks import shrunk
from torch import Tensor, nn

from spiden_cli.core.network.denoiser import Denoiser
from spiden_cli.core.network.folding import fold
from spiden_cli.core.network.graph import Add, Convolution, Encode, Neurons, Shuffle
from spiden_cli.core.network.presets import PRESETS
from spiden_cli.core.neuron.integrate_and_fire import IFParameters, initial_state
from spiden_cli.core.neuron.layer import IFLayer, LIFLayer, run
from spiden_cli.core.neuron.leaky import LIFParameters, lif_step
from spiden_cli.core.neuron.surrogate import arctan
from spiden_cli.core.neuron.unrolled import unrolled

MISSING = "THE NEURONS ARE NOT CROSS-CHECKED: pip install --no-deps spikingjelly==2.0.0 loguru"
neuron = pytest.importorskip("spikingjelly.activation_based.neuron", reason=MISSING)
surrogate = pytest.importorskip("spikingjelly.activation_based.surrogate", reason=MISSING)


def driven(node: nn.Module, currents: Tensor, start: float) -> Tensor:
    """Spikes of a node for currents (T, ...), from the potential `start`."""
    node.v = torch.full_like(currents[0], start)
    return node(currents)


class Nodes(nn.Module):
    """A layer of spikingjelly's neurons, one node for each channel of ours."""

    def __init__(self, layer: IFLayer) -> None:
        super().__init__()
        self.population = layer.population
        self.initial = layer.initial_potential.flatten().tolist()
        self.nodes = nn.ModuleList(self.node(float(theta)) for theta in layer.threshold)

    def node(self, threshold: float) -> nn.Module:
        return neuron.IFNode(threshold, v_reset=None, step_mode="m")

    def forward(self, current: Tensor, timesteps: int) -> Tensor:
        current = current.repeat(1, self.population, 1, 1)
        currents = current.unflatten(0, (timesteps, -1))  # T * B -> T, B
        planes = [
            driven(node, currents[:, :, channel], self.initial[channel] * node.v_threshold)
            for channel, node in enumerate(self.nodes)
        ]
        return torch.stack(planes, dim=2).flatten(0, 1)


class LeakyNodes(Nodes):
    """Likewise, of LIF neurons with lambda = 1 - 1 / tau = 1/2."""

    def node(self, threshold: float) -> nn.Module:
        return neuron.LIFNode(2.0, False, threshold, v_reset=None, step_mode="m")


def rebuilt(network: Denoiser, noisy: Tensor, sigma: float, timesteps: int):
    """The forward pass of a folded network, written anew around spikingjelly's neurons.

    Returns the denoised images and the spikes that enter each convolution.
    """
    config, seen = network.config, {}
    nodes = LeakyNodes if config.neuron == "lif" else Nodes
    encoded = F.pixel_unshuffle(noisy, config.unshuffle)
    if config.noise_map:
        encoded = torch.cat([encoded, torch.full_like(encoded[:, :1], sigma / 64)], dim=1)
    values = {}
    for node in network.graph.nodes[:-1]:
        inputs = [values[name] for name in node.inputs]
        if isinstance(node, Encode):
            value = encoded.repeat(timesteps, 1, 1, 1)
        elif isinstance(node, Convolution):
            if node.name != "encoder":
                seen[node.name] = inputs[0]
            value = network.get_submodule(node.name)(inputs[0])
        elif isinstance(node, Neurons):
            value = nodes(network.get_submodule(node.name))(inputs[0], timesteps)
        elif isinstance(node, Add):
            value = inputs[0] + inputs[1]
        else:
            assert isinstance(node, Shuffle)
            value = F.pixel_shuffle(inputs[0], node.factor)
        values[node.name] = value
    drawn = values["readout"]
    noise = F.pixel_shuffle(drawn.unflatten(0, (timesteps, -1)).mean(0), config.unshuffle)
    return noisy - noise * (sigma / 255 if config.noise_map else 1), seen


@given(st.integers(0, 2**32 - 1), st.integers(1, 8), st.sampled_from([0.0, 0.5]))
@torch.no_grad()
def test_a_layer_of_if_neurons(seed, timesteps, initial):
    generator = torch.Generator().manual_seed(seed)
    layer = IFLayer(3, 1.0, initial)
    layer.log_threshold.copy_(torch.randn(3, generator=generator))
    current = 2 * torch.randn(timesteps * 2, 3, 5, 4, generator=generator)
    assert torch.equal(layer(current, timesteps), Nodes(layer)(current, timesteps))


def test_both_fire_at_the_threshold():
    currents = torch.tensor([0.5, 0.5, 0.25, 2.0, 0.0])[:, None]
    ours = unrolled(currents.flatten(), IFParameters(torch.tensor(1.0), 0.0), 5)
    theirs = driven(neuron.IFNode(1.0, v_reset=None, step_mode="m"), currents, 0.0)
    assert ours.tolist() == theirs.flatten().tolist() == [0, 1, 0, 1, 1]


@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_gradient_through_time(seed, timesteps):
    # Its ATan of alpha = 2 is our arctan where theta = 1: 1 / (1 + (pi x)^2).
    generator = torch.Generator().manual_seed(seed)
    current = torch.randn(timesteps, 40, generator=generator, dtype=torch.float64)
    weight = torch.randn(timesteps, 40, generator=generator, dtype=torch.float64)
    ours, theirs = (current.clone().requires_grad_() for _ in range(2))
    p = IFParameters(torch.tensor(1.0, dtype=torch.float64), 0.5, arctan)
    (unrolled(ours, p, timesteps) * weight).sum().backward()
    node = neuron.IFNode(1.0, None, surrogate.ATan(alpha=2.0), step_mode="m")
    (driven(node, theirs, 0.5) * weight).sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad)


@given(st.integers(0, 2**32 - 1), st.integers(1, 8), st.sampled_from([2.0, 4.0, 16.0]))
def test_lif_neurons_whose_tau_is_a_power_of_two(seed, timesteps, tau):
    currents = torch.randn(timesteps, 60, generator=torch.Generator().manual_seed(seed))
    fire = IFParameters(torch.tensor(0.75), 0.5)
    p = LIFParameters(fire, torch.tensor(1 - 1 / tau))
    spikes, _ = run(
        list(currents), initial_state(currents[0], fire), lambda i, s: lif_step(i, s, p)
    )
    node = neuron.LIFNode(tau, False, 0.75, v_reset=None, step_mode="m")
    assert torch.equal(torch.stack(spikes), driven(node, currents, 0.5 * 0.75))


@pytest.mark.parametrize("timesteps", [1, 4])
@pytest.mark.parametrize("kind", ["if", "lif"])
@pytest.mark.parametrize("name", PRESETS)
@torch.no_grad()
def test_a_whole_network(name, kind, timesteps):
    torch.manual_seed(0)
    config = shrunk(name, neuron=kind, threshold=1.0)
    network = Denoiser(config)
    for module in network.modules():
        if isinstance(module, IFLayer):
            module.log_threshold.normal_(-0.5, 0.4)
        if isinstance(module, LIFLayer):
            module.logit_leak.zero_()  # lambda = 1/2
    for _ in range(5):  # statistics of batch normalisation
        network(torch.rand(4, 1, 16, 16), 25.0, 2)
    folded, noisy = fold(network), torch.rand(2, 1, 16, 24)
    records = {}
    denoised = folded(
        noisy, 25.0, timesteps, observe=lambda layer, spikes: records.update({layer: spikes})
    )
    expected, spikes = rebuilt(folded, noisy, 25.0, timesteps)
    assert list(records) == list(spikes)
    assert len(records) == len(network.graph.spike_convolutions)
    for layer, theirs in spikes.items():
        assert 0 < theirs.mean() < 1, layer
        assert torch.equal(records[layer], theirs), layer
    torch.testing.assert_close(denoised, expected, rtol=0, atol=1e-7)
