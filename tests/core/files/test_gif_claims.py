"""Frames of a GIF that claim more than there is: refused before memory is filled for them."""

import resource
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spiden_cli.core.files.animations import frame_count, read_animation
from spiden_cli.core.files.picture_files import read_picture
from spiden_cli.errors import InputError

SIDE = 24
TO_BACKGROUND = 2 << 2  # Pillow fills what such a frame covers, before it is decoded


def gif(folder: Path, *places: tuple[int, int, int, int], canvas: int = SIDE) -> Path:
    """A GIF with a frame of noise at each place (left, top, width, height), whatever its data."""
    pixels = np.random.default_rng(0).integers(0, 4, (SIDE, SIDE), np.uint8)
    saved = folder / "frame.gif"
    Image.fromarray(pixels * 60).save(saved, optimize=False)
    content = saved.read_bytes()
    begin = 13 + (3 << (content[10] & 7) + 1)
    data = content[content.index(b",", begin) + 10 : -1]
    head = content[:6] + struct.pack("<2H", canvas, canvas) + content[10:begin]
    control = b"!\xf9\x04" + bytes([TO_BACKGROUND, 10, 0, 0, 0])
    frames = (control + b"," + struct.pack("<4H", *place) + b"\0" + data for place in places)
    path = folder / "made.gif"
    path.write_bytes(head + b"".join(frames) + b";")
    return path


def most_memory() -> int:
    """The largest memory of this process so far: Pillow's is none of Python's."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


WHOLE = (0, 0, SIDE, SIDE)


def test_frames_inside_the_picture_are_read(tmp_path):
    path = gif(tmp_path, WHOLE, (4, 4, 20, 20), WHOLE)
    assert frame_count(path) == 3
    assert {frame.pixels.shape for frame in read_animation(path).frames} == {(SIDE, SIDE)}


def test_a_first_frame_beyond_the_canvas_enlarges_it(tmp_path):
    assert read_picture(gif(tmp_path, WHOLE, canvas=16)).pixels.shape == (SIDE, SIDE)


@pytest.mark.parametrize(
    "places",
    [
        (WHOLE, (0, 0, 65_535, 65_535)),
        (WHOLE, WHOLE, (65_000, 0, 24, 24)),
        (WHOLE, (0, 1, SIDE, SIDE)),
        ((0, 0, 65_535, 65_535),),
        ((0, 0, 65_535, 65_535), WHOLE),
        ((65_535, 65_535, 24, 24),),
    ],
)
def test_frames_that_can_not_be_are_refused_without_memory(tmp_path, places):
    path = gif(tmp_path, *places)
    before = most_memory()
    for read in (read_animation, read_picture):
        with pytest.raises(InputError, match=r"reaches beyond its 24 x 24|can hold"):
            read(path)
    assert frame_count(path) == 1
    assert most_memory() - before < 50_000  # kB


@pytest.mark.parametrize("length", [3, 12, 14, 40, 60, 90])
def test_an_early_end_is_refused_by_the_decoder(tmp_path, length):
    path = gif(tmp_path, WHOLE, WHOLE)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(InputError):
        read_picture(path)
