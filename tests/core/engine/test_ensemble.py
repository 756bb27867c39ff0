"""Eight orientations: each can be undone, and their mean is the same however a picture lies."""

import numpy as np
import pytest

from spiden_cli.core.engine.dense import DenseEngine
from spiden_cli.core.engine.ensemble import EnsembleEngine, oriented, restored
from spiden_cli.core.engine.tiling import Window
from spiden_cli.core.weights import load_folded

IMAGE = np.arange(2 * 3 * 4, dtype=np.float32).reshape(2, 3, 4)


@pytest.fixture
def noisy() -> np.ndarray:
    return np.random.default_rng(0).random((1, 18, 24), np.float32)


def test_the_eight_orientations_are_all_different():
    squares = {tuple(oriented(IMAGE[:, :, :3], k).ravel()) for k in range(8)}
    assert len(squares) == 8


@pytest.mark.parametrize("orientation", range(8))
def test_every_orientation_can_be_undone(orientation):
    assert np.array_equal(restored(oriented(IMAGE, orientation), orientation), IMAGE)


@pytest.fixture
def engine(small_weights) -> DenseEngine:
    return DenseEngine(load_folded(small_weights)[0])


def test_the_ensemble_does_not_care_how_the_picture_is_turned(engine, noisy):
    ensemble = EnsembleEngine(engine)
    straight = ensemble.run(noisy, 25.0, 2).denoised
    turned = ensemble.run(np.ascontiguousarray(oriented(noisy, 5)), 25.0, 2).denoised
    np.testing.assert_allclose(restored(turned, 5), straight, rtol=1.3e-6, atol=1e-5)
    assert not np.allclose(engine.run(noisy, 25.0, 2).denoised, straight, atol=1e-5)


def test_a_map_of_the_noise_is_turned_along(engine, noisy):
    level = np.linspace(0, 50, 18 * 24, dtype=np.float32).reshape(18, 24)
    ensemble = EnsembleEngine(engine)
    straight = ensemble.run(noisy, level, 2).denoised
    turned = ensemble.run(
        np.ascontiguousarray(oriented(noisy, 5)), np.ascontiguousarray(oriented(level, 5)), 2
    ).denoised
    np.testing.assert_allclose(restored(turned, 5), straight, rtol=1.3e-6, atol=1e-5)


def test_its_activity_is_that_of_eight_passes(engine, noisy):
    alone, together = engine.run(noisy, 25.0, 2), EnsembleEngine(engine).run(noisy, 25.0, 2)
    for name, layer in together.activity.items():
        assert layer.slots == 8 * alone.activity[name].slots


def test_the_window_is_turned_along(engine, noisy):
    window = Window(slice(2, 8), slice(4, 18))
    alone = engine.run(noisy, 25.0, 2, window).activity
    seen = []

    class Watching:
        name, config, passes, tile = engine.name, engine.config, 1, engine.tile

        def run(self, turned, level, timesteps, inside, on_spikes=None):
            part = turned[:, *inside]
            seen.append(sorted(part.ravel()))
            return engine.run(turned, level, timesteps, inside)

    together = EnsembleEngine(Watching()).run(noisy, 25.0, 2, window).activity
    assert seen == [sorted(noisy[:, *window].ravel())] * 8
    for name, layer in together.items():
        assert layer.slots == 8 * alone[name].slots
