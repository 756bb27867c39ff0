"""Starting from other weights: a CNN twin becomes the spiking network that stands for it."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from spiden_cli.core.network.config import NetworkConfig
from spiden_cli.core.network.denoiser import Denoiser
from spiden_cli.core.network.presets import preset
from spiden_cli.core.neuron.layer import IFLayer, ReLULayer
from spiden_cli.core.neuron.quantiser import quantise
from spiden_cli.core.noise.training import Batch
from spiden_cli.core.training.transfer import start_from
from spiden_cli.core.weights import WeightsInfo, read_info, save_weights
from spiden_cli.errors import TrainingError, WeightsError

BASE = replace(preset("tiny-if"), width=5, layers=6)
PLAIN = replace(preset("dncnn17"), width=5, layers=5)


def saved(folder: Path, config: NetworkConfig) -> tuple[Denoiser, Path]:
    torch.manual_seed(0)
    network = Denoiser(config)
    for _ in range(20):
        network(torch.rand(4, 1, 16, 16), 25.0)
    path = folder / "start.safetensors"
    save_weights(path, network.eval(), WeightsInfo(config, "custom", (4,), (0.0, 55.0)))
    return network, path


@pytest.fixture
def calibration() -> Batch:
    clean = torch.rand(8, 1, 16, 16, generator=torch.Generator().manual_seed(2))
    return Batch(clean, clean, torch.full((8,), 25.0))


class Clipped(torch.nn.Module):
    """The ReLU that a neuron of threshold theta can stand for: min(max(u, 0), theta)."""

    def __init__(self, threshold: torch.Tensor) -> None:
        super().__init__()
        self.threshold = threshold

    def forward(self, current: torch.Tensor, timesteps: int, quantised: bool) -> torch.Tensor:
        return current.relu().minimum(self.threshold)


def clipped(twin: Denoiser, network: Denoiser) -> Denoiser:
    layers = [module for module in network.modules() if isinstance(module, IFLayer)]
    names = [name for name, module in twin.named_modules() if isinstance(module, ReLULayer)]
    for name, layer in zip(names, layers, strict=True):
        thresholds = layer.threshold.detach().chunk(layer.population)
        assert all(torch.equal(theta, thresholds[0]) for theta in thresholds)
        twin.set_submodule(name, Clipped(thresholds[0]))
    return twin


@pytest.mark.parametrize("config", [BASE, PLAIN], ids=["shortcuts", "plain"])
@torch.no_grad()
def test_a_twin_becomes_a_network_that_converges_to_its_clipped_self(tmp_path, calibration, config):
    twin, path = saved(tmp_path, config.twin())
    network = Denoiser(config).eval()
    start_from(network, path, calibration)
    goal = clipped(twin, network)(calibration.noisy, 25.0)
    assert (goal - calibration.noisy).abs().mean() > 1e-3  # it does something
    errors = {
        timesteps: (network(calibration.noisy, 25.0, timesteps, quantised) - goal).abs().mean()
        for timesteps, quantised in ((4, True), (64, False), (4096, True))
    }
    noise = (goal - calibration.noisy).abs().mean()
    assert errors[4096] < 0.002 * noise
    assert errors[64] < 0.1 * noise
    assert errors[64] < errors[4]


@torch.no_grad()
def test_thresholds_lie_at_the_spread_of_the_currents(tmp_path, calibration):
    twin, path = saved(tmp_path, BASE.twin())
    network = Denoiser(BASE)
    start_from(network, path, calibration)
    activations = []
    first = "blocks.0.neurons1"
    twin.get_submodule(first).register_forward_hook(lambda *args: activations.append(args[2]))
    twin(calibration.noisy, 25.0)
    spread = (2 * activations[0].square().mean((0, 2, 3))).sqrt()
    thresholds = network.get_submodule(first).threshold.flatten()
    torch.testing.assert_close(thresholds, BASE.threshold * spread.clamp_min(0.01 * spread.max()))


@pytest.mark.parametrize(("source", "target"), [("if", "if"), ("if", "lif"), ("lif", "if")])
def test_a_spiking_network_starts_as_the_other_one_ended(tmp_path, calibration, source, target):
    old, path = saved(tmp_path, replace(BASE, neuron=source))
    network = Denoiser(replace(BASE, neuron=target)).eval()
    start_from(network, path, calibration)
    state = network.state_dict()
    for name, tensor in old.state_dict().items():
        if name in state:
            assert torch.equal(state[name], tensor), name


def test_learnt_potentials_start_where_they_were_and_go_along(tmp_path, calibration):
    old, path = saved(tmp_path, BASE)
    network = Denoiser(replace(BASE, learn_initial=True)).eval()
    start_from(network, path, calibration)
    noisy = calibration.noisy
    assert torch.equal(network(noisy, 25.0, 3), old(noisy, 25.0, 3))
    learnt, path = saved(tmp_path, replace(BASE, learn_initial=True))
    first = "blocks.0.neurons1"
    torch.nn.init.normal_(learnt.get_submodule(first).initial_shift)
    torch.nn.init.normal_(learnt.neurons.initial_shift)
    save_weights(path, learnt, read_info(path))
    again = Denoiser(replace(BASE, learn_initial=True, population=2 * BASE.population)).eval()
    start_from(again, path, calibration)
    torch.testing.assert_close(
        again.neurons.initial_potential.unflatten(0, (BASE.population, 2, -1))
        .mean(1)
        .flatten(0, 1),
        learnt.neurons.initial_potential,
    )
    assert torch.equal(
        again.get_submodule(first).initial_shift, learnt.get_submodule(first).initial_shift
    )


@torch.no_grad()
@pytest.mark.parametrize("population", [1, 2, 3])
def test_a_population_starts_as_the_mean_of_its_neurons(tmp_path, calibration, population):
    narrow, path = saved(tmp_path, replace(BASE, population=population))
    network = Denoiser(replace(BASE, population=2 * population)).eval()
    start_from(network, path, calibration)
    noisy, alone = calibration.noisy, []
    for apart in (-0.25, 0.25):
        narrow.neurons.initial = 0.5 + apart / population
        alone.append(narrow(noisy, 25.0, 3))
    torch.testing.assert_close(network(noisy, 25.0, 3), (alone[0] + alone[1]) / 2)


@torch.no_grad()
@pytest.mark.parametrize("population", [1, 2])
def test_an_inner_population_rounds_to_more_levels(tmp_path, calibration, population):
    """With one timestep, K quantisers are one of K levels (Hermite's identity)."""
    narrow, path = saved(tmp_path, replace(BASE, population=population))
    wide = replace(BASE, population=population, inner_population=4)
    network = Denoiser(wide).double().eval()
    start_from(network, path, calibration)
    narrow.double()
    for module in narrow.blocks.modules():
        if isinstance(module, IFLayer):
            module._quantise = lambda current, p, _: quantise(current, p.threshold, p.initial, 4)
    noisy = calibration.noisy.double()
    torch.testing.assert_close(
        network(noisy, 25.0, 1, quantised=True), narrow(noisy, 25.0, 1, quantised=True)
    )


def test_a_cnn_does_not_start_from_spikes(tmp_path, calibration):
    _, path = saved(tmp_path, BASE)
    with pytest.raises(TrainingError, match="spiking"):
        start_from(Denoiser(BASE.twin()), path, calibration)


@pytest.mark.parametrize("changes", [{"width": 6}, {"layers": 8}, {"unshuffle": 3}])
def test_another_shape_is_refused(tmp_path, calibration, changes):
    _, path = saved(tmp_path, BASE.twin())
    with pytest.raises(TrainingError, match="another shape"):
        start_from(Denoiser(replace(BASE, **changes)), path, calibration)


def test_a_file_that_is_none_is_refused(tmp_path, calibration):
    with pytest.raises(WeightsError):
        start_from(Denoiser(BASE), tmp_path / "none.safetensors", calibration)


@pytest.mark.parametrize("neuron", ["relu", "if"])
@pytest.mark.parametrize("config", [BASE, PLAIN], ids=["shortcuts", "plain"])
@torch.no_grad()
def test_a_colour_network_starts_as_the_grey_one_on_the_mean_of_the_colours(
    tmp_path, calibration, config, neuron
):
    config = replace(config.twin(), neuron=neuron)
    grey, path = saved(tmp_path, config)
    network = Denoiser(replace(config, image_channels=3)).eval()
    colours = torch.rand(8, 3, 16, 16, generator=torch.Generator().manual_seed(3))
    start_from(network, path, Batch(colours, colours, calibration.sigma))
    mean = colours.mean(1, keepdim=True)
    noise = mean - grey(mean, 25.0)
    assert noise.abs().mean() > 1e-3
    torch.testing.assert_close(colours - network(colours, 25.0), noise.expand(-1, 3, -1, -1))


def test_a_grey_network_can_not_start_from_a_colour_one(tmp_path, calibration):
    colour = Denoiser(replace(BASE, image_channels=3))
    path = tmp_path / "colour.safetensors"
    save_weights(path, colour, WeightsInfo(colour.config, "custom", (4,), (0.0, 55.0)))
    with pytest.raises(TrainingError, match="another shape"):
        start_from(Denoiser(BASE), path, calibration)


def test_a_chain_grows_a_branch_and_computes_what_it_did(tmp_path, calibration):
    chain = replace(BASE, neuron="relu", population=1)
    twin, path = saved(tmp_path, chain)
    network = Denoiser(replace(chain, family="branched"))
    start_from(network, path, calibration)
    network.freeze_norm()
    torch.testing.assert_close(
        network.eval()(calibration.noisy, 25.0), twin(calibration.noisy, 25.0), rtol=0, atol=1e-6
    )
    spiking = Denoiser(replace(BASE, family="branched"))
    with pytest.raises(TrainingError, match="another shape"):
        start_from(spiking, path, calibration)


@torch.no_grad()
def test_a_twin_becomes_a_network_of_digits(tmp_path, calibration):
    config = replace(preset("tiny"), width=5, layers=6)
    twin, path = saved(tmp_path, config.twin())
    network = Denoiser(config).eval()
    start_from(network, path, calibration)
    goal = clipped(twin, network)(calibration.noisy, 25.0)
    errors = [
        (network(calibration.noisy, 25.0, timesteps) - goal).abs().mean()
        for timesteps in (2, 4, 6, 12)
    ]
    assert errors[0] > 2 * errors[1] > 4 * errors[2]
    assert errors[3] < 1e-3 * (goal - calibration.noisy).abs().mean()
