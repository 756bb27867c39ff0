"""AVIF, JPEG 2000, GIF, PNM and TGA: read in their own depth, written where that makes sense."""

import io
from pathlib import Path

import imagecodecs
import netpbmfile
import numpy as np
import pytest
from PIL import Image, features

from spiden_cli.core.files.formats import found_suffixes, suffix_of_result
from spiden_cli.core.files.picture_files import (
    losses,
    read_header,
    read_picture,
    suffix_by_content,
    write_picture,
)
from spiden_cli.core.files.stacks.targets import check_stack_target
from spiden_cli.core.image.picture import Picture, Range
from spiden_cli.errors import InputError, OutputError


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("suffix", [".jp2", ".ppm", ".pgm"])
def test_deep_formats_keep_every_bit(tmp_path, picture, suffix, depth, colour):
    before = picture(depth, colour=colour)
    assert losses(f"x{suffix}", before) == ()
    write_picture(tmp_path / f"x{suffix}", before)
    after = read_picture(tmp_path / f"x{suffix}")
    assert np.array_equal(after.pixels, before.pixels)
    assert after.pixels.dtype == before.pixels.dtype


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("suffix", [".tga", ".jp2"])
def test_transparency_is_kept(tmp_path, picture, suffix, colour):
    before = picture(alpha=True, colour=colour)
    write_picture(tmp_path / f"x{suffix}", before)
    after = read_picture(tmp_path / f"x{suffix}")
    assert np.array_equal(after.pixels, before.pixels)
    assert np.array_equal(after.alpha, before.alpha)


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("white", [1023, 4095, 65535])
def test_white_of_a_netpbm_file_is_its_own(tmp_path, picture, white, colour):
    pixels = np.rint(picture(16, colour=colour).pixels * (white / 65535)).astype(np.uint16)
    netpbmfile.imwrite(tmp_path / "x.pnm", pixels, maxval=white)
    before = read_picture(tmp_path / "x.pnm")
    assert (before.levels, before.told) == (Range(0, white), ())
    assert np.array_equal(before.pixels, pixels)
    write_picture(tmp_path / "y.pnm", before)
    with netpbmfile.NetpbmFile(tmp_path / "y.pnm") as file:
        assert file.maxval == white


def test_bitmap_is_black_where_it_has_ones(tmp_path, grey_pixels):
    Image.fromarray(grey_pixels > 128).save(tmp_path / "x.pbm")
    expected = np.where(grey_pixels > 128, 255, 0)
    assert np.array_equal(read_picture(tmp_path / "x.pbm").pixels, expected)


@pytest.mark.parametrize("order", "<>")
def test_floats_of_netpbm_are_measurements_and_upright(tmp_path, colour_pixels, order):
    path, scale = tmp_path / "x.pfm", b"-1.0" if order == "<" else b"1.0"
    height, width, _ = colour_pixels.shape
    floats = colour_pixels.astype(np.float32) / 300 - 0.1
    for magic, values in ((b"PF", floats), (b"Pf", floats[..., 1])):
        head = b"%s\n%d %d\n%s\n" % (magic, width, height, scale)
        path.write_bytes(head + values[::-1].astype(f"{order}f4").tobytes())
        if magic == b"Pf":  # the one kind that Pillow knows
            assert np.array_equal(np.asarray(Image.open(path)), values)
        picture = read_picture(path)
        assert picture.measured.dtype == np.float32
        assert np.array_equal(picture.measured, values)
        assert losses("x.tiff", picture) == losses("x.pfm", picture) == ()
        assert read_header(path) == (width, height, magic == b"PF")
        write_picture(tmp_path / "y.pfm", picture)
        if order == "<":
            assert (tmp_path / "y.pfm").read_bytes() == path.read_bytes()
        else:
            assert np.array_equal(read_picture(tmp_path / "y.pfm").measured, values)
    assert suffix_of_result(path) == suffix_by_content(path) == ".pfm"


def test_whole_numbers_become_floats_from_0_to_1_in_pfm(tmp_path, colour_pixels):
    path = tmp_path / "x.pfm"
    for pixels in (colour_pixels, colour_pixels.astype(np.uint16) * 257):
        write_picture(path, Picture(pixels))
        assert losses(path, Picture(pixels)) == ()
        with netpbmfile.NetpbmFile(path) as file:
            expected = colour_pixels.astype(np.float32) / np.float32(255)
            np.testing.assert_allclose(file.asarray()[::-1], expected, atol=1e-7)
    grey = Picture(colour_pixels[..., 0].astype(np.uint16), range=Range(0.0, 1023.0))
    write_picture(path, grey)
    np.testing.assert_allclose(np.asarray(Image.open(path)), grey.pixels / 1023, atol=1e-7)
    doubles = colour_pixels[..., 0] / 3
    np.save(tmp_path / "x.npy", doubles)
    assert "float64 values are rounded" in losses(path, read_picture(tmp_path / "x.npy"))[0]
    with pytest.raises(OutputError, match="a stack goes to one of"):
        check_stack_target(path, "TIFF")


def test_gif_is_read_and_an_animation_refused(tmp_path, colour_pixels):
    image = Image.fromarray(colour_pixels).quantize(64)
    image.save(tmp_path / "x.gif", comment=b"a drawing")
    after = read_picture(tmp_path / "x.gif")
    assert np.array_equal(after.pixels, np.asarray(image.convert("RGB")))
    assert after.metadata.comment == "a drawing"
    image.save(tmp_path / "y.gif", save_all=True, append_images=[image.rotate(180)])
    with pytest.raises(InputError, match="an animation of 2 frames"):
        read_picture(tmp_path / "y.gif")


@pytest.mark.skipif(not features.check_module("avif"), reason="this Pillow has no AVIF")
def test_avif_is_close_and_keeps_its_words(tmp_path, colour_pixels, camera_exif, srgb):
    pixels = np.tile(colour_pixels, (2, 2, 1))
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", exif=camera_exif, icc_profile=srgb, quality=95)
    (tmp_path / "x.jpg").write_bytes(buffer.getvalue())
    before = read_picture(tmp_path / "x.jpg")
    assert losses("y.avif", before) == ()
    write_picture(tmp_path / "y.avif", before)
    after = read_picture(tmp_path / "y.avif")
    assert np.abs(after.pixels.astype(int) - before.pixels).mean() < 4
    assert after.icc_profile == srgb
    assert b"Kamera" in after.metadata.exif


@pytest.mark.parametrize("suffix", [".jp2", ".ppm"])
def test_cut_off_files_are_refused(tmp_path, picture, suffix):
    write_picture(tmp_path / f"x{suffix}", Picture(np.tile(picture(16).pixels, (4, 4, 1))))
    content = (tmp_path / f"x{suffix}").read_bytes()
    for part in (0.01, 0.5):
        (tmp_path / f"cut{suffix}").write_bytes(content[: int(len(content) * part)])
        with pytest.raises(InputError):
            read_picture(tmp_path / f"cut{suffix}")


def test_a_rare_kind_of_jpeg_is_not_called_damaged(tmp_path, grey_pixels):
    path, deep = tmp_path / "x.jpg", grey_pixels.astype(np.uint16) * 16
    kinds = {
        "12-bit JPEG": imagecodecs.jpeg_encode(deep, bitspersample=12),
        "lossless JPEG": imagecodecs.ljpeg_encode(deep, bitspersample=12),
        "JPEG-LS": imagecodecs.jpegls_encode(grey_pixels),
    }
    for kind, content in kinds.items():
        words = b"\xff\xe1\xff\xff" + bytes(65_533)  # behind which its kind is told
        path.write_bytes(content[:2] + words + content[2:])
        with pytest.raises(InputError, match=f"{kind} can't be read; convert it"):
            read_picture(path)
    path.write_bytes(b"\xff\xd8\xff")
    with pytest.raises(InputError, match="or damaged"):
        read_picture(path)


@pytest.mark.parametrize(
    ("name", "becomes", "alpha"),
    [
        ("a.pbm", ".pgm", False), ("a.PAM", ".png", True), ("a.j2k", ".jp2", False),
        ("a.J2C", ".jp2", False), ("a.jpf", ".jp2", True),
    ],
)  # fmt: skip
def test_rarer_names_of_formats_that_are_read_are_found_too(
    tmp_path, picture, name, becomes, alpha
):
    pixels = picture(colour=not name.endswith("pbm")).pixels
    if name.endswith("pbm"):
        content = b"P4\n37 31\n" + np.packbits(pixels < 128, axis=1).tobytes()
        pixels = np.where(pixels < 128, 0, 255)
    elif name.endswith("PAM"):
        head = "P7\nWIDTH 37\nHEIGHT 31\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n"
        content = head.encode() + np.dstack([pixels, pixels[..., 0]]).tobytes()
    else:
        samples = np.dstack([pixels, pixels[..., 0]]) if alpha else pixels
        kind = "jp2" if alpha else "j2k"
        content = imagecodecs.jpeg2k_encode(samples, codecformat=kind, reversible=True)
    (tmp_path / name).write_bytes(content)
    assert Path(name).suffix.lower() in found_suffixes()
    assert suffix_of_result(Path(name)) == becomes
    before = read_picture(tmp_path / name)
    assert np.array_equal(before.pixels, pixels)
    assert (before.alpha is not None) == alpha
    assert losses(f"y{becomes}", before) == ()


@pytest.mark.parametrize("white", [300, 1000, 1023, 40_000])
def test_transparency_of_a_pam_fills_16_bits_whatever_its_white(tmp_path, white):
    samples = np.linspace(0, white, 16 * 16 * 4).astype(">u2").reshape(16, 16, 4)
    head = f"P7\nWIDTH 16\nHEIGHT 16\nDEPTH 4\nMAXVAL {white}\nTUPLTYPE RGB_ALPHA\nENDHDR\n"
    (tmp_path / "x.pam").write_bytes(head.encode() + samples.tobytes())
    picture = read_picture(tmp_path / "x.pam")
    assert np.abs(picture.alpha / 65535 - samples[..., 3] / white).max() <= 0.5 / 65535
    assert picture.levels == Range(0, white)
