"""One reader, one contract: every product of compression, depth, layout and orientation.

The oracle is what was stored: tifffile with imagecodecs writes the files, Pillow the G4 ones.
"""

import struct
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from scene import scene_of

from spiden_cli.core.files.orientation import upright
from spiden_cli.core.files.picture_files import read_picture, write_picture
from spiden_cli.core.image.picture import Range
from spiden_cli.errors import InputError

CASES = Path(__file__).resolve().parents[4] / "shared" / "cases" / "photographs"
COMPRESSIONS = ["none", "zlib", "lzw", "packbits", "zstd", "lzma"]
LAYOUTS = {
    "strips": {"rowsperstrip": 8},
    "tiles": {"tile": (16, 16)},
    "planes": {"planarconfig": "separate"},
    "big-endian": {"byteorder": ">"},
    "BigTIFF": {"bigtiff": True},
    "predictor": {"predictor": True},
}
KINDS = ["grey", "negative", "grey+alpha", "RGB", "RGBA"]


def store(path: Path, whole, kind: str, orientation: int, compression: str, **layout) -> None:
    """Write the pixels of a picture, as they are, by tifffile."""
    samples = whole.pixels
    if kind == "negative":
        samples = np.iinfo(samples.dtype).max - samples
    if whole.alpha is not None:
        samples = np.dstack([samples, whole.alpha])
    if layout.get("planarconfig") == "separate" and samples.ndim == 3:
        samples = np.moveaxis(samples, 2, 0)
    elif samples.ndim == 3:
        layout["planarconfig"] = "contig"
    else:
        layout.pop("planarconfig", None)
    photometric = "miniswhite" if kind == "negative" else "minisblack"
    tifffile.imwrite(
        path,
        samples,
        photometric="rgb" if kind.startswith("RGB") else photometric,
        extrasamples=["unassalpha"] if whole.alpha is not None else None,
        compression=None if compression == "none" else compression,
        metadata=None,
        extratags=[(274, "H", 1, orientation, True)],
        **layout,
    )


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("depth", [8, 16])
def test_every_kind_comes_back_upright_in_its_depth(tmp_path, picture, depth, compression, layout):
    if layout == "predictor" and compression in ("none", "packbits"):
        pytest.skip("a predictor goes with a dictionary")
    path = tmp_path / "x.tif"
    every = depth == 16 and compression in ("none", "lzw")
    for kind, orientation in product(KINDS, range(1, 9) if every else (1, 6)):
        colour, alpha = kind.startswith("RGB"), kind in ("grey+alpha", "RGBA")
        whole = picture(depth, colour=colour, alpha=alpha)
        store(path, whole, kind, orientation, compression, **LAYOUTS[layout])
        after = read_picture(path)
        case = (kind, orientation)
        assert after.pixels.dtype == whole.pixels.dtype, case
        assert np.array_equal(after.pixels, upright(whole.pixels, orientation)), case
        assert (after.alpha is None) == (not alpha), case
        if alpha:
            assert np.array_equal(after.alpha, upright(whole.alpha, orientation)), case


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("compression", ["group4", "group3", "tiff_ccitt", "raw"])
def test_facsimile_is_turned_once_and_positive(tmp_path, grey_pixels, compression, orientation):
    black_and_white = grey_pixels > 128
    tags = {274: orientation}
    image = Image.fromarray(black_and_white)
    image.save(tmp_path / "x.tif", compression=compression, tiffinfo=tags)
    expected = scene_of(np.where(black_and_white, 255, 0).astype(np.uint8), orientation)
    assert np.array_equal(read_picture(tmp_path / "x.tif").pixels, expected)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "jpeg"])
@pytest.mark.parametrize("mode", ["CMYK", "YCbCr"])
def test_what_only_pillow_decodes_is_turned_once(
    tmp_path, colour_pixels, mode, compression, orientation
):
    image = Image.fromarray(colour_pixels).convert(mode)
    image.save(tmp_path / "x.tif", compression=compression, tiffinfo={274: orientation})
    expected = scene_of(np.asarray(image.convert("RGB")), orientation)
    after = read_picture(tmp_path / "x.tif").pixels
    assert after.shape == expected.shape
    assert np.abs(after.astype(int) - expected).mean() < (20 if compression == "jpeg" else 1)


def packed_tiff(pixels: np.ndarray, bits: int, photometric: int = 1) -> bytes:
    """An uncompressed TIFF of packed samples, rows padded to whole bytes (TIFF 6.0, section 3)."""
    samples = np.atleast_3d(pixels)
    height, width, channels = samples.shape
    powers = np.arange(bits)[::-1]
    rows = ((samples.reshape(height, -1, 1) >> powers) & 1).reshape(height, -1).astype(np.uint8)
    strip = np.packbits(rows, axis=1).tobytes()
    strip += bytes(len(strip) % 2)
    entries = [(256, 4, width), (257, 4, height), (258, 3, bits), (259, 3, 1)]
    entries += [(262, 3, 2 if channels == 3 else photometric), (273, 4, 8), (277, 3, channels)]
    entries += [(278, 4, height), (279, 4, len(strip))]
    head, tail = 8 + len(strip), b""
    directory = struct.pack("<H", len(entries))
    for tag, kind, value in entries:
        count, content = 1, struct.pack("<HH" if kind == 3 else "<I", *[value, 0][: 4 - kind + 1])
        if tag == 258 and channels == 3:
            count, content = 3, struct.pack("<I", head + 2 + 12 * len(entries) + 4)
            tail = struct.pack("<3H", bits, bits, bits)
        directory += struct.pack("<HHI", tag, kind, count) + content
    return b"II*\0" + struct.pack("<I", head) + strip + directory + bytes(4) + tail


@pytest.mark.parametrize("photometric", [0, 1])
@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("bits", [2, 4, 10, 12, 14])
def test_packed_bits_have_their_own_white(tmp_path, picture, bits, colour, photometric):
    white = 2**bits - 1
    values = np.rint(picture(8, colour=colour).pixels.astype(float) * (white / 255)).astype(int)
    stored = white - values if photometric == 0 and not colour else values
    (tmp_path / "x.tif").write_bytes(packed_tiff(stored, bits, photometric))
    after = read_picture(tmp_path / "x.tif")
    if bits < 8:
        assert np.array_equal(after.pixels, values * 255 // white)
        return
    assert (after.range, after.told) == (Range(0, white), ())
    assert np.array_equal(after.pixels, values)
    write_picture(tmp_path / "y.tif", after)
    again = read_picture(tmp_path / "y.tif")
    assert again.range == after.range
    assert np.array_equal(again.pixels, after.pixels)


@pytest.mark.parametrize("compression", ["none", "lzw", "zlib"])
@pytest.mark.parametrize("depth", [8, 16])
def test_premultiplied_colours_are_straight_in_their_own_depth(
    tmp_path, picture, depth, compression
):
    whole = picture(depth)
    peak = 2**depth - 1
    alpha = np.full(whole.pixels.shape[:2], peak // 2, whole.pixels.dtype)
    stored = np.rint(whole.pixels * (peak // 2 / peak)).astype(whole.pixels.dtype)
    tifffile.imwrite(
        tmp_path / "x.tif",
        np.dstack([stored, alpha]),
        photometric="rgb",
        extrasamples=["assocalpha"],
        compression=None if compression == "none" else compression,
    )
    after = read_picture(tmp_path / "x.tif")
    assert after.depth == depth
    assert np.abs(after.pixels.astype(int) - whole.pixels).max() <= 2
    assert np.array_equal(after.alpha, alpha)


@pytest.mark.parametrize("compression", ["webp", "jpeg", "jpeg2000"])
def test_pictures_compressed_as_other_formats_are_read(tmp_path, picture, compression):
    pixels = np.tile(picture().pixels, (2, 2, 1))
    options = {"compressionargs": {"level": 95}} if compression != "jpeg2000" else {}
    tifffile.imwrite(
        tmp_path / "x.tif", pixels, photometric="rgb", compression=compression, **options
    )
    after = read_picture(tmp_path / "x.tif").pixels
    assert np.abs(after.astype(int) - pixels).mean() < 8


def test_palette_of_a_tiff_is_expanded(tmp_path, colour_pixels):
    image = Image.fromarray(colour_pixels).quantize(16)
    image.save(tmp_path / "x.tif", compression="tiff_lzw")
    expected = np.asarray(image.convert("RGB"))
    assert np.array_equal(read_picture(tmp_path / "x.tif").pixels, expected)


# --- which directory is the picture ------------------------------------------------------------


def test_picture_behind_its_thumbnail_is_read(tmp_path, colour_pixels):
    with tifffile.TiffWriter(tmp_path / "x.tif") as writer:
        writer.write(colour_pixels[::2, ::2], photometric="rgb", subfiletype=1, metadata=None)
        writer.write(colour_pixels, photometric="rgb", metadata=None)
    assert np.array_equal(read_picture(tmp_path / "x.tif").pixels, colour_pixels)


def test_picture_in_a_sub_directory_is_read(tmp_path, colour_pixels):
    with tifffile.TiffWriter(tmp_path / "x.tif") as writer:
        small = colour_pixels[::2, ::2]
        writer.write(small, photometric="rgb", subfiletype=1, subifds=1, metadata=None)
        writer.write(colour_pixels, photometric="rgb", metadata=None)
    picture = read_picture(tmp_path / "x.tif")
    assert np.array_equal(picture.pixels, colour_pixels)
    assert any("besides the picture aren't kept" in note for note in picture.lost)


def test_pyramid_gives_its_full_size(tmp_path, colour_pixels):
    with tifffile.TiffWriter(tmp_path / "x.tif") as writer:
        writer.write(colour_pixels, photometric="rgb", subifds=1, metadata=None)
        writer.write(colour_pixels[::2, ::2], photometric="rgb", subfiletype=1, metadata=None)
    assert np.array_equal(read_picture(tmp_path / "x.tif").pixels, colour_pixels)


@pytest.mark.parametrize("kind", ["cfa", "linear_raw", "DNG tag"])
def test_a_preview_is_never_taken_for_a_camera_raw_that_cannot_be_developed(
    tmp_path, colour_pixels, kind
):
    tags = [(50706, "B", 4, (1, 4, 0, 0), True)] if kind == "DNG tag" else []
    photometric = "minisblack" if kind == "DNG tag" else kind
    with tifffile.TiffWriter(tmp_path / "x.dng") as writer:
        small = colour_pixels[::2, ::2]
        writer.write(
            small, photometric="rgb", subfiletype=1, subifds=1, metadata=None, extratags=tags
        )
        sensor = colour_pixels if kind == "linear_raw" else colour_pixels[..., 0]
        writer.write(sensor, photometric=photometric, metadata=None)
    with pytest.raises(InputError, match=r"camera raw"):
        read_picture(tmp_path / "x.dng")


@pytest.mark.parametrize(
    "head",
    [b"FUJIFILMCCD-RAW 0201", b"IIRO\x08\0\0\0", b"\0\0\0\x18ftypcrx ", b"II*\0\x10\0\0\0CR\x02"],
)
def test_camera_raw_is_told_by_its_first_bytes(tmp_path, head):
    (tmp_path / "x.raw").write_bytes(head + bytes(100))
    with pytest.raises(InputError, match="camera raw"):
        read_picture(tmp_path / "x.raw")


def test_unknown_kind_is_named_without_the_advice_that_it_follows_already(tmp_path, grey_pixels):
    """Uncompressed YCbCr with subsampling: no decoder at hand knows a 10-bit one."""
    content = bytearray(packed_tiff(grey_pixels.astype(int) * 4, 10))
    place = content.index(struct.pack("<HHI", 262, 3, 1))
    struct.pack_into("<H", content, place + 8, 10)  # ITULAB
    (tmp_path / "x.tif").write_bytes(content)
    with pytest.raises(InputError, match=r"uncompressed 10-bit ITULAB") as refused:
        read_picture(tmp_path / "x.tif")
    assert "NONE" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "depth", "white"),
    [
        ("grey10bit.tif", 16, 1023),
        ("grey12bit.tif", 16, 4095),
        ("grey14bit.tif", 16, 16383),
        ("rgb12bit.tif", 16, 4095),
        ("premult16_lzw.tif", 16, 65535),
        ("premult16_None.tif", 16, 65535),
        ("webp.tif", 8, 255),
        ("orientation6_lzw.tif", 8, 255),
        ("miniswhite16_lzw.tif", 16, 65535),
    ],
)
def test_files_that_came_back_wrong(name, depth, white):
    if not (CASES / name).is_file():
        pytest.skip(f"no {CASES / name}")
    after = read_picture(CASES / name)
    assert (after.depth, after.peak) == (depth, white)


def test_negative_and_premultiplied_files_agree_with_their_twins():
    if not CASES.is_dir():
        pytest.skip(f"no {CASES}")
    plain, packed = (read_picture(CASES / f"premult16_{name}.tif") for name in ("None", "lzw"))
    assert np.array_equal(plain.pixels, packed.pixels)


def test_palette_with_transparency(tmp_path, colour_pixels):
    whole = np.dstack([colour_pixels, colour_pixels[..., 0]])
    image = Image.fromarray(whole).convert("PA")
    image.save(tmp_path / "x.tif")
    samples, colours = np.asarray(image), np.reshape(image.getpalette(), (-1, 3))
    after = read_picture(tmp_path / "x.tif")
    assert np.array_equal(after.pixels, colours[samples[..., 0]])
    assert np.array_equal(after.alpha, samples[..., 1])
