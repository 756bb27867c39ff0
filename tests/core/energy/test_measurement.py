"""Measuring: on real files, with noise that `spiden evaluate` would draw."""

from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from PIL import Image

from spiden_cli.core.data.samples import clean_images
from spiden_cli.core.energy.counts import Passes
from spiden_cli.core.energy.measurement import measure, measured
from spiden_cli.core.engine.activity import sum_activities
from spiden_cli.core.engine.dense import DenseEngine
from spiden_cli.core.engine.ensemble import EnsembleEngine
from spiden_cli.core.engine.event.engine import EventEngine
from spiden_cli.core.image.metrics import psnr
from spiden_cli.core.image.pixels import to_pixels, to_unit
from spiden_cli.core.network.denoiser import Denoiser
from spiden_cli.core.network.presets import preset
from spiden_cli.core.noise.synthesis import gaussian_noise
from spiden_cli.core.tasks.evaluation import evaluate
from spiden_cli.core.weights import load_folded
from spiden_cli.errors import InputError


@pytest.fixture
def engine(small_weights):
    return DenseEngine(load_folded(small_weights)[0])


@pytest.fixture
def save(tmp_path):
    def save(name, pixels):
        Image.fromarray(pixels).save(tmp_path / name)
        return tmp_path / name

    return save


def test_sizes_are_kept_apart_and_pictures_are_not(engine, save, grey_pixels):
    paths = [save("a.png", grey_pixels), save("b.png", grey_pixels.T), save("c.png", grey_pixels)]
    done = []
    result = measure(engine, clean_images(paths), 25.0, 2, lambda: done.append(1))
    assert result.pictures == {(31, 37): 2, (37, 31): 1}
    assert {size: passes.count for size, passes in result.passes.items()} == {
        (31, 37): 2, (37, 31): 1,
    }  # fmt: skip
    assert result.images == len(done) == 3
    assert result.pixels == 3 * grey_pixels.size


def test_a_set_is_the_sum_of_its_pictures(engine, save, grey_pixels):
    """The same picture at the same place in a set has the same noise; so prefixes nest."""
    paths = [save(f"{index}.png", np.roll(grey_pixels, index)) for index in range(3)]
    totals = [_spikes(measure(engine, clean_images(paths[:count]), 25.0, 2)) for count in (1, 2, 3)]
    assert totals[0] < totals[1] < totals[2]


def test_each_draw_of_the_noise_is_a_picture(engine, save, grey_pixels):
    samples = clean_images([save("a.png", grey_pixels)])
    both, first, second = (
        measured(engine.config, evaluate(engine, samples, 25.0, 2, with_ssim=False, seeds=seeds))
        for seeds in ((0, 1), (0,), (1,))
    )
    assert both.pictures == {(31, 37): 2}
    assert both.passes[31, 37].count == 2
    assert _spikes(both) == _spikes(first) + _spikes(second)
    assert both.psnr == pytest.approx((first.psnr + second.psnr) / 2)


def _spikes(result):
    return sum(
        layer.spikes for passes in result.passes.values() for layer in passes.spikes.values()
    )


def test_the_event_engine_counts_what_the_dense_one_counts(
    engine, small_weights, save, grey_pixels
):
    paths = [save("a.png", grey_pixels), save("b.png", grey_pixels.T)]
    events = EventEngine(load_folded(small_weights)[0])
    expected, found = (measure(each, clean_images(paths), 25.0, 3) for each in (engine, events))
    assert found.psnr == pytest.approx(expected.psnr, abs=0.01)
    assert found.passes.keys() == expected.passes.keys()
    for size, passes in expected.passes.items():
        for name, layer in passes.spikes.items():
            for what, count in asdict(layer).items():  # rounding may flip a spike or two
                assert asdict(found.passes[size].spikes[name])[what] == pytest.approx(count, 2e-3)


def test_a_grey_network_takes_the_channels_of_a_colour_picture_one_by_one(
    engine, save, colour_pixels
):
    result = measure(engine, clean_images([save("colour.png", colour_pixels)]), 25.0, 2)
    assert result.pictures == {(31, 37): 1}
    assert result.pixels == 31 * 37
    noisy = to_unit(colour_pixels) + gaussian_noise((3, 31, 37), 25.0, seed=0)
    alone = [engine.run(channel, 25.0, 2) for channel in noisy[:, None]]
    assert result.passes == {
        (31, 37): Passes(3, sum_activities(channel.activity for channel in alone))
    }
    denoised = to_pixels(np.concatenate([channel.denoised for channel in alone]), np.uint8)
    assert result.psnr == pytest.approx(psnr(denoised, colour_pixels))


def test_a_colour_network_refuses_a_grey_picture(save, grey_pixels):
    engine = DenseEngine(network(image_channels=3))
    with pytest.raises(InputError, match="colour network"):
        measure(engine, clean_images([save("grey.png", grey_pixels)]), 25.0, 1)


def test_eight_orientations_are_eight_passes(engine, save, grey_pixels):
    path = save("a.png", grey_pixels)
    result = measure(EnsembleEngine(engine), clean_images([path]), 25.0, 1)
    assert result.passes[31, 37].count == 8
    slots = result.passes[31, 37].spikes["readout"].slots
    assert (
        slots
        == 8 * measure(engine, clean_images([path]), 25.0, 1).passes[31, 37].spikes["readout"].slots
    )


def test_tiles_are_one_pass(engine, save, grey_pixels, monkeypatch):
    """What a tile's margin takes is the work of another tile: the counts are the picture's."""
    path = save("a.png", np.tile(grey_pixels, (3, 3)))
    whole = measure(engine, clean_images([path]), 25.0, 2)
    monkeypatch.setattr(engine, "tile", (40, 50), raising=False)
    tiled = measure(engine, clean_images([path]), 25.0, 2)
    size = (93, 111)
    assert tiled.passes[size].count == 1
    for name, layer in whole.passes[size].spikes.items():
        found = tiled.passes[size].spikes[name]
        assert (found.neurons, found.dense_operations) == (layer.neurons, layer.dense_operations)
        assert found.spikes == pytest.approx(layer.spikes, 2e-3)  # rounding may flip a spike


def test_a_cnn_has_a_psnr_and_no_spikes(save, grey_pixels):
    engine = DenseEngine(network(neuron="relu", population=1))
    result = measure(engine, clean_images([save("x.png", grey_pixels)]), 25.0, 1)
    assert result.passes == {(31, 37): Passes(1, {})}
    assert np.isfinite(result.psnr)


def network(**changes):
    torch.manual_seed(0)
    return Denoiser(replace(preset("tiny-if"), width=4, layers=4, **changes))
