"""The white level of 16-bit files: what they state, what their pixels need, and what is kept."""

import struct
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile

from spiden_cli.core.files import white_level
from spiden_cli.core.files.picture_files import losses, read_picture, write_picture
from spiden_cli.core.image.picture import Picture, Range, with_white

CASES = Path(__file__).resolve().parents[4] / "shared" / "cases"


def deep(grey_pixels: np.ndarray, bits: int) -> np.ndarray:
    """The grey picture as whole values of `bits` bits in uint16, white included."""
    return np.rint(grey_pixels * ((2**bits - 1) / grey_pixels.max())).astype(np.uint16)


def case(name: str) -> Path:
    path = CASES / name
    if not path.is_file():
        pytest.skip(f"no {path}")
    return path


@pytest.mark.parametrize(("bits", "white"), [(8, 255), (9, 1023), (10, 1023), (12, 4095)])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_unstated_white_is_what_the_pixels_need(tmp_path, grey_pixels, suffix, bits, white):
    pixels = deep(grey_pixels, bits)
    write_picture(tmp_path / f"x{suffix}", Picture(pixels))
    after = read_picture(tmp_path / f"x{suffix}")
    assert after.range == Range(0, white)
    assert (after.notes, after.told) == ((), (after.white_guess,))
    assert f"white is taken to be {white}" in after.white_guess
    assert "--white" in after.white_guess


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_full_and_8_bit_pictures_have_the_full_range_without_a_note(tmp_path, grey_pixels, suffix):
    for pixels, white in ((deep(grey_pixels, 16), 65535), (grey_pixels // 4, 255)):
        write_picture(tmp_path / f"x{suffix}", Picture(pixels))
        after = read_picture(tmp_path / f"x{suffix}")
        assert (after.range, after.levels, after.told) == (None, Range(0, white), ())


def test_alpha_takes_no_part(tmp_path, grey_pixels):
    alpha = np.full(grey_pixels.shape, 65535, np.uint16)
    write_picture(tmp_path / "x.png", Picture(deep(grey_pixels, 12), alpha))
    after = read_picture(tmp_path / "x.png")
    assert after.peak == 4095
    assert after.alpha.min() == 65535


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ([(281, "H", 1, 16000, True)], Range(0, 16000)),
        ([(280, "H", 1, 20, True), (281, "H", 1, 16000, True)], Range(20, 16000)),
        ([(280, "H", 1, 3000, True), (281, "H", 1, 16000, True)], Range(0, 16000)),  # pixels below
        ([(341, "f", 1, 5000.5, True)], Range(0, 5000.5)),
        ([(281, "H", 1, 65535, True)], Range(0, 65535)),
        ([(281, "H", 1, 16000, True), (341, "H", 1, 5000, True)], Range(0, 16000)),
    ],
)
def test_tiff_states_its_levels(tmp_path, grey_pixels, tags, expected):
    tifffile.imwrite(tmp_path / "x.tif", deep(grey_pixels, 12), metadata=None, extratags=tags)
    after = read_picture(tmp_path / "x.tif")
    assert (after.range, after.told) == (expected, ())


@pytest.mark.parametrize(
    "tag",
    [
        (281, "H", 1, 0, True),
        (341, "d", 1, float("nan"), True),
        (341, "d", 1, float("inf"), True),
        (341, "d", 1, -5.0, True),
        (281, "s", 0, "white", True),
    ],
)
def test_nonsense_in_the_tags_is_no_statement(tmp_path, grey_pixels, tag):
    tifffile.imwrite(tmp_path / "x.tif", deep(grey_pixels, 12), metadata=None, extratags=[tag])
    assert read_picture(tmp_path / "x.tif").range == Range(0, 4095)


def test_level_that_the_pixels_contradict_is_not_believed(tmp_path, grey_pixels):
    for white in (1000, 4000):
        tags = [(281, "H", 1, white, True)]
        tifffile.imwrite(tmp_path / "x.tif", deep(grey_pixels, 12), metadata=None, extratags=tags)
        after = read_picture(tmp_path / "x.tif")
        assert after.range == Range(0, 4095)
        assert f"white as {white}, which its pixels of up to 4095 contradict" in after.notes[0]


def test_white_beyond_the_type_is_not_believed(tmp_path, grey_pixels):
    tags = [(341, "d", 1, 1e9, True)]
    tifffile.imwrite(tmp_path / "x.tif", deep(grey_pixels, 16), metadata=None, extratags=tags)
    assert read_picture(tmp_path / "x.tif").range is None


def test_levels_of_alpha_are_not_those_of_the_colours(tmp_path, picture):
    before = picture(16, alpha=True)
    before = replace(before, pixels=before.pixels // 32, range=Range(0, 4000))
    write_picture(tmp_path / "x.tif", before)
    with tifffile.TiffFile(tmp_path / "x.tif") as tiff:
        assert tiff.pages.first.tags[281].value == (4000, 4000, 4000, 65535)
    after = read_picture(tmp_path / "x.tif")
    assert after.range == Range(0, 4000)
    assert np.array_equal(after.alpha, before.alpha)


def test_ome_xml_states_its_bits_and_keeps_them(tmp_path, grey_pixels):
    pixels = deep(grey_pixels, 10)
    tifffile.imwrite(tmp_path / "x.ome.tif", pixels, metadata={"SignificantBits": 12})
    before = read_picture(tmp_path / "x.ome.tif")
    assert (before.range, before.told) == (Range(0, 4095), ())
    write_picture(tmp_path / "y.tif", before)
    after = read_picture(tmp_path / "y.tif")
    assert 'SignificantBits="12"' in after.metadata.description
    assert after.range == Range(0, 4095)


@pytest.mark.parametrize("part", ["<Pixels ", '<Pixels SignificantBits="', "<a:", "<Pixels a=b "])
def test_a_hostile_description_costs_no_more_than_its_length(part):
    assert white_level._ome_bits(part * 200_000) is None  # quadratic: hours


def with_significant_bits(path: Path, *bits: int) -> None:
    content = path.read_bytes()
    body = b"sBIT" + bytes(bits)
    chunk = struct.pack(">I", len(bits)) + body + struct.pack(">I", zlib.crc32(body))
    path.write_bytes(content[:33] + chunk + content[33:])


def test_png_states_its_bits(tmp_path, grey_pixels):
    write_picture(tmp_path / "x.png", Picture(deep(grey_pixels, 10)))
    with_significant_bits(tmp_path / "x.png", 12)
    after = read_picture(tmp_path / "x.png")
    assert (after.range, after.told) == (Range(0, 4095), ())


def test_png_scaled_as_the_specification_says_has_the_full_range(tmp_path, grey_pixels):
    pixels = deep(grey_pixels // 4, 12) // 4 * 16  # a dark picture of 12 bits, shifted up
    write_picture(tmp_path / "x.png", Picture(pixels))
    with_significant_bits(tmp_path / "x.png", 12)
    after = read_picture(tmp_path / "x.png")
    assert (after.range, after.told) == (Range(0, 65535), ())


def test_pixels_keep_their_scale_and_tiff_their_levels(tmp_path, grey_pixels):
    before = Picture(deep(grey_pixels, 12), range=Range(16, 16000))
    for name in ("x.tif", "x.png"):
        write_picture(tmp_path / name, before)
        assert np.array_equal(read_picture(tmp_path / name).pixels, before.pixels)
    assert read_picture(tmp_path / "x.tif").range == before.range
    assert losses("x.tif", before) == ()
    assert losses("x.png", before) == ("PNG can't state the white level 16000",)
    assert losses("x.png", Picture(before.pixels, range=Range(0, 4095))) == ()


@pytest.mark.parametrize("suffix", [".bmp", ".webp"])
def test_8_bit_formats_hold_black_to_white(tmp_path, grey_pixels, suffix):
    before = Picture(deep(grey_pixels, 12), range=Range(0, 4095))
    assert "values from 0 to 4095 are scaled to 0 to 255" in losses(f"x{suffix}", before)[0]
    write_picture(tmp_path / f"x{suffix}", before)
    after = read_picture(tmp_path / f"x{suffix}").pixels
    after = after if after.ndim == 2 else after[..., 0]
    assert np.array_equal(after, np.rint(before.pixels / 4095 * 255))


@pytest.mark.parametrize("black", [0, 20])
def test_white_stored_as_0_is_turned_inside_the_range(tmp_path, grey_pixels, black):
    stored = deep(grey_pixels, 12)
    tags = [(280, "H", 1, 20, True), (281, "H", 1, 4095, True)] if black else []
    options = {"photometric": "miniswhite", "metadata": None, "extratags": tags}
    tifffile.imwrite(tmp_path / "x.tif", stored, **options)
    before = read_picture(tmp_path / "x.tif")
    assert before.range == Range(black, 4095)
    assert np.array_equal(before.pixels, black + 4095 - stored)
    write_picture(tmp_path / "y.tif", before)
    assert read_picture(tmp_path / "y.tif").range == before.range


def test_a_stated_white_goes_over_the_guess_and_survives(tmp_path, grey_pixels):
    tifffile.imwrite(tmp_path / "x.tif", deep(grey_pixels, 12), metadata=None)
    before = with_white(read_picture(tmp_path / "x.tif"), 65535)
    assert before.told == ()
    write_picture(tmp_path / "y.tif", before)
    after = read_picture(tmp_path / "y.tif")
    assert (after.peak, after.told) == (65535, ())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("science/camera_12bit_in_16.tif", Range(0, 4095)),
        ("science/camera_12bit_in_16_clean.tif", Range(0, 4095)),
        ("science/camera_12bit_offset.tif", Range(32768, 36863)),  # none below 32768
        ("science/ome_uuid_filename.ome.tif", None),  # it says 12 bits, and has 51873
        ("photographs/grey12bit.tif", Range(0, 4095)),  # packed in 12 bits
        ("photographs/16bit_holding_12bit.tif", Range(0, 16383)),  # noise up to 4868
    ],
)
def test_files_of_cameras(name, expected):
    assert read_picture(case(name)).range == expected
