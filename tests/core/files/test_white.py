"""The value of white: from the file, else from the pixels; kept when the picture is written."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

import spiden_cli as spiden
from spiden_cli.core.files.picture_files import read_picture, write_picture
from spiden_cli.core.files.white import white_range
from spiden_cli.core.image.picture import Picture, Range, with_white
from spiden_cli.errors import InputError

RAMP = np.linspace(0, 1, 20 * 30).reshape(20, 30)


def of_bits(bits: int) -> np.ndarray:
    return np.rint(RAMP * (2**bits - 1)).astype(np.uint16)


@pytest.mark.parametrize("bits", [8, 10, 12, 14])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_without_a_word_the_pixels_decide_and_the_note_says_so(tmp_path, bits, suffix):
    path = tmp_path / f"x{suffix}"
    write_picture(path, Picture(of_bits(bits)))
    picture = read_picture(path)
    assert picture.range == Range(0, 2**bits - 1)
    assert f"{bits} bits" in " ".join(picture.notes)
    assert "--white" in " ".join(picture.notes)
    np.testing.assert_array_equal(picture.pixels, of_bits(bits))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_full_range_needs_no_note(tmp_path, dtype):
    write_picture(tmp_path / "x.png", Picture((RAMP * np.iinfo(dtype).max).astype(dtype)))
    picture = read_picture(tmp_path / "x.png")
    assert picture.range.white == np.iinfo(dtype).max
    assert picture.notes == ()


@pytest.mark.parametrize("tag", [281, 341])
def test_a_tiff_that_says_its_white_is_believed(tmp_path, tag):
    path = tmp_path / "x.tif"
    dark = of_bits(12) // 4  # fills 10 bits
    tifffile.imwrite(path, dark, extratags=[(tag, 3, 1, 4095, True)], metadata=None)
    picture = read_picture(path)
    assert picture.range.white == 4095
    assert picture.notes == ()


def test_a_statement_that_the_pixels_exceed_is_not_believed(tmp_path):
    tifffile.imwrite(
        tmp_path / "x.tif", of_bits(14), extratags=[(281, 3, 1, 4095, True)], metadata=None
    )
    assert read_picture(tmp_path / "x.tif").range.white == 2**14 - 1


def test_significant_bits_of_ome_are_believed(tmp_path):
    tifffile.imwrite(
        tmp_path / "x.ome.tif", of_bits(8), metadata={"axes": "YX", "SignificantBits": 12}
    )
    assert read_picture(tmp_path / "x.ome.tif").range.white == 4095


@pytest.mark.parametrize("alpha", [False, True])
def test_white_goes_along_into_a_tiff(tmp_path, alpha):
    pixels = np.dstack([of_bits(10)] * 3)
    transparency = np.full((20, 30), 65535, np.uint16) if alpha else None
    write_picture(tmp_path / "x.tif", Picture(pixels, transparency, range=Range(0, 4095)))
    again = read_picture(tmp_path / "x.tif")
    assert again.range.white == 4095
    np.testing.assert_array_equal(again.pixels, pixels)


def test_eight_bit_formats_show_the_same_picture(tmp_path):
    write_picture(tmp_path / "x.bmp", Picture(of_bits(12), range=Range(0, 4095)))
    np.testing.assert_allclose(read_picture(tmp_path / "x.bmp").pixels, RAMP * 255, atol=0.53)


@pytest.mark.parametrize("white", [0, -5, 70000, float("nan"), float("inf")])
def test_a_white_that_can_not_be(white):
    with pytest.raises(InputError, match="white"):
        with_white(Picture(of_bits(16)), white)


def test_black_pixels_have_a_range():
    assert white_range(np.zeros((9, 9), np.uint16))[0] == Range(0, 255)


@pytest.mark.parametrize("bits", [10, 12])
def test_a_camera_of_fewer_bits_is_denoised_as_well(tmp_path, data_dir, bits):
    """Noise of 25/255 of its own range: the result is that of 16 bits."""
    with Image.open(data_dir / "set12" / "05.png") as image:
        clean = np.asarray(image) / 255
    noisy = clean + np.random.default_rng(0).normal(0, 25 / 255, clean.shape)
    model, found = spiden.load("tiny", threads=1), {}
    for depth in (bits, 16):
        path = tmp_path / f"{depth}.tif"
        peak = 2**depth - 1
        tifffile.imwrite(path, np.rint(noisy.clip(0, 1) * peak).astype(np.uint16), metadata=None)
        found[depth] = model.denoise(read_picture(path)).image.pixels / peak
    errors = {depth: np.mean((pixels - clean) ** 2) for depth, pixels in found.items()}
    assert abs(10 * np.log10(errors[bits] / errors[16])) < 0.1


ORIENTATIONS = [1, 3, 6, 8, 2, 4, 5, 7]
KINDS = list(product((8, 16), (False, True), (False, True), (None, "zlib", "lzw")))


@pytest.mark.parametrize(("depth", "colour", "alpha", "compression"), KINDS)
def test_every_tiff_is_upright(tmp_path, depth, colour, alpha, compression):
    """The product of depth, colour, alpha, compression and orientation."""
    generator = np.random.default_rng(depth)
    channels = (3 if colour else 1) + alpha
    dtype = np.uint8 if depth == 8 else np.uint16
    samples = generator.integers(0, np.iinfo(dtype).max, (12, 17, channels), dtype, endpoint=True)
    scene = samples if channels > 1 else samples[..., 0]
    for orientation in ORIENTATIONS:
        path = tmp_path / f"{orientation}.tif"
        stored = _stored(scene, orientation)
        if compression == "lzw":
            if not _write_with_pillow(path, stored, orientation):
                pytest.skip("Pillow writes no such TIFF")
        else:
            tifffile.imwrite(
                path, stored, compression=compression, metadata=None,
                photometric="rgb" if colour else "minisblack",
                planarconfig="contig" if channels > 1 else None,
                extrasamples=["unassalpha"] if alpha else None,
                extratags=[(274, 3, 1, orientation, True)],
            )  # fmt: skip
        picture = read_picture(path)
        expected = samples[..., : channels - alpha]
        np.testing.assert_array_equal(np.squeeze(picture.pixels), np.squeeze(expected))
        if alpha:
            np.testing.assert_array_equal(picture.alpha, samples[..., -1])
        write_picture(tmp_path / "out.tif", picture)
        with tifffile.TiffFile(tmp_path / "out.tif") as written:
            tag = written.pages.first.tags.get("Orientation")
            assert tag is None or tag.value == 1
        np.testing.assert_array_equal(read_picture(tmp_path / "out.tif").pixels, picture.pixels)


def _stored(scene: np.ndarray, orientation: int) -> np.ndarray:
    """Return the rows and columns of a file of that orientation that shows the scene."""
    turns = {
        1: lambda a: a, 2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1], 4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1), 6: lambda a: a[:, ::-1].swapaxes(0, 1),
        7: lambda a: a[::-1, ::-1].swapaxes(0, 1), 8: lambda a: a[::-1].swapaxes(0, 1),
    }  # fmt: skip
    return np.ascontiguousarray(turns[orientation](scene))


def _write_with_pillow(path: Path, stored: np.ndarray, orientation: int) -> bool:
    if stored.dtype == np.uint16 and stored.ndim == 3:
        return False
    deep = stored.dtype == np.uint16
    image = Image.frombytes("I;16", stored.shape[::-1], stored.tobytes()) if deep else None
    image = image or Image.fromarray(stored)
    image.save(path, compression="tiff_lzw", tiffinfo={274: orientation})
    return True
