"""Pictures through files: nothing is lost silently, and what is lost is announced."""

import struct
from dataclasses import replace
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image, ImageOps
from tiff_files import lzw_tiff

from spiden_cli.core.files.finding import find_pictures
from spiden_cli.core.files.picture_files import (
    SUFFIXES,
    Picture,
    Resolution,
    losses,
    read_picture,
    stripped,
    supported_depth,
    write_picture,
)
from spiden_cli.core.image.metadata import Metadata
from spiden_cli.errors import InputError, OutputError

LOSSLESS = [".png", ".tif", ".bmp", ".webp"]


def same(first: np.ndarray | None, second: np.ndarray | None) -> bool:
    if first is None or second is None:
        return first is second
    return first.dtype == second.dtype and np.array_equal(first, second)


# --- round trips -------------------------------------------------------------------------------


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".TIFF"])
def test_png_and_tiff_keep_every_bit(tmp_path, picture, suffix, depth, colour, alpha):
    before = picture(depth, colour=colour, alpha=alpha)
    write_picture(tmp_path / f"x{suffix}", before)
    after = read_picture(tmp_path / f"x{suffix}")
    assert losses(tmp_path / f"x{suffix}", before) == ()
    assert same(after.pixels, before.pixels)
    assert same(after.alpha, before.alpha)
    assert after.told == ()


@pytest.mark.parametrize("suffix", LOSSLESS)
def test_lossless_formats_keep_8_bit_colour(tmp_path, picture, suffix):
    write_picture(tmp_path / f"x{suffix}", picture())
    assert same(read_picture(tmp_path / f"x{suffix}").pixels, picture().pixels)


def test_webp_keeps_alpha_and_the_colours_under_it(tmp_path, picture):
    before = picture(alpha=True)
    before = replace(before, alpha=np.where(before.alpha > 128, before.alpha, 0).astype(np.uint8))
    write_picture(tmp_path / "x.webp", before)
    after = read_picture(tmp_path / "x.webp")
    assert same(after.pixels, before.pixels)
    assert same(after.alpha, before.alpha)


@pytest.mark.parametrize("colour", [False, True])
def test_jpeg_is_close_and_not_subsampled(tmp_path, picture, colour):
    before = picture(colour=colour)
    write_picture(tmp_path / "x.jpg", before)
    after = read_picture(tmp_path / "x.jpg")
    assert after.pixels.shape == before.pixels.shape
    error = after.pixels.astype(float) - before.pixels
    assert np.sqrt(np.mean(error**2)) < 4
    with Image.open(tmp_path / "x.jpg") as image:
        assert image.layer[0][1:3] == (1, 1)  # luma sampled like chroma: 4:4:4


@pytest.mark.parametrize("colour", [False, True])
def test_16_bit_png_is_what_an_independent_decoder_reads(tmp_path, picture, colour):
    before = picture(16, colour=colour, alpha=colour)
    write_picture(tmp_path / "x.png", before)
    samples = before.pixels if before.alpha is None else np.dstack([before.pixels, before.alpha])
    assert np.array_equal(imagecodecs.png_decode((tmp_path / "x.png").read_bytes()), samples)


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".bmp"])
def test_16_bit_to_an_8_bit_format_is_announced_and_rounded(tmp_path, picture, suffix):
    before = picture(16, colour=True)
    target = tmp_path / f"x{suffix}"
    assert supported_depth(target, before) == 8
    assert "16-bit values are rounded" in losses(target, before)[0]
    write_picture(target, before)
    after = read_picture(target)
    assert after.depth == 8
    if suffix != ".jpg":
        assert np.array_equal(after.pixels, np.rint(before.pixels / 257.0))


@pytest.mark.parametrize("suffix", [".jpg", ".bmp"])
def test_dropped_alpha_is_announced(tmp_path, picture, suffix):
    target = tmp_path / f"x{suffix}"
    assert "transparency" in losses(target, picture(alpha=True))[0]
    write_picture(target, picture(alpha=True))
    assert read_picture(target).alpha is None


def test_supported_depth_keeps_16_bits_where_it_can(picture):
    assert supported_depth("x.PNG", picture(16)) == supported_depth("x.tif", picture(16)) == 16
    assert supported_depth("x.png", picture(8)) == 8


# --- other kinds of pixel ----------------------------------------------------------------------


def test_palette_becomes_rgb_or_grey(tmp_path, colour_pixels, grey_pixels):
    Image.fromarray(colour_pixels).quantize(16).save(tmp_path / "colour.png")
    expected = np.asarray(Image.fromarray(colour_pixels).quantize(16).convert("RGB"))
    assert same(read_picture(tmp_path / "colour.png").pixels, expected)
    grey = Image.fromarray(grey_pixels).convert("P")
    grey.save(tmp_path / "grey.png")
    assert same(read_picture(tmp_path / "grey.png").pixels, grey_pixels)


def test_transparent_palette_entry_becomes_alpha(tmp_path, colour_pixels):
    image = Image.fromarray(colour_pixels).quantize(16)
    image.save(tmp_path / "x.png", transparency=3)
    expected = np.where(np.asarray(image) == 3, 0, 255).astype(np.uint8)
    assert same(read_picture(tmp_path / "x.png").alpha, expected)


def test_transparent_colour_becomes_alpha(tmp_path, grey_pixels):
    key = int(grey_pixels[3, 5])
    Image.fromarray(grey_pixels).save(tmp_path / "x.png", transparency=key)
    after = read_picture(tmp_path / "x.png")
    assert same(after.pixels, grey_pixels)
    assert same(after.alpha, np.where(grey_pixels == key, 0, 255).astype(np.uint8))


def test_one_bit_becomes_black_and_white(tmp_path, grey_pixels):
    for name in ("x.png", "x.tif", "x.bmp"):
        Image.fromarray(grey_pixels > 128).save(tmp_path / name)
        expected = np.where(grey_pixels > 128, 255, 0).astype(np.uint8)
        assert same(read_picture(tmp_path / name).pixels, expected), name


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_cmyk_becomes_rgb_and_says_so(tmp_path, colour_pixels, suffix):
    image = Image.fromarray(colour_pixels).convert("CMYK")
    image.save(tmp_path / f"x{suffix}", quality=100)
    after = read_picture(tmp_path / f"x{suffix}")
    assert after.notes == ("CMYK was converted to RGB",)
    assert np.abs(after.pixels.astype(int) - colour_pixels).mean() < 3


def test_format_is_told_by_content_not_by_suffix(tmp_path, colour_pixels):
    Image.fromarray(colour_pixels).save(tmp_path / "x.jpg", "PNG")
    assert same(read_picture(tmp_path / "x.jpg").pixels, colour_pixels)


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("bigtiff", [False, True])
def test_16_bit_colour_tiff_of_any_layout(tmp_path, picture, planar, byteorder, bigtiff):
    pixels = picture(16).pixels
    stored = pixels if planar == "contig" else np.moveaxis(pixels, 2, 0)
    options = {"planarconfig": planar, "byteorder": byteorder, "bigtiff": bigtiff}
    tifffile.imwrite(tmp_path / "x.tif", stored, photometric="rgb", metadata=None, **options)
    assert same(read_picture(tmp_path / "x.tif").pixels, pixels)


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_lzw_16_bit_colour_tiff_keeps_its_depth(tmp_path, picture, byteorder, channels):
    """tifffile alone can't decode LZW and Pillow alone reads 8 bits of it."""
    whole = picture(16, alpha=channels == 4)
    samples = whole.pixels if channels == 3 else np.dstack([whole.pixels, whole.alpha])
    (tmp_path / "x.tif").write_bytes(lzw_tiff(samples, byteorder))
    after = read_picture(tmp_path / "x.tif")
    assert same(after.pixels, whole.pixels)
    assert same(after.alpha, whole.alpha)


def test_minus_white_tiff_is_turned_positive(tmp_path, grey_pixels):
    tifffile.imwrite(tmp_path / "x.tif", 255 - grey_pixels, photometric="miniswhite")
    assert same(read_picture(tmp_path / "x.tif").pixels, grey_pixels)


@pytest.mark.parametrize("white", [255, 4095, 65535])
def test_a_minus_white_tiff_is_written_as_one(tmp_path, grey_pixels, white):
    dtype = np.uint8 if white == 255 else np.uint16
    stored = ((255 - grey_pixels) * (white / 255)).astype(dtype)
    ends = [(code, "H", 1, value, True) for code, value in ((280, 0), (281, white))]
    tifffile.imwrite(tmp_path / "x.tif", stored, photometric="miniswhite", extratags=ends)
    picture = read_picture(tmp_path / "x.tif")
    for part in (picture, stripped(picture)):
        write_picture(tmp_path / "y.tif", part)
        with tifffile.TiffFile(tmp_path / "y.tif") as tiff:
            assert tiff.pages.first.photometric == tifffile.PHOTOMETRIC.MINISWHITE
            assert np.array_equal(tiff.asarray(), stored)
        after = read_picture(tmp_path / "y.tif")
        assert same(after.pixels, picture.pixels)
        assert after.levels == picture.levels
    assert losses("y.tif", picture) == ()
    write_picture(tmp_path / "y.png", picture)
    if white != 4095:  # which a PNG scales
        assert same(read_picture(tmp_path / "y.png").pixels, picture.pixels)
    beyond = replace(picture, pixels=np.full_like(picture.pixels, np.iinfo(dtype).max))
    write_picture(tmp_path / "z.tif", beyond)
    if white == 4095:  # lighter than its white: stays black to white
        assert np.array_equal(tifffile.imread(tmp_path / "z.tif"), beyond.pixels)


def test_a_minus_white_tiff_whose_black_is_not_0_is_turned_inside_its_range(tmp_path, grey_pixels):
    stored = 32768 + grey_pixels.astype(np.uint16) * 128
    ends = [(code, "H", 1, value, True) for code, value in ((280, 32768), (281, 65535))]
    tifffile.imwrite(tmp_path / "x.tif", stored, photometric="miniswhite", extratags=ends)
    picture = read_picture(tmp_path / "x.tif")
    assert np.array_equal(picture.pixels, 98303 - stored.astype(np.int64))
    write_picture(tmp_path / "y.tif", picture)
    assert same(read_picture(tmp_path / "y.tif").pixels, picture.pixels)


def test_alpha_beside_minus_white_is_not_turned(tmp_path, picture):
    whole = picture(8, colour=False, alpha=True)
    options = {"photometric": "miniswhite", "planarconfig": "contig", "metadata": None}
    stored = np.dstack([255 - whole.pixels, whole.alpha])
    tifffile.imwrite(tmp_path / "x.tif", stored, extrasamples=["unassalpha"], **options)
    after = read_picture(tmp_path / "x.tif")
    assert same(after.pixels, whole.pixels)
    assert same(after.alpha, whole.alpha)


def test_premultiplied_alpha_is_divided_out(tmp_path, picture):
    alpha = np.full((31, 37), 30000, np.uint16)
    straight = picture(16).pixels
    stored = np.rint(straight * (30000 / 65535)).astype(np.uint16)
    tifffile.imwrite(
        tmp_path / "x.tif",
        np.dstack([stored, alpha]),
        photometric="rgb",
        extrasamples=["assocalpha"],
    )
    after = read_picture(tmp_path / "x.tif")
    assert np.abs(after.pixels.astype(int) - straight).max() <= 2
    assert "multiplied by alpha" in after.notes[0]


def test_thumbnail_page_of_a_tiff_is_no_second_frame(tmp_path, colour_pixels):
    with tifffile.TiffWriter(tmp_path / "x.tif") as writer:
        writer.write(colour_pixels, photometric="rgb", metadata=None)
        writer.write(colour_pixels[::2, ::2], photometric="rgb", subfiletype=1, metadata=None)
    assert same(read_picture(tmp_path / "x.tif").pixels, colour_pixels)


def test_embedded_preview_of_a_phone_photo_is_announced(tmp_path, colour_pixels):
    image = Image.fromarray(colour_pixels)
    image.save(tmp_path / "x.jpg", "MPO", save_all=True, append_images=[image.reduce(2)])
    after = read_picture(tmp_path / "x.jpg")
    assert after.pixels.shape == colour_pixels.shape
    assert after.lost == ("1 embedded extra picture(s) (MPO) aren't kept",)


# --- metadata ----------------------------------------------------------------------------------


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_pixels_are_turned_upright_once(tmp_path, picture, suffix, orientation):
    stored = picture(8).pixels
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    Image.fromarray(stored).save(tmp_path / f"x{suffix}", exif=exif)
    with Image.open(tmp_path / f"x{suffix}") as image:
        upright = np.asarray(ImageOps.exif_transpose(image))
    after = read_picture(tmp_path / f"x{suffix}")
    assert same(after.pixels, upright)
    write_picture(tmp_path / f"again{suffix}", after)
    assert same(read_picture(tmp_path / f"again{suffix}").pixels, upright)


@pytest.mark.parametrize("source", [".jpg", ".png", ".webp"])
@pytest.mark.parametrize("target", [".jpg", ".png", ".webp"])
def test_exif_and_profile_travel_with_orientation_1(
    tmp_path, colour_pixels, camera_exif, srgb, source, target
):
    image = Image.fromarray(colour_pixels)
    image.save(tmp_path / f"x{source}", exif=camera_exif, icc_profile=srgb)
    picture = read_picture(tmp_path / f"x{source}")
    assert picture.pixels.shape == (37, 31, 3)
    write_picture(tmp_path / f"y{target}", picture)
    check_camera_metadata(tmp_path / f"y{target}", srgb)


def test_exif_and_profile_survive_in_16_bit_png(
    tmp_path, picture, colour_pixels, camera_exif, srgb
):
    Image.fromarray(colour_pixels).save(tmp_path / "x.jpg", exif=camera_exif, icc_profile=srgb)
    photo = read_picture(tmp_path / "x.jpg")
    write_picture(tmp_path / "y.png", replace(photo, pixels=photo.pixels.astype(np.uint16) * 257))
    check_camera_metadata(tmp_path / "y.png", srgb)


def check_camera_metadata(path: Path, profile: bytes) -> None:
    with Image.open(path) as image:
        exif = image.getexif()
        assert image.info["icc_profile"] == profile
    assert exif[ExifTags.Base.Orientation] == 1
    assert exif[ExifTags.Base.Make] == "Kamera"
    directory = exif.get_ifd(ExifTags.IFD.Exif)
    assert float(directory[ExifTags.Base.ExposureTime]) == pytest.approx(0.01)
    assert directory[ExifTags.Base.ExifImageWidth] == 31  # the picture was turned
    assert directory[ExifTags.Base.ExifImageHeight] == 37
    assert exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] == "N"
    assert exif.get_ifd(ExifTags.IFD.IFD1) == {}


def test_stale_thumbnail_is_removed(tmp_path, colour_pixels):
    tiff = struct.pack("<2sHI", b"II", 42, 8)
    main = struct.pack("<HHHII", 1, 274, 3, 1, 1) + struct.pack("<I", 8 + 18)
    thumbnail = b"\xff\xd8 an old thumbnail \xff\xd9"
    entries = [(259, 3, 6), (513, 4, 26 + 42), (514, 4, len(thumbnail))]
    second = struct.pack("<H", 3) + b"".join(
        struct.pack("<HHII", t, k, 1, v) for t, k, v in entries
    )
    block = b"Exif\0\0" + tiff + main + second + bytes(4) + thumbnail
    Image.fromarray(colour_pixels).save(tmp_path / "x.jpg", exif=block)
    assert b"old thumbnail" in (tmp_path / "x.jpg").read_bytes()
    write_picture(tmp_path / "y.jpg", read_picture(tmp_path / "x.jpg"))
    assert b"old thumbnail" not in (tmp_path / "y.jpg").read_bytes()


def test_tiff_takes_the_text_tags_and_the_directories_of_camera_and_place(
    tmp_path, colour_pixels, camera_exif, srgb
):
    Image.fromarray(colour_pixels).save(tmp_path / "x.jpg", exif=camera_exif, icc_profile=srgb)
    photo = read_picture(tmp_path / "x.jpg")
    assert losses("y.tif", photo) == ()
    write_picture(tmp_path / "y.tif", photo)
    after = read_picture(tmp_path / "y.tif")
    assert after.icc_profile == srgb
    with tifffile.TiffFile(tmp_path / "y.tif") as tiff:
        tags = tiff.pages.first.tags
        assert tags["Make"].value == "Kamera"
        assert tags["Artist"].value == "A. Photographer"
        assert "Orientation" not in tags or tags["Orientation"].value == 1
        assert tags["ExifTag"].value["PixelYDimension"] == 37
        assert tags["ExifTag"].value["PixelXDimension"] == 31
        assert tags["GPSTag"].value["GPSLatitudeRef"] == "N"


def test_camera_data_of_a_tiff_reaches_a_jpeg(tmp_path, colour_pixels, camera_exif, srgb):
    for directory in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):  # else Pillow leaves them out
        camera_exif[directory] = dict(camera_exif.get_ifd(directory))
    Image.fromarray(colour_pixels).save(tmp_path / "x.tif", exif=camera_exif, icc_profile=srgb)
    write_picture(tmp_path / "y.jpg", read_picture(tmp_path / "x.tif"))
    check_camera_metadata(tmp_path / "y.jpg", srgb)
    with Image.open(tmp_path / "y.jpg") as image:
        assert 273 not in image.getexif()  # the TIFF's strip offsets would be lies here


def test_damaged_exif_does_not_cost_the_picture(tmp_path, colour_pixels):
    Image.fromarray(colour_pixels).save(tmp_path / "x.jpg", exif=b"Exif\0\0no such thing")
    after = read_picture(tmp_path / "x.jpg")
    assert after.pixels.shape == colour_pixels.shape
    assert after.metadata.exif is None
    assert after.lost == ("damaged EXIF metadata isn't kept",)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".bmp", ".webp"])
def test_pixels_of_a_nanometre_can_be_written(tmp_path, picture, suffix):
    write_picture(tmp_path / f"x{suffix}", replace(picture(), resolution=Resolution(9e6, 9e6)))
    assert read_picture(tmp_path / f"x{suffix}").pixels.shape == (31, 37, 3)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".bmp"])
@pytest.mark.parametrize("depth", [8, 16])
def test_resolution_survives(tmp_path, picture, suffix, depth):
    before = replace(picture(depth), resolution=Resolution(300.0, 150.0))
    write_picture(tmp_path / f"x{suffix}", before)
    after = read_picture(tmp_path / f"x{suffix}")
    assert after.resolution is not None
    assert after.resolution.dots_per_inch == pytest.approx((300, 150), abs=0.02)


def test_imagej_pixel_size_survives(tmp_path, picture):
    pixels = picture(16, colour=False).pixels
    tifffile.imwrite(
        tmp_path / "x.tif", pixels, imagej=True, resolution=(4.5, 4.5), metadata={"unit": "um"}
    )
    before = read_picture(tmp_path / "x.tif")
    write_picture(tmp_path / "y.tif", before)
    with tifffile.TiffFile(tmp_path / "y.tif") as tiff:
        assert tiff.is_imagej
        assert tiff.imagej_metadata["unit"] == "um"
        tag = tiff.pages.first.tags["XResolution"].value
        assert tag[0] / tag[1] == pytest.approx(4.5)
    assert read_picture(tmp_path / "y.tif").resolution == Resolution(4.5, 4.5, "none")


def test_non_ascii_description_survives(tmp_path, picture):
    write_picture(
        tmp_path / "x.tif", replace(picture(), metadata=Metadata(description="5 µm/px, Zürich"))
    )
    assert read_picture(tmp_path / "x.tif").metadata.description == "5 µm/px, Zürich"


def test_profile_of_another_colour_space_is_left_out(tmp_path, picture, srgb):
    write_picture(tmp_path / "x.png", replace(picture(colour=False), icc_profile=srgb))
    assert read_picture(tmp_path / "x.png").icc_profile is None


def test_bmp_announces_what_it_drops(colour_pixels, srgb):
    words = Metadata(exif=b"Exif\0\0")
    sentences = losses("x.bmp", Picture(colour_pixels, metadata=words, icc_profile=srgb))
    assert ["EXIF" in s or "profile" in s for s in sentences] == [True, True]


# --- writing -----------------------------------------------------------------------------------


def test_unsupported_suffix_lists_the_supported(tmp_path, picture):
    with pytest.raises(OutputError) as refused:
        write_picture(tmp_path / "x.gif", picture())
    assert all(suffix in str(refused.value) for suffix in SUFFIXES)
    assert list(tmp_path.iterdir()) == []


def test_missing_folder_is_an_output_error(tmp_path, picture):
    with pytest.raises(OutputError, match="No such file or directory"):
        write_picture(tmp_path / "nowhere" / "x.png", picture())


def test_too_wide_for_webp_is_an_output_error(tmp_path):
    with pytest.raises(OutputError, match="16383"):
        write_picture(tmp_path / "x.webp", Picture(np.zeros((8, 16384), np.uint8)))


@pytest.mark.parametrize(
    "bad", [np.zeros((9, 9)), np.zeros((9, 9, 2), np.uint8), np.zeros(9, np.uint8)]
)
def test_picture_refuses_other_arrays(bad):
    with pytest.raises(ValueError, match="uint8, uint16 or float32"):
        Picture(bad)


def test_picture_properties(picture):
    whole = picture(16, alpha=True)
    assert (whole.height, whole.width, whole.channels) == (31, 37, 3)
    assert (whole.depth, whole.peak, whole.is_colour) == (16, 65535, True)
    assert (picture(8, colour=False).channels, picture(8).peak) == (1, 255)
    with pytest.raises(ValueError, match="alpha"):
        replace(whole, alpha=whole.alpha[:-1])


# --- finding -----------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path) -> Path:
    for name in ("b.PNG", "a.jpg", "notes.txt", ".hidden.png"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "deeper.png").mkdir()
    (tmp_path / "deeper.png" / "c.png").write_bytes(b"x")
    return tmp_path


def test_folder_gives_its_own_pictures_sorted(folder):
    assert find_pictures([folder]) == [folder / "a.jpg", folder / "b.PNG"]


def test_pattern_is_expanded_and_duplicates_go(folder, monkeypatch):
    monkeypatch.chdir(folder)
    found = find_pictures(["b.PNG", "*", folder / "a.jpg", "./b.PNG"])
    assert found == [Path("b.PNG"), Path("a.jpg")]


def test_a_file_named_like_a_pattern_is_itself(tmp_path):
    (tmp_path / "x[1].png").write_bytes(b"x")
    (tmp_path / "x1.png").write_bytes(b"x")
    assert find_pictures([str(tmp_path / "x[1].png")]) == [tmp_path / "x[1].png"]


def test_a_named_file_of_any_suffix_is_taken(folder):
    assert find_pictures([folder / "notes.txt"]) == [folder / "notes.txt"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing.png", "no such file"),
        ("*.tif", "no picture matches"),
        ("empty", "without pictures"),
    ],
)
def test_nothing_found_is_an_input_error(folder, name, message):
    (folder / "empty").mkdir()
    with pytest.raises(InputError, match=message):
        find_pictures([folder / "a.jpg", str(folder / name)])
