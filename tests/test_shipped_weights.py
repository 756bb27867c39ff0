"""The weights that ship: they are spiking, of their word, and as good as the README says."""

import json
import re
import shutil
from inspect import signature
from pathlib import Path

import numpy as np
import pytest
import torch

from spiden_cli.commands.denoise import denoise
from spiden_cli.commands.energy import energy
from spiden_cli.commands.evaluate import evaluate
from spiden_cli.core.bundled import find_weights, model_for, model_names
from spiden_cli.core.energy.twins import are_twins, find_twin
from spiden_cli.core.engine.dense import DenseEngine
from spiden_cli.core.files.picture_files import read_picture
from spiden_cli.core.image.pixels import to_unit
from spiden_cli.core.image.tensor import to_tensor
from spiden_cli.core.network.folding import fold
from spiden_cli.core.neuron.layer import IFLayer
from spiden_cli.core.neuron.weighted import digits
from spiden_cli.core.noise.synthesis import add_gaussian_noise, gaussian_noise
from spiden_cli.core.tasks.denoising import denoise_planes
from spiden_cli.core.tasks.loading import AUTO
from spiden_cli.core.weights import load_folded, load_weights, read_info

ROOT = Path(__file__).resolve().parents[1]
LARGEST = 16 * 2**20
LEAST_PSNR = {"base": 30.26, "base-if": 30.175}  # dB, Set12, sigma 25, T = 4


def spiking_models() -> list[str]:
    return [name for name in model_names() if read_info(find_weights(name)).config.spiking]


def test_there_is_one_default():
    for colour, channels in ((False, 1), (True, 3)):
        assert model_for(colour) in spiking_models()
        assert read_info(find_weights(model_for(colour))).config.image_channels == channels
    for command in (denoise, evaluate, energy):
        assert signature(command).parameters["model"].default == AUTO


@pytest.mark.parametrize("name", spiking_models())
def test_each_spiking_model_has_its_twin_beside_it(name):
    twin = find_twin(find_weights(name))
    assert twin is not None
    assert are_twins(read_info(find_weights(name)).config, read_info(twin).config)


@pytest.mark.parametrize("name", model_names())
def test_a_file_is_small_and_says_how_it_came_about(name):
    path = find_weights(name)
    assert path.stat().st_size < LARGEST
    info = read_info(path)
    assert info.validation_psnr
    run = info.training
    assert run["command"].startswith("spiden train")
    assert (ROOT / run.pop("recipe")).is_file()
    assert not any("/" in value or "\\" in value for value in run.values())  # nobody's folders
    assert max(map(len, run.values())) < 500  # one command: what it started from is named, not told


@pytest.mark.parametrize("name", model_names())
def test_its_card_tells_of_the_same_run(name):
    info = read_info(find_weights(name))
    cards = (ROOT / "weights" / "README.md").read_text(encoding="utf-8")
    (card,) = (part for part in cards.split("\n## ") if part.startswith(f"{name}\n"))
    last = [line for line in card.splitlines() if line.startswith("| `")][-1]
    psnr = " | ".join(f"{value:.2f}" for value in info.validation_psnr.values())
    rate = "" if info.firing_rate is None else f" {info.firing_rate:.2f} |"
    assert last.startswith(f"| `{name}`")
    batch = re.search(r"--batch-size (\d+)", info.training["command"])
    assert f" | {int(info.training['steps']):,} x {batch[1] if batch else 16} |" in last
    assert last.endswith(f" | {float(info.training['seconds']) / 60:.0f} | {psnr} |{rate}")
    assert f"`{info.training['start']}`" in card


@pytest.mark.parametrize("timesteps", [1, 4])
@pytest.mark.parametrize("name", spiking_models())
def test_inner_convolutions_see_only_zeros_and_ones(name, timesteps, grey_pixels):
    network = fold(load_weights(find_weights(name))[0])
    clean = to_tensor(grey_pixels).expand(network.config.image_channels, -1, -1)
    noisy = add_gaussian_noise(clean, 25, seed=0)[None]
    records = {}

    def observe(layer: str, spikes: torch.Tensor) -> None:
        if network.config.weighted:  # told of their sum, which binary digits have to make
            planes = digits(spikes, timesteps)
            weights = 2.0 ** -torch.arange(1, timesteps + 1)
            assert torch.equal(torch.einsum("tbchw,t->bchw", planes, weights), spikes)
            spikes = planes
        records[layer] = set(spikes.unique().tolist())

    with torch.inference_mode():
        network(noisy, 25.0, timesteps, observe=observe)
    assert len(records) == len(network.graph.spike_convolutions)
    for layer, values in records.items():
        assert values <= {0.0, 1.0}, layer
    assert any(values == {0.0, 1.0} for values in records.values())


@pytest.mark.parametrize("name", spiking_models())
def test_tiles_do_not_show(name, colour_pixels):
    engine = DenseEngine(load_folded(find_weights(name))[0])
    channels = engine.config.image_channels
    image = np.tile(to_unit(colour_pixels)[:channels], (1, 4, 4))
    noisy = image + gaussian_noise(image.shape, 25, seed=0)
    whole = denoise_planes(engine, noisy, 25.0, 2, tile=(512, 512)).denoised
    tiled = denoise_planes(engine, noisy, 25.0, 2, tile=(50, 50)).denoised
    # Another shape may add in another order, which flips a spike whose potential meets theta.
    assert (np.abs(whole - tiled) < 1e-4).mean() > 0.999


@pytest.mark.parametrize("name", LEAST_PSNR)
def test_psnr_on_set12(spiden, data_dir: Path, name):
    outcome = spiden("evaluate", "--dataset", "set12", "--data-dir", data_dir, "-m", name, "--json")
    (record,) = json.loads(outcome.stdout)
    assert record["timesteps"] == 4
    assert record["sigma"] == 25
    assert record["mean"]["psnr"] >= LEAST_PSNR[name]


def test_the_engines_agree(spiden, data_dir: Path, tmp_path: Path):
    some = tmp_path / "some"
    some.mkdir()
    for path in sorted((data_dir / "set12").iterdir())[:3]:  # the smaller ones
        shutil.copy(path, some)
    score = {}
    for engine in ("dense", "event", "event-int16"):
        outcome = spiden("evaluate", "--dataset", some, "--engine", engine, "--json")
        (record,) = json.loads(outcome.stdout)
        assert record["engine"] == engine
        assert (record["model"], record["timesteps"], record["sigma"]) == ("base", 4, 25)
        assert len(record["images"]) == 3
        score[engine] = record["mean"]["psnr"]
    assert score["event"] == pytest.approx(score["dense"], abs=0.005)
    assert score["event-int16"] == pytest.approx(score["dense"], abs=0.02)


def test_denoising_helps_a_photograph_at_every_level():
    from spiden_cli.core.bundled import sample_picture
    from spiden_cli.core.image.metrics import psnr
    from spiden_cli.core.image.pixels import to_pixels

    engine = DenseEngine(load_folded(find_weights("base"))[0])
    pixels = read_picture(sample_picture()).pixels[:128, :128]
    clean = to_unit(pixels)
    for sigma in (5, 15, 25, 50):
        noisy = clean + gaussian_noise(clean.shape, sigma, seed=1)
        denoised = denoise_planes(engine, noisy, sigma, 4).denoised
        gain = psnr(to_pixels(denoised, "uint8"), pixels) - psnr(to_pixels(noisy, "uint8"), pixels)
        assert gain > 1.0, sigma


def test_initial_potentials_are_where_the_analysis_says():
    text = (ROOT / "docs" / "analysis.md").read_text(encoding="utf-8")
    told = " ".join(text.split())
    said = re.search(r"of `(\S+)`, (\d+) of whose ([\d,]+) are below zero, by ([\d.]+)", told)
    assert said is not None
    for name in spiking_models():
        network, info = load_weights(find_weights(name))
        layers = [layer for layer in network.modules() if isinstance(layer, IFLayer)]
        values = torch.cat([layer.initial_potential.flatten() for layer in layers])
        assert info.config.learn_initial is (name == said[1])
        assert values.max() < 1
        if name == said[1]:
            assert (int((values < 0).sum()), f"{len(values):,}") == (int(said[2]), said[3])
            assert values.min() >= -float(said[4]) - 0.005
        else:
            assert values.min() >= 0
