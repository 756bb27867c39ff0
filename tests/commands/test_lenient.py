"""`--lenient`: what there is of a damaged picture is denoised, and not as if it were whole."""

import json

import numpy as np
import pytest
import tifffile
from PIL import Image

SIZE = (64, 48)


def cut(path, share=0.6):
    """Take off the end of a file."""
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])


@pytest.fixture
def damaged(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pixels = np.random.default_rng(0).integers(60, 200, (*SIZE, 3), np.uint8)
    for name in ("a.jpg", "b.png", "c.bmp"):
        Image.fromarray(pixels).save(tmp_path / name)
        cut(tmp_path / name)
    tifffile.imwrite("d.tif", pixels, tile=(16, 16), photometric="rgb")
    cut(tmp_path / "d.tif", 0.95)
    return tmp_path, pixels


@pytest.mark.parametrize("name", ["a.jpg", "b.png", "c.bmp", "d.tif"])
def test_what_there_is_of_a_picture_is_denoised_with_a_note_and_a_code(spiden, damaged, name):
    folder, pixels = damaged
    refused = spiden("denoise", name, "-m", "tiny", "--sigma", 1, "-o", "out.png")
    assert refused.code == 2
    assert "damaged or incomplete" in refused.stderr
    assert not (folder / "out.png").exists()
    done = spiden(
        "denoise", name, "-m", "tiny", "--sigma", 1, "-o", "out.png", "--lenient", "--json"
    )
    assert done.code == 2, done.stderr
    assert "ends early" in done.stderr
    (record,) = json.loads(done.stdout)
    assert record["incomplete"] is True
    first = np.asarray(Image.open(folder / "out.png").convert("RGB"))[:16]
    if name.endswith(("bmp", "jpg")):  # a BMP begins at its last row; a JPEG loses some
        return
    assert np.abs(first.astype(int) - pixels[:16]).mean() < 3


def test_a_whole_picture_is_none_the_worse(spiden, tmp_path, grey_pixels):
    Image.fromarray(grey_pixels).save(tmp_path / "a.png")
    done = spiden("denoise", tmp_path / "a.png", "-m", "tiny", "--sigma", 5, "--lenient", "--json")
    assert done.code == 0
    assert "incomplete" not in json.loads(done.stdout)[0]


def test_what_is_no_picture_stays_refused(spiden, tmp_path):
    (tmp_path / "a.png").write_bytes(b"no picture at all")
    done = spiden("denoise", tmp_path / "a.png", "--lenient")
    assert done.code == 2
    assert len(done.stderr.splitlines()) == 1
