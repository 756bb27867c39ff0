"""CMYK comes back as CMYK: the same inks, the same profile; and as RGB where it must."""

from itertools import product

import numpy as np
import pytest
import tifffile
from ink_profile import cmyk_profile
from PIL import Image

from spiden_cli.core.files.inks import amounts
from spiden_cli.core.files.losses import losses
from spiden_cli.core.files.orientation import upright
from spiden_cli.core.files.picture_files import read_picture, write_picture
from spiden_cli.core.image.picture import with_white
from spiden_cli.core.image.region import Region, cropped
from spiden_cli.errors import InputError


@pytest.fixture(scope="session")
def inks(colour_pixels) -> np.ndarray:
    """(31, 37, 4), uint8: how much of each ink, with black where all three would be."""
    colours = 255 - colour_pixels.astype(int)
    black = colours.min(axis=2, keepdims=True) * 3 // 4
    return np.dstack([colours - black, black]).astype(np.uint8)


def inks_of(picture) -> np.ndarray:
    return amounts(picture.pixels, picture.black_plate)


def deep(samples: np.ndarray) -> np.ndarray:
    return samples.astype(np.uint16) * 257 - (samples > 9) * samples[..., :1]


def test_every_tiff_gives_the_inks_that_were_stored_and_takes_them_back(tmp_path, inks):
    path, back = tmp_path / "x.tif", tmp_path / "y.tif"
    layouts = [{}, {"tile": (16, 16)}, {"planarconfig": "separate"}, {"byteorder": ">"}]
    for samples, compression, layout in product((inks, deep(inks)), (None, "zlib", "lzw"), layouts):
        stored = np.moveaxis(samples, 2, 0) if "planarconfig" in layout else samples
        tifffile.imwrite(
            path, stored, photometric="separated", compression=compression, metadata=None,
            extratags=[(274, "H", 1, 6, True)], iccprofile=cmyk_profile(), **layout,
        )  # fmt: skip
        picture = read_picture(path, inks=True)
        assert np.array_equal(inks_of(picture), upright(samples, 6)), (compression, layout)
        assert losses(back, picture) == ()
        write_picture(back, picture)
        with tifffile.TiffFile(back) as tiff:
            page = tiff.pages.first
            assert page.photometric == tifffile.PHOTOMETRIC.SEPARATED
            assert page.iccprofile == cmyk_profile()
            assert np.array_equal(page.asarray(), upright(samples, 6))


def test_tiff_with_transparency_and_with_jpeg_within(tmp_path, inks, colour_pixels):
    path = tmp_path / "x.tif"
    whole = np.dstack([inks, colour_pixels[..., 0]])
    tifffile.imwrite(path, whole, photometric="separated", extrasamples=["unassalpha"])
    picture = read_picture(path, inks=True)
    write_picture(path, picture)
    with tifffile.TiffFile(path) as tiff:
        assert tiff.pages.first.extrasamples == (tifffile.EXTRASAMPLE.UNASSALPHA,)
        assert np.array_equal(tiff.pages.first.asarray(), whole)
    with Image.fromarray(inks, "CMYK") as image:
        image.save(path, compression="jpeg", quality=100)
    with Image.open(path) as image:
        expected = np.asarray(image).astype(int)
    assert np.abs(inks_of(read_picture(path, inks=True)) - expected).max() <= 2
    assert np.abs(expected - inks).mean() < 4


def test_jpeg_stays_cmyk_with_its_profile_and_its_own_quantisation(tmp_path, inks):
    path, back = tmp_path / "x.jpg", tmp_path / "y.jpg"
    for quality in (60, 100):
        Image.fromarray(inks, "CMYK").save(
            path, quality=quality, icc_profile=cmyk_profile(), dpi=(300, 300)
        )
        with Image.open(path) as image:
            stored, tables = np.asarray(image).astype(int), image.quantization
        picture = read_picture(path, inks=True)
        assert np.array_equal(inks_of(picture), stored)
        write_picture(back, picture)
        with Image.open(back) as image:
            assert (image.mode, image.info["dpi"]) == ("CMYK", (300, 300))
            assert image.info["icc_profile"] == cmyk_profile()
            assert image.quantization[0] == tables[0]
            again = np.abs(np.asarray(image).astype(int) - stored)
        assert (np.percentile(again, 90) <= 1, again.max() <= 8) == (True, True)
    write_picture(tmp_path / "z.jpg", picture, quality=30)
    assert (tmp_path / "z.jpg").stat().st_size < back.stat().st_size


def test_where_it_must_be_rgb_the_profile_says_how(tmp_path, inks):
    path, deeper = tmp_path / "x.jpg", tmp_path / "x.tif"
    cyan = np.zeros((16, 16, 4), np.uint8) + np.array([200, 10, 10, 0], np.uint8)
    for samples, profile, expected in (
        (cyan, cmyk_profile(), (64, 201, 235)),
        (cyan, None, (55, 245, 245)),
        (cyan, b"damaged" * 30, (55, 245, 245)),
    ):
        image = Image.fromarray(samples, "CMYK")
        image.save(path, quality=100, icc_profile=profile)
        tifffile.imwrite(
            deeper, samples.astype(np.uint16) * 257, photometric="separated", iccprofile=profile
        )
        for file, scale in ((path, 1), (deeper, 257)):
            after = read_picture(file)
            assert (after.black_plate, after.icc_profile) == (None, None)
            assert "CMYK was converted to RGB" in after.notes
            assert np.abs(after.pixels[8, 8] / scale - expected).max() < 3, (file, profile)
        whole = read_picture(path, inks=True)
        for name in ("x.png", "x.webp", "x.jp2", "x.ppm"):
            assert "can't hold CMYK" in losses(tmp_path / name, whole)[0]
            write_picture(tmp_path / name, whole)
            written = read_picture(tmp_path / name).pixels
            assert np.array_equal(written, read_picture(path).pixels), name


def test_a_part_has_its_part_of_the_black(tmp_path, inks):
    tifffile.imwrite(tmp_path / "x.tif", inks, photometric="separated")
    picture = read_picture(tmp_path / "x.tif", inks=True)
    part = cropped(picture, Region(3, 5, 20, 10))
    assert np.array_equal(inks_of(part), inks[5:15, 3:23])
    with pytest.raises(InputError, match="white"):
        with_white(picture, 200)


def test_other_inks_are_refused(tmp_path, inks):
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, inks, photometric="separated", extratags=[(332, "H", 1, 2, True)])
    with pytest.raises(InputError, match="CMYK"):
        read_picture(path)


def test_jpeg_2000_in_inks_is_no_picture_with_transparency(tmp_path, inks):
    with Image.fromarray(inks, "CMYK") as image:
        image.save(tmp_path / "x.jp2")
        expected = np.asarray(image.convert("RGB")).astype(int)
    after = read_picture(tmp_path / "x.jp2")
    assert after.alpha is None
    assert np.abs(after.pixels - expected).max() <= 2


def test_inks_of_part_of_their_range_are_scaled_to_all_of_it(tmp_path, inks):
    path, back = tmp_path / "x.tif", tmp_path / "y.tif"
    for samples in (inks, deep(inks)):
        most, kind = np.iinfo(samples.dtype).max, "B" if samples.itemsize == 1 else "H"
        none, full = most // 16, most - most // 16
        narrow = np.rint(none + samples * ((full - none) / most)).astype(samples.dtype)
        each = (none, full) * 3 + (0, most)  # black of full range
        one_of_each = np.dstack([narrow[..., :3], samples[..., 3]])
        negative, as_stored = most - samples, (narrow, (7, 7))
        for stored, ends in ((narrow, (none, full)), (one_of_each, each), (negative, (most, 0))):
            tag = (336, kind, len(ends), ends, True)
            tifffile.imwrite(path, stored, photometric="separated", extratags=[tag])
            picture = read_picture(path, inks=True)
            assert "DotRange" in picture.notes[0]
            assert np.abs(inks_of(picture).astype(int) - samples).max() <= 1
            write_picture(back, picture)
            with tifffile.TiffFile(back) as written:
                assert 336 not in written.pages.first.tags
            assert np.array_equal(inks_of(read_picture(back, inks=True)), inks_of(picture))
        for stored, ends in (as_stored, (samples, (0, most)), (samples, (0, most, 1))):
            tag = (336, kind, len(ends), ends, True)
            tifffile.imwrite(path, stored, photometric="separated", extratags=[tag])
            picture = read_picture(path, inks=True)
            assert picture.told == ()
            assert np.array_equal(inks_of(picture), stored)


def test_inks_multiplied_by_transparency_are_divided_again(tmp_path, inks):
    path, alpha = tmp_path / "x.tif", np.full(inks.shape[:2], 51, np.uint8)
    multiplied = np.dstack([np.rint(inks * 0.2).astype(np.uint8), alpha])
    tifffile.imwrite(path, multiplied, photometric="separated", extrasamples=["assocalpha"])
    picture = read_picture(path, inks=True)
    assert np.abs(inks_of(picture).astype(int) - inks).max() <= 3
    assert np.array_equal(picture.alpha, alpha)
    assert "written straight" in picture.notes[0]
