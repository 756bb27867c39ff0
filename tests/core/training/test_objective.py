"""The loss: mean absolute error, and a price on spikes that makes them fewer."""

from dataclasses import replace

import pytest
import torch

from spiden_cli.core.network.denoiser import Denoiser
from spiden_cli.core.network.presets import preset
from spiden_cli.core.noise.training import Batch
from spiden_cli.core.training.objective import objective


@pytest.fixture
def network() -> Denoiser:
    torch.manual_seed(0)
    return Denoiser(replace(preset("tiny-if"), width=4, layers=4, threshold=1.0))


@pytest.fixture
def batch() -> Batch:
    clean = torch.rand(2, 1, 12, 12, generator=torch.Generator().manual_seed(2))
    return Batch(clean, clean + 0.1, torch.tensor([25.0, 25.0]))


@pytest.mark.parametrize("quantised", [False, True])
def test_parts_add_up(network, batch, quantised):
    goal = objective(network, batch, 3, quantised, sparsity_weight=0.5)
    again = network(batch.noisy, batch.sigma, 3, quantised)
    torch.testing.assert_close(goal.error, (again - batch.clean).abs().mean())
    torch.testing.assert_close(goal.loss, goal.error + 0.5 * goal.firing_rate)
    assert 0 < goal.firing_rate < 1


@pytest.mark.parametrize("quantised", [False, True])
def test_the_price_on_spikes_lowers_the_rate(network, batch, quantised):
    optimiser = torch.optim.SGD(network.parameters(), lr=0.3)
    rates = []
    for _ in range(25):
        optimiser.zero_grad()
        goal = objective(network, batch, 3, quantised, sparsity_weight=10.0)
        goal.loss.backward()
        optimiser.step()
        rates.append(goal.firing_rate.item())
    assert rates[-1] < 0.7 * rates[0]


def test_over_the_synapses_the_rate_is_operations_over_multiply_accumulates(batch):
    torch.manual_seed(0)
    config = replace(preset("base"), width=8, layers=4)
    network = Denoiser(config).eval()
    size = (16, 16)
    batch = Batch(torch.rand(4, 1, *size), torch.rand(4, 1, *size), torch.full((4,), 25.0))
    rates = {}
    network(
        batch.noisy, batch.sigma, 3, True,
        lambda name, values: rates.update({name: network.firing_rates(values[:1], 3).mean()}),
    )  # fmt: skip
    macs = network.graph.dense_operations(*size)
    operations = sum(macs[name] * rate for name, rate in rates.items())
    goal = objective(network, batch, 3, True, 1.0, sparsity_over="synapses")
    expected = operations / sum(macs[name] for name in rates)
    torch.testing.assert_close(goal.firing_rate, expected)
    assert goal.firing_rate != objective(network, batch, 3, True, 1.0).firing_rate


def test_without_a_price_the_rate_has_no_gradient_of_its_own(network, batch):
    free = objective(network, batch, 2, False, 0.0)
    assert free.loss.item() == free.error.item()
    grown = torch.autograd.grad(objective(network, batch, 2, False, 1.0).firing_rate,
                                network.neurons.log_threshold)  # fmt: skip
    assert (grown[0] < 0).all()  # a higher threshold fires less


@pytest.mark.parametrize("quantised", [False, True])
def test_a_teacher_takes_its_share(network, batch, quantised):
    torch.manual_seed(1)
    teacher = Denoiser(replace(preset("tiny-if"), width=6, layers=4, neuron="relu")).eval()
    alone = objective(network, batch, 2, quantised, 0.0).error
    taught = network(batch.noisy, batch.sigma, 2, quantised) - teacher(batch.noisy, batch.sigma)
    for weight in (0.0, 0.25, 1.0):
        goal = objective(network, batch, 2, quantised, 0.0, teacher, weight)
        torch.testing.assert_close(
            goal.error, (1 - weight) * alone + weight * taught.abs().mean().detach()
        )
        goal.loss.backward()
    assert all(parameter.grad is None for parameter in teacher.parameters())
    assert network.encoder.conv.weight.grad is not None


def test_the_loss_for_psnr_has_the_gradient_of_the_mean_psnr(network, batch):
    """Of each patch as much as it is wrong, whatever the others are; in units of their mean."""
    batch = batch._replace(noisy=batch.noisy * torch.tensor([1.0, 0.3])[:, None, None, None])
    goal = objective(network, batch, 2, True, 0.0, loss="psnr")
    error = (network(batch.noisy, batch.sigma, 2, True) - batch.clean).square().mean((1, 2, 3))
    torch.testing.assert_close(goal.error, error.sqrt().mean(), rtol=1e-4, atol=0)
    of_loss, of_psnr = (
        torch.autograd.grad(value, network.readout.weight, retain_graph=True)[0]
        for value in (goal.loss, -10 * error.log10().mean())
    )
    scale = -error.sqrt().mean() * torch.log(torch.tensor(10.0)) / 20
    torch.testing.assert_close(of_loss, of_psnr * scale, rtol=1e-3, atol=1e-8)


def test_weighted_spikes_are_counted_as_digits_of_some_of_the_patches():
    torch.manual_seed(0)
    network = Denoiser(replace(preset("tiny"), width=4, layers=4, threshold=1.0))
    clean = torch.rand(2, 1, 12, 12)
    batch = Batch(clean, clean + 0.1, torch.full((2,), 25.0))
    goal = objective(network, batch, 3, True, sparsity_weight=1.0)
    rates = []

    def observe(_, values):
        ones = sum((values[:1] * 8).int().bitwise_right_shift(place) & 1 for place in range(3))
        rates.append(ones.float().mean() / 3)

    network(batch.noisy, batch.sigma, 3, observe=observe)
    torch.testing.assert_close(goal.firing_rate, torch.stack(rates).mean())
    (slope,) = torch.autograd.grad(goal.firing_rate, network.neurons.log_threshold)
    assert (slope <= 0).all()  # a higher threshold sends fewer
    assert slope.min() < 0
