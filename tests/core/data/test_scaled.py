"""Scaled copies: made from what is public, and known again whichever library wrote them."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import gaussian_filter

from spiden_cli.core.data.scaled import scale_picture, shows
from spiden_cli.core.data.sources import Thumbnail, load_sources


def scene(seed: int, height: int, width: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(height, width, 3))
    smooth = gaussian_filter(noise, (height / 8, width / 8, 0))
    return np.rint((smooth - smooth.min()) / np.ptp(smooth) * 255).astype(np.uint8)


def thumbnail_of(pixels: np.ndarray, scale: int = 1) -> Thumbnail:
    image = Image.fromarray(pixels).reduce(scale)
    cells = image.convert("L").resize((4, 4), Image.Resampling.BOX)
    return Thumbnail(*image.size, cells.tobytes())


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_a_copy_is_the_mean_of_blocks_as_jpeg(tmp_path: Path, scale: int) -> None:
    pixels = scene(1, 96 * scale, 128 * scale)
    path = tmp_path / "download"
    Image.fromarray(pixels).save(path, "PNG")
    scale_picture(path, thumbnail_of(pixels, scale))
    with Image.open(path) as image:
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (128, 96))
        blocks = pixels.reshape(96, scale, 128, scale, 3).mean((1, 3))
        assert np.abs(np.asarray(image) - blocks).mean() < 1


def test_a_picture_that_is_stored_turned_is_turned(tmp_path: Path) -> None:
    pixels, exif = scene(2, 96, 128), Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.rot90(pixels)).save(tmp_path / "x", "PNG", exif=exif)
    scale_picture(tmp_path / "x", thumbnail_of(pixels))
    assert shows(tmp_path / "x", thumbnail_of(pixels))


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1), quality=st.integers(85, 100), chroma=st.sampled_from([0, 2]))
def test_another_encoder_makes_no_other_picture_but_another_scene_is_one(
    tmp_path: Path, seed: int, quality: int, chroma: int
) -> None:
    pixels, path = scene(seed, 90, 70), tmp_path / "x.jpg"
    Image.fromarray(pixels).save(path, quality=quality, subsampling=chroma)
    assert shows(path, thumbnail_of(pixels))
    assert not shows(path, thumbnail_of(pixels[:-1]))
    assert not shows(path, thumbnail_of(scene(seed + 1, 90, 70)))
    assert not shows(path, thumbnail_of(np.ascontiguousarray(pixels[:, ::-1])))


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"\x89PNG\r\n\x1a\nbroken"])
def test_what_is_no_picture_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    assert not shows(tmp_path / "x", thumbnail_of(scene(0, 64, 64)))
    with pytest.raises(ValueError, match="no picture that can be read"):
        scale_picture(tmp_path / "x", thumbnail_of(scene(0, 64, 64)))


def test_the_photos_are_known_and_told_apart(data_dir: Path) -> None:
    files = load_sources()["photos"].files[::40]
    for file in files:
        assert file.thumbnail is not None
        shown = [
            other.name for other in files if shows(data_dir / "photos" / other.name, file.thumbnail)
        ]
        assert shown == [file.name]
