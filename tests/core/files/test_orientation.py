"""Whatever decodes a picture, it is turned upright once, and its copy says orientation 1."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image
from scene import scene_of
from tiff_files import lzw_tiff

from spiden_cli.core.files.orientation import upright
from spiden_cli.core.files.picture_files import Resolution, read_picture, write_picture
from spiden_cli.core.image.metadata import Metadata

COMPRESSIONS = {"none": None, "deflate": "zlib", "lzw": "lzw"}


def stored_tiff(path: Path, samples: np.ndarray, orientation: int, compression: str) -> None:
    if compression == "lzw":
        path.write_bytes(lzw_tiff(samples, orientation=orientation))
        return
    channels = 1 if samples.ndim == 2 else samples.shape[2]
    tifffile.imwrite(
        path,
        samples,
        photometric="rgb" if channels > 2 else "minisblack",
        planarconfig="contig" if samples.ndim == 3 else None,
        extrasamples=["unassalpha"] if channels in (2, 4) else None,
        compression=COMPRESSIONS[compression],
        metadata=None,
        resolution=(300, 150),
        resolutionunit=2,
        extratags=[(274, "H", 1, orientation, True), (271, "s", 0, "Kamera", True)],
    )


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("depth", [8, 16])
def test_every_kind_of_tiff_is_read_upright_and_written_as_such(
    tmp_path, picture, depth, colour, alpha, compression, orientation
):
    whole = picture(depth, colour=colour, alpha=alpha)
    samples = np.dstack([whole.pixels, whole.alpha]) if alpha else whole.pixels
    stored_tiff(tmp_path / "x.tif", samples, orientation, compression)
    after = read_picture(tmp_path / "x.tif")
    assert np.array_equal(after.pixels, scene_of(whole.pixels, orientation))
    if alpha:
        assert np.array_equal(after.alpha, scene_of(whole.alpha, orientation))
    for name in ("y.tif", "y.png"):
        write_picture(tmp_path / name, after)
        again = read_picture(tmp_path / name)
        assert np.array_equal(again.pixels, after.pixels)
        assert orientation_of(tmp_path / name) == 1


def orientation_of(path: Path) -> int:
    """What the file says, by a reader that isn't the one under test."""
    if path.suffix == ".tif":
        with tifffile.TiffFile(path) as tiff:
            tag = tiff.pages.first.tags.get("Orientation")
        return 1 if tag is None else int(tag.value)
    with Image.open(path) as image:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))


@pytest.mark.parametrize("bigtiff", [False, True])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_tags_of_a_tiff_that_pillow_cannot_open(tmp_path, picture, byteorder, bigtiff):
    """16-bit grey with alpha: the orientation, the camera and the resolution are all read."""
    whole = picture(16, colour=False, alpha=True)
    tifffile.imwrite(
        tmp_path / "x.tif",
        np.dstack([whole.pixels, whole.alpha]),
        photometric="minisblack",
        planarconfig="contig",
        extrasamples=["unassalpha"],
        byteorder=byteorder,
        bigtiff=bigtiff,
        metadata=None,
        resolution=(300, 150),
        resolutionunit=2,
        extratags=[(274, "H", 1, 6, True), (271, "s", 0, "Kamera", True)],
    )
    after = read_picture(tmp_path / "x.tif")
    assert np.array_equal(after.pixels, scene_of(whole.pixels, 6))
    assert after.resolution == Resolution(150, 300)
    if bigtiff and byteorder == ">":
        assert after.lost == ("EXIF metadata of a big-endian BigTIFF isn't kept",)
        return
    assert after.told == ()
    write_picture(tmp_path / "y.tif", after)
    with tifffile.TiffFile(tmp_path / "y.tif") as tiff:
        assert tiff.pages.first.tags["Make"].value == "Kamera"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_upright_is_the_table_of_the_standard(orientation):
    stored = np.arange(6).reshape(2, 3)
    assert np.array_equal(upright(stored, orientation), scene_of(stored, orientation))


def test_16_bit_lzw_of_which_0_is_white_is_turned_positive(tmp_path, picture):
    """Pillow does that with 8 bits only."""
    pixels = picture(16, colour=False).pixels
    content = bytearray(lzw_tiff(np.uint16(65535) - pixels))
    photometric = content.index(b"\x06\x01\x03\x00\x01\x00\x00\x00\x01")
    content[photometric + 8] = 0
    (tmp_path / "x.tif").write_bytes(content)
    assert np.array_equal(read_picture(tmp_path / "x.tif").pixels, pixels)


@pytest.mark.parametrize("suffix", [".heic", ".jxl"])
def test_words_of_a_picture_that_its_decoder_turns_say_upright(tmp_path, picture, suffix):
    """Their XMP would have the next program turn it again, where there is no EXIF."""
    pytest.importorskip("pillow_heif" if suffix == ".heic" else "imagecodecs")
    packet = b'<x tiff:Orientation="6" tiff:ImageWidth="34" tiff:ImageLength="24"/>'
    write_picture(tmp_path / f"a{suffix}", replace(picture(8), metadata=Metadata(xmp=packet)))
    read = read_picture(tmp_path / f"a{suffix}")
    assert read.metadata.xmp == packet.replace(b'"6"', b'"1"').replace(b"ImageWidth", b"?").replace(
        b"ImageLength", b"ImageWidth"
    ).replace(b"?", b"ImageLength")
    write_picture(tmp_path / "b.png", read)
    assert read_picture(tmp_path / "b.png").pixels.shape == read.pixels.shape
