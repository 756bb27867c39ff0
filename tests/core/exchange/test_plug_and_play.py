"""A denoiser for plug-and-play libraries, and restorations with it."""

import importlib
import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import spiden_cli as spiden

ROOT = Path(__file__).resolve().parents[3]
MISSING = "THE DENOISER IS NOT TRIED IN DEEPINV: .ci/deepinv installs it, and does"


@pytest.fixture(scope="module")
def denoiser():
    return spiden.PlugAndPlayDenoiser(spiden.load("tiny", engine="dense"))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_it_denoises_as_the_model_does(denoiser, colour_pixels, channels, dtype):
    images = torch.from_numpy(np.moveaxis(colour_pixels / 255.0, -1, 0)[None, :channels])
    images = torch.cat([images, images.flip(-1)]).to(dtype)
    found = denoiser(images, torch.tensor([0.1, 0.05]))
    assert (found.dtype, found.shape) == (dtype, images.shape)
    for image, result, level in zip(images, found, (0.1, 0.05), strict=True):
        expected = denoiser.model.denoise(image, spiden.Gaussian(255 * level)).image
        torch.testing.assert_close(result, expected, rtol=0, atol=1e-5)


def test_sigma_in_all_the_forms_that_deepinv_gives_it(denoiser):
    images = torch.rand(2, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    expected = denoiser(images, 0.1)
    for sigma in (torch.tensor(0.1), torch.tensor([0.1]), torch.full((2,), 0.1)):
        torch.testing.assert_close(denoiser(images, sigma), expected)


@pytest.mark.parametrize(
    ("y", "sigma", "words"),
    [
        (torch.zeros(1, 16, 16), 0.1, "B, 1, H, W"),
        (torch.zeros(1, 2, 16, 16), 0.1, "B, 1, H, W"),
        (torch.zeros(1, 1, 16, 16, dtype=torch.uint8), 0.1, "real"),
        (torch.zeros(1, 1, 16, 16), 25, "0 to 1"),
        (torch.zeros(1, 1, 16, 16), -0.1, "0 to 1"),
        (torch.zeros(2, 1, 16, 16), torch.zeros(3), "3 levels"),
        (torch.full((1, 1, 16, 16), torch.nan), 0.1, "diverged"),
        (torch.zeros(1, 1, 16, 16, requires_grad=True), 0.1, "gradient"),
    ],
)
def test_what_it_can_not_denoise_is_refused(denoiser, y, sigma, words):
    with pytest.raises(spiden.InputError, match=words):
        denoiser(y, sigma)


def test_the_example_restores_a_blurred_picture(tmp_path):
    clean = ROOT / "docs" / "images" / "clean.png"
    with Image.open(clean) as image:
        image.convert("L").crop((60, 60, 156, 156)).save(tmp_path / "sharp.png")
    command = [sys.executable, ROOT / "examples" / "deblur.py", "sharp.png", "out.png"]
    done = subprocess.run(
        [*command, "--model", "tiny"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    blurred, restored = (float(line.split()[1]) for line in done.stdout.splitlines())
    assert restored > blurred + 2
    assert (tmp_path / "out_restored.png").is_file()


def import_deepinv():
    """Return deepinv, which uses none of the operators that torchvision has in C++.

    PyPI's torchvision is built for CUDA; beside a torch without it those can't be loaded, and two
    that are missing by name keep it from being imported.
    """
    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        for name in ("nms", "qnms"):
            torch.library.define(f"torchvision::{name}", "(Tensor a, Tensor b, float c) -> Tensor")
    return importlib.import_module("deepinv")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.skipif(importlib.util.find_spec("deepinv") is None, reason=MISSING)
def test_deepinv_restores_a_blurred_picture_with_it(denoiser):
    deepinv = import_deepinv()
    with Image.open(ROOT / "docs" / "images" / "clean.png") as image:
        pixels = np.asarray(image.convert("L").crop((60, 60, 124, 124)))
    sharp = torch.from_numpy(pixels / np.float32(255))[None, None]
    blur = deepinv.physics.BlurFFT(
        (1, 64, 64),
        filter=deepinv.physics.functional.gaussian_blur(sigma=1.6),
        noise_model=deepinv.physics.GaussianNoise(sigma=2 / 255),
    )
    seen = blur(sharp)
    restored = deepinv.optim.DPIR(sigma=2 / 255, denoiser=denoiser, device="cpu")(seen, blur)

    def decibels(image):
        return float(-10 * torch.log10(((image - sharp) ** 2).mean()))

    assert decibels(restored) > decibels(seen) + 2
