"""Measured layers: the parts add up, and order errors are what the potential says they are."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spiden_cli.core.analysis.conversion import closed_form
from spiden_cli.core.analysis.layers import measure, neuron_layers, tiles_of
from spiden_cli.core.analysis.staircase import Neuron
from spiden_cli.core.network.denoiser import Denoiser
from spiden_cli.core.network.presets import preset
from spiden_cli.core.neuron.integrate_and_fire import IFParameters, if_step, initial_state
from spiden_cli.core.neuron.layer import repeat_channels, run
from spiden_cli.core.neuron.quantiser import quantise
from spiden_cli.core.neuron.weighted import digits
from spiden_cli.errors import InputError

SIGMA = 25.0


def make(neuron: str = "if", name: str = "tiny-if", layers: int = 6) -> Denoiser:
    """A small network that nobody trained, with strong currents, so that all errors occur."""
    torch.manual_seed(3)
    network = Denoiser(replace(preset(name), neuron=neuron, width=6, layers=layers))
    for _ in range(3):
        network(torch.rand(2, 1, 32, 32), SIGMA, 2)
    for module in neuron_layers(network).values():
        if neuron != "relu":
            thresholds = torch.linspace(-1.5, 0.5, len(module.log_threshold) // module.population)
            module.log_threshold.data = thresholds.repeat(module.population)
    return network.eval()


def watched(network: Denoiser, image: torch.Tensor, timesteps: int, keep) -> dict:
    """Run a network once: what keep(layer, current, output) returns of each layer of neurons."""
    seen = {}
    for name, layer in neuron_layers(network).items():
        layer.register_forward_hook(
            lambda layer, inputs, output, name=name: seen.update(
                {name: keep(layer, inputs[0], output)}
            )
        )
    with torch.no_grad():
        network(image[None], SIGMA, timesteps)
    for layer in neuron_layers(network).values():
        layer._forward_hooks.clear()
    return seen


@pytest.fixture(scope="module")
def image() -> torch.Tensor:
    return torch.rand(1, 40, 52, generator=torch.Generator().manual_seed(1))


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.sampled_from([0.0, 0.3, 0.5]))
def test_early_and_late_spikes_show_in_the_last_potential(seed, timesteps, initial):
    generator = np.random.default_rng(seed)
    currents = torch.from_numpy(generator.normal(0.2, 0.8, (timesteps, 300)))
    p = IFParameters(torch.ones((), dtype=torch.float64), initial)
    spikes, last = run(
        list(currents),
        initial_state(currents[0], p),
        lambda current, state: if_step(current, state, p),
    )
    fired = torch.stack(spikes).sum(0)
    synchronous = quantise(currents.mean(0), p.threshold, initial, timesteps) * timesteps
    order = fired - synchronous.round()
    early = (last.potential < 0) & (fired > 0)
    late = (last.potential >= 1) & (fired < timesteps)
    assert ((order > 0) == early).all()
    assert ((order < 0) == late).all()


@pytest.mark.parametrize("timesteps", [1, 2, 4, 5])
@pytest.mark.parametrize(("name", "layers"), [("tiny", 6), ("base", 6), ("unet", 10)])
def test_a_layer_of_weighted_spikes_makes_no_order_error(image, name, layers, timesteps):
    network = make("weighted", name, layers)

    def scaled(module, current, values):
        current = repeat_channels(current, module.population) / module.threshold
        return current.double(), values.double()

    seen = watched(network, image, timesteps, scaled)
    layers = measure(network, [image], SIGMA, timesteps).layers
    assert [layer.layer for layer in layers] == list(seen)
    for layer in layers:
        current, values = seen[layer.layer]
        error = (values - current.relu()).square().mean().item()
        assert layer.neuron == "weighted"
        assert layer.waits
        assert layer.order == layer.cross == layer.early_share == layer.late_share == 0
        assert layer.mse == layer.synchronous_mse == pytest.approx(error, rel=1e-5)
        above = (current - (1 - 0.5**timesteps)).relu().square().mean().item()
        assert layer.clipping == pytest.approx(above, rel=1e-5)
        ones = digits(values, timesteps).mean().item()
        assert layer.rate == pytest.approx(ones)
        assert layer.neurons == current.numel()
        assert layer.deviation == pytest.approx(current.std(correction=0).item(), rel=1e-5)


def test_the_sample_of_weighted_spikes_gives_error_and_sparsity_back(image):
    measured = measure(make("weighted"), [image], SIGMA, 3, layer="blocks.1.neurons2")
    (layer,) = measured.layers
    assert measured.neuron == Neuron(0.5, weighted=True)
    closed = closed_form(measured.sample, measured.neuron, 3, layer.threshold)
    unit = layer.deviation**2
    assert closed.rounding * unit == pytest.approx(layer.rounding, rel=1e-4)
    assert closed.clipping * unit == pytest.approx(layer.clipping, rel=1e-4)
    assert closed.rate == pytest.approx(layer.rate, rel=1e-4)


@pytest.mark.parametrize("neuron", ["if", "lif"])
@pytest.mark.parametrize("timesteps", [1, 2, 4, 5])
@pytest.mark.parametrize(("name", "layers"), [("tiny-if", 6), ("unet", 10)])
def test_the_parts_are_the_whole_error(image, name, layers, neuron, timesteps):
    network = make(neuron, name, layers)

    def means(module, current, spikes):
        mean, rate = (x.unflatten(0, (timesteps, -1)).mean(0) for x in (current, spikes))
        return (repeat_channels(mean, module.population) / module.threshold).double(), rate.double()

    seen = watched(network, image, timesteps, means)
    layers = measure(network, [image], SIGMA, timesteps).layers
    assert [layer.layer for layer in layers] == list(neuron_layers(network)) == list(seen)
    for layer in layers:
        mean, rate = seen[layer.layer]
        error = (rate - mean.relu()).square().mean().item()
        assert layer.mse == pytest.approx(error, rel=1e-5)
        assert layer.rate == pytest.approx(rate.mean().item())
        assert layer.signal == pytest.approx(mean.relu().square().mean().item(), rel=1e-5)
        assert layer.deviation == pytest.approx(mean.std(correction=0).item(), rel=1e-5)
        assert layer.neurons == mean.numel()
        assert layer.order == layer.early + layer.late


def test_a_constant_current_has_no_order_error(image):
    first, *others = measure(make(), [image], SIGMA, 4).layers
    assert first.layer == "blocks.0.neurons1"
    assert first.order == first.cross == first.early_share == first.late_share == 0
    assert first.mse == first.synchronous_mse
    assert all(layer.early_share > 0 for layer in others)
    assert any(layer.late_share > 0 for layer in others)


def test_at_one_timestep_there_is_no_order(image):
    assert all(layer.order == 0 for layer in measure(make(), [image], SIGMA, 1).layers)


def test_the_sample_gives_the_synchronous_error_back(image):
    measured = measure(make(), [image], SIGMA, 4, layer="blocks.1.neurons2")
    (layer,) = measured.layers
    assert len(measured.sample.values) == layer.neurons
    closed = closed_form(measured.sample, measured.neuron, 4, layer.threshold)
    unit = layer.deviation**2
    assert closed.rounding * unit == pytest.approx(layer.rounding, rel=1e-4)
    assert closed.clipping * unit == pytest.approx(layer.clipping, rel=1e-4)
    assert closed.sqnr == pytest.approx(layer.synchronous_sqnr, abs=1e-3)


def test_a_leaky_layer_says_its_leak(image):
    network = make("lif")
    network.get_submodule("blocks.1.neurons1").logit_leak.data.fill_(0.0)
    measured = measure(network, [image], SIGMA, 3, layer="blocks.1.neurons1")
    assert measured.neuron == Neuron(0.5, 0.5)
    (layer,) = measured.layers
    closed = closed_form(measured.sample, measured.neuron, 3, layer.threshold)
    assert closed.rounding * layer.deviation**2 == pytest.approx(layer.rounding, rel=1e-4)


def test_of_many_currents_a_sample_is_kept(image, monkeypatch):
    monkeypatch.setattr("spiden_cli.core.analysis.layers.SAMPLE", 1000)
    calls = []
    tiles = [image, image.flip(1)]
    measured = measure(make(), tiles, SIGMA, 2, "neurons", lambda: calls.append(1))
    assert len(measured.sample.values) == 1000
    assert len(calls) == 2
    whole = measure(make(), tiles, SIGMA, 2).layers[-1]
    assert measured.layers[0] == whole  # sums are over all of the neurons
    assert measured.sample.deviation == pytest.approx(whole.deviation, rel=0.1)


def test_tiles_cover_the_image_once():
    image = torch.arange(300 * 700.0).reshape(1, 300, 700)
    tiles = tiles_of(image)
    assert max(max(tile.shape) for tile in tiles) <= 256
    assert min(min(tile.shape[1:]) for tile in tiles) >= 128
    assert torch.cat([tile.flatten() for tile in tiles]).sort().values.equal(image.flatten())


def test_a_twin_gives_currents_but_no_spikes(image):
    twin = make("relu")
    measured = measure(twin, [image], SIGMA, 4, layer="blocks.0.neurons2")
    assert measured.layers == ()
    assert measured.neuron is None
    assert len(measured.sample.values) == 6 * 20 * 26
    with pytest.raises(InputError, match="CNN twin"):
        measure(twin, [image], SIGMA, 4)


def test_unknown_layers_and_timesteps_are_refused(image):
    with pytest.raises(InputError, match=r"choose one of blocks\.0\.neurons1"):
        measure(make(), [image], SIGMA, 4, layer="blocks.9")
    with pytest.raises(InputError, match="timesteps"):
        measure(make(), [image], SIGMA, 0)


def test_no_hook_stays_behind(image):
    network = make()
    with pytest.raises(RuntimeError):
        measure(network, [image.expand(3, -1, -1)], SIGMA, 2)  # the wrong number of channels
    assert not any(module._forward_hooks for module in network.modules())
