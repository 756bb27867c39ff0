"""Recorded spikes: what the engines count, and what one layer after another computes by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view
from small_networks import SIGMA, SPIKING, exact, picture, shrunk

from spiden_cli.core.engine.dense import DenseEngine
from spiden_cli.core.exchange.recording import LayerSpikes, layer_names, record
from spiden_cli.core.exchange.spike_files import read_spikes, write_spikes
from spiden_cli.core.network.folding import NeuronParameters
from spiden_cli.core.network.graph import Add, Convolution, Neurons, Shuffle
from spiden_cli.core.tasks.denoising import denoise_planes
from spiden_cli.errors import InputError, OutputError


def convolve(node: Convolution, kernel: np.ndarray, bias: np.ndarray, x: np.ndarray) -> np.ndarray:
    near = node.kernel // 2
    squares = sliding_window_view(
        np.pad(x, ((0, 0), (near, near), (near, near))), (node.kernel, node.kernel), (1, 2)
    )[:, :: node.stride, :: node.stride]
    return np.einsum("oikl,iyxkl->oyx", kernel, squares) + bias[:, None, None]


def fire(neuron: str, layer: LayerSpikes, currents: list[np.ndarray]):
    """Spikes and potentials of one layer, from its parameters and the currents of T timesteps."""
    threshold, initial, leak = (part.astype(np.float64)[:, None, None] for part in layer.parameters)
    currents = [np.concatenate([current] * layer.population) for current in currents]
    steps = layer.shape[0]
    if neuron == "weighted":  # what planes of spikes add up to, before the first is sent
        potential, sizes = currents[0] + initial * threshold / 2**steps, 2.0 ** -np.arange(1, 65)
        thresholds, arriving = [threshold * size for size in sizes[:steps]], [0.0] * steps
    else:
        potential, thresholds, arriving = initial * threshold, [threshold] * steps, currents
    sent, left = [], []
    for now, at in zip(arriving, thresholds, strict=True):
        potential = (leak if neuron == "lif" else 1.0) * potential + now
        sent.append(potential >= at)
        potential = potential - at * sent[-1]
        left.append(potential)
    return np.stack(sent), np.stack(left)


def next_layers(network, recording):
    """Yield each layer, with the spikes and potentials that the recorded ones before it cause.

    Every convolution sees what the file says; only currents are carried on.
    """
    steps, weighted = recording.timesteps, recording.neuron == "weighted"
    currents: dict[str, list[np.ndarray]] = {}
    for node in network.graph.nodes[1:-1]:
        name = node.inputs[0]
        if isinstance(node, Convolution):
            kernel, bias = (part.astype(np.float64) for part in network.convolutions[node.name])
            if name not in recording.layers:
                arriving = [recording.encoded.astype(np.float64)] * (1 if weighted else steps)
            elif weighted:
                worth = 2.0 ** -np.arange(1, steps + 1)
                arriving = [np.tensordot(worth, recording.layers[name].spikes, 1)]
            else:
                arriving = list(recording.layers[name].spikes.astype(np.float64))
            currents[node.name] = [convolve(node, kernel, bias, x) for x in arriving]
        elif isinstance(node, Add):
            parts = zip(*(currents[source] for source in node.inputs), strict=True)
            currents[node.name] = [np.sum(part, 0) for part in parts]
        elif isinstance(node, Shuffle):
            f = node.factor
            currents[node.name] = [
                x.reshape(-1, f, f, *x.shape[1:])
                .transpose(0, 3, 1, 4, 2)
                .reshape(-1, x.shape[1] * f, x.shape[2] * f)
                for x in currents[name]
            ]
        else:
            assert isinstance(node, Neurons)
            layer = recording.layers[node.name]
            yield layer, *fire(recording.neuron, layer, currents[name])
    drawn = np.mean(currents[network.graph.nodes[-1].inputs[0]], axis=0)
    np.testing.assert_allclose(recording.drawn, drawn, rtol=0, atol=1e-5)


@pytest.mark.parametrize("suffix", [".npz", ".h5"])
@pytest.mark.parametrize(("name", "changes"), SPIKING)
def test_the_next_layer_by_hand_has_the_same_spikes(tmp_path, name, changes, suffix):
    config = shrunk(name, **changes)
    network = exact(config, seed=3)
    noisy = picture(config, 21, 27)
    path = tmp_path / f"spikes{suffix}"
    write_spikes(path, record(network, noisy, SIGMA, 4, potentials=True))
    recording, seen = read_spikes(path), []
    for layer, spikes, potentials in next_layers(network, recording):
        # Sums of binary fractions are exact; a threshold is not, and what is left is rounded.
        near = np.abs(potentials - layer.potentials) > 1e-4
        assert not near.any(), layer.name
        np.testing.assert_array_equal(layer.spikes, spikes, layer.name)
        assert 0 < layer.spikes.mean() < 1
        seen.append(layer.name)
    assert seen == layer_names(network.graph)


@pytest.mark.parametrize(("name", "changes"), SPIKING)
def test_the_engine_counts_the_same_spikes(name, changes):
    config = shrunk(name, **changes)
    network, noisy = exact(config, seed=5), picture(config, 18, 25)
    recording = record(network, noisy, SIGMA, 3)
    activity = DenseEngine(network).run(noisy, SIGMA, 3).activity
    for node in network.graph.spike_convolutions:
        layer, counted = recording.layers[node.inputs[0]], activity[node.name]
        assert int(layer.counts().sum()) == counted.spikes
        assert round(layer.silent() * counted.neurons) == counted.silent


@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 19), st.floats(0, 1))
def test_counts_of_bits(seed, steps, width, rate):
    spikes = np.random.default_rng(seed).random((steps, 3, 4, width)) < rate
    nothing = NeuronParameters(*[np.ones(3, np.float32)] * 3)
    layer = LayerSpikes("x", np.packbits(spikes, axis=-1), width, 1, 1, nothing)
    np.testing.assert_array_equal(layer.spikes, spikes)
    np.testing.assert_array_equal(layer.counts(), spikes.sum((2, 3)))
    np.testing.assert_allclose(layer.rate_map(), spikes.mean((0, 1)))
    assert layer.silent() == pytest.approx((~spikes.any(0)).mean())


def test_only_the_layers_that_were_asked_for_are_kept():
    network = exact(shrunk("tiny"), seed=1)
    noisy = picture(network.config, 16, 16)
    whole = record(network, noisy, SIGMA, 2)
    part = record(network, noisy, SIGMA, 2, layers=["neurons"])
    assert list(part.layers) == ["neurons"]
    np.testing.assert_array_equal(part.layers["neurons"].packed, whole.layers["neurons"].packed)
    assert whole.layers["neurons"].potentials is None


@pytest.mark.parametrize(
    ("name", "changes", "call", "words"),
    [
        ("tiny", {"neuron": "relu"}, {}, "CNN"),
        ("tiny", {}, {"layers": ["nowhere"]}, "nowhere.*blocks.0.neurons1"),
        ("tiny", {"image_channels": 3}, {}, "channels"),
    ],
)
def test_what_can_not_be_recorded_is_refused(name, changes, call, words):
    network = exact(shrunk(name, **changes), seed=1)
    with pytest.raises(InputError, match=words):
        record(network, np.zeros((1, 16, 16), np.float32), SIGMA, 2, **call)


def test_a_picture_that_is_too_large_is_refused_before_the_work():
    network = exact(shrunk("tiny"), seed=1)
    large = np.broadcast_to(np.float32(0), (1, 3000, 3000))
    with pytest.raises(InputError, match="megapixels"):
        record(network, large, SIGMA, 2)


@pytest.mark.parametrize("suffix", [".npz", ".h5"])
def test_files_that_hold_no_spikes_are_refused(tmp_path, suffix):
    network = exact(shrunk("tiny", layers=4), seed=1)
    whole = tmp_path / f"whole{suffix}"
    write_spikes(whole, record(network, picture(network.config, 16, 16), SIGMA, 2))
    for content in (b"", b"no spikes", whole.read_bytes()[:-200], whole.read_bytes()[:90]):
        broken = tmp_path / f"broken{suffix}"
        broken.write_bytes(content)
        with pytest.raises(InputError, match="broken"):
            read_spikes(broken)
    with pytest.raises(InputError, match="no file"):
        read_spikes(tmp_path / f"absent{suffix}")


def test_another_file_of_arrays_is_refused(tmp_path):
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    with pytest.raises(InputError, match="holds no recorded spikes"):
        read_spikes(tmp_path / "other.npz")


def test_an_unknown_suffix_is_refused(tmp_path):
    network = exact(shrunk("tiny", layers=4), seed=1)
    recording = record(network, picture(network.config, 16, 16), SIGMA, 1)
    with pytest.raises(OutputError, match="npz"):
        write_spikes(tmp_path / "spikes.mat", recording)


@pytest.mark.parametrize("kind", [np.float64, np.float16])
def test_planes_of_any_float_type_are_taken(kind):
    network = exact(shrunk("tiny"), seed=1)
    noisy = picture(network.config, 16, 16).astype(np.float16)
    layers = [record(network, noisy.astype(t), SIGMA, 2).layers for t in (kind, np.float32)]
    for name, layer in layers[0].items():
        assert np.array_equal(layer.packed, layers[1][name].packed)
    engine = DenseEngine(network)
    found = [denoise_planes(engine, noisy.astype(t), SIGMA, 2) for t in (kind, np.float32)]
    assert np.array_equal(found[0].denoised, found[1].denoised)


@pytest.mark.parametrize("values", [np.zeros((1, 16, 16), np.uint8), np.zeros((16, 16))])
def test_what_is_no_planes_is_refused(values):
    network = exact(shrunk("tiny"), seed=1)
    with pytest.raises(InputError, match="planes are"):
        record(network, values, SIGMA, 2)
    with pytest.raises(InputError, match="planes are"):
        denoise_planes(DenseEngine(network), values, SIGMA, 2)
