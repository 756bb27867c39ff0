"""The event engine sends the dense engine's spikes, whatever the network, image and threads.

Kernels and image are rounded to binary fractions here, so that sums are exact in any order: no
excuse is left for another spike. With real weights, float32 rounds, and a potential that meets its
threshold may fall to either side; the shipped weights are held to how much that may show.
"""

import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spiden_cli.core.bundled import find_weights, model_names, sample_picture
from spiden_cli.core.engine.dense import DenseEngine
from spiden_cli.core.engine.event.engine import EventEngine
from spiden_cli.core.engine.selection import BREAK_EVEN_RATE, make_engine
from spiden_cli.core.files.picture_files import read_picture
from spiden_cli.core.image.metrics import psnr
from spiden_cli.core.image.tensor import to_pixels, to_tensor
from spiden_cli.core.network.config import NetworkConfig
from spiden_cli.core.network.denoiser import Denoiser
from spiden_cli.core.network.folding import fold
from spiden_cli.core.noise.synthesis import add_gaussian_noise
from spiden_cli.core.tasks.denoising import denoise_tensor
from spiden_cli.core.weights import load_weights, read_info
from spiden_cli.errors import InputError

CPU = torch.device("cpu")
SIGMA = 32.0  # its place in the noise map is a binary fraction
SPIKING = [name for name in model_names() if read_info(find_weights(name)).config.spiking]

configs = st.builds(
    NetworkConfig,
    neuron=st.sampled_from(["if", "lif"]),
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


def exact(config: NetworkConfig, seed: int) -> Denoiser:
    """A folded network whose kernels and biases are multiples of 1/64."""
    torch.manual_seed(seed)
    network = fold(Denoiser(config))
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("weight"):
                parameter.copy_((parameter * 64).round() / 64)
            elif name.endswith("bias"):
                parameter.copy_((16 * torch.randn(parameter.shape)).round() / 64)
            elif name.endswith("log_threshold") or name.endswith("initial_shift"):
                torch.nn.init.uniform_(parameter, -1.0, 0.5)
    return network


def picture(config: NetworkConfig, height: int, width: int, seed: int) -> torch.Tensor:
    size = (config.image_channels, height, width)
    return torch.randint(-64, 320, size, generator=torch.Generator().manual_seed(seed)) / 256


@settings(max_examples=60)
@given(
    configs, st.integers(4, 90), st.integers(4, 90), st.integers(1, 5), st.integers(1, 4),
    st.integers(0, 1000),
)  # fmt: skip
def test_the_same_spikes_as_dense(config, height, width, timesteps, threads, seed):
    network, noisy = exact(config, seed), picture(config, height, width, seed)
    expected = DenseEngine(network, CPU).run(noisy, SIGMA, timesteps)
    found = EventEngine(network, threads).run(noisy, SIGMA, timesteps)
    if config.neuron == "if":  # a leak rounds, at the same places; the currents stay exact
        assert found.activity == expected.activity
    else:
        for name, layer in expected.activity.items():
            assert found.activity[name].spikes == pytest.approx(layer.spikes, rel=0.01, abs=3)
    close = torch.isclose(found.denoised, expected.denoised, atol=1e-5)
    assert close.float().mean() > (0.9999 if config.neuron == "if" else 0.9)


@given(st.integers(1, 6), st.sampled_from(["float32", "int16"]))
@settings(max_examples=12)
def test_threads_change_nothing(threads, numbers):
    network = exact(NetworkConfig(width=8, layers=6, shortcuts=True, population=2), 0)
    noisy = picture(network.config, 200, 20, 0)
    alone = EventEngine(network, 1, numbers).run(noisy, SIGMA, 3)
    together = EventEngine(network, threads, numbers).run(noisy, SIGMA, 3)
    assert torch.equal(alone.denoised, together.denoised)
    assert alone.activity == together.activity


@pytest.mark.parametrize("shortcuts", [True, False])
def test_int16_rounds_a_little(shortcuts):
    network = exact(NetworkConfig(width=33, layers=6, shortcuts=shortcuts, population=2), 1)
    noisy = picture(network.config, 60, 50, 1)
    expected = DenseEngine(network, CPU).run(noisy, SIGMA, 4)
    found = EventEngine(network, 2, "int16").run(noisy, SIGMA, 4)
    change = (expected.denoised - noisy).square().mean()
    lost = (found.denoised - expected.denoised).square().mean()
    assert 0 < lost < (0.01 if shortcuts else 0.05) * change
    for name, layer in expected.activity.items():
        assert found.activity[name].spikes == pytest.approx(layer.spikes, rel=0.02)


@pytest.mark.parametrize("scale", [1e-3, 1e3, 1e6])
def test_int16_never_overflows(scale):
    """Sums of weights fit by construction; carried currents and potentials saturate."""
    network = exact(NetworkConfig(width=8, layers=6, shortcuts=True), 2)
    with torch.no_grad():
        network.encoder.weight.mul_(scale)
    noisy = picture(network.config, 20, 20, 2)
    expected = DenseEngine(network, CPU).run(noisy, SIGMA, 4).activity
    found = EventEngine(network, 1, "int16").run(noisy, SIGMA, 4).activity
    for name, layer in expected.items():
        assert found[name].firing_rate == pytest.approx(layer.firing_rate, abs=0.1)


@pytest.mark.parametrize("name", SPIKING)
def test_shipped_weights_lose_nothing(name):
    network, info = load_weights(find_weights(name))
    pixels = read_picture(sample_picture()).pixels
    clean = to_tensor(pixels)[: info.config.image_channels, :256, :256]
    noisy = add_gaussian_noise(clean, 25, seed=0)
    target = to_pixels(clean, "uint8")

    def run(engine):
        denoised = denoise_tensor(engine, noisy, 25.0, 4).denoised
        return denoised, psnr(to_pixels(denoised, "uint8"), target)

    expected, score = run(DenseEngine(network, CPU))
    found, found_score = run(EventEngine(network))
    assert ((found - expected).abs() < 1e-3).float().mean() > 0.999
    assert found_score == pytest.approx(score, abs=0.005)
    rounded = run(EventEngine(network, numbers="int16"))[1]
    assert score - 0.02 <= rounded <= score + 0.05  # one crop; rounding may be lucky too


def test_what_it_can_not_run():
    with pytest.raises(InputError, match="no spikes"):
        EventEngine(Denoiser(NetworkConfig(neuron="relu", layers=4, width=4)))
    with pytest.raises(InputError, match="LIF"):
        EventEngine(Denoiser(NetworkConfig(neuron="lif", layers=4, width=4)), numbers="int16")


def test_auto_takes_the_faster_one(make, monkeypatch):
    spiking, cnn = make("tiny"), make("tiny", neuron="relu")

    def chosen(network, rate, device=CPU):
        return make_engine("auto", network, device, rate).name

    assert chosen(spiking, 0.1) == "event"
    assert chosen(spiking, BREAK_EVEN_RATE) == "dense"
    assert chosen(spiking, None) == "dense"
    assert chosen(cnn, None) == "dense"
    assert make_engine("event-int16", spiking, CPU).name == "event-int16"
    with pytest.raises(InputError, match="unknown engine 'fast'"):
        make_engine("fast", spiking, CPU)
    monkeypatch.setitem(sys.modules, "spiden_cli.core.engine.event.engine", None)
    assert chosen(spiking, 0.1) == "dense"


def test_without_numba_one_is_told_how_to_get_it(make, monkeypatch):
    monkeypatch.setitem(sys.modules, "spiden_cli.core.engine.event.engine", None)
    with pytest.raises(InputError, match=r"pip install 'spiden\[fast\]'"):
        make_engine("event", make("tiny"), CPU)
