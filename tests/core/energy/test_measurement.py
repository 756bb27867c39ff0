"""Measuring: on real files, with noise that `spiden evaluate` would draw."""

from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from PIL import Image

from spiden_cli.core.energy.measurement import measure
from spiden_cli.core.engine.dense import DenseEngine
from spiden_cli.core.engine.event.engine import EventEngine
from spiden_cli.core.image.tensor import to_grey, to_pixels, to_tensor
from spiden_cli.core.network.denoiser import Denoiser
from spiden_cli.core.network.presets import preset
from spiden_cli.core.weights import load_weights


@pytest.fixture
def engine(small_weights):
    return DenseEngine(load_weights(small_weights)[0], torch.device("cpu"))


@pytest.fixture
def save(tmp_path):
    def save(name, pixels):
        Image.fromarray(pixels).save(tmp_path / name)
        return tmp_path / name

    return save


def test_sizes_are_kept_apart_and_pictures_are_not(engine, save, grey_pixels):
    paths = [save("a.png", grey_pixels), save("b.png", grey_pixels.T), save("c.png", grey_pixels)]
    done = []
    result = measure(engine, paths, 25.0, 2, lambda: done.append(1))
    assert result.pictures == {(31, 37): 2, (37, 31): 1}
    assert {size: passes.count for size, passes in result.passes.items()} == {
        (31, 37): 2, (37, 31): 1,
    }  # fmt: skip
    assert result.images == len(done) == 3
    assert result.pixels == 3 * grey_pixels.size


def test_a_set_is_the_sum_of_its_pictures(engine, save, grey_pixels):
    """The same picture at the same place in a set has the same noise; so prefixes nest."""
    paths = [save(f"{index}.png", np.roll(grey_pixels, index)) for index in range(3)]
    totals = [_spikes(measure(engine, paths[:count], 25.0, 2)) for count in (1, 2, 3)]
    assert totals[0] < totals[1] < totals[2]


def _spikes(result):
    return sum(
        layer.spikes for passes in result.passes.values() for layer in passes.spikes.values()
    )


def test_the_event_engine_counts_what_the_dense_one_counts(
    engine, small_weights, save, grey_pixels
):
    paths = [save("a.png", grey_pixels), save("b.png", grey_pixels.T)]
    events = EventEngine(load_weights(small_weights)[0])
    expected, found = (measure(each, paths, 25.0, 3) for each in (engine, events))
    assert found.psnr == pytest.approx(expected.psnr, abs=0.01)
    assert found.passes.keys() == expected.passes.keys()
    for size, passes in expected.passes.items():
        for name, layer in passes.spikes.items():
            for what, count in asdict(layer).items():  # rounding may flip a spike or two
                assert asdict(found.passes[size].spikes[name])[what] == pytest.approx(count, 2e-3)


def test_a_colour_picture_is_grey_to_a_grey_network(engine, save, colour_pixels):
    grey = to_pixels(to_grey(to_tensor(colour_pixels)), np.uint8)
    colour = measure(engine, [save("colour.png", colour_pixels)], 25.0, 2)
    plain = measure(engine, [save("grey.png", grey)], 25.0, 2)
    assert colour == plain


def test_a_grey_picture_is_colour_to_a_colour_network(save, grey_pixels):
    torch.manual_seed(0)
    config = replace(preset("tiny"), width=4, layers=4, image_channels=3)
    engine = DenseEngine(Denoiser(config), torch.device("cpu"))
    result = measure(engine, [save("grey.png", grey_pixels)], 25.0, 1)
    assert result.pixels == grey_pixels.size


def test_a_cnn_has_a_psnr_and_no_spikes(save, grey_pixels):
    torch.manual_seed(0)
    config = replace(preset("tiny"), width=4, layers=4).twin()
    result = measure(
        DenseEngine(Denoiser(config), torch.device("cpu")), [save("x.png", grey_pixels)], 25.0, 1
    )
    assert result.passes == {}
    assert np.isfinite(result.psnr)
