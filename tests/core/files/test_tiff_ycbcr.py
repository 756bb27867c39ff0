"""TIFF of luma and chroma: whatever the compression, the subsampling and the version of Pillow."""

import io
from itertools import product

import numpy as np
import pytest
from PIL import Image
from tiff_files import ycbcr_tiff

from spiden_cli.core.files.picture_files import read_picture
from spiden_cli.errors import InputError


@pytest.fixture
def codes(colour_pixels) -> np.ndarray:
    """(31, 37, 3): sides that no unit divides."""
    return np.asarray(Image.fromarray(colour_pixels[:31, :37]).convert("YCbCr"))


def repeated(codes: np.ndarray, across: int, down: int) -> np.ndarray:
    chroma = codes[::down, ::across, 1:].repeat(down, 0).repeat(across, 1)
    return np.dstack([codes[..., 0], chroma[: codes.shape[0], : codes.shape[1]]])


def test_every_layout_is_what_was_stored(tmp_path, codes):
    path = tmp_path / "x.tif"
    for (across, down), deflate, tile in product(
        [(1, 1), (2, 1), (2, 2), (1, 2), (4, 1), (4, 4)], (False, True), (0, 16)
    ):
        path.write_bytes(ycbcr_tiff(codes, across, down, deflate, tile=tile))
        expected = Image.fromarray(repeated(codes, across, down), "YCbCr").convert("RGB")
        difference = np.abs(read_picture(path).pixels.astype(int) - np.asarray(expected))
        assert difference.max() <= 1, (across, down, deflate, tile)


def test_libtiff_reads_the_same(tmp_path, codes):
    for across, down in [(1, 1), (2, 1), (2, 2), (4, 2)]:
        content = ycbcr_tiff(codes, across, down, deflate=True)
        (tmp_path / "x.tif").write_bytes(content)
        with Image.open(io.BytesIO(content)) as image:
            expected = np.asarray(image.convert("RGB")).astype(int)
        after = read_picture(tmp_path / "x.tif").pixels
        assert np.abs(after - expected).max() <= 2, (across, down)


def test_levels_of_video_are_heeded(tmp_path):
    codes = np.zeros((16, 16, 3), np.uint8) + np.array([16, 128, 128], np.uint8)
    codes[:8, :, 0] = 235
    (tmp_path / "x.tif").write_bytes(ycbcr_tiff(codes, 2, 2, levels=(16, 235, 128, 240, 128, 240)))
    after = read_picture(tmp_path / "x.tif").pixels
    assert (after[:8] == 255).all()
    assert (after[8:] == 0).all()


def test_a_part_that_ends_early_is_refused(tmp_path, codes):
    for tile, deflate in product((0, 16), (False, True)):
        content = bytearray(ycbcr_tiff(codes, 2, 2, deflate, tile=tile))
        counts = content.index((325 if tile else 279).to_bytes(2, "little") + b"\4\0")
        place = int.from_bytes(content[counts + 8 : counts + 12], "little")
        content[place] //= 2  # of the first part
        (tmp_path / "x.tif").write_bytes(content)
        with pytest.raises(InputError):
            read_picture(tmp_path / "x.tif")
