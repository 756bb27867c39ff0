"""JPEG XL: every bit, EXIF and XMP in its boxes, and the profile where a plugin reads it."""

import sys

import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spiden_cli.core.files import jpegxl_format
from spiden_cli.core.files.exif import true_of_upright
from spiden_cli.core.files.picture_files import losses, read_picture, write_picture
from spiden_cli.core.image.metadata import Metadata
from spiden_cli.core.image.picture import Picture, Range
from spiden_cli.errors import InputError


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("depth", [8, 16])
def test_every_bit_comes_back(tmp_path, picture, depth, colour, alpha):
    before = picture(depth, colour=colour, alpha=alpha)
    assert losses("x.jxl", before) == ()
    write_picture(tmp_path / "x.jxl", before)
    after = read_picture(tmp_path / "x.jxl")
    assert after.pixels.dtype == before.pixels.dtype
    assert np.array_equal(after.pixels, before.pixels)
    assert not alpha or np.array_equal(after.alpha, before.alpha)


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_fewer_bits_than_16(tmp_path, picture, bits):
    before = Picture(picture(16).pixels >> (16 - bits), range=Range(0, 2**bits - 1))
    write_picture(tmp_path / "x.jxl", before)
    after = read_picture(tmp_path / "x.jxl")
    assert np.array_equal(after.pixels, before.pixels)
    assert after.levels == before.levels


@pytest.mark.parametrize("quality", [None, 80])
def test_words_are_kept(tmp_path, picture, camera_exif, quality):
    _, block = true_of_upright(camera_exif.tobytes())
    words = Metadata(exif=block, xmp=b"<x:xmpmeta/>")
    write_picture(tmp_path / "x.jxl", Picture(picture().pixels, metadata=words), quality=quality)
    assert read_picture(tmp_path / "x.jxl").metadata == words
    assert imagecodecs.jpegxl_decode((tmp_path / "x.jxl").read_bytes()).shape == (31, 37, 3)


def test_packed_words_are_read(tmp_path, picture):
    write_picture(tmp_path / "x.jxl", Picture(picture().pixels, metadata=Metadata(xmp=b"<x/>")))
    plain = (tmp_path / "x.jxl").read_bytes()
    packed = b"brob" + b"xml " + imagecodecs.brotli_encode(b"<x:xmpmeta/>")
    box = (len(packed) + 4).to_bytes(4, "big") + packed
    (tmp_path / "x.jxl").write_bytes(plain[: plain.index(b"xml ") - 4] + box)
    assert read_picture(tmp_path / "x.jxl").metadata.xmp == b"<x:xmpmeta/>"


def test_the_profile_needs_a_plugin_and_a_note_says_so(tmp_path, picture, monkeypatch):
    write_picture(tmp_path / "x.jxl", picture())
    monkeypatch.setitem(sys.modules, "pillow_jxl", None)
    (note,) = read_picture(tmp_path / "x.jxl").notes
    assert "taken for sRGB" in note
    assert "spiden[jxl]" in note


def test_srgb_is_no_profile_with_the_plugin(tmp_path, picture):
    pytest.importorskip("pillow_jxl", reason="pillow-jxl-plugin isn't installed")
    write_picture(tmp_path / "x.jxl", picture())
    after = read_picture(tmp_path / "x.jxl")
    assert (after.icc_profile, after.told) == (None, ())


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 70), st.integers(1, 700))
def test_the_size_is_known_before_anything_is_decoded(height, width):
    stream = bytes(imagecodecs.jpegxl_encode(np.zeros((height, width), np.uint8)))
    assert jpegxl_format._size(stream) == (width, height)


@pytest.mark.parametrize("keep", [1 / 3, 2 / 3])
def test_damage_is_told(tmp_path, picture, keep):
    write_picture(tmp_path / "x.jxl", picture())
    content = (tmp_path / "x.jxl").read_bytes()
    (tmp_path / "x.jxl").write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(InputError, match=r"x\.jxl"):
        read_picture(tmp_path / "x.jxl")


def test_floats_are_refused(tmp_path):
    stream = imagecodecs.jpegxl_encode(np.zeros((20, 20), np.float32))
    (tmp_path / "x.jxl").write_bytes(bytes(stream))
    with pytest.raises(InputError, match="float32 pixels"):
        read_picture(tmp_path / "x.jxl")
