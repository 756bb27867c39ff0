"""What is printed is what was meant: no markup, no control characters, strict JSON."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.cbook import is_math_text
from rich.table import Table

from spiden_cli.report import console, progress
from spiden_cli.report.console import print_json, talk, visible
from spiden_cli.report.figures import literal


@given(st.text())
def test_visible_text_is_one_line_that_every_terminal_takes(text):
    shown = visible(text)
    assert len(shown.splitlines()) <= 1
    assert not any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in shown)
    shown.encode("utf-8")
    assert visible(shown) == shown


@given(st.text(st.characters(categories=["L", "N", "P", "S"])))
def test_what_can_be_seen_stays_as_it_is(text):
    assert visible(text) == text


@given(st.text("ab$\\{}^_", max_size=12))
def test_a_figure_shows_text_and_no_formula(text):
    given_to_matplotlib = literal(text)
    assert not is_math_text(given_to_matplotlib)
    assert not given_to_matplotlib.startswith("_")
    assert given_to_matplotlib.replace(r"\$", "$").strip() == text  # as it draws it


def _screen(monkeypatch):
    screen = io.StringIO()
    terminal = console._Console(
        file=screen, force_terminal=True, width=100, highlight=False, markup=False, emoji=False
    )
    for module in (console, progress):
        monkeypatch.setattr(module, "talk", terminal)
    return screen


@pytest.mark.parametrize("name", ["p[/q]", "[bold]x", ":smile:", "{x} %s", "a\x07b\nc"])
def test_a_bar_shows_names_as_they_are(monkeypatch, name):
    screen = _screen(monkeypatch)
    with progress.counting(f"denoising {name}", 2) as count:
        count(1)
    assert f"denoising {visible(name)}" in screen.getvalue()


def test_a_table_shows_names_as_they_are(capsys):
    table = Table("[head]", title="p[/q]")
    table.add_row("[bold]x[/]\x1b[2J")
    talk.print(table)
    shown = capsys.readouterr().err
    for part in ("[head]", "p[/q]", "[bold]x[/]\\x1b[2J"):
        assert part in shown


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
))  # fmt: skip
def test_json_is_strict(record):
    import contextlib

    def refuse(word):
        raise AssertionError(word)

    with contextlib.redirect_stdout(io.StringIO()) as printed:
        print_json(record)
    json.loads(printed.getvalue(), parse_constant=refuse)
