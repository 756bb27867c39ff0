"""Parts of files that no library carries over are named, and what is true of any pixels is kept."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, features

from spiden_cli.core.files.animations import read_animation, write_animation
from spiden_cli.core.files.file_head import head_of
from spiden_cli.core.files.jpeg_segments import segment
from spiden_cli.core.files.picture_files import losses, read_picture, write_picture
from spiden_cli.core.files.png_chunks import as_bytes, read_chunks
from spiden_cli.core.image.animation import Animation

BEFORE, BEHIND = "before", "behind"


def png(path, pixels, *chunks, where=BEFORE):
    Image.fromarray(pixels).save(path)
    content = path.read_bytes()
    at = content.index(b"IDAT") - 4 if where == BEFORE else len(content) - 12
    path.write_bytes(content[:at] + as_bytes(chunks) + content[at:])
    return path


def jpeg(path, pixels, *segments, behind=b"", **options):
    Image.fromarray(pixels).save(path, **options)
    content = path.read_bytes()
    path.write_bytes(content[:20] + b"".join(segments) + content[20:] + behind)
    return path


def resource(number: int, content: bytes) -> bytes:
    return b"8BIM" + struct.pack(">HHI", number, 0, len(content)) + content


@pytest.mark.parametrize("where", [BEFORE, BEHIND])
@pytest.mark.parametrize(
    ("name", "said"),
    [
        (b"tIME", "the time of its last change (tIME)"),
        (b"sPLT", "suggested palettes (sPLT)"),
        (b"hIST", "the histogram of its palette (hIST)"),
        (b"caBX", "content credentials (C2PA)"),
        (b"prVW", "the chunk prVW"),
    ],
)
def test_chunks_of_the_noisy_pixels_are_named(tmp_path, colour_pixels, name, said, where):
    picture = read_picture(png(tmp_path / "x.png", colour_pixels, (name, b"12345"), where=where))
    assert picture.lost == (f"parts of the file that aren't kept: {said}",)
    write_picture(tmp_path / "y.png", picture)
    assert read_picture(tmp_path / "y.png").lost == ()


def test_a_programs_chunk_that_is_true_of_any_pixels_is_kept(tmp_path, colour_pixels):
    told = ((b"vpAg", bytes(9)), (b"meTa", b"words"))
    picture = read_picture(png(tmp_path / "x.png", colour_pixels, *told))
    assert picture.lost == ()
    write_picture(tmp_path / "y.png", picture)
    with (tmp_path / "y.png").open("rb") as stream:
        assert set(told) <= set(read_chunks(stream))
    assert "chunks of programs" in " ".join(losses("y.jpg", picture))


def test_of_several_texts_of_a_name_it_is_told_that_one_is_kept(tmp_path, colour_pixels):
    texts = [(b"tEXt", b"Comment\0one"), (b"tEXt", b"Comment\0two"), (b"tEXt", b"Title\0x")]
    picture = read_picture(png(tmp_path / "x.png", colour_pixels, *texts))
    assert dict(picture.metadata.texts) == {"Comment": "two", "Title": "x"}
    assert picture.lost == ("of texts of one name the last alone is kept: Comment",)


@pytest.mark.parametrize(
    ("marker", "body", "said"),
    [
        (0xE1, b"FLIR\0\1\0" + bytes(20), "APP1 FLIR"),
        (0xEB, b"JP\0\1\0\0\0\1....jumbc2pa", "content credentials (C2PA)"),
        (0xEC, b"OLYMPUS\0" + bytes(20), "APP12 OLYMPUS"),
        (0xED, b"Photoshop 3.0\0" + resource(2000, bytes(26)), "Photoshop's paths"),
        (0xEF, bytes(4), "APP15"),
    ],
)
def test_segments_of_cameras_and_programs_are_named(tmp_path, colour_pixels, marker, body, said):
    picture = read_picture(jpeg(tmp_path / "x.jpg", colour_pixels, segment(marker, body)))
    assert picture.lost == (f"parts of the file that aren't kept: {said}",)


def test_segments_about_pixels_and_kept_ones_are_not(tmp_path, colour_pixels, srgb, camera_exif):
    about = [
        segment(0xE0, b"JFXX\0\x10" + bytes(20)),
        segment(0xEC, b"Ducky\0\1\0\4\0\0\0\x50\0\0"),
        segment(0xED, b"Photoshop 3.0\0" + resource(1028, b"\x1c\x02\x78\0\2Hi")),
    ]
    options = {"icc_profile": srgb, "exif": camera_exif, "xmp": b"<x:xmpmeta/>"}
    picture = read_picture(jpeg(tmp_path / "x.jpg", colour_pixels, *about, **options))
    assert picture.lost == ()
    assert picture.metadata.iptc


def test_all_comments_of_a_jpeg_are_kept(tmp_path, colour_pixels):
    comments = [segment(0xFE, b"first"), segment(0xFE, "zweit\u00e9".encode())]
    picture = read_picture(jpeg(tmp_path / "x.jpg", colour_pixels, *comments))
    assert picture.metadata.comment == "first\nzweit\u00e9"


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize(
    ("behind", "said"),
    [
        (b"", ""),
        (bytes(3000) + b"\xff\xff\r\n", ""),
        (struct.pack(">I", 24) + b"ftypmp42" + bytes(500), "the video behind the picture"),
        (b"SEFT" * 300, "1,200 bytes of other data behind the picture"),
    ],
)
def test_what_stands_behind_a_jpeg_is_named(tmp_path, colour_pixels, behind, said, progressive):
    options = {"progressive": progressive, "restart_marker_blocks": 2}
    picture = read_picture(jpeg(tmp_path / "x.jpg", colour_pixels, behind=behind, **options))
    assert bool(picture.lost) == bool(said)
    assert said in " ".join(picture.lost)


def long_profile(srgb: bytes) -> bytes:
    """A profile of over 64 KB, as printers have them."""
    return struct.pack(">I", len(srgb) + 100_000) + srgb[4:] + bytes(100_000)


def test_a_lossless_webp_stays_so_behind_a_long_profile(tmp_path, colour_pixels, srgb):
    profile = long_profile(srgb)
    Image.fromarray(colour_pixels).save(tmp_path / "x.webp", lossless=True, icc_profile=profile)
    picture = read_picture(tmp_path / "x.webp")
    write_picture(tmp_path / "y.webp", picture)
    after = read_picture(tmp_path / "y.webp")
    assert np.array_equal(after.pixels, colour_pixels)
    assert after.icc_profile == profile


def test_chunks_of_a_webp_are_named(tmp_path, colour_pixels, camera_exif):
    buffer = io.BytesIO()
    Image.fromarray(colour_pixels).save(buffer, "WEBP", exif=camera_exif, xmp=b"<x:xmpmeta/>")
    content = buffer.getvalue() + b"C2PA" + struct.pack("<I", 3) + b"abc\0"
    (tmp_path / "x.webp").write_bytes(
        content[:4] + struct.pack("<I", len(content) - 8) + content[8:]
    )
    picture = read_picture(tmp_path / "x.webp")
    assert picture.lost == ("parts of the file that aren't kept: content credentials (C2PA)",)


@pytest.mark.skipif(not features.check_module("avif"), reason="this Pillow has no AVIF")
def test_plays_of_an_avif_are_found_behind_a_long_profile(tmp_path, colour_pixels, srgb):
    pixels = [colour_pixels, colour_pixels[::-1].copy()]
    Image.fromarray(pixels[0]).save(tmp_path / "x.png", icc_profile=long_profile(srgb))
    first = read_picture(tmp_path / "x.png")
    Image.fromarray(pixels[1]).save(tmp_path / "z.png")
    film = Animation((first, read_picture(tmp_path / "z.png")), (1, 1), 3)
    write_animation(tmp_path / "x.avif", film)
    assert read_animation(tmp_path / "x.avif").plays == 3


def test_the_depth_of_an_avif_is_found_wherever_it_stands(tmp_path):
    def box(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I4s", len(body) + 8, name) + body

    told = box(b"meta", b"\0\0\0\x0cav1C\x81\x04\x4c\0")
    large = struct.pack(">I4sQ", 1, b"mdat", 16 + 70_000) + bytes(70_000)
    (tmp_path / "x.avif").write_bytes(box(b"ftyp", b"avif" + bytes(4)) + large + told)
    assert head_of(tmp_path / "x.avif", "AVIF").bits == 10
    (tmp_path / "y.avif").write_bytes(box(b"ftyp", b"avif" + bytes(4)) + told[:-6])
    assert head_of(tmp_path / "y.avif", "AVIF").bits == 8
