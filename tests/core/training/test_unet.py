"""A network of two resolutions trains like any other: from nothing, from weights, from a twin."""

from dataclasses import replace

import pytest
import torch

from spiden_cli.core.energy.twins import are_twins
from spiden_cli.core.network.denoiser import Denoiser
from spiden_cli.core.network.presets import preset
from spiden_cli.core.weights import load_weights
from spiden_cli.errors import TrainingError

UNET = replace(preset("unet"), width=4, layers=10, threshold=1.0)
LEARN = {
    "steps": 60, "learning_rate": 0.03, "warmup": 5, "batch_size": 4, "sigma": (50.0, 50.0),
    "validate_every": 60,
}  # fmt: skip


def finish(kept):
    return list(kept.train())


@pytest.mark.parametrize("method", ["bptt", "quantiser"])
def test_it_learns(start, method):
    run = start(network=UNET, method=method, **LEARN)
    progress = finish(run)
    assert progress[-1].loss < 0.95 * progress[0].loss
    network, info = load_weights(run.folder.weights)
    assert info.config == network.config == UNET


@pytest.mark.parametrize("quantised", [False, True])
def test_gradients_reach_every_parameter(quantised):
    torch.manual_seed(0)
    network = Denoiser(UNET)
    network(torch.rand(4, 1, 24, 24), 25.0, 3, quantised).square().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad.any(), name


def test_it_starts_from_its_twin_and_widens(start):
    finish(start("cnn", network=UNET.twin()))
    twin = start("cnn").folder.weights
    run = start("snn", network=replace(UNET, population=2), init=twin, freeze_norm=True)
    finish(run)
    assert are_twins(run.state.network.config, UNET.twin())
    wider = start(
        "wide", network=replace(UNET, population=4, inner_population=2), init=run.folder.weights
    )
    wide, narrow = wider.state.network, load_weights(run.folder.weights)[0]
    for name in ("coarse.0.conv1.conv.weight", "to_fine.conv.conv.weight", "readout.weight"):
        ours, theirs = wide.state_dict()[name], narrow.state_dict()[name]
        assert ours.shape[1] == 2 * theirs.shape[1]
        torch.testing.assert_close(ours.sum(1), theirs.sum(1))
    assert finish(wider)[-1].step == 6


def test_it_does_not_start_from_a_chain(start):
    chain = start("chain")
    finish(chain)
    with pytest.raises(TrainingError, match="another shape"):
        start("unet", network=UNET, init=chain.folder.weights)
