"""Muon: orthogonal steps for the kernels between layers, Adam's for everything else."""

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spiden_cli.core.network.denoiser import Denoiser
from spiden_cli.core.network.presets import PRESETS, preset
from spiden_cli.core.training.optimiser import make_optimiser, optimiser_for, orthogonalised


@given(st.integers(2, 24), st.integers(2, 24), st.integers(0, 1000))
def test_orthogonalised_is_the_polar_factor_roughly(rows, columns, seed):
    generator = torch.Generator().manual_seed(seed)
    # Away from singular matrices, of which no iteration can lift the smallest values in time.
    u, _, v = torch.linalg.svd(torch.randn(rows, columns, generator=generator), full_matrices=False)
    values = 0.2 + torch.rand(min(rows, columns), generator=generator)
    found = orthogonalised(u @ values.diag() @ v)
    assert found.shape == (rows, columns)
    spread = torch.linalg.svdvals(found.float())
    assert 0.6 < spread.min() <= spread.max() < 1.3
    assert (found.float() * (u @ v)).sum() > 0.9 * found.norm() * (u @ v).norm()


def test_the_size_of_the_gradient_does_not_matter():
    gradient = torch.randn(8, 72, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        orthogonalised(gradient), orthogonalised(1e-4 * gradient), rtol=0.05, atol=0.02
    )


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_kernels_go_muons_way_and_the_rest_adams(layout):
    network = Denoiser(preset("tiny-if")).to(memory_format=layout)
    beside = copy.deepcopy(network)
    muon, adam = (
        make_optimiser(net, name, 1e-2) for net, name in ((network, "muon"), (beside, "adam"))
    )
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    generator = torch.Generator().manual_seed(0)
    for mine, theirs in zip(network.parameters(), beside.parameters(), strict=True):
        mine.grad = torch.randn(mine.shape, generator=generator)
        theirs.grad = mine.grad.clone()
    muon.step()
    adam.step()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None
        if name.startswith("blocks") and parameter.ndim == 4:
            moved = (parameter - before[name]).detach().flatten(1)
            # Singular values about one, times 0.2 sqrt(288) and the learning rate.
            values = torch.linalg.svdvals(moved) / (1e-2 * 0.2 * 288**0.5)
            assert 0.6 < values.min() <= values.max() < 1.3
            assert (moved * parameter.grad.flatten(1)).sum() < 0
        else:
            torch.testing.assert_close(parameter, beside.get_parameter(name))


def test_a_kernel_without_a_gradient_stays():
    network = Denoiser(preset("tiny-if"))
    optimiser = make_optimiser(network, "muon", 1.0)
    before = copy.deepcopy(network.state_dict())
    optimiser.step()
    assert all(torch.equal(before[name], t) for name, t in network.state_dict().items())


def test_it_minimises():
    """A deep linear network, whose gradient is dominated by a few directions."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(256, 12, 3, 3, generator=generator) * torch.logspace(0, -2, 12)[:, None, None]
    target = torch.randn(12, 12 * 9, generator=generator)
    y = x.flatten(1) @ target.T

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.conv = torch.nn.Conv2d(12, 12, 3, bias=False)

        def forward(self, x):
            return self.conv(x).flatten(1)

    def reached(name):
        net = Net()
        optimiser = optimiser_for(net, {"conv.weight"}, name, 0.05)
        for step in range(200):
            for group in optimiser.param_groups:
                group["lr"] = 0.05 * (1 - step / 200)
            optimiser.zero_grad()
            loss = (net(x) - y).square().mean()
            loss.backward()
            optimiser.step()
        return loss.item()

    start = (Net()(x) - y).square().mean().item()
    assert reached("muon") < 0.02 * start


def test_muon_takes_every_inner_kernel_of_any_family():
    for name in PRESETS:
        network = Denoiser(preset(name))
        optimiser = make_optimiser(network, "muon", 1.0)
        taken = set(map(id, optimiser.kernels))
        named = {name for name, p in network.named_parameters() if id(p) in taken}
        kernels = {n for n, p in network.named_parameters() if p.ndim == 4}
        assert kernels - named == {"encoder.conv.weight", "readout.weight"}
        assert named < kernels
