"""How much of a picture a lossy file may lose: as much as the file that it was read from."""

import imagecodecs
import numpy as np
import pytest
from PIL import Image, JpegImagePlugin

from spiden_cli.core.files.picture_files import read_picture, write_picture
from spiden_cli.core.image.picture import Picture
from spiden_cli.errors import InputError


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("quality", [30, 75, 97])
def test_jpeg_keeps_its_own_quality(tmp_path, colour_pixels, quality, subsampling, progressive):
    options = {"quality": quality, "subsampling": subsampling, "progressive": progressive}
    Image.fromarray(colour_pixels).save(tmp_path / "x.jpg", **options)
    write_picture(tmp_path / "y.jpg", read_picture(tmp_path / "x.jpg"))
    with Image.open(tmp_path / "x.jpg") as before, Image.open(tmp_path / "y.jpg") as after:
        assert after.quantization == before.quantization
        assert JpegImagePlugin.get_sampling(after) == subsampling
        assert bool(after.info.get("progressive")) == progressive


@pytest.mark.parametrize("subsampling", ["411", "440"])
def test_rare_subsampling_becomes_none_with_the_same_tables(tmp_path, colour_pixels, subsampling):
    encoded = imagecodecs.jpeg8_encode(colour_pixels, level=70, subsampling=subsampling)
    (tmp_path / "x.jpg").write_bytes(encoded)
    write_picture(tmp_path / "y.jpg", read_picture(tmp_path / "x.jpg"))
    with Image.open(tmp_path / "x.jpg") as before, Image.open(tmp_path / "y.jpg") as after:
        assert JpegImagePlugin.get_sampling(before) == -1
        assert JpegImagePlugin.get_sampling(after) == 0
        assert after.quantization == before.quantization


def test_a_jpeg_of_red_green_and_blue_stays_one(tmp_path, colour_pixels):
    Image.fromarray(colour_pixels).save(tmp_path / "x.jpg", quality=90, keep_rgb=True)
    before = read_picture(tmp_path / "x.jpg")
    write_picture(tmp_path / "y.jpg", before)
    with Image.open(tmp_path / "y.jpg") as after:
        assert after.info["adobe_transform"] == 0
    difference = read_picture(tmp_path / "y.jpg").pixels.astype(int) - before.pixels
    assert np.abs(difference).mean() < 4
    write_picture(tmp_path / "z.jpg", before, 80)  # a quality that is asked for is a common JPEG's
    with Image.open(tmp_path / "z.jpg") as after:
        assert "jfif" in after.info


def test_inks_stay_progressive(tmp_path, colour_pixels):
    Image.fromarray(colour_pixels).convert("CMYK").save(tmp_path / "x.jpg", progressive=True)
    write_picture(tmp_path / "y.jpg", read_picture(tmp_path / "x.jpg", inks=True))
    with Image.open(tmp_path / "y.jpg") as after:
        assert (after.mode, after.info.get("progressive")) == ("CMYK", 1)


def test_grey_jpeg_keeps_its_own_quality(tmp_path, grey_pixels):
    Image.fromarray(grey_pixels).save(tmp_path / "x.jpg", quality=60)
    write_picture(tmp_path / "y.jpg", read_picture(tmp_path / "x.jpg"))
    with Image.open(tmp_path / "x.jpg") as before, Image.open(tmp_path / "y.jpg") as after:
        assert after.quantization == before.quantization


@pytest.mark.parametrize("lossless", [False, True])
def test_webp_stays_lossless_or_lossy(tmp_path, colour_pixels, lossless):
    Image.fromarray(colour_pixels).save(tmp_path / "x.webp", lossless=lossless)
    before = read_picture(tmp_path / "x.webp")
    write_picture(tmp_path / "y.webp", before)
    assert (b"VP8L" in (tmp_path / "y.webp").read_bytes()) == lossless
    same = np.array_equal(read_picture(tmp_path / "y.webp").pixels, before.pixels)
    assert same == lossless


def test_quality_is_what_is_asked_for(tmp_path, colour_pixels):
    Image.fromarray(colour_pixels).save(tmp_path / "x.jpg", quality=97)
    picture = read_picture(tmp_path / "x.jpg")
    sizes = []
    for quality in (10, 50, 90, 100):
        write_picture(tmp_path / "y.jpg", picture, quality)
        sizes.append((tmp_path / "y.jpg").stat().st_size)
    assert sizes == sorted(sizes)
    Image.fromarray(colour_pixels).save(tmp_path / "z.jpg", quality=50)
    write_picture(tmp_path / "y.jpg", picture, 50)
    with Image.open(tmp_path / "z.jpg") as asked, Image.open(tmp_path / "y.jpg") as given:
        assert given.quantization == asked.quantization
    write_picture(tmp_path / "y.webp", picture, 50)
    assert b"VP8L" not in (tmp_path / "y.webp").read_bytes()


@pytest.mark.parametrize(("name", "quality"), [("y.jpg", 0), ("y.jpg", 101), ("y.png", 90)])
def test_impossible_quality_is_refused_before_the_work(tmp_path, colour_pixels, name, quality):
    with pytest.raises(InputError, match="quality"):
        write_picture(tmp_path / name, Picture(colour_pixels), quality)
    assert list(tmp_path.iterdir()) == []
