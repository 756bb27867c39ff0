"""No user's string is markup: every command, with every kind of name that a file may have."""

import csv
import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spiden_cli.report.console import visible

# Several kinds in one name, for each is tried with every command.
NAMES = {
    "markup": "wedding [raw] [bold red]x[/] :smile: {0} {x} %s, b",
    "closing tag in a folder": "p[/q]",
    "control characters, right to left": "a\x1b[31m\tred\r\nline\x9b \u202egnp",
    "hidden in legends, backslashes": "_x a\\[b]\\",
    "formula, other scripts": "$x^$_{ $\\frac$ 雪 ❄ naïve",
    "not UTF-8": os.fsdecode(b"caf\xe9"),
}


PLOTTED = pytest.mark.parametrize(
    "whole", ["markup", "hidden in legends, backslashes", "not UTF-8"], indirect=True
)
"""Figures of many panels take seconds."""


@pytest.fixture(params=NAMES)
def whole(request):
    """The name; a slash in it parts a folder and what is in it."""
    return NAMES[request.param]


@pytest.fixture
def name(whole):
    return Path(whole).name


@pytest.fixture
def place(
    tmp_path: Path, whole: str, name: str, grey_pixels: np.ndarray, small_weights: Path
) -> Path:
    """A folder of that name, with two pictures and weights of that name in it."""
    folder = tmp_path / whole
    folder.mkdir(parents=True)
    Image.fromarray(grey_pixels).save(folder / f"{name}.png")
    Image.fromarray(grey_pixels.T.copy()).save(folder / "second.png")
    shutil.copy(small_weights, folder / f"{name}.safetensors")
    return folder


def check(outcome, *names):
    """It worked, and each name stands there as it is, with nothing that moves a cursor."""
    assert outcome.code == 0, outcome.stderr
    text = outcome.stdout + outcome.stderr
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)
    for name in names:
        # Columns may be broken anywhere, and characters that ASCII lacks be replaced.
        shown = "".join(visible(name).split())
        assert shown in "".join(text.split())


def test_denoise(spiden, place, name):
    weights, one = place / f"{name}.safetensors", place / f"{name}.png"
    check(spiden("denoise", one, "-m", weights, "--sigma", 25, "--reference", place), name)
    assert (place / f"{name}_denoised.png").is_file()
    out = place / f"out {name}"
    check(spiden("denoise", one, place / "second.png", "-o", out, "-m", weights, "--sigma", 25))
    assert sorted(path.name for path in out.iterdir()) == sorted([f"{name}.png", "second.png"])
    again = ("-m", weights, "--sigma", 25, "--json", "--overwrite")
    outcome = spiden("denoise", one, "-o", out, *again)
    (record,) = json.loads(outcome.stdout)
    assert record["output"] == str(out / f"{name}.png")


def test_compare(spiden, place, name):
    one, other = place / f"{name}.png", place / f"{name} again.png"
    shutil.copy(one, other)
    check(spiden("compare", one, other), name)
    assert (place / f"{name}_compare.png").is_file()
    outcome = spiden("compare", other, one, "--reference", one, "-o", place / "s.png", "--json")
    assert json.loads(outcome.stdout)["reference"] == str(one)


def test_evaluate(spiden, place, name):
    arguments = ("--dataset", place, "-m", place / f"{name}.safetensors", "--per-image")
    saved = place / "saved"
    check(spiden("evaluate", *arguments, "--sigma", "15, 25", "--save-images", saved))
    assert len(list(saved.rglob("*.png"))) == 8


@PLOTTED
def test_energy(spiden, place, name):
    weights, table = place / f"{name}.safetensors", place / f"{name}.csv"
    one = place / f"{name}.png"
    plot = place / f"{name}.svg"
    files = ("--csv", table, "--plot", plot)
    check(spiden("energy", one, "-m", weights, "--timesteps", "1,2", *files), name)
    with table.open(newline="", encoding="utf-8", errors="surrogateescape") as stream:
        assert {row["source"] for row in csv.DictReader(stream)} == {f"{name}.png"}
    assert plot.is_file()


@PLOTTED
def test_analyze(spiden, place, name):
    options = ("--weights", place / f"{name}.safetensors", "--image", place / f"{name}.png")
    files = ("--csv", place / f"{name}.csv", "--plot", place / f"{name} plot.png")
    check(spiden("analyze", *options, *files, "--timesteps", 1), f"{name}.png")
    layer = ("--layer", "blocks.0.neurons1", "--threshold", "1,2", "--timesteps", 1)
    check(spiden("analyze", *options, *files, *layer, "--overwrite"), f"{name}.png")


def test_models(spiden, place, name):
    check(spiden("models", place / f"{name}.safetensors"))


def test_train(spiden, place, name):
    run = place / f"run {name}"
    outcome = spiden(
        "train", "--data", place, "--preset", "tiny", "--batch-size", 1, "--patch-size", 16,
        "--steps", 1, "--validate-every", 1, "--warmup", 1, "--precision", "float32",
        "--timesteps", 1, "--output", run, "--threads", 1,
    )  # fmt: skip
    check(outcome, name)
    assert (run / "weights.safetensors").is_file()


@pytest.mark.parametrize(
    "arguments",
    [
        ("denoise", "{name}.png"),
        ("denoise", "{here}/second.png", "--engine", "{name}"),
        ("denoise", "{here}/second.png", "--device", "{name}"),
        ("denoise", "{here}/second.png", "--sigma", "{name}"),
        ("denoise", "{here}/second.png", "--timesteps", "{name}"),
        ("denoise", "{here}/second.png", "-m", "{name}x"),
        ("denoise", "{here}/second.png", "-o", "{here}/none/{name}.png"),
        ("denoise", "--{name}"),
        ("evaluate", "--dataset", "{name}x"),
        ("energy", "--constants", "{name}.toml"),
        ("energy", "--csv", "none/{name}.csv"),
        ("analyze", "--neuron", "{name}"),
        ("analyze", "--threshold", "{name}"),
        ("models", "{name}x"),
        ("train", "--data", "{name}x"),
        ("train", "--data", "{here}", "--preset", "{name}"),
        ("{name}",),
    ],
)
def test_refusals_are_one_line(spiden, place, whole, arguments):
    filled = [a.replace("{name}", whole).replace("{here}", str(place)) for a in arguments]
    outcome = spiden(*filled)
    assert outcome.code in range(1, 7)
    assert outcome.stdout == ""
    assert len(outcome.stderr.strip().splitlines()) == 1, outcome.stderr
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", outcome.stderr)
    assert "unexpected" not in outcome.stderr


def test_help_is_no_markup_either(spiden):
    assert "spiden[tensorboard]" in "".join(spiden("train", "--help").stdout.split())
