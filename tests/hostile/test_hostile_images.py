"""Files that lie. Each gives one clear line that names the file: no traceback, no warning.

One test per lie. pytest turns warnings into errors, so a leaked Pillow warning fails too.
"""

import io
import logging
import os
import resource
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from spiden_cli.core.files.animations import frame_count
from spiden_cli.core.files.finding import find_pictures
from spiden_cli.core.files.origin import made_by_spiden
from spiden_cli.core.files.picture_files import (
    MAXIMUM_PIXELS,
    Picture,
    read_picture,
    write_picture,
)
from spiden_cli.errors import InputError, OutputError

Refused = Callable[[bytes, str], str]


@pytest.fixture
def refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Refused:
    """Write the bytes to a file, read it, and give the one line of the refusal."""

    def refuse(content: bytes, name: str = "liar.png") -> str:
        path = tmp_path / name
        path.write_bytes(content)
        return refusal_of(path)

    return refuse


def refusal_of(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_picture(path)
    message = str(caught.value)
    assert message.isprintable()
    assert str(path) in message
    return message


@pytest.fixture
def encoded(colour_pixels: np.ndarray) -> Callable[..., bytes]:
    """A true file of the given format."""

    def encode(name: str, **options: object) -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(np.tile(colour_pixels, (4, 4, 1))).save(buffer, name, **options)
        return buffer.getvalue()

    return encode


def png_with_header(width: int, height: int, data: bytes = b"", colour_type: int = 2) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, colour_type, 0, 0, 0)
    pixels = zlib.compress(data)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", pixels), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


# --- not a picture at all ----------------------------------------------------------------------


def test_missing_file(tmp_path):
    assert "No such file" in refusal_of(tmp_path / "nothing.png")


def test_folder(tmp_path):
    assert "a folder" in refusal_of(tmp_path)


def test_named_pipe_does_not_block(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    assert "not a regular file" in refusal_of(tmp_path / "pipe.png")


def test_named_pipe_blocks_nobody_who_looks_before_it_is_read(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    assert frame_count(tmp_path / "pipe.png") == 1
    assert made_by_spiden(tmp_path / "pipe.png") is None


def test_name_too_long(tmp_path):
    assert "too long" in refusal_of(tmp_path / ("x" * 300 + ".png"))
    with pytest.raises(InputError, match="too long"):
        find_pictures([tmp_path / ("x" * 300 + ".png")])


def test_null_byte_in_the_name():
    with pytest.raises(InputError, match="null"):
        read_picture("x\0.png")


def test_empty_file(refused):
    assert "empty file" in refused(b"")


def test_text_named_png(refused):
    assert "not a picture" in refused(b"Dear reader, I am no picture.\n")


def test_unsupported_format(refused, encoded):
    assert "PNG, JPEG, TIFF, BMP" in refused(encoded("PCX"), "old.pcx")


def test_postscript_is_never_run(refused):
    assert "not a picture" in refused(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "x.png")


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs POSIX users")
def test_unreadable_file(tmp_path, encoded):
    path = tmp_path / "secret.png"
    path.write_bytes(encoded("PNG"))
    path.chmod(0)
    with nobody():
        assert "Permission denied" in refusal_of(path)


# --- truncated and damaged ---------------------------------------------------------------------


@pytest.mark.parametrize("name", ["PNG", "JPEG", "TIFF", "BMP", "WEBP"])
@pytest.mark.parametrize("part", [0.02, 0.5, 0.95])
def test_truncated_file(refused, encoded, name, part):
    content = encoded(name)
    refused(content[: int(len(content) * part)], f"cut.{name.lower()}")


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_truncated_16_bit_file(tmp_path, refused, colour_pixels, suffix):
    deep = np.tile(colour_pixels.astype(np.uint16) * 255, (4, 4, 1))
    write_picture(tmp_path / f"whole.{suffix}", Picture(deep))
    content = (tmp_path / f"whole.{suffix}").read_bytes()
    assert "damaged or incomplete" in refused(content[: len(content) * 3 // 4], f"cut.{suffix}")


def test_png_with_too_few_rows(refused):
    assert "damaged" in refused(png_with_header(20, 20, bytes(61 * 10)))


def test_png_with_a_wrong_checksum(refused, encoded):
    content = bytearray(encoded("PNG"))
    content[len(content) // 2] ^= 0xFF
    assert "damaged" in refused(bytes(content))


def test_png_of_impossible_colour_type(refused):
    refused(png_with_header(20, 20, bytes(61 * 20), colour_type=5))


def test_bomb_in_a_colour_profile(refused, encoded):
    content = encoded("PNG")
    body = b"ICC Profile\0\0" + zlib.compress(bytes(200_000_000))
    chunk = struct.pack(">I", len(body)) + b"iCCP" + body
    chunk += struct.pack(">I", zlib.crc32(b"iCCP" + body))
    assert "more than 64 MB" in refused(content[:33] + chunk + content[33:])


def test_tiff_without_a_directory(refused):
    assert "damaged" in refused(b"II*\0\x08\0\0\0", "x.tif")


def test_tiff_whose_directories_form_a_loop(refused, colour_pixels):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, colour_pixels, photometric="rgb", metadata=None)
    content = bytearray(buffer.getvalue())
    (first,) = struct.unpack_from("<I", content, 4)
    (count,) = struct.unpack_from("<H", content, first)
    struct.pack_into("<I", content, first + 2 + 12 * count, first)
    assert "damaged" in refused(bytes(content), "loop.tif")


def test_tiff_with_missing_strips(refused, colour_pixels):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, colour_pixels, photometric="rgb", rowsperstrip=4, metadata=None)
    with tifffile.TiffFile(io.BytesIO(buffer.getvalue())) as tiff:
        tag = tiff.pages.first.tags["StripByteCounts"]
        offset, kind = tag.valueoffset, tag.dtype
    content = bytearray(buffer.getvalue())
    size = 4 if kind == 4 else 2
    content[offset : offset + size] = bytes(size)
    assert "missing parts" in refused(bytes(content), "x.tif")


def test_damaged_tiff_logs_nothing(refused, capfd):
    """tifffile logs; with no handler set, Python prints warnings on stderr."""
    logger = logging.getLogger("tifffile")
    logger.warning("a line nobody asked for")
    refused(b"II*\0\x08\0\0\0\x01\0" + bytes(10), "x.tif")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("name", ["PNG", "JPEG", "TIFF", "BMP", "WEBP"])
def test_random_damage_gives_a_picture_or_a_refusal(tmp_path, encoded, name):
    generator = np.random.default_rng(7)
    exif = Image.Exif()
    exif[274] = 6
    exif.get_ifd(0x8769)[0x829A] = 0.01
    whole = np.frombuffer(encoded(name, exif=exif), np.uint8)
    for _ in range(100):
        content = whole.copy()
        # Half of the hits go to the first bytes, where the headers are.
        reach = len(content) if generator.random() < 0.5 else min(300, len(content))
        where = generator.integers(0, reach, 4)
        content[where] = generator.integers(0, 256, 4)
        path = tmp_path / "damaged"
        path.write_bytes(content.tobytes())
        try:
            read_picture(path)
        except InputError as error:
            assert str(error).isprintable()  # noqa: PT017 - most damage is refused, not all


# --- sizes that lie ----------------------------------------------------------------------------


def test_one_pixel(refused):
    assert "1 x 1 pixels is too small to denoise; each side needs at least 8" in refused(
        png_with_header(1, 1, bytes(4))
    )


def test_a_line_of_pixels(refused, encoded):
    buffer = io.BytesIO()
    Image.new("L", (500, 7)).save(buffer, "PNG")
    assert "500 x 7" in refused(buffer.getvalue())


def test_zero_width(refused):
    refused(png_with_header(0, 20))


def test_png_bomb_is_refused_by_its_header(refused):
    message = refused(png_with_header(50_000, 50_000))
    assert "50000 x 50000" in message
    assert "400 megapixels" in message


def test_png_between_pillows_limit_and_ours_is_not_called_a_bomb(refused):
    """Pillow warns above 89 and refuses above 178 megapixels; a large panorama is no attack."""
    assert MAXIMUM_PIXELS > 15_000 * 15_000
    limit = Image.MAX_IMAGE_PIXELS
    assert "damaged or incomplete" in refused(png_with_header(15_000, 15_000))
    assert limit == Image.MAX_IMAGE_PIXELS  # put back


def test_tiff_bomb_is_refused_by_its_header(refused):
    assert "50000 x 50000" in refused(tiff_claiming(50_000, 50_000), "x.tif")


def test_tiff_of_monstrous_tiles(refused):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.zeros((32, 32), np.uint8), tile=(16, 16), metadata=None)
    with tifffile.TiffFile(io.BytesIO(buffer.getvalue())) as tiff:
        offsets = [tiff.pages.first.tags[tag].valueoffset for tag in ("TileWidth", "TileLength")]
        kinds = [tiff.pages.first.tags[tag].dtype for tag in ("TileWidth", "TileLength")]
    content = bytearray(buffer.getvalue())
    for offset, kind in zip(offsets, kinds, strict=True):
        struct.pack_into("<I" if kind == 4 else "<H", content, offset, 60_000)
    refused(bytes(content), "x.tif")


def test_jpeg_bomb_is_refused_by_its_header(refused, encoded):
    content = bytearray(encoded("JPEG"))
    frame = content.index(b"\xff\xc0")
    struct.pack_into(">HH", content, frame + 5, 60_000, 60_000)
    assert "60000 x 60000" in refused(bytes(content), "x.jpg")


def test_bmp_bomb_is_refused_by_its_header(refused, encoded):
    content = bytearray(encoded("BMP"))
    struct.pack_into("<ii", content, 18, 50_000, 50_000)
    assert "50000 x 50000" in refused(bytes(content), "x.bmp")


def tiff_claiming(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.zeros((10, 10), np.uint8), metadata=None)
    content = bytearray(buffer.getvalue())
    with tifffile.TiffFile(io.BytesIO(buffer.getvalue())) as tiff:
        for tag, value in (("ImageWidth", width), ("ImageLength", height)):
            entry = tiff.pages.first.tags[tag]
            struct.pack_into("<I" if entry.dtype == 4 else "<H", content, entry.valueoffset, value)
    return bytes(content)


# --- kinds of picture that can't be taken without losing something ------------------------------


@pytest.mark.parametrize(
    ("samples", "says"),
    [
        (np.ones((12, 12), np.complex64), "complex"),
        (np.full((12, 12), np.nan, np.float32), "not one finite value"),
        (np.full((12, 12), 1e300), "beyond 32-bit"),
        (np.full((12, 12), 2**63, np.uint64), "beyond"),
    ],
)
def test_numbers_that_show_nothing_are_refused(refused, samples, says):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, samples)
    assert says in refused(buffer.getvalue(), "x.tif")
    buffer = io.BytesIO()
    np.save(buffer, samples)
    assert says in refused(buffer.getvalue(), "x.npy")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (np.zeros((3, 20, 24)), "--axes ZYX"),
        (np.zeros((0, 20)), "empty"),
        (np.zeros((20, 24), bool), "bool"),
        (np.array([{"a": 1}], dtype=object), "damaged"),
    ],
)
def test_arrays_that_are_no_picture_are_refused(refused, content, says):
    buffer = io.BytesIO()
    np.save(buffer, content, allow_pickle=True)
    assert says in refused(buffer.getvalue(), "x.npy")


def test_an_array_that_is_cut_off_is_refused(refused):
    buffer = io.BytesIO()
    np.save(buffer, np.zeros((20, 24)))
    for length in (7, 20, 200, len(buffer.getvalue()) - 1):
        refused(buffer.getvalue()[:length], "x.npy")


@pytest.mark.parametrize("options", [{}, {"metadata": None}, {"imagej": True}, {"ome": True}])
def test_tiff_stack_is_not_cut_to_one_slice(refused, grey_pixels, options):
    buffer = io.BytesIO()
    stack = np.stack([grey_pixels] * 5)
    tifffile.imwrite(buffer, stack, photometric="minisblack", **options)
    assert "a stack of 5 pictures; only single pictures" in refused(buffer.getvalue(), "x.tif")


def test_imagej_stack_in_one_directory_is_seen(refused, grey_pixels):
    """ImageJ writes stacks above 4 GB with a single directory and images=N in the description."""
    buffer = io.BytesIO()
    description = "ImageJ=1.54f\nimages=3\nslices=3\n"
    tifffile.imwrite(buffer, grey_pixels, description=description, metadata=None)
    content = buffer.getvalue()
    assert "a stack of 3" in refused(content + grey_pixels.tobytes() * 2, "x.tif")


def test_two_channel_microscopy_is_not_taken_for_alpha(refused, grey_pixels):
    buffer = io.BytesIO()
    two = np.dstack([grey_pixels, grey_pixels])
    tifffile.imwrite(
        buffer, two, photometric="minisblack", planarconfig="contig", extrasamples=["unspecified"]
    )
    assert "save each channel as a picture" in refused(buffer.getvalue(), "x.tif")


@pytest.mark.parametrize("name", ["PNG", "WEBP"])
def test_animation_is_not_cut_to_one_frame(refused, encoded, colour_pixels, name):
    other = Image.fromarray(np.tile(colour_pixels[::-1], (4, 4, 1)))
    content = encoded(name, save_all=True, append_images=[other])
    assert "an animation of 2 frames; only single pictures are read" in refused(content, "x.png")


# --- targets that can't be written -------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs POSIX users")
def test_unwritable_folder(tmp_path, colour_pixels):
    write_picture(tmp_path / "warm-up.png", Picture(colour_pixels))
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o555)
    with nobody(), pytest.raises(OutputError, match="Permission denied"):
        write_picture(folder / "x.png", Picture(colour_pixels))
    assert list(folder.iterdir()) == []


_WRITE_WITHOUT_SPACE = """
import resource, sys
from pathlib import Path
import numpy as np
from spiden_cli.core.files.picture_files import Picture, write_picture
from spiden_cli.errors import OutputError
noise = np.random.default_rng(0).integers(0, 65536, (200, 200, 3), dtype=np.uint16)
target = Path(sys.argv[1])
target.write_bytes(b"the old picture")
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    write_picture(target, Picture(noise))
except OutputError as error:
    print(error)
"""


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="needs POSIX limits")
@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".webp", ".bmp"])
def test_no_space_for_the_file_leaves_the_old_one(tmp_path, suffix):
    """A file size limit stops the write in the middle, as a full disk does."""
    target = tmp_path / f"x{suffix}"
    command = [sys.executable, "-W", "error", "-c", _WRITE_WITHOUT_SPACE, str(target)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ended.stdout == f"can't write {target}: File too large\n"
    assert ended.stderr == ""
    assert [path.name for path in tmp_path.iterdir()] == [target.name]
    assert target.read_bytes() == b"the old picture"


@contextmanager
def nobody() -> Iterator[None]:
    """Drop root's power to read and write everything, if the tests run as root."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        if user == 0:
            os.seteuid(0)
