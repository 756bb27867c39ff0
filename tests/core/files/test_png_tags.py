"""What PNG says besides colours and words, and pixels that aren't square."""

import struct

import numpy as np
import pytest
from PIL import Image

from spiden_cli.core.files.picture_files import losses, read_picture, write_picture
from spiden_cli.core.files.png_chunks import head_chunks, read_chunks, with_chunks


def chunks_in(path) -> dict[bytes, bytes]:
    with path.open("rb") as stream:
        return head_chunks(read_chunks(stream))


def saved(path, pixels, *chunks, **options):
    """A PNG with more chunks right in front of its pixels, as a palette comes before them."""
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(path, **options)
    content = path.read_bytes()
    at = content.index(b"IDAT") - 4
    added = with_chunks(b"\0" * 33, chunks)[33:]
    path.write_bytes(content[:at] + added + content[at:])
    return path


@pytest.mark.parametrize("kind", ["colour", "grey", "grey16", "palette", "one bit"])
def test_the_background_is_the_same_colour_in_the_new_samples(tmp_path, colour_pixels, kind):
    colour = Image.fromarray(colour_pixels)
    grey = colour.convert("L")
    image, body, expected = {
        "colour": (colour, struct.pack(">3H", 10, 20, 30), struct.pack(">3H", 10, 20, 30)),
        "grey": (grey, struct.pack(">H", 77), struct.pack(">H", 77)),
        "grey16": (
            Image.fromarray(np.asarray(grey).astype(np.uint16) * 257),
            struct.pack(">H", 5000),
            struct.pack(">H", 5000),
        ),
        "palette": (colour.quantize(16), b"\x03", None),
        "one bit": (grey.convert("1"), struct.pack(">H", 1), struct.pack(">H", 255)),
    }[kind]
    if expected is None:
        expected = struct.pack(">3H", *image.getpalette("RGB")[9:12])
    before = read_picture(saved(tmp_path / "x.png", image, (b"bKGD", body)))
    write_picture(tmp_path / "y.png", before)
    assert chunks_in(tmp_path / "y.png")[b"bKGD"] == expected
    assert np.array_equal(read_picture(tmp_path / "y.png").pixels, before.pixels)
    assert "PNG says" not in " ".join(losses(tmp_path / "y.webp", before))  # it isn't seen


def test_a_background_that_is_seen_and_a_place_on_a_page_are_kept_or_told(tmp_path, colour_pixels):
    clear = np.dstack([colour_pixels, colour_pixels[..., 0]])
    place, scale = struct.pack(">iiB", -5, 7, 0), b"\x010.5\x000.25"
    told = [(b"bKGD", struct.pack(">3H", 1, 2, 3)), (b"oFFs", place), (b"sCAL", scale)]
    before = read_picture(saved(tmp_path / "x.png", clear, *told))
    write_picture(tmp_path / "y.png", before)
    assert dict(told).items() <= chunks_in(tmp_path / "y.png").items()
    assert "what only PNG says" in " ".join(losses(tmp_path / "y.webp", before))


@pytest.mark.parametrize("source", ["x.png", "x.jpg"])
def test_pixels_that_are_not_square_stay_so_or_it_is_told(tmp_path, colour_pixels, source):
    path = tmp_path / source
    if source == "x.png":
        saved(path, colour_pixels, (b"pHYs", struct.pack(">2IB", 4, 3, 0)))
    else:
        Image.fromarray(colour_pixels).save(path)
        content = path.read_bytes()
        path.write_bytes(content[:13] + struct.pack(">B2H", 0, 4, 3) + content[18:])
    before = read_picture(path)
    for name in ("y.png", "y.jpg", "y.tif"):
        assert losses(tmp_path / name, before) == ()
        write_picture(tmp_path / name, before)
        resolution = read_picture(tmp_path / name).resolution
        assert resolution.unit == "none"
        assert resolution.x / resolution.y == pytest.approx(4 / 3)
    with Image.open(tmp_path / "y.jpg") as image:
        assert (image.info["jfif_unit"], image.info["jfif_density"]) == (0, (4, 3))
    with Image.open(tmp_path / "y.png") as image:
        assert image.info["aspect"] == (4, 3)
    assert "aren't square" in losses(tmp_path / "y.webp", before)[0]
