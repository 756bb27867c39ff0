"""`spiden denoise` on CMYK: it stays CMYK, and black stays black."""

import json

import numpy as np
import pytest
import tifffile
from PIL import Image


@pytest.fixture
def page_of_text(tmp_path):
    """A picture beside black text on white paper, of which black ink alone is noisy."""
    rng = np.random.default_rng(3)
    inks = np.zeros((48, 64, 4), np.uint8)
    inks[8:40:6, 4:30, 3] = 255
    inks[:, 40:, 0] = 90
    inks[..., 3] = (inks[..., 3] + rng.normal(0, 15, (48, 64))).clip(0, 255)
    path = tmp_path / "page.tif"
    tifffile.imwrite(path, inks, photometric="separated", resolution=(300, 300), metadata=None)
    return path, inks


def test_text_has_no_coloured_fringes(spiden, page_of_text):
    path, inks = page_of_text
    target = path.with_name("clean.tif")
    outcome = spiden("denoise", path, "-o", target, "-m", "tiny", "--json",
                     "--compare", path.with_name("look.png"))  # fmt: skip
    assert outcome.code == 0, outcome.stderr
    assert "black was denoised by itself" in outcome.stdout + outcome.stderr
    after = tifffile.imread(target)
    assert np.array_equal(after[..., :3], inks[..., :3])
    paper = inks[..., 3] < 60
    assert after[paper, 3].std() < 0.7 * inks[paper, 3].std()
    with Image.open(path.with_name("look.png")) as look:
        assert look.mode == "RGB"


def test_what_is_not_denoised_comes_back_to_the_bit(spiden, page_of_text):
    path, inks = page_of_text
    target, mask = path.with_name("same.tif"), path.with_name("mask.png")
    outcome = spiden("denoise", path, "-o", target, "-m", "tiny", "--strength", 0)
    assert outcome.code == 0, outcome.stderr
    assert np.array_equal(tifffile.imread(target), inks)
    left = np.zeros((48, 64), np.uint8)
    left[:, :32] = 255
    Image.fromarray(left).save(mask)
    outcome = spiden("denoise", path, "-o", target, "-m", "tiny", "--mask", mask, "--sigma", 15,
                     "--region", "8,0,56,40", "--overwrite")  # fmt: skip
    assert outcome.code == 0, outcome.stderr
    after = tifffile.imread(target)
    assert np.array_equal(after[:, 24:], inks[:40, 32:])
    assert not np.array_equal(after[:, :24, 3], inks[:40, 8:32, 3])


def test_any_kind_of_model_denoises_jpeg_into_jpeg(spiden, tmp_path, colour_pixels):
    rng = np.random.default_rng(0)
    inks = np.dstack([255 - colour_pixels, colour_pixels[..., 0] // 3])
    noisy = (inks + rng.normal(0, 20, inks.shape)).clip(0, 255).astype(np.uint8)
    Image.fromarray(noisy, "CMYK").save(tmp_path / "x.jpg", quality=95)
    for model in ("tiny", "base-colour"):
        outcome = spiden("denoise", tmp_path / "x.jpg", "-m", model, "--sigma", 20, "--json",
                         "--reference", tmp_path / "x.jpg", "--overwrite")  # fmt: skip
        assert outcome.code == 0, outcome.stderr
        assert json.loads(outcome.stdout)[0]["psnr"] > 15
        with Image.open(tmp_path / "x_denoised.jpg") as image:
            assert image.mode == "CMYK"
            after = np.asarray(image).astype(int)
        closer = np.abs(after - inks).mean((0, 1)) < 0.9 * np.abs(noisy - inks).mean((0, 1))
        assert closer.all(), model


def test_inks_cannot_be_independent_and_that_is_said(spiden, page_of_text):
    path, _ = page_of_text
    outcome = spiden("denoise", path, "-m", "tiny", "--channels", "independent", "--sigma", 15)
    assert outcome.code == 0, outcome.stderr
    assert "--channels independent has no effect" in outcome.stderr
