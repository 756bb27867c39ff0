"""The dense engine computes what the plain definition of the network says."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_networks import SIGMA, exact, picture, shrunk

from spiden_cli.core.engine.dense import DenseEngine
from spiden_cli.core.engine.reference import ReferenceEngine
from spiden_cli.core.engine.tiling import Window
from spiden_cli.core.network.presets import PRESETS


@pytest.mark.parametrize("neuron", ["if", "lif", "weighted", "relu"])
@pytest.mark.parametrize("name", PRESETS)
def test_a_real_network_in_double_precision(make, name, neuron):
    network = make(name, neuron=neuron, image_channels=3).double()
    noisy = np.random.default_rng(0).random((3, 21, 18))
    expected = ReferenceEngine(network).run(noisy, 25.0, 3)
    found = DenseEngine(network).run(noisy, 25.0, 3)
    np.testing.assert_allclose(found.denoised, expected.denoised, rtol=0, atol=1e-6)
    assert found.activity == expected.activity
    with torch.no_grad():
        plain = network(torch.from_numpy(noisy)[None], 25.0, 3)[0].numpy()
    np.testing.assert_allclose(plain, expected.denoised, rtol=0, atol=1e-6)


@settings(max_examples=30)
@given(
    st.sampled_from(list(PRESETS)), st.sampled_from([1, 3]), st.sampled_from([1, 2, 3]),
    st.integers(1, 3), st.integers(5, 30), st.integers(5, 30), st.integers(1, 5),
    st.integers(0, 1000),
)  # fmt: skip
def test_the_same_spikes(name, channels, unshuffle, population, height, width, timesteps, seed):
    config = shrunk(
        name, image_channels=channels, unshuffle=unshuffle, population=population,
        inner_population=4 - population,
    )  # fmt: skip
    network, noisy = exact(config, seed), picture(config, height, width, seed)
    window = Window(slice(height // 3, height), slice(0, 1 + width // 2))
    expected = ReferenceEngine(network, np.float32).run(noisy, SIGMA, timesteps, window)
    found = DenseEngine(network).run(noisy, SIGMA, timesteps, window)
    close = np.isclose(found.denoised, expected.denoised, rtol=0, atol=1e-5)
    if config.weighted:  # the threshold divides there, which rounds: a neuron in a million differs
        for layer, activity in expected.activity.items():
            assert found.activity[layer].spikes == pytest.approx(activity.spikes, abs=4)
        assert close.mean() > 0.8
    else:
        assert found.activity == expected.activity
        assert close.all()


def test_it_takes_no_torch():
    program = "import sys, spiden_cli.core.engine.reference; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_map_of_the_noise_is_averaged_over_each_position(make):
    network = make("base").double()
    noisy = np.random.default_rng(0).random((1, 13, 18))
    level = np.random.default_rng(1).uniform(0, 50, (13, 18)).astype(np.float32)
    expected = ReferenceEngine(network).run(noisy, level, 3)
    found = DenseEngine(network).run(noisy, level, 3)
    np.testing.assert_allclose(found.denoised, expected.denoised, rtol=0, atol=1e-5)
    even = ReferenceEngine(network).run(noisy, np.full((13, 18), 25, np.float32), 3)
    alike = ReferenceEngine(network).run(noisy, 25.0, 3)
    np.testing.assert_allclose(even.denoised, alike.denoised)
