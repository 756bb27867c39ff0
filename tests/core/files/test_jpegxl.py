"""JPEG XL: every bit, its colours, EXIF and XMP in boxes, the profile where a plugin reads it."""

import io
import sys
from dataclasses import replace

import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ImageCms

from spiden_cli.core.files import jpegxl_format
from spiden_cli.core.files.exif import true_of_upright
from spiden_cli.core.files.jpegxl_header import header_of
from spiden_cli.core.files.picture_files import losses, read_picture, write_picture
from spiden_cli.core.image.metadata import ColourTags, Metadata
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


@pytest.mark.parametrize("bits", [1, 8])
def test_deep_pixels_that_need_8_bits_at_most_keep_their_values(tmp_path, picture, bits):
    """The encoder refuses to be told of so few bits, of 16-bit samples."""
    before = Picture(picture(16).pixels >> (16 - bits), range=Range(0, 2**bits - 1))
    write_picture(tmp_path / "x.jxl", before)
    after = read_picture(tmp_path / "x.jxl")
    assert after.pixels.dtype == np.uint16
    assert np.array_equal(after.pixels, before.pixels)


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


def _described(path):
    """What libjxl calls the colours of a file, by way of another package than the one tested."""
    plugin = pytest.importorskip("pillow_jxl", reason="pillow-jxl-plugin isn't installed")
    profile = plugin.Decoder(num_threads=1)(path.read_bytes())[3]
    opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    return ImageCms.getProfileDescription(opened).strip()


@pytest.mark.parametrize("quality", [None, 95])
@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("depth", [8, 16])
def test_the_colours_are_said_to_be_srgb(tmp_path, picture, depth, colour, alpha, quality):
    before = picture(depth, colour=colour, alpha=alpha)
    path = tmp_path / "x.jxl"
    write_picture(path, before, quality=quality)
    assert _described(path) in {"sRGB", "RGB_D65_SRG_Rel_SRG", "Gra_D65_Rel_SRG"}
    after = read_picture(path)
    assert (after.colour_tags, after.icc_profile, after.told) == (None, None, ())
    assert np.array_equal(after.alpha, before.alpha) if alpha else after.alpha is None


@pytest.mark.parametrize("bits", [12, 16])
def test_loss_is_slight_in_16_bits_in_the_dark_too(tmp_path, bits):
    ramp = np.linspace(0, 2**bits - 1, 64 * 64).reshape(64, 64).astype(np.uint16)
    before = Picture(ramp, range=Range(0, 2**bits - 1))
    write_picture(tmp_path / "x.jxl", before, quality=95)
    decoded = imagecodecs.jpegxl_decode((tmp_path / "x.jxl").read_bytes()) / 65535
    assert np.abs(decoded - ramp / (2**bits - 1)).max() < 0.02


def test_linear_light_is_told_and_stays(tmp_path):
    ramp = np.linspace(0, 65535, 32 * 32).reshape(32, 32).astype(np.uint16)
    pixels = np.stack([ramp, ramp.T, ramp[::-1]], axis=2)
    (tmp_path / "x.jxl").write_bytes(imagecodecs.jpegxl_encode(pixels, lossless=True))
    assert _described(tmp_path / "x.jxl") == "RGB_D65_SRG_Rel_Lin"
    linear = read_picture(tmp_path / "x.jxl")
    assert linear.colour_tags == ColourTags(cicp=(1, 8, 0, 1))
    assert losses("y.jxl", linear) == ()
    write_picture(tmp_path / "y.jxl", linear)
    assert _described(tmp_path / "y.jxl") == "RGB_D65_SRG_Rel_Lin"
    assert np.array_equal(read_picture(tmp_path / "y.jxl").pixels, pixels)


def test_the_profile_needs_a_plugin_and_a_note_says_so(tmp_path, picture, monkeypatch):
    write_picture(tmp_path / "x.jxl", picture())

    def with_profile(stream):  # nothing here writes one
        return replace(header_of(stream), colours=None)

    monkeypatch.setattr(jpegxl_format, "header_of", with_profile)
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
    assert (header_of(stream).width, header_of(stream).height) == (width, height)


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
