"""Headers: what they say is what decoding finds, and nothing is decoded to learn it."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from spiden_cli.core.files import picture_files
from spiden_cli.core.files.picture_files import read_header, read_picture
from spiden_cli.errors import InputError

MODES = {
    "png": ("1", "L", "LA", "I;16", "P", "RGB", "RGBA"),
    "jpg": ("L", "RGB", "CMYK"),
    "bmp": ("1", "L", "P", "RGB"),
    "webp": ("RGB", "RGBA"),
    "tif": ("1", "L", "LA", "I;16", "P", "RGB", "RGBA", "CMYK"),
}
CASES = [(suffix, mode) for suffix, modes in MODES.items() for mode in modes]


def picture(mode: str, pixels: np.ndarray) -> Image.Image:
    if mode == "I;16":
        return Image.fromarray(pixels[..., 0].astype(np.uint16) * 257)
    return Image.fromarray(pixels).convert(mode)


@pytest.mark.parametrize(("suffix", "mode"), CASES)
def test_a_header_says_what_decoding_finds(
    suffix: str, mode: str, colour_pixels: np.ndarray, tmp_path: Path, monkeypatch
) -> None:
    path = tmp_path / f"x.{suffix}"
    picture(mode, colour_pixels).save(path)
    decoded = read_picture(path)
    if mode != "P":
        monkeypatch.setattr(picture_files, "read_picture", None)  # not to be called
    assert read_header(path) == (decoded.width, decoded.height, decoded.is_colour)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_a_palette_of_greys_is_grey(suffix, grey_pixels, tmp_path) -> None:
    path = tmp_path / f"x.{suffix}"
    image = Image.fromarray(grey_pixels).convert("P")
    image.putpalette([level for level in range(256) for _ in range(3)])
    image.save(path)
    assert not read_header(path).is_colour
    assert not read_picture(path).is_colour


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((31, 37, 3), {"photometric": "rgb"}),
        ((3, 31, 37), {"photometric": "rgb", "planarconfig": "separate"}),
        ((31, 37, 4), {"photometric": "rgb", "extrasamples": ["unassalpha"]}),
        ((31, 37, 2), {"photometric": "minisblack", "extrasamples": ["unassalpha"]}),
        ((31, 37), {"photometric": "miniswhite"}),
    ],
)
def test_deep_tiff(shape, options, tmp_path) -> None:
    path = tmp_path / "x.tif"
    samples = np.random.default_rng(0).integers(0, 65536, shape, dtype=np.uint16)
    tifffile.imwrite(path, samples, **options)
    decoded = read_picture(path)
    assert read_header(path) == (37, 31, decoded.is_colour)


@pytest.mark.parametrize("content", [b"", b"text", b"II*\0", b"\x89PNG\r\n\x1a\n", b"BM", b"RIFF"])
def test_what_has_no_header_is_refused_in_one_line(content, tmp_path) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"x\.png") as refused:
        read_header(path)
    assert str(refused.value).isprintable()


def test_a_folder_and_a_missing_file_are_refused(tmp_path) -> None:
    for path in (tmp_path, tmp_path / "none.png"):
        with pytest.raises(InputError):
            read_header(path)
