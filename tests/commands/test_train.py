"""`spiden train`, as a user runs it: a short run on small pictures, stopped and resumed."""

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from typer.main import get_command

from spiden_cli.app import app
from spiden_cli.commands.command_line import canonical_command
from spiden_cli.commands.options import counts, sigma_range
from spiden_cli.core.network.config import NetworkConfig
from spiden_cli.core.training import provenance
from spiden_cli.core.training.checkpoint import load_checkpoint
from spiden_cli.core.training.config import TrainingConfig
from spiden_cli.core.weights import read_info

# A command line that gets a signal in the middle of its third step.
SIGNALLED = """
import os, sys
from spiden_cli.core.training import loop

step, kind = loop._step, int(sys.argv.pop(1))

def signalled(run, *arguments):
    if run.state.step == 2:
        os.kill(os.getpid(), kind)
    return step(run, *arguments)

loop._step = signalled
from spiden_cli.app import main
main()
"""


@pytest.fixture
def pictures(tmp_path: Path, colour_pixels: np.ndarray) -> Path:
    """Eight colour pictures to learn from."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for index in range(8):
        Image.fromarray(np.roll(colour_pixels, index * 4, axis=1)).save(folder / f"{index}.png")
    return folder


def cnn_options(pictures: Path, run: Path, steps: int) -> list[str]:
    return [
        "train", "--data", str(pictures), "--preset", "tiny", "--batch-size", "2", "--patch-size",
        "16", "--steps", str(steps), "--validate-every", "2", "--warmup", "1", "--precision",
        "float32", "--output", str(run), "--threads", "1",
    ]  # fmt: skip


def options(pictures: Path, run: Path, steps: int) -> list[str]:
    return [*cnn_options(pictures, run, steps), "--timesteps", "2"]


def recorded(run: Path) -> dict[str, str]:
    return read_info(run / "weights.safetensors").training


def test_trains_validates_and_logs(spiden, pictures, tmp_path):
    run = tmp_path / "run"
    outcome = spiden(*options(pictures, run, 4))
    assert outcome.code == 0, outcome.stderr
    assert "7 training images, 1 held out" in outcome.stderr
    assert "step 4/4" in outcome.stderr
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 4]
    assert set(lines[0]["firing_rates"]) > {"blocks.0.conv1", "readout"}
    denoised = spiden("denoise", pictures / "0.png", "-m", run / "weights.safetensors")
    assert denoised.code == 0, denoised.stderr


@pytest.fixture
def larger(tmp_path: Path, colour_pixels: np.ndarray) -> Path:
    """Three pictures with room for the margin that camera noise needs."""
    folder = tmp_path / "larger"
    folder.mkdir()
    for index in range(3):
        pixels = np.roll(colour_pixels, index * 4, axis=1).repeat(2, 0).repeat(2, 1)
        Image.fromarray(pixels).save(folder / f"{index}.png")
    return folder


def test_camera_noise_is_trained_on_resumed_and_recorded(spiden, larger, tmp_path):
    runs = [tmp_path / name for name in ("whole", "cut")]
    for run in runs:
        given = [*options(larger, run, 4), "--colour", "--noise", "camera", "--sigma", "0:50"]
        if run.name == "cut":
            assert spiden(*given, "--time-budget", "0.0001s").code == 0
            given.append("--resume")
        outcome = spiden(*given)
        assert outcome.code == 0, outcome.stderr
        assert "dB (camera)" in outcome.stderr
    whole, cut = (load_file(run / "weights.safetensors") for run in runs)
    assert all(np.array_equal(whole[name].numpy(), cut[name].numpy()) for name in whole)
    info = read_info(runs[0] / "weights.safetensors")
    assert info.noise == "camera"
    assert info.for_camera
    assert list(info.validation_psnr) == ["camera", "15", "25", "50"]
    assert " cam " in spiden("models", runs[0] / "weights.safetensors").stdout
    other = spiden(*options(larger, runs[0], 4), "--colour", "--sigma", "0:50", "--resume")
    assert other.code != 0
    assert "--noise camera (white now)" in other.stderr


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--noise", "camera"], "add --colour"),
        (["--noise", "pink", "--colour"], "one of white, camera"),
    ],
)
def test_noise_that_can_not_be_is_refused(spiden, pictures, tmp_path, given, words):
    outcome = spiden(*options(pictures, tmp_path / "run", 4), *given)
    assert outcome.code != 0
    assert words in outcome.stderr
    assert not (tmp_path / "run").exists()


def test_pictures_without_room_for_the_margin_are_refused(spiden, pictures, tmp_path):
    given = [*options(pictures, tmp_path / "run", 4), "--colour", "--noise", "camera"]
    outcome = spiden(*given)
    assert outcome.code != 0
    assert "at least two of 40 x 40 pixels" in outcome.stderr


def test_a_time_budget_stops_and_resume_goes_on(spiden, pictures, tmp_path, monkeypatch):
    describe = provenance.describe_run
    monkeypatch.setattr(
        provenance, "describe_run", lambda *given: {**describe(*given), "processes": "2"}
    )
    run = tmp_path / "run"
    outcome = spiden(*options(pictures, run, 4), "--time-budget", "0.0001s")
    assert outcome.code == 0, outcome.stderr
    assert "--resume" in outcome.stderr
    outcome = spiden(*options(pictures, run, 4), "--resume")
    assert "begun with 2 processes, 1 now" in outcome.stderr
    assert outcome.code == 0, outcome.stderr
    whole = tmp_path / "whole"
    spiden(*options(pictures, whole, 4))
    resumed, straight = (load_file(folder / "weights.safetensors") for folder in (run, whole))
    assert all(np.array_equal(resumed[name], straight[name]) for name in straight)


def test_a_run_is_not_overwritten(spiden, pictures, tmp_path):
    run = tmp_path / "run"
    spiden(*options(pictures, run, 2))
    outcome = spiden(*options(pictures, run, 2))
    assert outcome.code == 2
    assert "--resume" in outcome.stderr


def test_starts_from_a_twin(spiden, pictures, tmp_path):
    twin, spiking = tmp_path / "twin", tmp_path / "spiking"
    assert spiden(*cnn_options(pictures, twin, 2), "--neuron", "relu").code == 0
    outcome = spiden(
        *options(pictures, spiking, 2), "--init", twin / "weights.safetensors", "--freeze-norm"
    )
    assert outcome.code == 0, outcome.stderr
    assert read_info(spiking / "weights.safetensors").training["start"] == "twin"
    assert read_info(twin / "weights.safetensors").training["start"] == "random weights"


def test_learns_initial_potentials(spiden, pictures, tmp_path):
    run = tmp_path / "run"
    assert spiden(*options(pictures, run, 2), "--preset", "tiny-if", "--learn-initial").code == 0
    weights = run / "weights.safetensors"
    assert read_info(weights).config.learn_initial
    assert all(
        shift.abs().max() > 0
        for name, shift in load_file(weights).items()
        if name.endswith("initial_shift")
    )
    denoised = spiden("denoise", pictures / "0.png", "-m", weights, "--json")
    assert json.loads(denoised.stdout)[0]["firing_rate"] > 0


@pytest.mark.parametrize(
    ("given", "neuron", "method"),
    [
        ((), "weighted", "quantiser"),
        (("--preset", "tiny-if"), "if", "bptt"),
        (("--neuron", "lif", "--method", "quantiser"), "lif", "quantiser"),
    ],
)
def test_the_preset_says_what_is_trained_and_how(spiden, pictures, tmp_path, given, neuron, method):
    run = tmp_path / "run"
    outcome = spiden(*options(pictures, run, 1), *given)
    assert outcome.code == 0, outcome.stderr
    info = read_info(run / "weights.safetensors")
    assert (info.config.neuron, info.training["method"]) == (neuron, method)


def test_weighted_spikes_are_not_unrolled(spiden, pictures, tmp_path):
    outcome = spiden(*options(pictures, tmp_path / "run", 1), "--method", "bptt")
    assert outcome.code == 2
    assert "--method bptt has no effect with weighted spikes" in outcome.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("kind", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_a_checkpoint_of_the_last_step(spiden, pictures, tmp_path, kind, code):
    run = tmp_path / "run"
    arguments = [*options(pictures, run, 100_000), "--validate-every", "1000"]
    process = subprocess.Popen(
        [sys.executable, "-c", SIGNALLED, str(int(kind)), *arguments],
        stderr=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    _, said = process.communicate(timeout=120)
    assert process.returncode == code, said
    assert "Traceback" not in said
    assert "stopped at step 3: go on with --resume" in said
    assert load_checkpoint(run / "checkpoint.safetensors").step == 3
    outcome = spiden(*arguments, "--resume", "--time-budget", "0.0001s")
    assert outcome.code == 0, outcome.stderr
    assert "stopped at step 4" in outcome.stderr
    assert not list(run.glob(".spiden-*"))


def test_data_that_changed_are_named(spiden, pictures, tmp_path):
    run = tmp_path / "run"
    assert spiden(*options(pictures, run, 4), "--time-budget", "0.0001s").code == 0
    (pictures / "7.png").unlink()
    outcome = spiden(*options(pictures, run, 4), "--lr", "0.001", "--resume")
    assert outcome.code == 5
    assert "with --lr 0.002 (0.001 now); other images (7 then, 6 now): give" in outcome.stderr
    assert len(outcome.stderr.strip().splitlines()) == 1


def test_a_run_of_an_older_version_goes_on_with_a_note(spiden, pictures, tmp_path):
    run = tmp_path / "run"
    assert spiden(*options(pictures, run, 4), "--time-budget", "0.0001s").code == 0
    checkpoint = run / "checkpoint.safetensors"
    with safe_open(checkpoint, framework="np") as file:
        record = json.loads(file.metadata()["run"])
    del record["fingerprint"]
    metadata = {"checkpoint_version": "1", "run": json.dumps(record)}
    save_file(load_file(checkpoint), checkpoint, metadata)
    outcome = spiden(*options(pictures, run, 4), "--resume")
    assert outcome.code == 0, outcome.stderr
    assert "can't be checked" in outcome.stderr
    assert "can't be checked" not in spiden(*options(pictures, run, 4), "--resume").stderr


def test_a_folder_that_is_named_like_a_test_set_is_the_folder(
    spiden, pictures, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPIDEN_DATA_URL", "http://127.0.0.1:9")  # nothing is there
    (tmp_path / "set12").mkdir()
    for index in range(3):
        shutil.copy(pictures / f"{index}.png", tmp_path / "set12")
    run = tmp_path / "run"
    outcome = spiden(*options(pictures, run, 2), "--val", "./set12")
    assert outcome.code == 0, outcome.stderr
    counts = load_checkpoint(run / "checkpoint.safetensors").record.fingerprint
    assert (counts.training.count, counts.held_out.count) == (8, 3)


def test_a_test_set_is_not_learnt_from(spiden, tmp_path, data_dir):
    outcome = spiden(*options("set12", tmp_path / "run", 2), "--data-dir", data_dir)
    assert outcome.code == 4
    assert "can't train on set12" in outcome.stderr
    assert not (tmp_path / "run").exists()


def test_no_noise_is_trained_on_and_logged_as_strict_json(spiden, pictures, tmp_path):
    run = tmp_path / "run"
    outcome = spiden(*options(pictures, run, 2), "--sigma", "0")
    assert outcome.code == 0, outcome.stderr
    for line in (run / "log.jsonl").read_text().splitlines():
        json.loads(line, parse_constant=pytest.fail)


FOLDERS = st.lists(st.from_regex(r"[A-Z][A-Z ]{3,8}", fullmatch=True), min_size=1, max_size=3)


@given(st.sampled_from(["/", "~/", "../", "~jane/"]), FOLDERS, st.booleans())
def test_the_recorded_command_names_no_folder(root, folders, joined):
    path = root + "/".join([*folders, "name"])
    words = ["--colour", "--lr", "0.002", "--seed", "7", "--timesteps", "4,2"]
    for option in ("--output", "--data", "--init", "--teacher", "--val", "--data-dir"):
        words += [f"{option}={path}"] if joined else [option, path]
    words += [f"-o{path}"] if joined else ["-o", path]
    command = get_command(app).commands["train"]
    context = command.make_context("train", words)
    assert canonical_command(context) == (
        "spiden train --data name --output name --colour --timesteps 4,2 --init name "
        "--teacher name --val name --seed 7 --data-dir name"
    )


def test_what_weights_carry_names_no_folder(spiden, pictures, tmp_path):
    run = tmp_path / "run"
    start = [*options(pictures, run, 1)[1:], f"--output={run}", f"--data={pictures}"]
    assert spiden("train", *start).code == 0
    again = tmp_path / "again"
    init = f"--init={run / 'weights.safetensors'}"
    outcome = spiden(*options(pictures, again, 1), f"-o{again}", init)
    assert outcome.code == 0, outcome.stderr
    for name in ("weights.safetensors", "checkpoint.safetensors"):
        with safe_open(again / name, framework="np") as file:
            assert str(tmp_path) not in str(file.metadata())
            assert "/" not in str(file.metadata())
    assert "--init weights.safetensors" in recorded(again)["command"]
    assert recorded(again)["start"] == "run"


@pytest.mark.parametrize(
    ("extra", "code"),
    [
        (["--data", "{tmp}/empty"], 4),
        (["--preset", "huge"], 2),
        (["--neuron", "adder"], 2),
        (["--timesteps", "0"], 2),
        (["--sigma", "55:0"], 2),
        (["--lr", "0"], 2),
        (["--time-budget", "soon"], 2),
        (["--patch-size", "64"], 5),
        (["--patch-size", "1"], 2),
        (["--patch-size", "17"], 2),
        (["--patch-size", "1000000000000"], 2),
        (["--batch-size", "1000000000000"], 2),
        (["--timesteps", "1000000000000"], 2),
        (["--seed", "-1"], 2),
        (["--seed", "1" + "0" * 40], 2),
        (["--freeze-norm"], 2),
        (["--method", "quantiser", "--learn-initial"], 2),
        (["--method", "quantiser", "--surrogate", "arctan"], 2),
        (["--threshold", "1", "--init", "{spiking}"], 2),
        (["--neuron", "relu"], 2),  # and --timesteps 2
        (["--teacher-weight", "0.5"], 5),
        (["--output", "{tmp}/file/run"], 6),
        (["--val", "{tmp}/nothing"], 4),
        (["--init", "{tmp}/nothing.safetensors"], 3),
        (["--resume"], 5),
        (["--precision", "int3"], 2),
        (["--surrogate", "guess"], 2),
    ],
)
def test_bad_options_are_one_line(spiden, pictures, small_weights, tmp_path, extra, code):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_bytes(b"")
    extra = [part.format(tmp=tmp_path, spiking=small_weights) for part in extra]
    outcome = spiden(*options(pictures, tmp_path / "run", 2), *extra)
    assert outcome.code == code, outcome.stderr
    assert len(outcome.stderr.strip().splitlines()) == 1, outcome.stderr
    assert not (tmp_path / "run").exists()


def test_the_options_show_the_defaults_of_the_settings():
    """One place says what a run does by default: TrainingConfig, and NetworkConfig."""
    context = get_command(app).commands["train"].make_context("train", ["--data", "x"])
    shown, defaults = context.params, asdict(TrainingConfig())
    other = {"learning_rate", "sigma", "timesteps", "teacher_weight", "precision", "method"}
    for name in defaults.keys() - other:
        assert shown[name] == defaults[name], name
    assert shown["lr"] == defaults["learning_rate"]
    assert sigma_range(shown["sigma"]) == defaults["sigma"]
    assert tuple(counts(shown["timesteps"], "timesteps")) == defaults["timesteps"]
    network = NetworkConfig()
    for name in ("neuron", "method"):  # the preset's, and what that needs
        assert shown[name] is None
    for name in ("surrogate", "learn_initial"):
        assert shown[name] == getattr(network, name), name


def test_help_needs_no_torch():
    program = (
        "import sys\nfrom spiden_cli.app import main\nsys.argv = ['spiden', 'train', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print({'torch', 'numpy', 'PIL'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    text = done.stdout.decode()
    assert "--patch-size" in text
    assert text.splitlines()[-1] == "set()"
