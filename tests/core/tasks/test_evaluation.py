"""The test protocol, against the same protocol written in numpy."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.metrics import structural_similarity

from spiden_cli.core.data.samples import CleanImage, clean_images
from spiden_cli.core.engine.dense import DenseEngine
from spiden_cli.core.tasks.evaluation import evaluate
from spiden_cli.errors import InputError

SIGMA = 25.0


@pytest.fixture
def paths(tmp_path: Path, grey_pixels: np.ndarray) -> list[Path]:
    paths = [tmp_path / "b.png", tmp_path / "a.png"]
    Image.fromarray(grey_pixels).save(paths[0])
    Image.fromarray(grey_pixels[:20, ::-1]).save(paths[1])
    return paths


def as_bytes(image: np.ndarray) -> np.ndarray:
    return np.rint(image.clip(0, 1) * 255).astype(np.uint8)


def decibel(image: np.ndarray, clean: np.ndarray) -> float:
    return 10 * math.log10(255**2 / np.mean((image.astype(float) - clean.astype(float)) ** 2))


def test_scores_are_those_of_the_protocol(make, paths):
    engine = DenseEngine(make("tiny"))
    done, shown = [], []
    found = evaluate(engine, clean_images(paths), SIGMA, 3, done.append, shown.append)
    assert done == [1, 2]
    assert [score.name for score in found.scores] == ["b.png", "a.png"]
    for seed, (path, score) in enumerate(zip(paths, found.scores, strict=True)):
        clean = np.asarray(Image.open(path))
        generator = torch.Generator().manual_seed(seed)  # by the place in the set
        noise = torch.randn(1, *clean.shape, generator=generator).numpy()
        noisy = clean.astype(np.float32) / 255 + noise * np.float32(SIGMA / 255)
        result = engine.run(noisy, SIGMA, 3)
        denoised = as_bytes(result.denoised[0])
        assert np.array_equal(shown[seed].denoised, denoised)
        assert np.array_equal(shown[seed].noisy, as_bytes(noisy[0]))
        assert score.psnr == pytest.approx(decibel(denoised, clean))
        assert score.noisy_psnr == pytest.approx(decibel(as_bytes(noisy[0]), clean))
        assert score.ssim == pytest.approx(
            structural_similarity(
                clean, denoised, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
            )
        )
        operations = sum(layer.synaptic_operations for layer in result.activity.values())
        assert score.synaptic_operations == operations / clean.size
        assert score.pixels == clean.size
    assert found.mean("psnr") == pytest.approx(sum(score.psnr for score in found.scores) / 2)
    spikes = sum(layer.spikes for layer in found.activity.values())
    slots = sum(layer.slots for layer in found.activity.values())
    assert 0 < spikes / slots < 1


def test_noise_of_25_on_grey_is_20_2_decibel(make, tmp_path):
    Image.new("L", (200, 200), 128).save(tmp_path / "grey.png")
    engine = DenseEngine(make("tiny", width=1, layers=4))
    found = evaluate(engine, [CleanImage(tmp_path / "grey.png", 0)], SIGMA, 1)
    assert found.scores[0].noisy_psnr == pytest.approx(20 * math.log10(255 / 25), abs=0.05)


def test_a_twin_is_charged_its_dense_operations(make, paths):
    engine = DenseEngine(make("tiny", neuron="relu"))
    found = evaluate(engine, clean_images(paths), SIGMA, 3)
    counts = engine.graph.dense_operations(31, 37)
    assert found.scores[0].synaptic_operations == pytest.approx(
        (sum(counts.values()) - counts["encoder"]) / (31 * 37)
    )
    assert found.activity == {}
    assert math.isnan(found.scores[0].firing_rate)


def test_a_colour_network_needs_colour(make, paths):
    engine = DenseEngine(make("tiny", image_channels=3))
    with pytest.raises(InputError, match="colour network"):
        evaluate(engine, clean_images(paths), SIGMA, 1)
