"""Camera raw: developed from what the sensor saw, never from the preview."""

import numpy as np
import pytest
from PIL import Image
from raw_files import mosaic_of, write_dng

from spiden_cli.core.files.finding import find_pictures
from spiden_cli.core.files.picture_files import (
    is_camera_raw,
    read_header,
    read_picture,
    write_picture,
)
from spiden_cli.core.image.picture import Range
from spiden_cli.errors import InputError

pytest.importorskip("rawpy", reason="rawpy isn't installed: pip install 'spiden[raw]'")


@pytest.fixture
def scene() -> np.ndarray:
    """Grey steps in linear light, dark to the left and light to the right, over 64 rows."""
    steps = np.repeat(np.linspace(0.05, 0.9, 8), 12)
    return np.broadcast_to(steps[None, :, None], (64, 96, 3)).copy()


@pytest.mark.parametrize("preview", [False, True])
@pytest.mark.parametrize("suffix", [".dng", ".tif"])
def test_the_sensor_is_developed_in_white_balance(tmp_path, scene, suffix, preview):
    write_dng(path := tmp_path / f"x{suffix}", mosaic_of(scene), preview=preview)
    picture = read_picture(path)
    assert (picture.pixels.shape, picture.depth) == ((64, 96, 3), 16)
    assert picture.levels == Range(0, 65535)
    steps = picture.pixels[20:44, 6::12].astype(float).mean(axis=0)
    assert (np.diff(steps[:, 1]) > 2000).all()
    darker = steps[:5]  # the lightest may be clipped
    assert (darker.max(axis=1) / darker.min(axis=1) < 1.05).all()
    assert is_camera_raw(path)
    assert read_header(path)[:2] == (96, 64)


def test_a_turned_camera(tmp_path, scene):
    write_dng(tmp_path / "x.dng", mosaic_of(scene), orientation=6)
    picture = read_picture(tmp_path / "x.dng")
    assert picture.pixels.shape == (96, 64, 3)
    assert picture.pixels[90, 32, 1] > picture.pixels[6, 32, 1]  # turned to the right


def test_who_took_it_is_kept(tmp_path, scene):
    write_dng(tmp_path / "x.dng", mosaic_of(scene), preview=True)
    picture = read_picture(tmp_path / "x.dng")
    write_picture(tmp_path / "x.tiff", picture)
    with Image.open(tmp_path / "x.tiff") as image:
        tags = image.getexif()
        assert (tags[271], tags[315]) == ("Kamera", "A. Photographer")
    again = read_picture(tmp_path / "x.tiff")
    assert np.array_equal(again.pixels, picture.pixels)
    assert again.levels == Range(0, 65535)


@pytest.mark.parametrize("damage", ["cut off", "no sensor"])
def test_what_has_no_sensor_values_is_refused(tmp_path, scene, damage):
    write_dng(path := tmp_path / "x.dng", mosaic_of(scene), preview=True)
    content = path.read_bytes()
    if damage == "cut off":
        path.write_bytes(content[: len(content) // 2])
    else:  # no DNG that LibRaw knows, for all that its suffix and tags say
        path.write_bytes(content.replace((32803).to_bytes(2, "little"), b"\x01\x00"))
    with pytest.raises(InputError, match=r"x\.dng"):
        read_picture(path)


def test_without_rawpy_the_error_names_what_to_install(tmp_path, scene, monkeypatch):
    write_dng(tmp_path / "x.dng", mosaic_of(scene), preview=True)
    Image.new("RGB", (9, 9)).save(tmp_path / "x.jpg")
    assert len(find_pictures([tmp_path])) == 2
    monkeypatch.setattr("spiden_cli.core.files.format._is_installed", lambda package: False)
    with pytest.raises(InputError, match=r"pip install 'spiden\[raw\]'"):
        read_picture(tmp_path / "x.dng")
    assert find_pictures([tmp_path]) == [tmp_path / "x.jpg"]
