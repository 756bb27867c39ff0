"""The event engine sends the dense engine's spikes, whatever the network, image and threads.

Kernels and image are binary fractions here, so that sums are exact in any order: no excuse is left
for another spike. With real weights, float32 rounds, and a potential that meets its threshold may
fall to either side; the shipped weights are held to how much that may show.
"""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from small_networks import LEAST_LAYERS, SIGMA, exact, picture, shrunk

from spiden_cli.core.bundled import find_weights, model_names, sample_picture
from spiden_cli.core.engine.dense import DenseEngine
from spiden_cli.core.engine.event.engine import EventEngine
from spiden_cli.core.engine.reference import ReferenceEngine
from spiden_cli.core.engine.tiling import Window
from spiden_cli.core.files.picture_files import read_picture
from spiden_cli.core.image.metrics import psnr
from spiden_cli.core.image.pixels import to_pixels, to_unit
from spiden_cli.core.network.config import NetworkConfig
from spiden_cli.core.network.folding import FoldedNetwork
from spiden_cli.core.network.presets import PRESETS
from spiden_cli.core.noise.synthesis import gaussian_noise
from spiden_cli.core.tasks.denoising import denoise_planes
from spiden_cli.core.weights import load_folded, read_info
from spiden_cli.errors import InputError

SPIKING = [name for name in model_names() if read_info(find_weights(name)).config.spiking]

NEURONS = st.sampled_from(["if", "lif", "weighted"])


def network_config(neuron: str, learn_initial: bool, **rest: object) -> NetworkConfig:
    """A configuration; weighted neurons have no initial potential to learn."""
    return NetworkConfig(neuron, learn_initial=learn_initial and neuron != "weighted", **rest)


configs = st.builds(
    network_config,
    neuron=NEURONS,
    image_channels=st.sampled_from([1, 3]),
    width=st.sampled_from([1, 5, 32, 33, 64, 65]),
    layers=st.sampled_from([4, 6]),
    shortcuts=st.booleans(),
    unshuffle=st.sampled_from([1, 2, 3]),
    noise_map=st.booleans(),
    initial_potential=st.sampled_from([0.0, 0.5]),
    population=st.sampled_from([1, 2, 3]),
    inner_population=st.sampled_from([1, 2, 3]),
    learn_initial=st.booleans(),
)

u_nets = st.builds(
    network_config,
    family=st.just("unet"),
    neuron=NEURONS,
    image_channels=st.sampled_from([1, 3]),
    width=st.sampled_from([1, 5, 32, 33, 64, 70]),
    layers=st.sampled_from([10, 12, 18]),
    unshuffle=st.sampled_from([1, 2]),
    noise_map=st.booleans(),
    population=st.sampled_from([1, 2, 3]),
    inner_population=st.sampled_from([1, 2, 3]),
    learn_initial=st.booleans(),
)


def assert_same_spikes(network: FoldedNetwork, noisy: np.ndarray, timesteps: int, threads: int):
    # The dense engine divides by the threshold of weighted neurons, which rounds.
    weighted = network.config.weighted
    engine = ReferenceEngine(network, np.float32) if weighted else DenseEngine(network)
    expected = engine.run(noisy, SIGMA, timesteps)
    found = EventEngine(network, threads).run(noisy, SIGMA, timesteps)
    close = np.isclose(found.denoised, expected.denoised, rtol=0, atol=1e-5)
    if network.config.neuron != "lif":
        assert found.activity == expected.activity
        assert close.all()
    else:  # a leak rounds, at the same places; the currents stay exact
        for name, layer in expected.activity.items():
            assert found.activity[name].spikes == pytest.approx(layer.spikes, rel=0.01, abs=3)
        assert close.mean() > 0.9


@settings(max_examples=60)
@given(
    configs, st.integers(4, 90), st.integers(4, 90), st.integers(1, 5), st.integers(1, 4),
    st.integers(0, 1000),
)  # fmt: skip
def test_the_same_spikes_as_dense(config, height, width, timesteps, threads, seed):
    network, noisy = exact(config, seed), picture(config, height, width, seed)
    assert_same_spikes(network, noisy, timesteps, threads)


GREY = NetworkConfig(family="unet", width=5, layers=10)


@settings(max_examples=25)
@given(
    u_nets, st.integers(5, 140), st.integers(5, 90), st.integers(1, 5), st.integers(1, 3),
    st.integers(0, 1000),
)  # fmt: skip
@example(GREY, 9, 211, 2, 1, 0)  # over three chunks of columns
@example(replace(GREY, width=33, layers=12), 13, 143, 3, 2, 1)
@example(replace(GREY, unshuffle=2, image_channels=3, population=2), 11, 423, 1, 2, 2)
@example(replace(GREY, width=70, unshuffle=2, inner_population=2), 130, 31, 2, 3, 3)  # three bands
def test_a_u_net_sends_the_same_spikes_as_dense(config, height, width, timesteps, threads, seed):
    network, noisy = exact(config, seed), picture(config, height, width, seed)
    assert_same_spikes(network, noisy, timesteps, threads)


@settings(max_examples=30)
@given(
    st.sampled_from(list(PRESETS)), st.sampled_from([1, 3]), st.sampled_from([1, 2]),
    st.integers(5, 40), st.integers(5, 75), st.integers(1, 4), st.integers(0, 1000),
)  # fmt: skip
def test_the_same_spikes_as_the_reference(
    name, channels, population, height, width, timesteps, seed
):
    config = shrunk(name, image_channels=channels, population=population)
    network, noisy = exact(config, seed), picture(config, height, width, seed)
    window = Window(slice(height // 3, height), slice(0, 1 + width // 2))
    expected = ReferenceEngine(network, np.float32).run(noisy, SIGMA, timesteps, window)
    found = EventEngine(network, 2).run(noisy, SIGMA, timesteps, window)
    assert found.activity == expected.activity
    np.testing.assert_allclose(found.denoised, expected.denoised, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", PRESETS)
def test_a_map_of_the_noise_is_averaged_over_each_position(name):
    network = exact(shrunk(name), 0)
    noisy = picture(network.config, 13, 18, 0)
    level = np.random.default_rng(1).integers(0, 128, (13, 18)).astype(np.float32) / 2
    expected = ReferenceEngine(network, np.float32).run(noisy, level, 3)
    found = EventEngine(network, 1).run(noisy, level, 3)
    assert found.activity == expected.activity
    np.testing.assert_allclose(found.denoised, expected.denoised, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["base", "unet"])
def test_whole_or_in_tiles_is_the_same(name):
    network = exact(shrunk(name, population=2, inner_population=1), 4)
    engine = EventEngine(network, 2)
    noisy = picture(network.config, 151, 213, 4)
    whole = denoise_planes(engine, noisy, SIGMA, 3, (512, 512))
    for tile in ((40, 1000), (61, 77)):
        tiled = denoise_planes(engine, noisy, SIGMA, 3, tile)
        assert np.array_equal(tiled.denoised, whole.denoised)
        assert tiled.activity == whole.activity


@given(
    st.integers(1, 6), st.sampled_from(["float32", "int16"]), st.sampled_from(["base-if", "unet"])
)
@settings(max_examples=16)
def test_threads_change_nothing(threads, numbers, name):
    network = exact(shrunk(name, unshuffle=1, width=8, population=2, inner_population=1), 0)
    noisy = picture(network.config, 200, 20, 0)
    alone = EventEngine(network, 1, numbers).run(noisy, SIGMA, 3)
    together = EventEngine(network, threads, numbers).run(noisy, SIGMA, 3)
    assert np.array_equal(alone.denoised, together.denoised)
    assert alone.activity == together.activity


@pytest.mark.parametrize(
    ("changes", "most"),
    [
        ({"shortcuts": True}, 0.01),
        ({"shortcuts": False}, 0.05),
        ({"family": "unet", "layers": 10}, 0.02),
        ({"shortcuts": True, "neuron": "weighted"}, 0.02),
        ({"shortcuts": True, "neuron": "weighted", "family": "branched"}, 0.02),
    ],
)
def test_int16_rounds_a_little(changes, most):
    network = exact(NetworkConfig(**{"width": 33, "layers": 6, "population": 2, **changes}), 1)
    noisy = picture(network.config, 60, 50, 1)
    expected = DenseEngine(network).run(noisy, SIGMA, 4)
    found = EventEngine(network, 2, "int16").run(noisy, SIGMA, 4)
    change = np.square(expected.denoised - noisy).mean()
    lost = np.square(found.denoised - expected.denoised).mean()
    assert 0 < lost < most * change
    for name, layer in expected.activity.items():
        assert found.activity[name].spikes == pytest.approx(layer.spikes, rel=0.02)


@pytest.mark.parametrize("neuron", ["if", "weighted"])
@pytest.mark.parametrize("family", ["chain", "unet"])
@pytest.mark.parametrize("scale", [1e-3, 1e3, 1e6])
def test_int16_never_overflows(scale, family, neuron):
    """Sums of weights fit by construction; carried currents and potentials saturate."""
    layers = max(6, LEAST_LAYERS.get(family, 0))
    network = exact(NetworkConfig(neuron, width=8, layers=layers, shortcuts=True, family=family), 2)
    kernel, _ = network.convolutions["encoder"]
    kernel *= np.float32(scale)
    noisy = picture(network.config, 20, 20, 2)
    expected = DenseEngine(network).run(noisy, SIGMA, 4).activity
    found = EventEngine(network, 1, "int16").run(noisy, SIGMA, 4).activity
    for name, layer in expected.items():
        assert found[name].firing_rate == pytest.approx(layer.firing_rate, abs=0.1)


@pytest.mark.parametrize("neuron", ["if", "lif", "weighted"])
@pytest.mark.parametrize("name", PRESETS)
def test_with_real_weights_a_rounding_flips_few_spikes(make, name, neuron):
    network = make(name, neuron=neuron, width=33)
    noisy = np.random.default_rng(0).random((1, 61, 70), np.float32)
    expected = DenseEngine(network).run(noisy, 25.0, 3)
    found = EventEngine(network, 2).run(noisy, 25.0, 3)
    for layer, activity in expected.activity.items():
        assert found.activity[layer].spikes == pytest.approx(activity.spikes, rel=1e-4)
    assert np.isclose(found.denoised, expected.denoised, rtol=0, atol=1e-5).mean() > 0.99


@pytest.mark.parametrize("name", SPIKING)
def test_shipped_weights_lose_nothing(name):
    network, info = load_folded(find_weights(name))
    pixels = read_picture(sample_picture()).pixels
    clean = to_unit(pixels)[: info.config.image_channels, :256, :256]
    noisy = clean + gaussian_noise(clean.shape, 25, seed=0)
    target = to_pixels(clean, "uint8")

    def run(engine):
        denoised = denoise_planes(engine, noisy, 25.0, 4).denoised
        return denoised, psnr(to_pixels(denoised, "uint8"), target)

    expected, score = run(DenseEngine(network))
    found, found_score = run(EventEngine(network))
    if network.config.weighted:
        # Sums of planes round in another order than planes of sums. A digit that flips in the
        # coarse branch moves the rounding of the whole picture: half a grey level, and no PSNR.
        assert np.abs(found - expected).mean() < 1 / 255
        assert found_score == pytest.approx(score, abs=0.02)
    else:
        assert (np.abs(found - expected) < 1e-3).mean() > 0.999
        assert found_score == pytest.approx(score, abs=0.005)
    rounded = run(EventEngine(network, numbers="int16"))[1]
    most = 0.05 if network.config.weighted else 0.02  # lost
    assert score - most <= rounded <= score + 0.05  # one crop; rounding may be lucky too


def test_what_it_can_not_run(make):
    with pytest.raises(InputError, match="no spikes"):
        EventEngine(make("tiny-if", neuron="relu"))
    with pytest.raises(InputError, match="LIF"):
        EventEngine(make("tiny-if", neuron="lif"), numbers="int16")
