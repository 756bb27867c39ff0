"""Networks of integers, and the simulation that anyone can port."""

import importlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_networks import SIGMA, exact, picture, shrunk

from spiden_cli.core.bundled import find_weights
from spiden_cli.core.engine.dense import DenseEngine
from spiden_cli.core.engine.reference import ReferenceEngine
from spiden_cli.core.exchange.integer_network import quantised, write_integers
from spiden_cli.core.exchange.integer_units import current_units
from spiden_cli.core.exchange.integer_widths import LEVELS, PIXELS
from spiden_cli.core.exchange.recording import record
from spiden_cli.core.network.folding import FoldedConvolution, NeuronParameters
from spiden_cli.core.network.graph import Neurons
from spiden_cli.core.weights import load_folded
from spiden_cli.errors import InputError

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "integers" / "simulate.py"
NETWORKS = [
    ("base", {}),
    ("base-if", {}),
    ("tiny-if", {"layers": 6}),
    ("unet", {}),
    ("dncnn17", {}),
]


@pytest.fixture
def simulate(monkeypatch, tmp_path):
    """Write a network and return its simulation."""
    monkeypatch.syspath_prepend(str(EXAMPLE.parent))
    module = importlib.import_module("simulate")

    def made(network, timesteps=4):
        written = write_integers(tmp_path / "network.npz", network, timesteps)
        return module.Simulation(str(tmp_path / "network.npz")), written

    return made


def test_the_simulation_needs_numpy_alone_and_is_short():
    lines = EXAMPLE.read_text().splitlines()
    assert len(lines) <= 150
    assert not any("spiden_cli" in line or "torch" in line for line in lines)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_example_denoises_pictures_grey_and_in_colour(tmp_path, colour_pixels, channels):
    config = shrunk("tiny", image_channels=channels)
    write_integers(tmp_path / "network.npz", exact(config, seed=1), 2)
    given = Image.fromarray(colour_pixels if channels == 3 else colour_pixels[..., 0])
    given.save(tmp_path / "in.png")
    command = [sys.executable, str(EXAMPLE), "network.npz", "in.png", "out.png"]
    subprocess.run(command, cwd=tmp_path, check=True)
    with Image.open(tmp_path / "out.png") as found:
        assert (found.size, found.mode) == (given.size, given.mode)
        assert np.asarray(found).std() > 0


@pytest.mark.parametrize("name", ["tiny", "base-if"])
def test_eight_bits_cost_little(simulate, data_dir, name):
    network, _ = load_folded(find_weights(name))
    clean = np.asarray(Image.open(data_dir / "set12" / "01.png"), float)[None, 64:144, 64:144]
    noisy = np.rint(clean + np.random.default_rng(0).normal(0, 25, clean.shape)).astype(int)
    simulation, written = simulate(network)
    found = simulation.denoise(noisy, 100)
    planes = (noisy / 255).astype(np.float32)
    expected = 255 * DenseEngine(network).run(planes, 25.0, 4).denoised
    errors = [np.mean((image.clip(0, 255) - clean) ** 2) for image in (found, expected)]
    assert 10 * np.log10(errors[0] / errors[1]) < 0.1  # dB, on a cut-out
    assert errors[0] < 0.35 * np.mean((noisy - clean) ** 2)
    recording = record(network, planes, 25.0, 4)
    for layer, spikes in simulation.spikes.items():
        expected_spikes = recording.layers[layer].spikes
        assert spikes.shape == expected_spikes.shape
        assert spikes.mean() == pytest.approx(expected_spikes.mean(), rel=0.1, abs=0.01)
    assert max(written.bits.values()) <= 32


def whole_network(name, changes, timesteps, seed):
    """A network that integers of 8 bits hold as it is.

    Weights are integers times powers of two, the largest of each channel 127; biases are multiples
    of the unit, and thresholds of twice as many units as there are neurons to a channel, less a
    trifle: a potential that meets one is never below it by rounding.
    """
    network = exact(shrunk(name, **changes), seed)
    convolutions = {}
    for node, parts in network.convolutions.items():
        kernel, bias = (part.astype(np.float64) for part in parts)
        most = np.maximum(np.abs(kernel).max((1, 2, 3), keepdims=True), 1e-9)
        weights = np.rint(127 * kernel / most) * 2.0 ** np.rint(np.log2(most / 127))
        if node == "encoder":  # whose pixels are multiples of 1/255, and the level of 1/256
            weights *= 255
            if network.config.noise_map:
                weights[:, -1] *= 256 / 255
        convolutions[node] = FoldedConvolution(weights, bias)
    network = replace(network, convolutions=convolutions)
    units = current_units(network, timesteps)
    for node, (weights, bias) in convolutions.items():
        bias = np.rint(bias / units.of(node)) * units.of(node)
        convolutions[node] = FoldedConvolution(weights, bias)
    neurons = {}
    for node in network.graph.of_type(Neurons):
        threshold, initial, leak = (part.astype(float) for part in network.neurons[node.name])
        unit = np.tile(units.of(node.inputs[0]), node.population) * 2 * node.population
        whole = np.maximum(np.rint(threshold / unit), 1) * unit
        neurons[node.name] = NeuronParameters(whole * (1 - 1e-12), initial, leak)
    return replace(network, neurons=neurons)


@pytest.mark.parametrize("timesteps", [1, 2, 4])
@pytest.mark.parametrize(("name", "changes"), NETWORKS)
def test_what_eight_bits_hold_is_computed_to_the_bit(simulate, name, changes, timesteps):
    network = whole_network(name, changes, timesteps, seed=4)
    noisy = np.rint(255 * picture(network.config, 24, 16)).astype(int)
    simulation, _ = simulate(network, timesteps)
    found = simulation.denoise(noisy, round(4 * SIGMA))
    counts = {}
    passed = ReferenceEngine(network).run(
        noisy / 255,
        SIGMA,
        timesteps,
        on_spikes=lambda layer, spikes: counts.update({layer: spikes}),
    )
    assert len(counts) == len(network.graph.spike_convolutions)
    for node in network.graph.spike_convolutions:
        spikes = simulation.spikes[node.inputs[0]].sum((0, 1))
        np.testing.assert_array_equal(spikes, counts[node.name], node.name)
        assert spikes.sum() > 0
    assert np.abs(found - 255 * passed.denoised).max() < 0.5 + 1e-3  # whole grey levels


@pytest.mark.parametrize(("name", "changes"), NETWORKS)
@pytest.mark.parametrize("kind", ["black", "white", "random", "checks"])
def test_no_sum_is_wider_than_it_says(simulate, name, changes, kind):
    config = shrunk(name, **changes)
    simulation, written = simulate(exact(config, seed=6))
    shape = (config.image_channels, 16, 16)
    noisy = {
        "black": np.full(shape, PIXELS[0]),
        "white": np.full(shape, PIXELS[1]),
        "random": np.random.default_rng(0).integers(*PIXELS, shape, endpoint=True),
        "checks": np.where(np.indices(shape).sum(0) % 2, *PIXELS),
    }[kind]
    for level in LEVELS:
        simulation.denoise(noisy, level)
        for node, magnitude in simulation.seen.items():
            assert magnitude <= 2 ** (written.bits[node] - 1), node


@pytest.mark.parametrize(("name", "changes"), NETWORKS)
def test_the_fast_way_of_the_benchmark_is_the_simulation_bit_by_bit(
    simulate, monkeypatch, tmp_path, name, changes
):
    monkeypatch.syspath_prepend(str(EXAMPLE.parents[2] / "benchmarks"))
    fast = importlib.import_module("integer_pass")
    config = shrunk(name, **changes)
    shape = (config.image_channels, 16, 24)
    for timesteps in (1, 4):
        simulation, _ = simulate(exact(config, seed=6), timesteps)
        found = fast.IntegerPass(str(tmp_path / "network.npz"))
        for seed, level in enumerate((100, LEVELS[1])):
            noisy = np.random.default_rng(seed).integers(*PIXELS, shape, endpoint=True)
            expected = simulation.denoise(noisy, level)
            np.testing.assert_array_equal(found.denoise(noisy, level), expected)
            assert simulation.spikes.keys() == found.spikes.keys()
            assert 0 < np.mean([spikes.mean() for spikes in simulation.spikes.values()]) < 1
            for layer, spikes in simulation.spikes.items():
                np.testing.assert_array_equal(found.spikes_of(layer), spikes, layer)


def test_no_sum_is_claimed_to_be_much_wider_than_it_gets(simulate):
    """The first layer's bound is met: by the picture that its own weights ask for."""
    network = exact(shrunk("dncnn17", layers=3), seed=1)
    simulation, written = simulate(network)
    weights = written.arrays["encoder/weights"]
    most = np.abs(weights.astype(int)).sum((1, 2, 3)).argmax()
    noisy = np.zeros((1, 16, 16), int)
    noisy[0, 7:10, 7:10] = np.where(weights[most, 0] > 0, PIXELS[1], PIXELS[0])
    simulation.denoise(noisy, 0)
    assert simulation.seen["encoder"] > 2 ** (written.bits["encoder"] - 1) / 2.1


def test_the_file_holds_small_whole_numbers(tmp_path):
    network = exact(shrunk("base"), 1)
    write_integers(tmp_path / "n.npz", network, 4)
    with np.load(tmp_path / "n.npz") as file:
        about = json.loads(file["about"].item())
        for name in file.files:
            if name.endswith("/weights"):
                assert file[name].dtype == np.int8
                largest = np.abs(file[name].astype(int)).max((1, 2, 3))
                assert ((largest >= 63) | (largest == 0)).all()  # of 127: a power of two at most
            elif name != "about":
                assert file[name].dtype.kind == "i"
    assert [node[0] for node in about["nodes"]][:2] == ["Encode", "Convolution"]


@pytest.mark.parametrize(
    ("changes", "timesteps", "words"),
    [({"neuron": "relu"}, 4, "Integrate"), ({"neuron": "lif"}, 4, "Integrate"), ({}, 9, "8")],
)
def test_what_has_no_integers_is_refused(changes, timesteps, words):
    with pytest.raises(InputError, match=words):
        quantised(exact(shrunk("tiny", **changes), 1), timesteps)
