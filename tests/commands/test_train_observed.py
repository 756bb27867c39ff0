"""`spiden train` on one's own noisy pictures: shipped weights learn on, and denoise with it."""

import json
import os

import numpy as np
import pytest
import tifffile

from spiden_cli.core.weights import read_info

QUICK = ("--preset", "tiny", "--steps", 2, "--validate-every", 2, "--patch-size", 16)
MACHINE = ("--precision", "float32", "--threads", 1)


@pytest.fixture
def bench(tmp_path, monkeypatch):
    """Frames of a scene as a stack and as files, and the scene."""
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(0)
    scene = np.add.outer(np.linspace(5, 60, 48), 30 * np.sin(np.arange(56) / 5) ** 2)
    frames = (3 * generator.poisson(scene, (4, *scene.shape)) + 100).astype(np.uint16)
    tifffile.imwrite("stack.tif", frames, imagej=True, metadata={"axes": "TYX"})
    for folder in ("noisy", "clean"):
        (tmp_path / folder).mkdir()
        for at, frame in enumerate(frames):
            clean = (3 * scene + 100).astype(np.float32)
            tifffile.imwrite(f"{folder}/{at}.tif", clean if folder == "clean" else frame)
    return tmp_path


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        (("--noise2noise", "stack.tif"), "frames"),
        (("--noise2noise", "noisy"), "frames"),
        (("--pairs", "noisy", "clean"), "pairs"),
    ],
)
def test_shipped_weights_learn_on(spiden, bench, source, kind):
    outcome = spiden("train", *source, *QUICK, *MACHINE, "-o", "run")
    assert outcome.code == 0, outcome.stderr
    assert f"dB ({kind})" in outcome.stderr
    info = read_info(bench / "run" / "weights.safetensors")
    assert info.training["start"] == "tiny"
    assert info.sigma == (0, 55)
    assert not info.for_camera
    done = spiden("denoise", "noisy/0.tif", "-m", "run/weights.safetensors", "-o", "a.tif")
    assert done.code == 0, done.stderr
    assert tifffile.imread("a.tif").dtype == np.uint16


def test_a_run_on_frames_is_resumed(spiden, bench):
    options = ("train", "--noise2noise", "stack.tif", *QUICK, *MACHINE, "-o", "run")
    assert spiden(*options, "--time-budget", "0.001s").code == 0
    assert spiden(*options, "--resume").code == 0
    last = (bench / "run" / "log.jsonl").read_text().splitlines()[-1]
    assert json.loads(last)["step"] == 2


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ((), "say what to learn from"),
        (("--pairs", "noisy", "clean", "--noise2noise", "stack.tif"), "don't go together"),
        (("--pairs", "noisy", "none"), "no folder none"),
        (("--noise2noise", "none.tif"), "none.tif: no such file"),
        (("--noise2noise", "clean/0.tif"), "a single picture"),
        (("--noise2noise", "stack.tif", "--sigma", "25"), "these images have theirs"),
        (("--noise2noise", "stack.tif", "--loss", "l1"), "learns the median"),
        (("--noise2noise", "stack.tif", "--val", "noisy"), "--val goes with --data"),
        (("--data", "noisy", "--axes", "TYX"), "--axes goes with"),
    ],
)
def test_what_does_not_go_together_is_one_line(spiden, bench, options, what):
    outcome = spiden("train", *options, *QUICK, *MACHINE, "-o", "run")
    assert outcome.code in (2, 4, 6)
    assert what in outcome.stderr
    assert len(outcome.stderr.splitlines()) == 1
    assert not (bench / "run").exists()


def test_few_counts_in_sixteen_bits_keep_their_greys(bench):
    """A file of 100 to 500 in 65,536 would be two greys by the range of its type."""
    from spiden_cli.core.data.training_images import load_images

    (image,) = load_images([bench / "noisy" / "0.tif"], 1)
    assert len(image.unique()) > 60
    assert int(image.min()) == 0
    assert int(image.max()) == 255


def test_what_cannot_be_learnt_from_is_one_line(spiden, bench):
    """Pipes, files that are no pictures, empty folders, pairs of other sizes and names."""
    os.mkfifo("pipe.tif")
    for folder in ("empty", "small", "other", "broken"):
        (bench / folder).mkdir()
    for at in range(4):
        tifffile.imwrite(f"small/{at}.tif", np.zeros((40, 56), np.float32))
        tifffile.imwrite(f"other/x{at}.tif", np.zeros((48, 56), np.float32))
        (bench / "broken" / f"{at}.tif").write_bytes(b"II*\0 no picture")
    cases = (
        (("--noise2noise", "pipe.tif"), "not a regular file"),
        (("--noise2noise", "empty"), "without pictures"),
        (("--noise2noise", "broken"), "damaged"),
        (("--noise2noise", "clean/0.tif"), "single picture"),
        (("--pairs", "noisy", "empty"), "without pictures"),
        (("--pairs", "noisy", "small"), "48"),
        (("--pairs", "noisy", "other"), "no picture of that name"),
        (("--pairs", "broken", "clean"), "damaged"),
    )
    for source, said in cases:
        outcome = spiden("train", *source, *QUICK, *MACHINE, "-o", "run")
        assert outcome.code not in (0, 1), source
        assert said in outcome.stderr, source
        assert outcome.stderr.strip().splitlines()[-1].startswith("error:"), source
        assert not (bench / "run").exists()
