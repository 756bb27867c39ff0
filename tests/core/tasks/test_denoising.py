"""From a noisy picture to a denoised one: channels, depths, tiles, refusals."""

import numpy as np
import pytest
import torch

from spiden_cli.core.engine.dense import DenseEngine
from spiden_cli.core.image.picture import Picture
from spiden_cli.core.image.pixels import to_pixels, to_unit
from spiden_cli.core.noise.model import NoiseMap
from spiden_cli.core.tasks.denoising import denoise_picture, denoise_planes
from spiden_cli.errors import InputError, WeightsError


@pytest.fixture
def engine(make) -> DenseEngine:
    return DenseEngine(make("tiny"))


def planes(channels: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).random((channels, height, width), np.float32)


def test_the_engine_leaves_the_network_as_it_is(make):
    network = make("tiny").train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    noisy = planes(1, 13, 16)
    denoised = DenseEngine(network).run(noisy, 25.0, 3).denoised
    assert network.training
    assert all(torch.equal(network.state_dict()[name], before[name]) for name in before)
    expected = network.eval()(torch.from_numpy(noisy)[None], 25.0, 3)[0].detach().numpy()
    assert (np.abs(denoised - expected) < 1e-4).mean() > 0.95  # rounding may flip a spike


def test_a_grey_network_takes_colour_channel_by_channel(engine):
    noisy = planes(3, 20, 24)
    together = denoise_planes(engine, noisy, 25.0, 3)
    alone = [denoise_planes(engine, plane, 25.0, 3) for plane in noisy[:, None]]
    expected = np.concatenate([result.denoised for result in alone])
    assert np.array_equal(together.denoised, expected)
    spikes = [result.activity["readout"].spikes for result in alone]
    assert together.activity["readout"].spikes == sum(spikes)


def test_a_colour_network_takes_colour_at_once(make):
    engine = DenseEngine(make("tiny", image_channels=3))
    noisy = planes(3, 20, 24)
    assert np.array_equal(
        denoise_planes(engine, noisy, 25.0, 2).denoised, engine.run(noisy, 25.0, 2).denoised
    )
    with pytest.raises(InputError, match="colour network"):
        denoise_planes(engine, noisy[:1], 25.0, 2)


def test_progress_is_told_tile_by_tile(engine):
    told = []
    denoise_planes(
        engine, planes(3, 20, 30), 25.0, 1, tile=(16, 16), on_tile=lambda *now: told.append(now)
    )
    assert told == [(done, 12) for done in range(1, 13)]  # 2 x 2 tiles of 3 channels


@pytest.mark.parametrize("timesteps", [-1, 0, 65, 10**12])
def test_too_few_or_too_many_timesteps_are_refused(engine, timesteps):
    with pytest.raises(InputError, match="must be 1 to 64"):
        denoise_planes(engine, planes(1, 20, 20), 25.0, timesteps)


def test_weights_that_overflow_are_refused(make):
    network = make("tiny")
    network.readout.weight.data.fill_(3e38)
    with pytest.raises(WeightsError, match="not finite"):
        denoise_planes(DenseEngine(network), planes(1, 20, 20), 25.0, 2)


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_a_picture_keeps_depth_and_transparency(engine, colour_pixels, depth):
    pixels = colour_pixels.astype(depth) * (257 if depth is np.uint16 else 1)
    picture = Picture(pixels, alpha=pixels[..., 0].copy())
    result = denoise_picture(engine, picture, 25.0, 2)
    assert result.picture.pixels.dtype == depth
    assert np.array_equal(result.picture.alpha, picture.alpha)
    expected = denoise_planes(engine, to_unit(pixels), 25.0, 2).denoised
    assert np.array_equal(result.picture.pixels, to_pixels(expected, depth))
    assert result.noise.sigma == 25.0
    assert result.seconds > 0


def test_a_map_of_the_noise_goes_along_with_the_tiles(make, colour_pixels):
    engine = DenseEngine(make("tiny", layers=4))
    level = np.linspace(0, 50, 31 * 37, dtype=np.float32).reshape(31, 37)
    picture = Picture(colour_pixels)
    whole = denoise_picture(engine, picture, NoiseMap(level), 2)
    tiled = denoise_picture(engine, picture, NoiseMap(level), 2, tile=(12, 16))
    close = np.abs(tiled.picture.pixels - whole.picture.pixels.astype(int)) <= 1
    assert close.mean() > 0.99  # rounding may flip a spike
    even = denoise_picture(engine, picture, NoiseMap(np.full_like(level, 25)), 2)
    number = denoise_picture(engine, picture, 25.0, 2)
    assert np.array_equal(even.picture.pixels, number.picture.pixels)
    assert not np.array_equal(even.picture.pixels, whole.picture.pixels)
    with pytest.raises(InputError, match="the noise map is of"):
        denoise_picture(engine, picture, NoiseMap(level[:30]), 2)
