"""Validation: held-out images, and PSNR as the evaluation command measures it."""

from dataclasses import replace

import pytest
import torch

from spiden_cli.core.engine.activity import mean_firing_rate
from spiden_cli.core.engine.dense import DenseEngine
from spiden_cli.core.image.metrics import psnr
from spiden_cli.core.image.tensor import to_pixels
from spiden_cli.core.network.denoiser import Denoiser
from spiden_cli.core.network.presets import preset
from spiden_cli.core.noise.synthesis import add_gaussian_noise
from spiden_cli.core.training.validation import validate, validation_levels


def test_levels():
    assert validation_levels((0.0, 55.0)) == [15, 25, 50]
    assert validation_levels((25.0, 25.0)) == [25]
    assert validation_levels((5.0, 9.0)) == [7]


@pytest.mark.parametrize("quantised", [False, True])
def test_scores_and_rates(images, quantised):
    pictures = [*images.training, *images.held_out]
    torch.manual_seed(0)
    network = Denoiser(replace(preset("tiny-if"), width=4, layers=4, threshold=1.0))
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    found = validate(network, pictures, "white", (25.0, 60.0), 3, quantised, torch.device("cpu"))
    assert network.training
    assert all(torch.equal(network.state_dict()[name], before[name]) for name in before)
    assert list(found.psnr) == ["25", "50"]
    assert list(found.firing_rates) == ["blocks.0.conv1", "blocks.0.conv2", "readout"]
    assert all(0 <= rate <= 1 for rate in found.firing_rates.values())

    network.eval()
    scores = []
    for seed, image in enumerate(pictures):
        noisy = add_gaussian_noise(image / 255, 50.0, seed)
        with torch.no_grad():
            denoised = network(noisy[None], 50.0, 3, quantised)[0]
        scores.append(psnr(to_pixels(denoised, "uint8"), image[0].numpy()))
    assert found.psnr["50"] == pytest.approx(sum(scores) / len(scores), abs=1e-6)


def test_the_rate_is_over_the_neurons_of_the_network(images):
    """Layers differ in size where resolutions do; it is the rate that `spiden evaluate` finds."""
    torch.manual_seed(0)
    network = Denoiser(replace(preset("base"), width=4, layers=10, threshold=1.0)).eval()
    image = images.held_out[0][:, :32, :32]
    found = validate(network, [image], "white", (25.0, 25.0), 3, False, torch.device("cpu"))
    noisy = add_gaussian_noise(image / 255, 25.0, 0)
    activity = DenseEngine(network).run(noisy.numpy(), 25.0, 3).activity
    rates = {name: layer.firing_rate for name, layer in activity.items()}
    assert found.firing_rates == pytest.approx(rates, abs=1e-4)
    assert found.mean_firing_rate == pytest.approx(mean_firing_rate(activity), abs=1e-4)
    assert found.mean_firing_rate != pytest.approx(sum(rates.values()) / len(rates), rel=0.01)
