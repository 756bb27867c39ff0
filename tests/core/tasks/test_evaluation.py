"""The test protocol, against the same protocol written in numpy."""

import math
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image
from skimage.metrics import structural_similarity

from spiden_cli.core.data.samples import CleanImage, Pair, clean_images
from spiden_cli.core.engine.dense import DenseEngine
from spiden_cli.core.tasks.evaluation import Evaluation, ImageScore, evaluate
from spiden_cli.core.tasks.model import load
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


def test_several_draws_of_noise_are_averaged(make, paths):
    engine, images = DenseEngine(make("tiny")), clean_images(paths)
    done, shown = [], []
    found = evaluate(engine, images, SIGMA, 3, done.append, shown.append, seeds=range(2, 5))
    assert done == list(range(1, 7))
    assert len(shown) == 2
    draws = [evaluate(engine, images, SIGMA, 3, seeds=[seed]) for seed in (2, 3, 4)]
    for index, score in enumerate(found.scores):
        trials = [draw.scores[index] for draw in draws]
        assert score.psnrs == tuple(trial.psnr for trial in trials)
        assert len(set(score.psnrs)) == 3
        for measure in ("psnr", "noisy_psnr", "ssim", "synaptic_operations", "firing_rate"):
            expected = np.mean([getattr(trial, measure) for trial in trials])
            assert getattr(score, measure) == pytest.approx(expected)
        assert score.psnr_deviation == pytest.approx(np.std(score.psnrs, ddof=1))
    means = [draw.mean("psnr") for draw in draws]
    assert found.mean("psnr") == pytest.approx(np.mean(means))
    assert found.psnr_deviation == pytest.approx(np.std(means, ddof=1))
    assert all(math.isnan(draw.psnr_deviation) for draw in draws)


def test_a_psnr_without_bounds_has_no_deviation(make, paths):
    found = evaluate(DenseEngine(make("tiny")), clean_images(paths), 0.0, 3, seeds=(0, 1))
    assert found.mean("psnr") == found.mean("noisy_psnr") == math.inf
    assert math.isnan(found.psnr_deviation)


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


@pytest.fixture
def pair(tmp_path: Path, colour_pixels: np.ndarray) -> Pair:
    """A picture with noise of sigma 20, rounded to a file, and the clean one."""
    noise = np.random.default_rng(3).normal(0, 20, colour_pixels.shape)
    noisy = np.rint(np.clip(colour_pixels + noise, 0, 255)).astype(np.uint8)
    Image.fromarray(noisy).save(tmp_path / "noisy.png")
    Image.fromarray(colour_pixels).save(tmp_path / "clean.png")
    return Pair(clean=tmp_path / "clean.png", noisy=tmp_path / "noisy.png")


@pytest.mark.parametrize("level", [None, 10.0])
def test_a_pair_is_denoised_as_a_picture_is_and_scored_against_the_clean_one(
    small_weights, pair, level
):
    model, shown = load(small_weights, engine="dense"), []
    found = evaluate(model.loaded(True).engine, [pair], level, 4, show=shown.append)
    noisy, clean = (np.asarray(Image.open(path)) for path in (pair.noisy, pair.clean))
    result = model.denoise(noisy, level, timesteps=4)
    (score,) = found.scores
    assert np.array_equal(shown[0].denoised, result.image)
    assert np.array_equal(shown[0].noisy, noisy)
    assert score.psnr == pytest.approx(decibel(result.image, clean))
    assert score.noisy_psnr == pytest.approx(decibel(noisy, clean))
    assert score.change == pytest.approx(score.psnr - score.noisy_psnr)
    assert score.sigma == result.noise.sigma
    assert (score.estimate is None) == (level is not None)
    assert (score.name, found.sigma) == ("clean.png", level)
    assert score.passes == 3  # a grey network takes the channels one by one


def test_a_pair_of_16_bits_is_scored_as_8(small_weights, pair, colour_pixels):
    clean = colour_pixels.astype(np.uint16) * 257
    tifffile.imwrite(pair.clean.with_suffix(".tif"), clean, photometric="rgb")
    engine = load(small_weights, engine="dense").loaded(True).engine
    deep = Pair(pair.clean.with_suffix(".tif"), pair.noisy)
    found, expected = (evaluate(engine, [each], 10.0, 2).scores[0] for each in (deep, pair))
    assert found.psnr == pytest.approx(expected.psnr)


def test_the_worst_and_how_many_got_worse():
    def score(name: str, noisy: float, psnr: float) -> ImageScore:
        return ImageScore(name, 8, 8, 1, 5.0, None, noisy, psnr, 1.0, {}, 0, 1.0, (psnr,))

    scores = (score("a", 30, 31), score("b", 40, 38.5), score("c", 20, 19.9), score("d", 30, 30))
    found = Evaluation(None, 4, scores)
    assert (found.worst.name, found.worst.change, found.worse) == ("b", -1.5, 2)
    same = score("same", math.inf, math.inf)  # a noisy file that is the clean one
    assert (same.change, Evaluation(None, 4, (same,)).worse) == (0.0, 0)
    assert score("spoilt", math.inf, 40.0).change == -math.inf
