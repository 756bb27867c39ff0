"""Formats that have 9 to 15 bits a sample: read as they are, and as bright elsewhere."""

import io

import imagecodecs
import netpbmfile
import numpy as np
import pytest
import tifffile
from PIL import features

from spiden_cli.core.files.picture_files import losses, read_picture, write_picture
from spiden_cli.core.image.picture import Range
from spiden_cli.errors import InputError

needs_avif = pytest.mark.skipif(not features.check_module("avif"), reason="this Pillow has no AVIF")


def smooth(white: int, channels: int) -> np.ndarray:
    """(48, 64, channels) from 0 to 0.4 of white, so that no reader can guess it; alpha is 0.7."""
    rows, columns = np.mgrid[0:0.4:48j, 0:0.4:64j]
    planes = [rows, columns, (rows + columns) / 2][: channels - 1 + channels % 2]
    planes += [np.full_like(rows, 0.7)] * (channels % 2 == 0)
    return np.rint(np.dstack(planes) * white).astype(np.uint16).squeeze()


def heic(samples: np.ndarray, bits: int) -> bytes:
    package = pytest.importorskip("pillow_heif", reason="pillow-heif isn't installed")
    mode, buffer = {3: "RGB;16", 4: "RGBA;16"}[samples.shape[2]], io.BytesIO()
    content = (samples << (16 - bits)).tobytes()
    package.encode(mode, samples.shape[1::-1], content, buffer, quality=95, chroma=444)
    return buffer.getvalue()


def pnm(samples: np.ndarray, bits: int) -> bytes:
    buffer = io.BytesIO()
    netpbmfile.imwrite(buffer, samples, magicnumber="P6", maxval=2**bits - 1)
    return buffer.getvalue()


def avif(samples: np.ndarray, bits: int) -> bytes:
    return bytes(imagecodecs.avif_encode(samples, level=100, bitspersample=bits))


def jxl(samples: np.ndarray, bits: int) -> bytes:
    return bytes(imagecodecs.jpegxl_encode(samples, lossless=True, bitspersample=bits))


def jp2(samples: np.ndarray, bits: int) -> bytes:
    return bytes(
        imagecodecs.jpeg2k_encode(samples, codecformat="jp2", reversible=True, bitspersample=bits)
    )


@needs_avif
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("bits", [10, 12])
def test_all_bits_of_an_avif_are_read(tmp_path, bits, channels):
    samples = smooth(2**bits - 1, channels)
    (tmp_path / "x.avif").write_bytes(avif(samples, bits))
    picture = read_picture(tmp_path / "x.avif")
    assert picture.levels == Range(0, 2**bits - 1)
    assert picture.lost == ()
    decoded = imagecodecs.avif_decode((tmp_path / "x.avif").read_bytes())
    colours = decoded if channels % 2 else decoded[..., :-1].squeeze()
    assert np.array_equal(picture.pixels, colours)
    assert (picture.alpha is None) == (channels % 2 == 1)
    if picture.alpha is not None:
        assert np.abs(picture.alpha / 65535 - 0.7).max() < 0.001
    assert "scaled to 0 to 255" in losses(tmp_path / "y.avif", picture)[0]


@needs_avif
def test_an_avif_of_many_bits_that_is_damaged_is_refused(tmp_path):
    content = avif(smooth(1023, 3), 10)
    (tmp_path / "x.avif").write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match="damaged"):
        read_picture(tmp_path / "x.avif")


@pytest.mark.parametrize(
    ("suffix", "encode", "channels"),
    [
        pytest.param(".avif", avif, 4, marks=needs_avif),
        (".heic", heic, 4),
        (".jxl", jxl, 4),
        (".jp2", jp2, 4),
        (".ppm", pnm, 3),
    ],
)
def test_they_are_as_bright_and_clear_in_16_bits(tmp_path, suffix, encode, channels):
    samples = smooth(1023, channels)
    (tmp_path / f"x{suffix}").write_bytes(encode(samples, 10))
    before = read_picture(tmp_path / f"x{suffix}")
    assert before.levels == Range(0, 1023)
    for name in ("y.png", "y.tif"):
        assert losses(tmp_path / name, before) == ()
        write_picture(tmp_path / name, before)
    shown = [
        imagecodecs.png_decode((tmp_path / "y.png").read_bytes()),
        tifffile.imread(tmp_path / "y.tif"),
    ]
    write_picture(tmp_path / f"y{suffix}", before)
    again = read_picture(tmp_path / f"y{suffix}")
    for decoded in shown:
        assert decoded.dtype == np.uint16
        assert np.abs(decoded / 65535 - samples / 1023).max() < 0.02
    assert np.abs(again.pixels / again.levels.white - samples[..., :3] / 1023).max() < 0.02
    if channels == 4:
        full = np.iinfo(again.alpha.dtype).max
        assert np.abs(again.alpha / full - 0.7).max() < 0.01
