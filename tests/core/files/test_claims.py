"""A file that claims more than it can hold, or ends early, is refused at once and fills nothing."""

import io
import os
import struct
import zlib

import numpy as np
import pytest
import tifffile
from cpu_time import takes_under
from PIL import Image

from spiden_cli.core.files.animations import read_animation
from spiden_cli.core.files.picture_files import read_picture
from spiden_cli.errors import InputError

PIXELS = np.random.default_rng(0).integers(0, 255, (64, 48, 3), np.uint8)
GREY = np.ascontiguousarray(PIXELS[..., 0])


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width, height, depth, kind, rows, interlaced=0):
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlaced)
    palette = chunk(b"PLTE", bytes(range(48))) if kind == 3 else b""
    body = chunk(b"IHDR", header) + palette + chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


def encoded(pixels, kind, **options):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return bytearray(buffer.getvalue())


def taller_jpeg():
    content = encoded(GREY, "JPEG")
    at = content.index(b"\xff\xc0") + 5
    content[at : at + 4] = struct.pack(">HH", 65000, 6000)
    return content


def wider_gif():
    content = encoded(GREY, "GIF")
    content[6:10] = struct.pack("<HH", 20000, 20000)
    at = content.index(b",", 13)
    content[at + 5 : at + 9] = struct.pack("<HH", 20000, 20000)
    return content


def larger_bmp(compression):
    content = encoded(GREY, "BMP")
    struct.pack_into("<ii", content, 18, 5_000_000, 34)
    struct.pack_into("<I", content, 30, compression)
    return content


def larger_tga(kind):
    header = struct.pack("<BBB5xHHHHBB", 0, 0, kind, 0, 0, 20000, 20000, 8, 0)
    return header + bytes(2000)


def larger_tiff(**options):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, PIXELS, photometric="rgb", **options)
    content = bytearray(buffer.getvalue())
    with tifffile.TiffFile(io.BytesIO(content)) as tiff:
        tags = tiff.pages[0].tags
        for name in ("ImageWidth", "ImageLength"):
            struct.pack_into("<I", content, tags[name].valueoffset, 18_000)
            struct.pack_into("<H", content, tags[name].offset + 2, 4)
        if "RowsPerStrip" in tags:
            struct.pack_into("<I", content, tags["RowsPerStrip"].valueoffset, 18_000)
    return content


BOMBS = {
    "a.png": lambda: png(38, 5_000_000, 4, 3, bytes(2000)),
    "b.png": lambda: png(20_000, 20_000, 16, 6, bytes(2000)),
    "c.png": lambda: png(20_000, 20_000, 8, 0, bytes(2000), interlaced=1),
    "a.jpg": taller_jpeg,
    "a.gif": wider_gif,
    "a.bmp": lambda: larger_bmp(0),
    "b.bmp": lambda: larger_bmp(1),
    "a.tga": lambda: larger_tga(3),
    "b.tga": lambda: larger_tga(11),
    "a.tif": larger_tiff,
    "b.tif": lambda: larger_tiff(compression="deflate"),
    "c.tif": lambda: larger_tiff(compression="packbits"),
    "d.tif": lambda: larger_tiff(compression="lzw"),
    "a.ppm": lambda: b"P6 20000 20000 255\n" + bytes(2000),
    "a.pgm": lambda: b"P2 20000 20000 255\n" + b"0 " * 2000,
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_small_file_that_claims_much(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(BOMBS[name]())

    def refuse() -> None:
        with pytest.raises(InputError, match=r"\S"):
            read_picture(path)

    assert takes_under(1.0, refuse)


ROWS = bytes(64 * 49)


@pytest.mark.parametrize("missing", [1, 49, 1000, 3000])
@pytest.mark.parametrize("interlaced", [0, 1])
def test_a_png_whose_pixels_end_early(tmp_path, missing, interlaced):
    path = tmp_path / "a.png"
    rows = bytes(64 * 49 + (0 if not interlaced else 56))  # Adam7 has more and shorter rows
    path.write_bytes(png(48, 64, 8, 0, rows[:-missing], interlaced))
    with pytest.raises(InputError, match="ends early"):
        read_picture(path)


@pytest.mark.parametrize("side", [16, 17, 33])
@pytest.mark.parametrize("kind", ["1", "L", "P", "RGB", "RGBA", "LA", "I;16"])
def test_whole_pngs_of_every_kind_are_read(tmp_path, kind, side):
    path = tmp_path / "a.png"
    Image.new(kind, (side, side + 3)).save(path)
    assert read_picture(path).width == side


@pytest.mark.parametrize("kind", [0, 2, 3, 4, 6])
def test_an_interlaced_png_is_read(tmp_path, kind):
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind]
    rows = bytearray()
    for left, across, top, down in ((0, 8, 0, 8), (4, 8, 0, 8), (0, 4, 4, 8), (2, 4, 0, 4),
                                    (0, 2, 2, 4), (1, 2, 0, 2), (0, 1, 1, 2)):  # fmt: skip
        columns, lines = len(range(left, 17, across)), len(range(top, 19, down))
        rows += bytes(lines * (1 + columns * channels) if columns else 0)
    path = tmp_path / "a.png"
    path.write_bytes(png(17, 19, 8, kind, bytes(rows), 1))
    assert read_picture(path).height == 19
    path.write_bytes(png(17, 19, 8, kind, bytes(rows[:-1]), 1))
    with pytest.raises(InputError, match="ends early"):
        read_picture(path)


COMPRESSIONS = [None, "packbits", "lzw", "deflate", "zstd", "jpeg", "webp", "lzma", "png"]


@pytest.mark.parametrize(
    "layout", [{"rowsperstrip": 16}, {"tile": (32, 32)}], ids=["strip", "tile"]
)
@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_tiff_of_which_a_part_ends_early(tmp_path, compression, layout):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, PIXELS, compression=compression, photometric="rgb", **layout)
    assert read_picture(path).pixels.shape == PIXELS.shape
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages[0]
        tag = page.tags["TileByteCounts" if "tile" in layout else "StripByteCounts"]
        length = {3: 2, 4: 4}[tag.dtype]
        at, half = tag.valueoffset + length * (tag.count - 1), page.databytecounts[-1] * 2 // 5
    with path.open("r+b") as stream:
        stream.seek(at)
        stream.write(half.to_bytes(length, "little"))
    with pytest.raises(InputError):
        read_picture(path)


@pytest.mark.parametrize(
    "suffix", [".png", ".jpg", ".bmp", ".gif", ".webp", ".tif", ".ppm", ".jp2"]
)
def test_a_file_that_is_cut_off(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    if suffix == ".jp2":
        from spiden_cli.core.files.jpeg2000_format import encode_jpeg2000
        from spiden_cli.core.image.picture import Picture

        path.write_bytes(encode_jpeg2000(Picture(PIXELS)))
    else:
        Image.fromarray(PIXELS).save(path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    with pytest.raises(InputError):
        read_picture(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    for suffix in (".png", ".tif", ".jp2", ".ppm"):
        os.mkfifo(tmp_path / f"a{suffix}")
        with pytest.raises(InputError, match="not a regular file"):
            read_picture(tmp_path / f"a{suffix}")


@pytest.mark.parametrize("suffix", [".webp", ".gif", ".png"])
def test_an_animation_on_a_canvas_beyond_all_measure(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    frames = [Image.fromarray(np.roll(GREY, step)) for step in range(3)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=40)
    assert len(read_animation(path).frames) == 3
    content = bytearray(path.read_bytes())
    if suffix == ".webp":
        content[27:30] = (2_555_904).to_bytes(3, "little")  # of VP8X: the height, less one
    elif suffix == ".gif":
        content[6:10] = struct.pack("<HH", 12_000, 12_000)
    else:
        content[16:24] = struct.pack(">II", 11_000, 11_000)
        content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    path.write_bytes(content)

    def refuse() -> None:
        with pytest.raises(InputError):
            read_animation(path)

    assert takes_under(3.0, refuse)
