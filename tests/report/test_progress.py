"""Bars and lines that say how far many pictures are."""

import io
import time

import pytest
from rich.console import Console

from spiden_cli.report import console, progress


@pytest.fixture
def terminal(monkeypatch):
    """A terminal of 80 columns on stderr."""
    stream = io.StringIO()
    monkeypatch.setattr(
        progress, "talk", Console(file=stream, force_terminal=True, width=80, color_system=None)
    )
    return stream


def test_one_bar_has_the_name_the_count_and_a_rate(terminal):
    with progress.picturing(3) as bar:
        for name in ("a.png", "a very long name of a picture, number 0002.png", "c.png"):
            bar.begin(name)
            bar.part(1, 2)
            time.sleep(0.15)  # it is drawn ten times a second
            bar.end()
    shown = terminal.getvalue()
    for words in ("a.png", "0002.png", "3/3"):
        assert words in shown
    assert "a very long name of a picture, number 0002.png" not in shown
    assert max(len(line) for line in shown.replace("\r", "\n").split("\n")) < 80 + 20  # codes


def test_where_there_is_no_terminal_a_line_comes_now_and_then(monkeypatch):
    now, said = [0.0], []
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(progress, "note", said.append)
    monkeypatch.setattr(progress, "talk", Console(file=io.StringIO(), force_terminal=False))
    with progress.picturing(100) as bar:
        for _ in range(100):
            bar.begin("x.png")
            now[0] += 0.5
            bar.end()
    assert said[0] == "20 of 100 pictures, 0:00:40 left"
    assert len(said) == 4
    said.clear()
    with progress.picturing(1) as bar:  # a single large one
        for part in range(1, 5):
            now[0] += 6
            bar.part(part, 4)
    assert said == ["0 of 1 pictures, 0:00:12 left"]


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("short.png", 9, "short.png"),
        ("a rather long name.png", 11, "a rat…e.png"),
        ("雪雪雪雪雪雪", 9, "雪雪…雪雪"),
        ("雪雪雪雪雪雪", 8, "雪雪…雪"),
        ("a\x1b[31mred.png", 40, "a\\x1b[31mred.png"),
    ],
)
def test_a_name_is_cut_in_the_middle(text, width, shown):
    assert console.elided(text, width) == shown
    assert console.cell_len(console.elided(text, width)) <= width
