"""Animations: every frame as it is seen, for as long as it is shown."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from spiden_cli.core.files.animations import (
    frame_count,
    read_animation,
    timing_losses,
    write_animation,
)
from spiden_cli.core.image.animation import Animation
from spiden_cli.core.image.picture import Picture
from spiden_cli.errors import InputError, OutputError

TENTH = Fraction(1, 10)


def animation(count: int = 4, *, colour: bool = True, alpha: bool = False) -> Animation:
    """Noise, so that every frame differs from the others in every place."""
    rng = np.random.default_rng(0)
    shape = (count, 12, 20, 3) if colour else (count, 12, 20)
    frames = rng.integers(0, 256, shape, np.uint8)
    masks = rng.integers(1, 256, (count, 12, 20), np.uint8)  # what isn't seen has no colour in WebP
    pictures = (Picture(f, m if alpha else None) for f, m in zip(frames, masks, strict=True))
    return Animation(tuple(pictures), tuple((i + 1) * TENTH / 3 for i in range(count)), plays=3)


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("suffix", [".png", ".apng", ".webp"])
def test_every_bit_of_every_frame_comes_back(tmp_path, suffix, colour, alpha):
    before = animation(colour=colour, alpha=alpha)
    write_animation(tmp_path / f"x{suffix}", before)
    after = read_animation(tmp_path / f"x{suffix}")
    assert frame_count(tmp_path / f"x{suffix}") == len(after.frames) == 4
    for one, other in zip(before.frames, after.frames, strict=True):
        assert np.array_equal(one.pixels, other.pixels)
        assert not alpha or np.array_equal(one.alpha, other.alpha)
        assert (other.alpha is not None) == alpha
    assert after.plays == 3


@settings(max_examples=20, deadline=None)
@given(st.lists(st.fractions(0, 60, max_denominator=1000), min_size=2, max_size=6))
def test_durations_are_exact_in_a_png_and_sum_up_in_webp(tmp_path_factory, durations):
    folder = tmp_path_factory.mktemp("timing")
    before = Animation(animation(len(durations)).frames, tuple(durations))
    write_animation(folder / "x.png", before)
    assert read_animation(folder / "x.png").durations == before.durations
    write_animation(folder / "x.webp", before)
    after = read_animation(folder / "x.webp")
    assert abs(after.seconds - before.seconds) <= Fraction(1, 2000)
    whole = after.durations == before.durations
    assert bool(timing_losses(folder / "x.webp", before)) != whole
    assert timing_losses(folder / "x.png", before) == ()


@pytest.mark.parametrize(("said", "plays"), [(None, 1), (0, 0), (2, 3)])
def test_a_gif_says_how_often_it_is_repeated(tmp_path, said, plays):
    images = [Image.fromarray(frame.pixels).quantize() for frame in animation().frames]
    loop = {} if said is None else {"loop": said}
    images[0].save(
        tmp_path / "x.gif", save_all=True, append_images=images[1:], duration=[20, 30, 70, 10],
        **loop,
    )  # fmt: skip
    after = read_animation(tmp_path / "x.gif")
    assert after.plays == plays
    assert after.durations == tuple(Fraction(ms, 1000) for ms in (20, 30, 70, 10))
    for image, frame in zip(images, after.frames, strict=True):
        assert np.array_equal(np.asarray(image.convert("RGB")), frame.pixels)


@pytest.mark.parametrize(("disposal", "left"), [(1, 200), (2, None)])
def test_what_a_frame_leaves_behind_is_composed(tmp_path, disposal, left):
    """A square moves to the right over nothing; it stays, or is taken away."""
    frames = []
    for column in (2, 12):
        frame = Image.new("L", (20, 10), 0)
        frame.paste(200, (column, 2, column + 4, 6))
        frames.append(frame)
    frames[0].save(
        tmp_path / "x.gif", save_all=True, append_images=frames[1:], disposal=disposal,
        transparency=0, duration=100, optimize=False,
    )  # fmt: skip
    second = read_animation(tmp_path / "x.gif").frames[1]
    assert second.alpha is not None
    assert second.pixels[3, 13] == 200
    seen = second.pixels[3, 3] if second.alpha[3, 3] else None
    assert seen == left


def test_a_picture_for_other_programs_is_no_frame_of_an_apng(tmp_path):
    first, *others = (Image.fromarray(frame.pixels) for frame in animation().frames)
    first.save(
        tmp_path / "x.png", save_all=True, append_images=others, default_image=True, duration=50
    )
    after = read_animation(tmp_path / "x.png")
    assert len(after.frames) == 3
    assert np.array_equal(after.frames[0].pixels, np.asarray(others[0]))


def test_words_and_colours_are_kept(tmp_path, picture, camera_exif, srgb):
    source = tmp_path / "x.webp"
    frames = [Image.fromarray(frame.pixels) for frame in animation().frames]
    frames[0].save(
        source, save_all=True, append_images=frames[1:], duration=40, exif=camera_exif.tobytes(),
        icc_profile=srgb, xmp=b"<x:xmpmeta/>", quality=80,
    )  # fmt: skip
    before = read_animation(source)
    assert before.frames[0].pixels.shape == (20, 12, 3)  # orientation 6
    assert not before.frames[0].encoding.lossless
    for name in ("y.png", "y.webp"):
        write_animation(tmp_path / name, before)
        first = read_animation(tmp_path / name).frames[0]
        assert first.metadata.exif == before.frames[0].metadata.exif
        assert first.metadata.xmp == b"<x:xmpmeta/>"
        assert first.icc_profile == srgb
    assert (tmp_path / "y.webp").read_bytes().find(b"VP8L") < 0  # lossy as it was


@pytest.mark.parametrize("name", ["x.jpg", "x.tiff", "x.avif", "x.gif"])
def test_stills_hold_no_animation(tmp_path, name):
    with pytest.raises(OutputError, match=r"choose \.webp, or \.png|\.png and \.webp hold"):
        write_animation(tmp_path / name, animation())
    assert list(tmp_path.iterdir()) == []


def test_too_many_pixels_in_all(tmp_path, monkeypatch):
    write_animation(tmp_path / "x.png", animation())
    monkeypatch.setattr("spiden_cli.core.files.animations.MAXIMUM_PIXELS", 4 * 12 * 20 - 1)
    with pytest.raises(InputError, match="4 frames of 20 x 12 pixels"):
        read_animation(tmp_path / "x.png")


def test_a_cut_off_animation_is_damaged(tmp_path):
    write_animation(tmp_path / "x.webp", animation())
    content = (tmp_path / "x.webp").read_bytes()
    (tmp_path / "x.webp").write_bytes(content[: len(content) * 2 // 3])
    with pytest.raises(InputError, match="damaged"):
        read_animation(tmp_path / "x.webp")


def test_stills_have_one_frame(tmp_path):
    Image.new("RGB", (9, 9)).save(tmp_path / "x.gif")
    (tmp_path / "y.png").write_bytes(b"\x89PNG, or so")
    assert frame_count(tmp_path / "x.gif") == frame_count(tmp_path / "y.png") == 1
    assert frame_count(Path("missing.png")) == 1


def test_frames_must_be_alike():
    small, large = (Picture(np.zeros((n, n), np.uint8)) for n in (8, 9))
    with pytest.raises(ValueError, match="all of one size"):
        Animation((small, large), (TENTH, TENTH))
    with pytest.raises(ValueError, match="2 frames, but 1 durations"):
        Animation((small, small), (TENTH,))
