import pytest
import torch

from spiden_cli.core.engine.dense import DenseEngine
from spiden_cli.core.engine.ensemble import EnsembleEngine, oriented, restored
from spiden_cli.core.weights import load_weights

IMAGE = torch.arange(2 * 3 * 4.0).reshape(2, 3, 4)


def test_the_eight_orientations_are_all_different():
    squares = {tuple(oriented(IMAGE[:, :, :3], k).flatten().tolist()) for k in range(8)}
    assert len(squares) == 8


@pytest.mark.parametrize("orientation", range(8))
def test_every_orientation_can_be_undone(orientation):
    assert torch.equal(restored(oriented(IMAGE, orientation), orientation), IMAGE)


@pytest.fixture
def engine(small_weights) -> DenseEngine:
    return DenseEngine(load_weights(small_weights)[0], torch.device("cpu"))


def test_the_ensemble_does_not_care_how_the_picture_is_turned(engine):
    noisy = torch.rand(1, 18, 24)
    ensemble = EnsembleEngine(engine)
    straight = ensemble.run(noisy, 25.0, 2).denoised
    turned = ensemble.run(oriented(noisy, 5), 25.0, 2).denoised
    torch.testing.assert_close(restored(turned, 5), straight)
    assert not torch.allclose(engine.run(noisy, 25.0, 2).denoised, straight)


def test_its_activity_is_that_of_eight_passes(engine):
    noisy = torch.rand(1, 18, 24)
    alone, together = engine.run(noisy, 25.0, 2), EnsembleEngine(engine).run(noisy, 25.0, 2)
    for name, layer in together.activity.items():
        assert layer.slots == 8 * alone.activity[name].slots
