"""What commands do to files: nothing that is read is replaced, a failing call leaves nothing."""

import stat
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spiden_cli.core.files import picture_files


@pytest.fixture
def here(tmp_path: Path, grey_pixels: np.ndarray, small_weights: Path, monkeypatch) -> Path:
    """The working directory: two pictures, a link to one, weights, constants, a picture too small.

    Weights and constants have the suffix of a table, so that they could be the target of one.
    """
    for name in ("in.png", "ref.png"):
        Image.fromarray(grey_pixels).save(tmp_path / name)
    (tmp_path / "link.png").symlink_to("ref.png")
    (tmp_path / "refs").mkdir()
    Image.fromarray(grey_pixels).save(tmp_path / "refs" / "in.png")
    (tmp_path / "w.safetensors").write_bytes(small_weights.read_bytes())
    (tmp_path / "bad.png").write_text("no picture")
    (tmp_path / "file").write_text("no folder")
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / "small.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def snapshot(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def assert_refused(outcome, here, before):
    assert outcome.code in range(1, 7), outcome.stdout
    assert outcome.stdout == ""
    assert len(outcome.stderr.strip().splitlines()) == 1, outcome.stderr
    assert "unexpected" not in outcome.stderr
    assert snapshot(here) == before


DENOISE = ("denoise", "in.png", "-m", "w.safetensors", "--sigma", 25)
ENERGY = ("energy", "in.png", "-m", "w.safetensors")
ANALYZE = ("analyze", "--weights", "w.safetensors", "--image", "in.png", "--timesteps", 1)
EVALUATE = ("evaluate", "--dataset", ".", "-m", "w.safetensors")
TRAIN = ("train", "--data", ".", "--preset", "tiny", "--steps", 1, "--batch-size", 1)

WOULD_REPLACE = {
    "an input": (*DENOISE, "-o", "./in.png"),
    "a reference": (*DENOISE, "--reference", "ref.png", "-o", "ref.png"),
    "a reference, by force": (*DENOISE, "--reference", "ref.png", "-o", "ref.png", "--overwrite"),
    "a linked reference": (*DENOISE, "--reference", "ref.png", "-o", "link.png", "--overwrite"),
    "a reference's folder": (*DENOISE, "--reference", "refs", "-o", "refs", "--overwrite"),
    "a measured picture, by a table": (*ENERGY, "--csv", "in.png"),
    "weights, by a table": (*ENERGY, "--csv", "./w.safetensors"),
    "a measured picture, by a figure": (*ENERGY, "--plot", "../{here}/in.png"),
    "a measured picture, by a second figure": (*ENERGY, "--plot", "x.png", "--plot", "in.png"),
    "an analysed picture, by a table": (*ANALYZE, "--csv", "in.png"),
    "an analysed picture, by a figure": (*ANALYZE, "--plot", "in.png"),
    "analysed weights": (*ANALYZE, "--csv", "w.safetensors"),
}


@pytest.mark.parametrize("what", WOULD_REPLACE)
def test_nothing_that_is_read_is_replaced(spiden, here, what):
    before = snapshot(here)
    arguments = [str(word).replace("{here}", here.name) for word in WOULD_REPLACE[what]]
    outcome = spiden(*arguments)
    assert_refused(outcome, here, before)
    assert "is an input" in outcome.stderr


FAILING = {
    "two outputs in one": (*ENERGY, "--csv", "x.png", "--plot", "./x.png"),
    "two figures in one": (*ANALYZE, "--plot", "x.png", "--plot", "./x.png"),
    "an unreadable picture": ("denoise", "bad.png", "-m", "w.safetensors", "-o", "new/deep"),
    "no such weights": ("denoise", "in.png", "-m", "none", "-o", "new"),
    "no such device": (*DENOISE, "-o", "new", "--device", "meta"),
    "a device for the event engine": (*DENOISE, "--engine", "event", "--device", "cuda"),
    "a reference of another size": (*DENOISE, "-o", "new", "--reference", "small.png"),
    "no reference": (*DENOISE, "-o", "new", "--reference", "none.png"),
    "a folder in a file": (*DENOISE, "-o", "file/new"),
    "a file in place of a folder": (*DENOISE, "-o", "file"),
    "a format that can't be written": (*DENOISE, "-o", "x.psd"),
    "a folder in place of a table": (*ENERGY, "--csv", "refs"),
    "no folder for a table": (*ENERGY, "--csv", "new/x.csv"),
    "no folder for a figure": (*ANALYZE, "--plot", "new/x.png"),
    "a figure's format": (*ANALYZE, "--plot", "x.gif"),
    "a picture among others": (*EVALUATE, "--save-images", "new"),
    "no folder for images": ("evaluate", "--dataset", "refs", "--save-images", "file/x",
                             "-m", "w.safetensors"),
    "timesteps without end": (*DENOISE, "-o", "new", "--timesteps", 10**12),
    "timesteps of energy": (*ENERGY, "--timesteps", "1, 1000000000000", "--csv", "x.csv"),
    "timesteps of an analysis": (*ANALYZE[:-1], 10**12, "--csv", "x.csv"),
    "timesteps of an evaluation": (*EVALUATE, "--timesteps", 65, "--save-images", "new"),
    "timesteps of training": (*TRAIN, "--timesteps", 65, "-o", "new"),
    "an enormous seed": (*TRAIN, "--seed", 10**40, "-o", "new"),
    "a negative seed": (*TRAIN, "--seed", -1, "-o", "new"),
    "too many threads": (*DENOISE, "--threads", 10**9, "-o", "new"),
    "patches larger than images": ("train", "--data", "refs", "--patch-size", 64, "-o", "new/deep"),
    "a device to train on": (*TRAIN, "--device", "meta", "-o", "new"),
    "no number for sigma": (*DENOISE, "--sigma", "nan", "-o", "new"),
    "infinite sigma": (*ENERGY, "--sigma", "25, inf", "--csv", "x.csv"),
    "negative sigma": (*EVALUATE, "--sigma", "-1", "--save-images", "new"),
    "a folder of data sets for pictures": (*ENERGY, "--data-dir", ".", "--csv", "x.csv"),
    "a folder of data sets for a folder": (*EVALUATE, "--data-dir", ".", "--save-images", "new"),
    "constants that would not be printed": ("energy", "--print-constants", "--constants", "file"),
    "a missing name among models": ("energy", "in.png", "-m", "base,,tiny"),
    "timesteps of a CNN": ("denoise", "in.png", "-m", "tiny-cnn", "--timesteps", 2, "-o", "new"),
}  # fmt: skip


@pytest.mark.parametrize("why", FAILING)
def test_a_failing_call_is_one_line_and_leaves_nothing(spiden, here, why):
    before = snapshot(here)
    assert_refused(spiden(*FAILING[why]), here, before)


def test_a_full_disk_leaves_no_folder(spiden, here, monkeypatch):
    def full(self, data):
        raise OSError(28, "No space left on device")

    before = snapshot(here)
    monkeypatch.setattr(Path, "write_bytes", full)
    outcome = spiden(*DENOISE, "-o", "new/deep")
    assert outcome.code == 6
    monkeypatch.undo()
    assert snapshot(here) == before


def test_ctrl_c_leaves_no_folder(spiden, here, monkeypatch):
    def interrupted(picture, name, quality):
        raise KeyboardInterrupt

    before = snapshot(here)
    monkeypatch.setattr(picture_files, "_encode", interrupted)
    assert spiden(*DENOISE, "-o", "new/deep").code == 130
    assert snapshot(here) == before


def test_a_small_picture_is_written_and_scored_without_ssim(spiden, here):
    outcome = spiden(
        "denoise", "small.png", "-m", "w.safetensors", "--sigma", 5, "--reference", "small.png"
    )
    assert outcome.code == 0, outcome.stderr
    assert "PSNR" in outcome.stdout
    assert "SSIM" not in outcome.stdout
    assert (here / "small_denoised.png").is_file()


def test_a_new_folder_may_have_a_dot_in_its_name(spiden, here):
    assert spiden(*DENOISE, "-o", "out-v1.5").code == 0
    assert (here / "out-v1.5" / "in.png").is_file()


def test_overwriting_keeps_the_mode(spiden, here):
    (here / "in.png").chmod(0o600)
    assert spiden(*DENOISE, "-o", "in.png", "--overwrite").code == 0
    assert stat.S_IMODE((here / "in.png").stat().st_mode) == 0o600


def test_a_long_name(spiden, here):
    long = "n" * 251 + ".png"
    (here / "in.png").rename(here / long)
    arguments = ("denoise", long, *DENOISE[2:])
    before = snapshot(here)
    assert_refused(spiden(*arguments), here, before)
    assert spiden(*arguments, "-o", "out").code == 0
    assert (here / "out" / long).is_file()


def test_pictures_of_one_stem_are_saved_apart(spiden, here):
    folder = here / "set"
    folder.mkdir()
    for index, name in enumerate(("a.png", "a.bmp", "b.png")):
        pixels = np.asarray(Image.open(here / "in.png"))
        Image.fromarray(np.roll(pixels, 5 * index)).save(folder / name)
    outcome = spiden("evaluate", "--dataset", folder, "-m", "w.safetensors", "--save-images", "out")
    assert outcome.code == 0, outcome.stderr
    saved = {path.name: path.read_bytes() for path in (here / "out").rglob("*_noisy.png")}
    assert sorted(saved) == ["a.bmp_noisy.png", "a.png_noisy.png", "b_noisy.png"]
    assert len(set(saved.values())) == 3


def test_saved_images_never_replace_those_that_are_read(spiden, here):
    folder = here / "out" / "w-sigma25-T4"
    folder.mkdir(parents=True)
    for name in ("a.png", "a_noisy.png"):
        (folder / name).write_bytes((here / "in.png").read_bytes())
    before = snapshot(here)
    outcome = spiden("evaluate", "--dataset", folder, "-m", "w.safetensors", "--save-images", "out")
    assert_refused(outcome, here, before)
    assert "is an input" in outcome.stderr


def test_a_list_may_have_blanks(spiden, here):
    plain = spiden("energy", "in.png", "-m", "w.safetensors", "--sigma", "15,25", "--json")
    blanks = spiden("energy", "in.png", "-m", " w.safetensors ,w.safetensors", "--sigma", "15, 25",
                    "--json")  # fmt: skip
    assert plain.code == blanks.code == 0
    assert plain.stdout == blanks.stdout


def test_training_does_not_replace_what_it_starts_from(spiden, here):
    run = here / "run"
    run.mkdir()
    (here / "w.safetensors").rename(run / "weights.safetensors")
    before = snapshot(here)
    outcome = spiden("train", "--data", "refs", "--init", "run/weights.safetensors", "-o", "run",
                     "--preset", "tiny", "--precision", "float32")  # fmt: skip
    assert_refused(outcome, here, before)
    assert "is an input" in outcome.stderr
