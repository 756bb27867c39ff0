"""Animations: every frame as it is seen, for as long as it is shown."""

import itertools
import struct
import zlib
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from spiden_cli.core.files.animation_timing import timing_losses
from spiden_cli.core.files.animations import frame_count, read_animation, write_animation
from spiden_cli.core.files.avif_plays import plays_of
from spiden_cli.core.files.exif import without_orientation
from spiden_cli.core.files.picture_files import read_picture
from spiden_cli.core.files.png_chunks import SIGNATURE, as_bytes
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


@pytest.mark.parametrize("plays", [0, 1, 2, 7])
@pytest.mark.parametrize("alpha", [False, True])
def test_an_avif_keeps_its_frames_durations_and_plays(tmp_path, plays, alpha):
    """Noise in 4:4:4 at the highest quality comes back within some levels, in the right order."""
    noise = animation(alpha=alpha)
    durations = (TENTH, Fraction(1, 25), Fraction(0), Fraction(2))
    before = Animation(noise.frames, durations, plays)
    write_animation(tmp_path / "x.avif", before, quality=100)
    assert len(timing_losses(tmp_path / "x.avif", before)) == 1  # no duration is left to a viewer
    after = read_animation(tmp_path / "x.avif")
    assert frame_count(tmp_path / "x.avif") == 4
    assert after.plays == plays
    assert after.durations == (TENTH, Fraction(1, 25), TENTH, Fraction(2))
    for one, other in zip(before.frames, after.frames, strict=True):
        assert np.abs(one.pixels.astype(int) - other.pixels).mean() < 4
        assert not alpha or np.array_equal(one.alpha, other.alpha)


def test_an_avif_does_not_say_when_it_was_written(tmp_path):
    """The encoder dates it, by the second, so that no two runs would write equal files."""
    write_animation(tmp_path / "x.avif", animation(alpha=True), quality=90)
    content = (tmp_path / "x.avif").read_bytes()
    for name, tracks in ((b"mvhd", 1), (b"tkhd", 2), (b"mdhd", 2)):
        _, *boxes = content.split(name)
        assert len(boxes) == tracks
        for box in boxes:
            assert box[4 : 4 + (16 if box[0] else 8)].strip(b"\0") == b""


@pytest.mark.parametrize("suffix", [".png", ".webp", ".avif"])
def test_what_a_format_cannot_say_of_time_is_cut_and_told(tmp_path, suffix):
    """A GIF is repeated up to 65,535 times, one more than WebP; AVIF and PNG show for days."""
    path, frames = tmp_path / f"x{suffix}", animation(2).frames
    said = itertools.product(
        (1, 65_535, 65_536, 2**31, 2**32, 2**70),
        (TENTH, Fraction(65_535), Fraction(2**32 - 1), Fraction(2**60)),
    )
    for plays, seconds in said:
        before = Animation(frames, (TENTH, seconds), plays)
        write_animation(path, before)
        after = read_animation(path)
        same = (after.durations, after.plays) == (before.durations, before.plays)
        assert bool(timing_losses(path, before)) != same
        assert after.plays in (plays, 65_535, 2**31 - 1)
        assert after.durations[0] == TENTH
        assert after.durations[1] > 4 * 3600 or after.durations[1] == seconds
    days = Animation(frames * 100, (Fraction(12_000),) * 200)
    if suffix == ".webp":
        with pytest.raises(OutputError, match="up to 25 days"):
            timing_losses(path, days)
    else:
        assert timing_losses(path, days) == ()


def test_plays_are_read_as_the_standard_writes_them():
    """Boxes by hand: version 0, of 32 bits, which other programs write."""

    def box(name: bytes, *parts: bytes) -> bytes:
        body = b"".join(parts)
        return struct.pack(">I4s", 8 + len(body), name) + body

    def moov(flags: int, whole: int, once: int) -> bytes:
        track = box(b"tkhd", bytes(20), struct.pack(">I", whole), bytes(60))
        edits = struct.pack(">3I", flags, 1, once) + struct.pack(">iI", 0, 1 << 16)
        return box(b"moov", box(b"trak", track, box(b"edts", box(b"elst", edits))))

    assert plays_of(moov(1, 2**32 - 1, 500)) == 0
    assert plays_of(moov(1, 1500, 500)) == 3
    assert plays_of(moov(1, 1501, 500)) == 4  # the last is cut
    assert plays_of(moov(0, 500, 500)) == 1
    assert plays_of(box(b"moov", box(b"trak", bytes(8)))) == 0
    assert plays_of(moov(1, 1500, 500)[:-20]) == 0


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


Part = tuple[np.ndarray, int, int, int, int]  # samples, left, top, disposal, blend


def by_hand(path: Path, parts: list[Part], poster: np.ndarray | None = None) -> None:
    """Write an animated PNG of 20 x 12 pixels from its parts."""
    header = struct.pack(">2I5B", 20, 12, 8, 6, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"acTL", struct.pack(">2I", len(parts), 2))]

    def packed(samples: np.ndarray) -> bytes:
        return zlib.compress(b"".join(b"\0" + row.tobytes() for row in samples))

    if poster is not None:
        chunks.append((b"IDAT", packed(poster)))
    order = itertools.count()
    for number, (samples, left, top, disposal, blend) in enumerate(parts):
        height, width = samples.shape[:2]
        told = (next(order), width, height, left, top, 1, 30, disposal, blend)
        chunks.append((b"fcTL", struct.pack(">5I2H2B", *told)))
        if number == 0 and poster is None:
            chunks.append((b"IDAT", packed(samples)))
        else:
            chunks.append((b"fdAT", struct.pack(">I", next(order)) + packed(samples)))
    path.write_bytes(SIGNATURE + as_bytes([*chunks, (b"IEND", b"")]))


def flat(height: int, width: int, value: int, alpha: int = 255) -> np.ndarray:
    return np.full((height, width, 4), (value, value, value, alpha), np.uint8)


@pytest.mark.parametrize(
    ("first", "second", "left"),
    [
        (0, 0, 90),  # the square stays
        (0, 1, None),  # is cleared
        (0, 2, 10),  # is taken off again
        (2, 2, None),  # there is nothing before the first frame
        (1, 2, None),
    ],
)
@pytest.mark.parametrize("blend", [0, 1])
def test_what_a_frame_of_a_png_leaves_behind_is_composed(tmp_path, first, second, left, blend):
    parts = [
        (flat(12, 20, 10), 0, 0, first, 0),
        (flat(4, 4, 90), 2, 2, second, blend),
        (flat(4, 4, 200), 12, 2, 0, blend),
    ]
    by_hand(tmp_path / "x.png", parts)
    after = read_animation(tmp_path / "x.png")
    frame = after.frames[2]
    assert after.durations == (Fraction(1, 30),) * 3
    assert frame.pixels[3, 13] == 200
    seen = frame.pixels[3, 3] if frame.alpha is None or frame.alpha[3, 3] else None
    assert seen == left


def test_transparencies_that_lie_over_each_other_add_up(tmp_path):
    parts = [(flat(12, 20, 200, 128), 0, 0, 0, 0), (flat(12, 20, 100, 128), 0, 0, 0, 1)]
    by_hand(tmp_path / "x.png", parts)
    frame = read_animation(tmp_path / "x.png").frames[1]
    assert frame.alpha is not None
    assert set(frame.alpha.flat) == {192}  # 1 - (1 - 128/255)^2
    assert set(frame.pixels.flat) == {133}  # two parts of 100, one of 200


@pytest.mark.parametrize("fault", ["beyond", "missing", "checksum"])
def test_a_png_of_damaged_frames_is_refused(tmp_path, fault):
    far = 18 if fault == "beyond" else 2
    by_hand(tmp_path / "x.png", [(flat(12, 20, 1), 0, 0, 0, 0), (flat(4, 4, 9), far, 2, 0, 0)])
    content = (tmp_path / "x.png").read_bytes()
    if fault == "missing":
        content = content.replace(struct.pack(">2I", 2, 2), struct.pack(">2I", 3, 2))
    if fault == "checksum":
        content = content[:-30] + bytes([content[-30] ^ 1]) + content[-29:]
    (tmp_path / "x.png").write_bytes(content)
    with pytest.raises(InputError, match="damaged"):
        read_animation(tmp_path / "x.png")


def test_a_picture_for_other_programs_is_no_frame_of_an_apng(tmp_path):
    first, *others = (Image.fromarray(frame.pixels) for frame in animation().frames)
    first.save(
        tmp_path / "x.png", save_all=True, append_images=others, default_image=True, duration=50
    )
    after = read_animation(tmp_path / "x.png")
    assert len(after.frames) == 3
    assert np.array_equal(after.frames[0].pixels, np.asarray(others[0]))
    assert "programs that show no animations" in after.frames[0].lost[0]
    by_hand(tmp_path / "one.png", [(flat(12, 20, 5), 0, 0, 0, 0)], poster=flat(12, 20, 7))
    assert frame_count(tmp_path / "one.png") == 1  # a single frame is no animation
    still = read_picture(tmp_path / "one.png")
    assert set(still.pixels.flat) == {7}
    assert "one frame behind the picture" in still.lost[0]


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
    for name in ("y.png", "y.webp", "y.avif"):
        write_animation(tmp_path / name, before)
        first = read_animation(tmp_path / name).frames[0]
        words = before.frames[0].metadata.exif
        assert first.metadata.exif == (without_orientation(words) if "avif" in name else words)
        assert first.metadata.xmp == b"<x:xmpmeta/>"
        assert first.icc_profile == srgb
    assert (tmp_path / "y.webp").read_bytes().find(b"VP8L") < 0  # lossy as it was


@pytest.mark.parametrize("name", ["x.jpg", "x.tiff", "x.gif"])
def test_stills_hold_no_animation(tmp_path, name):
    with pytest.raises(OutputError, match=r"choose \.webp or \.avif|\.png, \.webp and \.avif hold"):
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
