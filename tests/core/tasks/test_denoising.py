"""From a noisy picture to a denoised one: channels, depths, tiles, refusals."""

import numpy as np
import pytest
import torch

from spiden_cli.core.engine.dense import DenseEngine
from spiden_cli.core.image.picture import Picture
from spiden_cli.core.image.tensor import to_pixels, to_tensor
from spiden_cli.core.noise.estimation import estimate_sigma
from spiden_cli.core.tasks.denoising import denoise_picture, denoise_tensor
from spiden_cli.errors import InputError, WeightsError


@pytest.fixture
def engine(make) -> DenseEngine:
    return DenseEngine(make("tiny"), torch.device("cpu"))


def test_the_engine_leaves_the_network_as_it_is(make):
    network = make("tiny").train()
    engine = DenseEngine(network, torch.device("cpu"))
    noisy = torch.rand(1, 13, 16)
    denoised = engine.run(noisy, 25.0, 3).denoised
    assert network.training
    assert not denoised.requires_grad
    close = (denoised - network.eval()(noisy[None], 25.0, 3)[0]).abs() < 1e-4
    assert close.float().mean() > 0.95  # rounding may flip a spike


def test_a_grey_network_takes_colour_channel_by_channel(engine):
    noisy = torch.rand(3, 20, 24)
    together = denoise_tensor(engine, noisy, 25.0, 3)
    alone = [denoise_tensor(engine, plane, 25.0, 3) for plane in noisy[:, None]]
    assert torch.equal(together.denoised, torch.cat([result.denoised for result in alone]))
    spikes = [result.activity["readout"].spikes for result in alone]
    assert together.activity["readout"].spikes == sum(spikes)


def test_a_colour_network_takes_colour_at_once(make):
    engine = DenseEngine(make("tiny", image_channels=3), torch.device("cpu"))
    noisy = torch.rand(3, 20, 24)
    assert torch.equal(
        denoise_tensor(engine, noisy, 25.0, 2).denoised, engine.run(noisy, 25.0, 2).denoised
    )
    with pytest.raises(InputError, match="colour network"):
        denoise_tensor(engine, noisy[:1], 25.0, 2)


def test_progress_is_told_tile_by_tile(engine):
    told = []
    denoise_tensor(
        engine, torch.rand(3, 20, 30), 25.0, 1, tile=(16, 16), on_tile=lambda *now: told.append(now)
    )
    assert told == [(done, 12) for done in range(1, 13)]  # 2 x 2 tiles of 3 channels


def test_no_timestep_is_refused(engine):
    with pytest.raises(InputError, match="at least 1"):
        denoise_tensor(engine, torch.rand(1, 20, 20), 25.0, 0)


def test_weights_that_overflow_are_refused(make):
    network = make("tiny")
    network.readout.weight.data.fill_(3e38)
    with pytest.raises(WeightsError, match="no number"):
        denoise_tensor(DenseEngine(network, torch.device("cpu")), torch.rand(1, 20, 20), 25.0, 2)


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_a_picture_keeps_depth_and_transparency(engine, colour_pixels, depth):
    pixels = colour_pixels.astype(depth) * (257 if depth is np.uint16 else 1)
    picture = Picture(pixels, alpha=pixels[..., 0].copy())
    result = denoise_picture(engine, picture, 25.0, 2)
    assert result.picture.pixels.dtype == depth
    assert np.array_equal(result.picture.alpha, picture.alpha)
    expected = denoise_tensor(engine, to_tensor(pixels), 25.0, 2).denoised
    assert np.array_equal(result.picture.pixels, to_pixels(expected, depth))
    assert result.sigma == 25.0
    assert result.seconds > 0


def test_the_noise_level_is_estimated_where_none_is_given(engine, grey_pixels):
    noise = np.random.default_rng(0).normal(0, 20, grey_pixels.shape)
    noisy = np.rint(np.clip(grey_pixels + noise, 0, 255)).astype(np.uint8)
    blind = denoise_picture(engine, Picture(noisy, None), None, 2)
    assert blind.sigma == estimate_sigma(noisy)
    told = denoise_picture(engine, Picture(noisy, None), blind.sigma, 2)
    assert np.array_equal(blind.picture.pixels, told.picture.pixels)
