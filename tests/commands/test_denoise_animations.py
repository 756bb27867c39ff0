"""`spiden denoise` on animations: every frame, in its time."""

import json

import numpy as np
import pytest
from PIL import Image, ImageSequence

DURATIONS = [40, 70, 130]


@pytest.fixture
def moving_gif(tmp_path):
    rng = np.random.default_rng(0)
    frames = [
        Image.fromarray((rng.normal(60 + 50 * i, 20, (48, 64))).clip(0, 255).astype(np.uint8))
        for i in range(3)
    ]
    path = tmp_path / "moving.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=DURATIONS, loop=0)
    return path


def frames_of(path):
    with Image.open(path) as image:
        return [
            (np.asarray(frame.convert("L"), float), frame.info["duration"])
            for frame in ImageSequence.Iterator(image)
        ]


@pytest.mark.parametrize("name", ["out.webp", "out.avif", "out.png"])
def test_every_frame_is_denoised_and_shown_as_long(spiden, moving_gif, small_weights, name):
    target = moving_gif.with_name(name)
    outcome = spiden(
        "denoise", moving_gif, "-o", target, "-m", small_weights, "--sigma", 20, "--json",
        "--compare", moving_gif.with_name("look.png"),
    )  # fmt: skip
    assert outcome.code == 0, outcome.stderr
    (record,) = json.loads(outcome.stdout)
    assert (record["frames"], record["width"], record["height"]) == (3, 64, 48)
    assert moving_gif.with_name("look.png").is_file()
    before, after = frames_of(moving_gif), frames_of(target)
    assert [shown for _, shown in after] == DURATIONS
    for (noisy, _), (denoised, _) in zip(before, after, strict=True):
        assert not np.array_equal(noisy, denoised)
        assert abs(noisy.mean() - denoised.mean()) < 30  # the frame of its own place


def test_the_noise_is_that_of_the_frame_in_the_middle(spiden, moving_gif, small_weights):
    outcome = spiden("denoise", moving_gif, "-m", small_weights)
    assert outcome.code == 0, outcome.stderr
    assert "moving.gif: 64 x 48, 3 frames, grey" in outcome.stdout
    assert "estimated from the middle frame" in outcome.stdout
    assert len(frames_of(moving_gif.with_name("moving_denoised.png"))) == 3


def test_a_region_of_every_frame(spiden, moving_gif, small_weights):
    target = moving_gif.with_name("part.webp")
    outcome = spiden(
        "denoise",
        moving_gif,
        "-m",
        small_weights,
        "--region",
        "4,4,16,12",
        "-o",
        target,
        "--sigma",
        9,
    )
    assert outcome.code == 0, outcome.stderr
    assert [pixels.shape for pixels, _ in frames_of(target)] == [(12, 16)] * 3


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["-o", "x.jpg"], "can't write 3 frames into"),
        (["-o", "x.gif"], "256 colours would undo"),
        (["--reference", "moving.gif"], "leave out --reference"),
    ],
)
def test_what_an_animation_has_no_place_for(
    spiden, moving_gif, small_weights, options, said, monkeypatch
):
    monkeypatch.chdir(moving_gif.parent)
    outcome = spiden("denoise", moving_gif, "-m", small_weights, *options)
    assert outcome.code != 0
    assert said in outcome.stderr
    assert list(moving_gif.parent.iterdir()) == [moving_gif]
