"""The display of a run: it moves with the steps, and tells at the end how to go on."""

import io
import itertools
import re
from pathlib import Path

import pytest
from rich.console import Console

from spiden_cli.core.training.progress import Progress
from spiden_cli.core.training.validation import Validation
from spiden_cli.errors import InputError
from spiden_cli.report import console, training
from spiden_cli.report.training import check_tensorboard, show

FOUND = Validation(
    {"25": 30.0}, {"blocks.0.conv1": 0.1, "readout": 0.2}, {"blocks.0.conv1": 500, "readout": 500}
)


@pytest.fixture
def screen(monkeypatch):
    """A terminal that keeps all that it has shown."""
    terminal = Console(
        file=io.StringIO(), force_terminal=True, width=100, height=30, highlight=False
    )
    for module in (console, training):
        monkeypatch.setattr(module, "talk", terminal)
    return terminal.file


def progress(step, validated=False):
    found = FOUND if validated else None
    return Progress(step, 40, 0.01, 0.1, 1e-3, 5.0, 9.0, 7.0, found, validated)


def tick(monkeypatch, seconds):
    """Let the display's clock go on by so much each time that it is read."""
    clock = itertools.count(step=seconds)
    monkeypatch.setattr(training.time, "monotonic", lambda: next(clock))


def shown(screen):
    return {int(step) for step in re.findall(r"(\d+) of 40", screen.getvalue())}


def test_slow_steps_are_shown_one_by_one(screen, monkeypatch):
    tick(monkeypatch, 1.0)
    show((progress(step) for step in range(1, 25)), Path("run"), tensorboard=False)
    assert shown(screen) == set(range(1, 25))


def test_fast_steps_are_shown_several_times_a_second(screen, monkeypatch):
    tick(monkeypatch, 0.02)
    show((progress(step) for step in range(1, 41)), Path("run"), tensorboard=False)
    assert 4 <= len(shown(screen)) <= 10  # in about 0.8 s


def test_each_validation_leaves_a_line(screen):
    show([progress(1), progress(2, validated=True)], Path("runs/[raw]"), tensorboard=False)
    assert "step 2/40" in screen.getvalue()
    assert "30.00 dB (sigma 25)" in screen.getvalue()
    assert "stopped at step 2: go on with --resume --output runs/[raw]" in screen.getvalue()


def test_a_finished_run_names_its_weights(screen):
    show([progress(40, validated=True)], Path("runs/a"), tensorboard=False)
    assert "the weights are runs/a/weights.safetensors" in screen.getvalue()
    show([], Path("runs/a"), tensorboard=False)
    assert "was finished already" in screen.getvalue()


def test_a_missing_package_is_named_before_any_work(monkeypatch):
    monkeypatch.setattr(training, "find_spec", lambda _: None)
    with pytest.raises(InputError, match="pip install"):
        check_tensorboard(Path("run"))
