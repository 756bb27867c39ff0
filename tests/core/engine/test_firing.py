"""Where neurons fire: the map's mean is the firing rate, whatever the engine, family and tiles."""

import numpy as np
import pytest
from small_networks import SIGMA, exact, picture, shrunk

import spiden_cli as spiden
from spiden_cli.core.engine.activity import mean_firing_rate
from spiden_cli.core.engine.dense import DenseEngine
from spiden_cli.core.engine.ensemble import EnsembleEngine
from spiden_cli.core.engine.event.engine import EventEngine
from spiden_cli.core.engine.firing import FiringCounter
from spiden_cli.core.engine.reference import ReferenceEngine
from spiden_cli.core.engine.tiling import Window
from spiden_cli.core.image.picture import Picture
from spiden_cli.core.network.presets import PRESETS
from spiden_cli.core.tasks.denoising import denoise_picture

ENGINES = [DenseEngine, EventEngine, ReferenceEngine]


def mapped(engine, noisy, timesteps=3):
    counter = FiringCounter(engine.graph, *noisy.shape[1:], timesteps)
    whole = Window(slice(0, noisy.shape[1]), slice(0, noisy.shape[2]))
    result = engine.run(
        noisy, SIGMA, timesteps, on_spikes=lambda *spikes: counter.add(whole, *spikes)
    )
    return counter.result(), result.activity


@pytest.mark.parametrize("make_engine", [DenseEngine, ReferenceEngine])
@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("size", [(24, 32), (13, 18)])
def test_the_mean_of_the_map_is_the_firing_rate(name, size, make_engine):
    network = exact(shrunk(name), 1)
    found, activity = mapped(make_engine(network), picture(network.config, *size))
    assert found.rate.mean(dtype=float) == pytest.approx(mean_firing_rate(activity), rel=1e-5)
    assert 0 <= found.rate.min() < found.rate.max() <= 1
    assert found.scale == network.config.unshuffle


@pytest.mark.parametrize("name", ["base", "unet"])
def test_engines_agree_on_every_position(name):
    network = exact(shrunk(name, population=2, inner_population=1), 2)
    noisy = picture(network.config, 27, 38)
    expected, _ = mapped(ReferenceEngine(network, np.float32), noisy)
    dense, _ = mapped(DenseEngine(network), noisy)
    np.testing.assert_array_equal(dense.rate, expected.rate)
    event = EventEngine(network, 2)
    event.graph = network.graph
    np.testing.assert_array_equal(mapped(event, noisy)[0].rate, expected.rate)


@pytest.mark.parametrize("make_engine", [DenseEngine, EventEngine])
@pytest.mark.parametrize("name", ["base", "unet"])
def test_tiles_do_not_show(name, make_engine):
    engine = make_engine(exact(shrunk(name, population=2, inner_population=1), 4))
    noisy = Picture((picture(engine.config, 51, 63)[0] * 100).clip(0, 255).astype(np.uint8))
    whole, tiled = (
        denoise_picture(engine, noisy, SIGMA, 3, tile, map_firing=True)
        for tile in ((512, 512), (19, 33))
    )
    np.testing.assert_array_equal(tiled.firing_map.rate, whole.firing_map.rate)
    assert whole.firing_map.rate.mean(dtype=float) == pytest.approx(
        mean_firing_rate(whole.activity), rel=1e-5
    )


@pytest.mark.parametrize("engine", ["dense", "event", "event-int16"])
@pytest.mark.parametrize("hand", [spiden.Adjustment(), spiden.Adjustment(0.5, 1.5)])
def test_it_matches_the_rate_of_the_result_over_channels_and_runs(
    small_weights, colour_pixels, engine, hand
):
    model = spiden.load(small_weights, engine=engine, threads=1)
    result = model.denoise(colour_pixels, 25.0, adjustment=hand, map_firing=True)
    assert result.firing_map.rate.mean(dtype=float) == pytest.approx(
        mean_firing_rate(result.activity), rel=1e-5
    )
    assert model.denoise(colour_pixels, 25.0).firing_map is None


def test_of_an_ensemble_it_is_the_upright_one(make, grey_pixels):
    engine, noisy = DenseEngine(make("tiny")), Picture(grey_pixels)
    alone = denoise_picture(engine, noisy, 25.0, 2, map_firing=True)
    together = denoise_picture(EnsembleEngine(engine), noisy, 25.0, 2, map_firing=True)
    np.testing.assert_array_equal(together.firing_map.rate, alone.firing_map.rate)


def test_a_cnn_has_none(make, grey_pixels):
    engine = DenseEngine(make("tiny", neuron="relu"))
    assert (
        denoise_picture(engine, Picture(grey_pixels), 25.0, 2, map_firing=True).firing_map is None
    )


def test_maps_of_layers_say_where_each_is_active(monkeypatch):
    engine = EventEngine(exact(shrunk("unet"), 4))
    noisy = Picture((picture(engine.config, 51, 63)[0] * 100).clip(0, 255).astype(np.uint8))
    whole, tiled = (
        denoise_picture(engine, noisy, SIGMA, 3, tile, map_firing=True)
        for tile in ((512, 512), (19, 33))
    )
    monkeypatch.setattr("spiden_cli.core.engine.firing.LAYER_SIDE", 12)
    small = denoise_picture(engine, noisy, SIGMA, 3, (19, 33), map_firing=True).firing_map.layers
    assert list(whole.firing_map.layers) == list(whole.activity)
    for name, layer in whole.firing_map.layers.items():
        np.testing.assert_array_equal(tiled.firing_map.layers[name].rate, layer.rate)
        assert layer.rate.mean(dtype=float) == pytest.approx(whole.activity[name].firing_rate)
        side = small[name].scale // layer.scale
        assert max(small[name].rate.shape) <= 12
        assert small[name].rate[1, 0] == pytest.approx(layer.rate[side : 2 * side, :side].mean())
        last = layer.rate[-1 - (layer.rate.shape[0] - 1) % side :, :side]
        assert small[name].rate[-1, 0] == pytest.approx(last.mean())


def test_maps_of_layers_are_cut_as_the_picture_is(colour_pixels):
    model = spiden.load("tiny", engine="dense")
    whole = model.denoise(colour_pixels, 25.0, map_firing=True).firing_map
    part = model.denoise(colour_pixels, 25.0, region=(16, 8, 16, 16), map_firing=True).firing_map
    for name, layer in part.layers.items():
        there = tuple(slice(start // layer.scale, (start + 16) // layer.scale) for start in (8, 16))
        np.testing.assert_allclose(layer.rate, whole.layers[name].rate[there], rtol=1e-5)
