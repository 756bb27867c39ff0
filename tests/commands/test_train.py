"""`spiden train`, as a user runs it: a short run on small pictures, stopped and resumed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file

from spiden_cli.core.weights import read_info


@pytest.fixture
def pictures(tmp_path: Path, colour_pixels: np.ndarray) -> Path:
    """Eight colour pictures to learn from."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for index in range(8):
        Image.fromarray(np.roll(colour_pixels, index * 4, axis=1)).save(folder / f"{index}.png")
    return folder


def options(pictures: Path, run: Path, steps: int) -> list[str]:
    return [
        "train", "--data", str(pictures), "--preset", "tiny", "--batch-size", "2", "--patch-size",
        "16", "--steps", str(steps), "--validate-every", "2", "--warmup", "1", "--precision",
        "float32", "--timesteps", "2", "--output", str(run), "--threads", "1",
    ]  # fmt: skip


def test_trains_validates_and_logs(spiden, pictures, tmp_path):
    run = tmp_path / "run"
    outcome = spiden(*options(pictures, run, 4))
    assert outcome.code == 0, outcome.stderr
    assert "step 4/4" in outcome.stderr
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 4]
    assert set(lines[0]["firing_rates"]) > {"blocks.0.conv1", "readout"}
    denoised = spiden("denoise", pictures / "0.png", "-m", run / "weights.safetensors")
    assert denoised.code == 0, denoised.stderr


def test_a_time_budget_stops_and_resume_goes_on(spiden, pictures, tmp_path):
    run = tmp_path / "run"
    outcome = spiden(*options(pictures, run, 4), "--time-budget", "0.01s")
    assert outcome.code == 0, outcome.stderr
    assert "--resume" in outcome.stderr
    outcome = spiden(*options(pictures, run, 4), "--resume")
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
    assert spiden(*options(pictures, twin, 2), "--neuron", "relu").code == 0
    outcome = spiden(
        *options(pictures, spiking, 2), "--init", twin / "weights.safetensors", "--freeze-norm"
    )
    assert outcome.code == 0, outcome.stderr
    history = read_info(spiking / "weights.safetensors").training["start"]
    assert "--neuron relu" in history
    assert history.endswith("(2 steps, 0 s), from random weights")


def test_learns_initial_potentials(spiden, pictures, tmp_path):
    run = tmp_path / "run"
    assert spiden(*options(pictures, run, 2), "--learn-initial").code == 0
    weights = run / "weights.safetensors"
    assert read_info(weights).config.learn_initial
    assert all(
        shift.abs().max() > 0
        for name, shift in load_file(weights).items()
        if name.endswith("initial_shift")
    )
    denoised = spiden("denoise", pictures / "0.png", "-m", weights, "--json")
    assert json.loads(denoised.stdout)[0]["firing_rate"] > 0


def test_ctrl_c_leaves_a_checkpoint_to_resume_from(spiden, pictures, tmp_path):
    run = tmp_path / "run"
    process = subprocess.Popen(
        [sys.executable, "-m", "spiden_cli", *options(pictures, run, 100_000)],
        stderr=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not (run / "checkpoint.safetensors").exists():
        assert time.monotonic() < deadline, "no checkpoint after a minute"
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert "--resume" in said
    outcome = spiden(*options(pictures, run, 100_000), "--resume", "--time-budget", "0.01s")
    assert outcome.code == 0, outcome.stderr
    assert not list(run.glob(".*"))


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
        (["--init", "{tmp}/nothing.safetensors"], 3),
        (["--resume"], 5),
        (["--precision", "int3"], 2),
        (["--surrogate", "guess"], 2),
    ],
)
def test_bad_options_are_one_line(spiden, pictures, tmp_path, extra, code):
    (tmp_path / "empty").mkdir()
    extra = [part.format(tmp=tmp_path) for part in extra]
    outcome = spiden(*options(pictures, tmp_path / "run", 2), *extra)
    assert outcome.code == code, outcome.stderr
    assert len(outcome.stderr.strip().splitlines()) == 1, outcome.stderr
