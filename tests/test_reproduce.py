"""The script behind the weights: each of its commands runs, and they end in the files that ship."""

import os
import shlex
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spiden_cli.core.bundled import find_weights, model_names
from spiden_cli.core.weights import read_info

SCRIPT = Path(__file__).resolve().parents[1] / "docs" / "training" / "reproduce.sh"

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a shell script")


def commands(runs: Path, **settings: str) -> list[list[str]]:
    """Return the words of each command that the script would run."""
    done = subprocess.run(
        ["sh", SCRIPT, runs],
        env={**os.environ, **settings, "DRY_RUN": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return [shlex.split(line) for line in done.stdout.splitlines()]


def test_every_phase_runs_and_leads_to_a_file_that_ships(
    spiden, tmp_path: Path, colour_pixels: np.ndarray
):
    photographs = tmp_path / "photographs"
    photographs.mkdir()
    larger = colour_pixels.repeat(2, 0).repeat(2, 1)  # camera noise needs a margin
    for turns in range(2):
        Image.fromarray(np.rot90(larger, turns)).save(photographs / f"{turns}.png")
    runs = tmp_path / "runs"

    for program, *arguments in commands(
        runs, SMOKE="1", DATA=str(photographs), PHOTOS=str(photographs), DRAWN=str(photographs)
    ):
        assert program == "spiden"
        outcome = spiden(*arguments)
        assert outcome.code == 0, outcome.stderr

    for name in model_names():
        made, ships = read_info(runs / name / "weights.safetensors"), read_info(find_weights(name))
        assert made.preset == ships.preset
        assert made.sigma == ships.sigma
        assert made.noise == ships.noise
        assert made.config.spiking == ships.config.spiking
        assert made.config.image_channels == ships.config.image_channels
        if made.config.spiking:
            assert made.config == ships.config
            assert made.timesteps == ships.timesteps


def test_a_run_that_was_cut_goes_on(tmp_path: Path):
    first, second, *others = commands(tmp_path)
    folder = tmp_path / "base-cnn-adam"
    assert first[-2:] == ["--output", str(folder)]

    folder.mkdir()
    (folder / "checkpoint.safetensors").touch()
    assert commands(tmp_path) == [[*first, "--resume"], second, *others]

    (tmp_path / "base-cnn-adam.done").touch()
    assert commands(tmp_path) == [second, *others]
