"""Links, pipes and a user's files where a command would write: each is refused, none is touched."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spiden_cli.errors import OutputError
from spiden_cli.report import training as training_report

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")

PRECIOUS = b"a user's notes, which end in no line"
TAKEN = {
    "link": lambda place: place.symlink_to(Path("precious").absolute()),
    "link to nothing": lambda place: place.symlink_to(Path("nowhere").absolute()),
    "device": lambda place: place.symlink_to("/dev/zero"),
    "pipe": os.mkfifo,
    "folder": Path.mkdir,
    "file": lambda place: place.write_bytes(PRECIOUS),
    "second name": lambda place: place.hardlink_to("precious"),
}
FILES = ("link", "link to nothing", "device", "pipe", "folder")
TRAIN = ("train", "--data", "pictures", "--preset", "tiny", "--batch-size", 1, "--patch-size", 16,
         "--steps", 2, "--validate-every", 1, "--warmup", 1, "--precision", "float32", "--threads",
         1, "--timesteps", 1, "-o", "run")  # fmt: skip
EVALUATE = ("evaluate", "--dataset", "pictures", "-m", "w.safetensors", "--timesteps", 1,
            "--save-images", "run")  # fmt: skip
DENOISE = ("denoise", "pictures", "-m", "w.safetensors", "--sigma", 25, "-o", "run")


@pytest.fixture
def here(tmp_path, grey_pixels, small_weights, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("pictures").mkdir()
    for index in range(2):
        pixels = np.roll(grey_pixels, 5 * index)[:40, :40]
        Image.fromarray(pixels).save(f"pictures/{index}.png")
    shutil.copy(small_weights, "w.safetensors")
    Path("precious").write_bytes(PRECIOUS)
    return tmp_path


def taken(kind: str, place: str) -> Path:
    path = Path(place)
    path.parent.mkdir(parents=True, exist_ok=True)
    TAKEN[kind](path)
    return path


def assert_refused(outcome, place: Path, before: os.stat_result) -> None:
    assert outcome.code == 6, outcome
    assert outcome.stdout == ""
    assert len(outcome.stderr.splitlines()) == 1, outcome.stderr
    assert str(place) in outcome.stderr
    after = place.lstat()
    assert (after.st_ino, after.st_size) == (before.st_ino, before.st_size)
    assert Path("precious").read_bytes() == PRECIOUS
    assert not Path("nowhere").exists()


@pytest.mark.parametrize("kind", [kind for kind in TAKEN if kind != "folder"])
@pytest.mark.parametrize("command", [TRAIN, EVALUATE, DENOISE], ids=lambda words: words[0])
def test_what_has_the_name_of_an_output_folder(spiden, here, command, kind):
    place = taken(kind, "run")
    before = place.lstat()
    outcome = spiden(*command)
    assert_refused(outcome, place, before)
    what = kind if kind == "link to nothing" else "file"
    assert f"run is a {what}, not a folder" in outcome.stderr


@pytest.mark.parametrize("kind", FILES)
def test_what_has_the_name_of_a_saved_image(spiden, here, kind):
    place = taken(kind, "run/w-sigma25-T1/1_denoised.png")
    before = place.lstat()
    for options in ((), ("--overwrite",)):
        assert_refused(spiden(*EVALUATE, *options), place, before)
    assert [path.name for path in place.parent.iterdir()] == [place.name]


@pytest.mark.parametrize("kind", TAKEN)
@pytest.mark.parametrize("name", ["log.jsonl", "weights.safetensors", ".lock"])
def test_what_has_the_name_of_a_file_of_a_run_that_begins(spiden, here, kind, name):
    place = taken(kind, f"run/{name}")
    before = place.lstat()
    assert_refused(spiden(*TRAIN), place, before)


@pytest.fixture(scope="module")
def run_to_resume(tmp_path_factory):
    return tmp_path_factory.mktemp("begun") / "run"


@pytest.mark.parametrize("kind", TAKEN)
def test_what_has_the_name_of_a_file_of_a_run_that_goes_on(spiden, here, kind, run_to_resume):
    if not run_to_resume.exists():  # once for all kinds
        assert spiden(*TRAIN[:-1], run_to_resume, "--time-budget", "0.001s").code == 0
    for name in ("log.jsonl", "weights.safetensors", ".lock"):
        if name == "weights.safetensors" and kind in ("file", "second name"):
            continue  # they are the run's to replace
        shutil.rmtree("run", ignore_errors=True)
        shutil.copytree(run_to_resume, "run")
        Path("run", name).unlink(missing_ok=True)
        place = taken(kind, f"run/{name}")
        before = place.lstat()
        assert_refused(spiden(*TRAIN, "--resume"), place, before)


@pytest.mark.parametrize("kind", [kind for kind in TAKEN if kind != "folder"])
def test_what_has_the_name_of_the_folder_for_tensorboard(here, monkeypatch, kind):
    monkeypatch.setattr(training_report, "find_spec", lambda name: name)
    training_report.check_tensorboard(Path("run"))
    taken(kind, "run/tensorboard")
    with pytest.raises(OutputError, match="not a folder"):
        training_report.check_tensorboard(Path("run"))
