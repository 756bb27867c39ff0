"""Lab in TIFF, against Little CMS and the definition of sRGB."""

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from spiden_cli.core.files.picture_files import read_picture


@pytest.fixture(scope="session")
def lab(colour_pixels) -> np.ndarray:
    """(31, 37, 3) uint8, L*, a* and b*, the latter signed."""
    spaces = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    return np.asarray(
        ImageCms.profileToProfile(Image.fromarray(colour_pixels), *spaces, outputMode="LAB")
    )


def written(path, samples, photometric):
    tifffile.imwrite(path, samples, photometric=photometric, metadata=None, compression="lzw")
    return read_picture(path)


def test_every_kind_of_lab_is_the_same_picture(tmp_path, lab, colour_pixels):
    offset = lab ^ np.array([0, 128, 128], np.uint8)
    deep = lab.astype(np.uint16) * np.array([257, 256, 256], np.uint16)
    deep_offset = offset.astype(np.uint16) * np.array([257, 256, 256], np.uint16)
    for samples, kind in (
        (lab, "cielab"), (offset, "icclab"), (deep, "cielab"), (deep_offset, "icclab"),
    ):  # fmt: skip
        after = written(tmp_path / "x.tif", samples, kind)
        assert after.notes == ("Lab was converted to RGB of 16 bits",)
        assert (after.depth, after.peak) == (16, 65535)
        assert np.abs(after.pixels / 257 - colour_pixels).mean() < 1, (kind, samples.dtype)
        assert np.abs(after.pixels / 257 - colour_pixels).max() < 5, (kind, samples.dtype)


def test_black_and_white_are_those_of_rgb_and_transparency_stays(tmp_path):
    samples = np.zeros((16, 16, 4), np.uint8)
    samples[:8, :, 0], samples[..., 3] = 255, 200
    tifffile.imwrite(tmp_path / "x.tif", samples, photometric="cielab", extrasamples=["unassalpha"])
    after = read_picture(tmp_path / "x.tif")
    assert np.abs(after.pixels[:8].astype(int) - 65535).max() < 30
    assert after.pixels[8:].max() == 0
    assert (after.alpha == 200 * 257).all()


def test_a_dark_one_is_not_taken_for_fewer_bits(tmp_path):
    samples = np.zeros((16, 16, 3), np.uint16)
    samples[..., 0] = np.linspace(0, 600, 256).reshape(16, 16)
    assert written(tmp_path / "x.tif", samples, "cielab").peak == 65535
