"""The command line as a whole: speed, help, exit codes, bad input."""

import os
import subprocess
import sys
import time

import pytest
from PIL import Image

COMMANDS = (
    "denoise", "compare", "evaluate", "energy", "analyze", "spikes", "noise", "models", "train",
    "export",
)  # fmt: skip


def fastest(arguments: list[str], tries: int = 3) -> float:
    seconds = []
    for _ in range(tries):
        start = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def test_help_feels_instant():
    # Side by side, so that a slow machine slows both: the limit is 0.4 s where torch takes 1 s.
    torch_seconds = fastest(["-c", "import torch"], 2)
    help_seconds = fastest(["-m", "spiden_cli", "--help"])
    assert help_seconds < max(0.4, 0.4 * torch_seconds)


@pytest.mark.parametrize("module", ["torch", "numpy", "PIL", "skimage", "scipy"])
def test_help_imports_nothing_heavy(module):
    code = (
        "import sys; sys.argv = ['spiden', '--help']\n"
        "from spiden_cli.app import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        f"assert {module!r} not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(spiden, command):
    outcome = spiden(command, "--help")
    assert outcome.code == 0
    assert "Usage" in outcome.stdout
    assert "╭" in outcome.stdout


def test_version(spiden):
    from spiden_cli import __version__

    assert spiden("--version").stdout.strip() == f"spiden {__version__}"


def test_an_unknown_command_is_refused(spiden):
    assert spiden("denoize").code == 2


def _bomb(path):
    """A PNG header that declares 50,000 x 50,000 pixels, in under 100 bytes."""
    import struct
    import zlib

    header = b"IHDR" + struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk + b"\0\0\0\0IEND\xaeB`\x82")


def _truncated(path):
    Image.effect_noise((64, 64), 50).save(path)
    path.write_bytes(path.read_bytes()[:1000])


BAD_PICTURES = {
    "missing": lambda path: None,
    "text": lambda path: path.write_text("this is no picture"),
    "truncated": _truncated,
    "empty": lambda path: path.write_bytes(b""),
    "one_pixel": lambda path: Image.new("L", (1, 1)).save(path),
    "bomb": _bomb,
    "folder": lambda path: path.mkdir(),
}


@pytest.mark.parametrize("kind", BAD_PICTURES)
def test_a_bad_picture_is_one_line_and_nothing_is_written(spiden, tmp_path, small_weights, kind):
    path = tmp_path / f"{kind}.png"
    BAD_PICTURES[kind](path)
    before = sorted(tmp_path.rglob("*"))
    outcome = spiden("denoise", path, "--weights", small_weights)
    assert outcome.code == 2
    assert outcome.stdout == ""
    assert len(outcome.stderr.strip().splitlines()) == 1, outcome.stderr
    assert path.name in outcome.stderr
    assert sorted(tmp_path.rglob("*")) == before


def test_weights_of_another_network_are_refused(spiden, noisy_png, small_weights, tmp_path):
    import json

    from safetensors import safe_open
    from safetensors.torch import save_file

    with safe_open(small_weights, framework="pt") as file:
        metadata = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    record = json.loads(metadata["spiden"])
    record["config"]["width"] = 16
    foreign = tmp_path / "foreign.safetensors"
    save_file(tensors, foreign, {**metadata, "spiden": json.dumps(record)})
    outcome = spiden("denoise", noisy_png, "--weights", foreign)
    assert outcome.code == 3
    assert "does not fit" in outcome.stderr


def test_a_full_disk_is_one_line_and_leaves_nothing(spiden, noisy_png, small_weights, monkeypatch):
    import errno
    from pathlib import Path

    def full(self, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    before = sorted(noisy_png.parent.iterdir())
    outcome = spiden("denoise", noisy_png, "--weights", small_weights)
    assert outcome.code == 6
    assert "No space left" in outcome.stderr
    assert len(outcome.stderr.strip().splitlines()) == 1
    assert sorted(noisy_png.parent.iterdir()) == before


def test_ctrl_c_during_denoise_leaves_no_partial_file(
    spiden, noisy_png, small_weights, monkeypatch
):
    from spiden_cli.core.files import picture_files

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(picture_files, "_encode", interrupted)
    before = sorted(noisy_png.parent.iterdir())
    outcome = spiden("denoise", noisy_png, "--weights", small_weights)
    assert outcome.code == 130
    assert outcome.stderr.strip() == "error: interrupted"
    assert sorted(noisy_png.parent.iterdir()) == before


UNFORESEEN = {
    "memory": (MemoryError(), "not enough memory"),
    "torch's memory": (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "not enough"),
    "a fault": (KeyError("x[/q]\nsecond line"), "unexpected KeyError"),
    "a fault without words": (AssertionError(), "unexpected AssertionError: no message"),
    "a system's error": (OSError(5, "Input/output error"), "unexpected OSError"),
}


@pytest.mark.parametrize("kind", UNFORESEEN)
@pytest.mark.parametrize("command", ["models", "analyze"])
def test_the_unforeseen_is_one_line(spiden, monkeypatch, kind, command):
    error, words = UNFORESEEN[kind]
    _break(monkeypatch, error)
    outcome = spiden(command)
    assert outcome.code == 1
    assert outcome.stdout == ""
    assert words in outcome.stderr
    assert len(outcome.stderr.strip().splitlines()) == 1, outcome.stderr
    if words.startswith("unexpected"):
        assert "please report it" in outcome.stderr
        assert "SPIDEN_DEBUG=1" in outcome.stderr


@pytest.mark.parametrize(
    "words", [("models",), ("denoise",), ("denoise", "PICTURE", "-o"), ("denoise", "--watch")]
)
def test_a_name_that_no_system_takes_is_the_users(spiden, noisy_png, words):
    outcome = spiden(*(str(noisy_png) if word == "PICTURE" else word for word in words), "x" * 300)
    assert outcome.code in (2, 3, 6)
    assert "fault in spiden" not in outcome.stderr
    assert outcome.stderr.count("\n") == 1


def test_a_traceback_is_shown_to_those_who_ask(spiden, monkeypatch):
    _break(monkeypatch, KeyError("x"))
    monkeypatch.setenv("SPIDEN_DEBUG", "1")
    stderr = spiden("models").stderr
    assert "Traceback" in stderr
    assert "unexpected KeyError" in stderr.splitlines()[-1]


def _break(monkeypatch, error):
    """Let the first step of two commands fail."""

    def fail(*_):
        raise error

    monkeypatch.setattr("spiden_cli.core.bundled.model_names", fail)
    monkeypatch.setattr("spiden_cli.core.analysis.staircase.Neuron.__post_init__", fail)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("denoise",), "Missing argument 'PICTURE...'"),
        (("denoise", "--hlep"), "No such option"),
        (("denoise", "x.png", "--timesteps", "x"), "--timesteps"),
        (("models", "--json=3"), "--json"),
        (("train", "--data"), "--data"),
        (("denoize",), "denoize"),
    ],
)
def test_a_wrong_command_line_is_one_line(spiden, arguments, words):
    outcome = spiden(*arguments)
    assert outcome.code == 2
    assert words in outcome.stderr
    assert len(outcome.stderr.strip().splitlines()) == 1, outcome.stderr


def test_no_command_shows_the_help(spiden):
    outcome = spiden()
    assert outcome.code == 2
    assert "Usage" in outcome.stdout
    assert outcome.stderr == ""


def test_a_terminal_that_lacks_a_character_gets_its_code(tmp_path):
    code = subprocess.run(
        [sys.executable, "-m", "spiden_cli", "denoise", tmp_path / "雪.png"],
        capture_output=True, env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert code.returncode == 2
    assert rb"\u96ea.png: no such file" in code.stderr
