"""The weights that ship: they are spiking, of their word, and as good as the README says."""

import json
from inspect import signature
from pathlib import Path

import pytest
import torch
from spiden_cli.core.network.recording import record_spikes

from spiden_cli.commands.energy import energy
from spiden_cli.commands.evaluate import evaluate
from spiden_cli.core.bundled import DEFAULT_MODEL, find_weights, model_names
from spiden_cli.core.energy.twins import are_twins, find_twin
from spiden_cli.core.engine.dense import DenseEngine
from spiden_cli.core.files.picture_files import read_picture
from spiden_cli.core.image.tensor import to_tensor
from spiden_cli.core.network.folding import fold
from spiden_cli.core.noise.synthesis import add_gaussian_noise
from spiden_cli.core.tasks.denoising import denoise_tensor
from spiden_cli.core.weights import load_weights, read_info

ROOT = Path(__file__).resolve().parents[1]
LARGEST = 16 * 2**20
LEAST_PSNR = {"base": 30.175}  # dB, Set12, sigma 25, T = 4


def spiking_models() -> list[str]:
    return [name for name in model_names() if read_info(find_weights(name)).config.spiking]


def test_there_is_one_default():
    assert DEFAULT_MODEL in spiking_models()
    for command in (evaluate, energy):
        assert signature(command).parameters["model"].default == DEFAULT_MODEL


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
    assert f" | {int(info.training['steps']):,} x 16 |" in last
    assert last.endswith(f" | {float(info.training['seconds']) / 60:.0f} | {psnr} |{rate}")
    assert f"`{info.training['start']}`" in card


@pytest.mark.parametrize("timesteps", [1, 4])
@pytest.mark.parametrize("name", spiking_models())
def test_inner_convolutions_see_only_zeros_and_ones(name, timesteps, grey_pixels):
    network = fold(load_weights(find_weights(name))[0])
    clean = to_tensor(grey_pixels).expand(network.config.image_channels, -1, -1)
    noisy = add_gaussian_noise(clean, 25, seed=0)[None]
    with (
        torch.inference_mode(),
        record_spikes(network, lambda spikes: set(spikes.unique().tolist())) as records,
    ):
        network(noisy, 25.0, timesteps)
    assert len(records) == network.config.layers - 1
    for name_of_layer, (values,) in records.items():
        assert values <= {0.0, 1.0}, name_of_layer
    assert any(values == {0.0, 1.0} for (values,) in records.values())


@pytest.mark.parametrize("name", spiking_models())
def test_tiles_do_not_show(name, colour_pixels):
    engine = DenseEngine(load_weights(find_weights(name))[0], torch.device("cpu"))
    channels = engine.config.image_channels
    image = to_tensor(colour_pixels)[:channels].repeat(1, 4, 4)
    noisy = add_gaussian_noise(image, 25, seed=0)
    whole = denoise_tensor(engine, noisy, 25.0, 2, tile=(512, 512)).denoised
    tiled = denoise_tensor(engine, noisy, 25.0, 2, tile=(50, 50)).denoised
    # Another shape may add in another order, which flips a spike whose potential meets theta.
    close = (whole - tiled).abs() < 1e-4
    assert close.float().mean() > 0.999


@pytest.mark.parametrize("name", LEAST_PSNR)
def test_psnr_on_set12(spiden, data_dir: Path, name):
    outcome = spiden("evaluate", "--dataset", "set12", "--data-dir", data_dir, "-m", name, "--json")
    (record,) = json.loads(outcome.stdout)
    assert record["timesteps"] == 4
    assert record["sigma"] == 25
    assert record["mean"]["psnr"] >= LEAST_PSNR[name]


def test_the_engines_agree_on_set12(spiden, data_dir: Path):
    score = {}
    for engine in ("dense", "event", "event-int16"):
        outcome = spiden(
            "evaluate", "--dataset", "set12", "--data-dir", data_dir, "--engine", engine, "--json"
        )
        (record,) = json.loads(outcome.stdout)
        assert record["engine"] == engine
        score[engine] = record["mean"]["psnr"]
    assert score["event"] == pytest.approx(score["dense"], abs=0.005)
    assert score["event-int16"] == pytest.approx(score["dense"], abs=0.02)


def test_denoising_helps_a_photograph_at_every_level():
    from spiden_cli.core.bundled import sample_picture
    from spiden_cli.core.image.metrics import psnr
    from spiden_cli.core.image.tensor import to_pixels

    engine = DenseEngine(load_weights(find_weights("base"))[0], torch.device("cpu"))
    pixels = read_picture(sample_picture()).pixels[:128, :128]
    clean = to_tensor(pixels)
    for sigma in (5, 15, 25, 50):
        noisy = add_gaussian_noise(clean, sigma, seed=1)
        denoised = denoise_tensor(engine, noisy, sigma, 4).denoised
        gain = psnr(to_pixels(denoised, "uint8"), pixels) - psnr(to_pixels(noisy, "uint8"), pixels)
        assert gain > 1.0, sigma
