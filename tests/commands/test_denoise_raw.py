"""`spiden denoise` on camera raw: developed, its noise taken from the mosaic."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from spiden_cli.core.files.picture_files import read_picture
from spiden_cli.core.tasks.raw_noise import estimate_raw_noise

pytest.importorskip("rawpy", reason="rawpy isn't installed: pip install 'spiden[raw]'")

HELPER = Path(__file__).parents[1] / "core" / "files" / "raw_files.py"


@pytest.fixture
def noisy_dng(tmp_path):
    spec = importlib.util.spec_from_file_location("raw_files", HELPER)
    raw_files = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(raw_files)
    scene = np.broadcast_to(np.linspace(0.1, 0.5, 160)[None, :, None], (128, 160, 3))
    path = tmp_path / "IMG_1.DNG"
    raw_files.write_dng(path, raw_files.mosaic_of(scene, shot=2e-3, read=2e-5), preview=True)
    raw_files.write_dng(tmp_path / "clean.dng", raw_files.mosaic_of(scene))
    return path


def test_a_raw_file_becomes_a_tiff_of_16_bits(spiden, noisy_dng, small_weights):
    outcome = spiden("denoise", noisy_dng, "-m", small_weights, "--json")
    assert outcome.code == 0, outcome.stderr
    (record,) = json.loads(outcome.stdout)
    target = noisy_dng.with_name("IMG_1_denoised.tiff")
    assert record["output"] == str(target)
    assert (record["depth"], record["noise"], record["sigma_estimated"]) == (16, "Coarse", True)
    assert read_picture(target).pixels.shape == (128, 160, 3)


def test_the_noise_of_the_mosaic_is_that_of_the_developed_picture(noisy_dng):
    noisy, clean = (read_picture(path).pixels / 257 for path in sorted(noisy_dng.parent.iterdir()))
    true = np.sqrt(np.mean((noisy - clean)[8:-8, 8:-8] ** 2))
    estimate = estimate_raw_noise(noisy_dng)
    assert not estimate.is_white
    assert estimate.level == pytest.approx(true, rel=0.25)
