"""What tests everywhere need: the real data sets, and one small picture of an awkward size."""

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import settings
from PIL import Image
from scipy.ndimage import gaussian_filter

from spiden_cli.app import main
from spiden_cli.core.network.denoiser import Denoiser
from spiden_cli.core.network.presets import preset
from spiden_cli.core.weights import WeightsInfo, save_weights

# Property tests are held to what they find, not to how fast a busy machine is, and find the same
# every time; `pytest --hypothesis-profile random` draws other examples, and more of them.
settings.register_profile("spiden", deadline=None, max_examples=40, derandomize=True)
settings.register_profile("random", deadline=None, max_examples=1000)
settings.load_profile("spiden")

# The processes of `pytest -n` inherit these: several, with a thread for each core, would wait for
# each other. Tests of threads say how many they want.
for _library in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_library, "1")

_BESIDE_REPOSITORY = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder with set12/, bsd68/, cbsd68/, ...: $SPIDEN_DATA, or ../shared/data."""
    folder = Path(os.environ.get("SPIDEN_DATA") or _BESIDE_REPOSITORY)
    if not (folder / "set12" / "01.png").is_file():
        pytest.skip(f"no image data at {folder}; set SPIDEN_DATA to the folder that holds set12/")
    return folder


@pytest.fixture(scope="session")
def colour_pixels() -> np.ndarray:
    """A natural-looking picture, (31, 37, 3) uint8: odd and not square, so that nothing hides.

    Noise with a 1/f-like spectrum (the statistics of natural images) and one sharp edge.
    """
    generator = np.random.default_rng(2023)
    octaves = [
        gaussian_filter(generator.normal(size=(31, 37, 3)), (scale, scale, 0)) * scale**1.5
        for scale in (0.5, 1, 2, 4, 8)
    ]
    scene = np.sum(octaves, axis=0)
    scene[10:22, 14:30] += 1.5
    scene = (scene - scene.min()) / np.ptp(scene)
    return np.rint(20 + 215 * scene).astype(np.uint8)


@pytest.fixture(scope="session")
def grey_pixels(colour_pixels: np.ndarray) -> np.ndarray:
    """The green channel of `colour_pixels`, (31, 37) uint8."""
    return np.ascontiguousarray(colour_pixels[..., 1])


class Outcome(NamedTuple):
    """What a command line did."""

    code: int
    stdout: str
    stderr: str


Spiden = Callable[..., Outcome]


@pytest.fixture
def spiden(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Spiden:
    """Run the command line in this process: spiden("denoise", path) -> code, stdout, stderr."""

    def run(*arguments: object, columns: int = 120) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["spiden", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", str(columns))
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as leaving:
            code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
        finally:
            torch.set_flush_denormal(False)  # `train` sets it, for a process of its own
        return Outcome(code, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def small_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small spiking network that nobody trained: its spikes are real, its pictures are not."""
    torch.manual_seed(0)
    config = replace(preset("tiny-if"), width=8, layers=6)
    network = Denoiser(config)
    for _ in range(3):  # batch normalisation needs statistics
        network(torch.rand(4, 1, 32, 32), 25.0, 2)
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    save_weights(path, network, WeightsInfo(config, "custom", (4,), (0.0, 55.0)))
    return path


@pytest.fixture
def noisy_png(tmp_path: Path, colour_pixels: np.ndarray) -> Path:
    """The colour picture with noise of sigma 25, as a file."""
    noise = np.random.default_rng(7).normal(0, 25, colour_pixels.shape)
    pixels = np.rint(np.clip(colour_pixels + noise, 0, 255)).astype(np.uint8)
    path = tmp_path / "noisy.png"
    Image.fromarray(pixels).save(path)
    return path
