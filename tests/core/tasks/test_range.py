"""A picture is denoised by its own range, however few of its 16 bits it uses."""

import numpy as np
import pytest
import torch

import spiden_cli as spiden
from spiden_cli.core.bundled import sample_picture
from spiden_cli.core.files.picture_files import read_picture, write_picture
from spiden_cli.core.image.metrics import psnr
from spiden_cli.core.image.picture import Picture, Range
from spiden_cli.core.image.pixels import to_grey, to_pixels, to_unit
from spiden_cli.core.noise.synthesis import add_gaussian_noise


@pytest.fixture(scope="module")
def model() -> spiden.Model:
    return spiden.load("base", engine="dense")


@pytest.mark.parametrize("sigma", [25.0, None])
def test_12_and_10_bits_in_a_16_bit_file_are_denoised_like_16(model, tmp_path, sigma):
    clean = to_grey(to_unit(read_picture(sample_picture()).pixels))[:, :128, :128]
    noisy = add_gaussian_noise(torch.from_numpy(clean), 25.0, seed=0).numpy()
    scores = {}
    for bits in (16, 12, 10):
        range = Range(0, 2**bits - 1)
        target, pixels = (to_pixels(planes, np.uint16, range) for planes in (clean, noisy))
        write_picture(tmp_path / "x.png", Picture(pixels))
        picture = read_picture(tmp_path / "x.png")  # which finds the white level
        result = model.denoise(picture, sigma)
        assert result.image.levels == range
        assert result.noise.sigma == pytest.approx(25, abs=2)
        scores[bits] = psnr(result.image.pixels, target, range)
        assert scores[bits] > psnr(pixels, target, range) + 5
    assert scores[12] == pytest.approx(scores[16], abs=0.1)
    assert scores[10] == pytest.approx(scores[16], abs=0.1)
