"""HEIC as phones and cameras write it: depth, transparency, words and colours."""

import io

import numpy as np
import pytest
from PIL import Image

from spiden_cli.core.files.picture_files import (
    check_output,
    losses,
    read_header,
    read_picture,
    write_picture,
)
from spiden_cli.core.image.picture import Picture, Range
from spiden_cli.errors import InputError, OutputError

pillow_heif = pytest.importorskip(
    "pillow_heif", reason="pillow-heif isn't installed: pip install 'spiden[heic]'"
)


@pytest.fixture
def smooth() -> np.ndarray:
    """(48, 64, 3) from 0 to 1, which compression hardly changes."""
    rows, columns = np.mgrid[0:1:48j, 0:1:64j]
    return np.dstack([rows, columns, (rows + columns) / 2])


def written(pixels: np.ndarray, **options) -> bytes:
    """A HEIC by pillow-heif; 16-bit pixels fill all bits."""
    buffer = io.BytesIO()
    mode = "RGB" if pixels.dtype == np.uint8 else "RGB;16"
    pillow_heif.encode(
        mode, pixels.shape[1::-1], np.ascontiguousarray(pixels).tobytes(), buffer, quality=95,
        **options,
    )  # fmt: skip
    return buffer.getvalue()


@pytest.mark.parametrize("bits", [8, 10, 12])
def test_each_depth_has_its_own_white(tmp_path, smooth, bits, monkeypatch):
    monkeypatch.setattr(pillow_heif.options, "SAVE_HDR_TO_12_BIT", bits == 12)
    full = np.rint(smooth * (255 if bits == 8 else 65535))
    (tmp_path / "x.heic").write_bytes(written(full.astype(np.uint8 if bits == 8 else np.uint16)))
    picture = read_picture(tmp_path / "x.heic")
    assert picture.levels == Range(0, 2**bits - 1)
    assert np.abs(picture.pixels / (2**bits - 1) - smooth).mean() < 0.01
    assert read_header(tmp_path / "x.heic")[:2] == (64, 48)


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("white", [255, 1023, 65535])
def test_a_picture_comes_back(tmp_path, smooth, white, colour, alpha):
    kind = np.uint8 if white == 255 else np.uint16
    full = 255 if white == 255 else 65535
    pixels = np.rint(smooth * white).astype(kind)
    seen = np.rint(smooth[..., 1] * full).astype(kind) if alpha else None
    before = Picture(
        pixels if colour else pixels[..., 0].copy(), seen,
        range=None if white == full else Range(0, white),
    )  # fmt: skip
    assert bool(losses("x.heic", before)) == (white == 65535)
    write_picture(tmp_path / "x.heic", before, quality=95)
    after = read_picture(tmp_path / "x.heic")
    assert after.pixels.shape == before.pixels.shape
    assert after.levels.white == min(white, 1023)
    difference = after.pixels / after.levels.white - before.pixels / white
    assert np.abs(difference).mean() < 0.01
    assert (after.alpha is not None) == alpha


def test_words_and_colours_are_kept(tmp_path, picture, camera_exif, srgb, smooth):
    pixels = np.rint(smooth * 255).astype(np.uint8)
    (tmp_path / "x.heic").write_bytes(
        written(pixels, exif=camera_exif.tobytes(), xmp=b"<x:xmpmeta/>", icc_profile=srgb)
    )
    before = read_picture(tmp_path / "x.heic")
    assert before.metadata.exif
    assert b"Kamera" in before.metadata.exif
    assert (before.metadata.xmp, before.icc_profile) == (b"<x:xmpmeta/>", srgb)
    write_picture(tmp_path / "y.heic", before)
    after = read_picture(tmp_path / "y.heic")
    assert after.metadata == before.metadata
    assert after.icc_profile == srgb


@pytest.mark.parametrize("codes", [(9, 16), (9, 18), (12, 13), (1, 13)])
def test_colours_in_code_points_are_kept_hdr_among_them(tmp_path, smooth, codes):
    options = dict(zip(("color_primaries", "transfer_characteristics"), codes, strict=True))
    if codes == (9, 16):
        options["content_light_level"] = {
            "max_content_light_level": 1000, "max_pic_average_light_level": 200,
        }  # fmt: skip
        options["mastering_display_colour_volume"] = {
            "display_primaries_x": (8500, 6550, 35400), "display_primaries_y": (39850, 2300, 14600),
            "white_point_x": 15635, "white_point_y": 16450,
            "max_display_mastering_luminance": 10_000_000, "min_display_mastering_luminance": 50,
        }  # fmt: skip
    content = written(np.rint(smooth * 65535).astype(np.uint16), **options, save_nclx_profile=True)
    (tmp_path / "x.heic").write_bytes(content)
    before = read_picture(tmp_path / "x.heic")
    assert before.colour_tags.cicp == (*codes, 0, 1)
    assert losses("y.heic", before) == ()
    write_picture(tmp_path / "y.heic", before, quality=100)
    write_picture(tmp_path / "y.png", before)
    write_picture(tmp_path / "z.heic", read_picture(tmp_path / "y.png"), quality=100)
    for name, most in (("y.heic", 1023), ("z.heic", 1023)):
        after = read_picture(tmp_path / name)
        assert after.colour_tags == before.colour_tags
        assert np.abs(after.pixels / most - before.pixels / 1023).mean() < 0.005
    first, again = (pillow_heif.open_heif(tmp_path / name) for name in ("x.heic", "z.heic"))
    for key in set(options) & set(first.info):
        assert again.info[key] == first.info[key]


def test_ten_bits_stay_ten_and_twelve_twelve(tmp_path, smooth, monkeypatch):
    for bits in (12, 10):
        monkeypatch.setattr(pillow_heif.options, "SAVE_HDR_TO_12_BIT", bits == 12)
        (tmp_path / "x.heic").write_bytes(written(np.rint(smooth * 65535).astype(np.uint16)))
        monkeypatch.setattr(pillow_heif.options, "SAVE_HDR_TO_12_BIT", False)
        before = read_picture(tmp_path / "x.heic")
        assert losses("y.heic", before) == ()
        write_picture(tmp_path / "y.heic", before, quality=100)
        after = read_picture(tmp_path / "y.heic")
        assert after.levels == before.levels == Range(0, 2**bits - 1)
        assert np.abs(after.pixels - before.pixels.astype(float)).mean() < 3
    assert pillow_heif.options.SAVE_HDR_TO_12_BIT is False


def test_a_turned_phone_is_turned_once(tmp_path, smooth):
    pillow = Image.fromarray(np.rint(smooth * 255).astype(np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    pillow_heif.from_pillow(pillow).save(tmp_path / "x.heic", exif=exif.tobytes(), quality=95)
    seen = pillow_heif.open_heif(tmp_path / "x.heic")
    assert read_picture(tmp_path / "x.heic").pixels.shape[1::-1] == seen.size


def test_damage_is_told(tmp_path, smooth):
    content = written(np.rint(smooth * 255).astype(np.uint8))
    (tmp_path / "x.heic").write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match="damaged"):
        read_picture(tmp_path / "x.heic")


def test_without_the_package_the_error_names_it(tmp_path, smooth, monkeypatch):
    (tmp_path / "x.heic").write_bytes(written(np.rint(smooth * 255).astype(np.uint8)))
    monkeypatch.setattr("spiden_cli.core.files.format._is_installed", lambda package: False)
    with pytest.raises(InputError, match=r"pip install 'spiden\[heic\]'"):
        read_picture(tmp_path / "x.heic")
    with pytest.raises(OutputError, match=r"pip install 'spiden\[heic\]'"):
        check_output(tmp_path / "y.heic")


@pytest.mark.parametrize("primary", [0, 1])
def test_the_primary_of_several_pictures_is_read_and_the_others_are_named(tmp_path, primary):
    shades = [Image.new("RGB", (32, 24), (shade,) * 3) for shade in (40, 200)]
    several = pillow_heif.from_pillow(shades[0])
    several.add_from_pillow(shades[1])
    several.save(tmp_path / "x.heic", primary_index=primary)
    picture = read_picture(tmp_path / "x.heic")
    assert abs(float(picture.pixels.mean()) - (40, 200)[primary]) < 3
    assert picture.lost == ("1 more picture(s) of the file aren't kept",)


def test_that_pixels_are_not_square_is_told(tmp_path, smooth):
    content = written(np.rint(smooth * 255).astype(np.uint8), pixel_aspect_ratio=(4, 3))
    (tmp_path / "x.heic").write_bytes(content)
    if "pixel_aspect_ratio" not in pillow_heif.open_heif(tmp_path / "x.heic").info:
        pytest.skip("this pillow-heif knows no pixels that aren't square")
    assert read_picture(tmp_path / "x.heic").lost == ("that its pixels aren't square isn't kept",)
