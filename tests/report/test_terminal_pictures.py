"""Pictures in a real (pseudo) terminal, which answers what it is asked of its abilities."""

import base64
import importlib.util
import io
import os
import re
import struct
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from PIL import Image

PROGRAM = """
import sys, numpy as np
from spiden_cli.core.image.picture import Picture
from spiden_cli.core.image.region import Region
from spiden_cli.report.terminal_pictures import show
red, blue = (np.full((60, 90, 3), c, np.uint8) for c in ((200, 10, 10), (10, 10, 200)))
names = sys.argv[1:] or ["before.png", "after.png"]
show(dict(zip(names, [Picture(red), Picture(blue)])), lambda side: Region(5, 5, min(side, 50), 20))
"""

fcntl, pty, termios = map(pytest.importorskip, ("fcntl", "pty", "termios"))  # not on Windows

needs_library = pytest.mark.skipif(
    importlib.util.find_spec("textual_image") is None,
    reason="textual-image is not installed: pip install 'spiden[show]'",
)


def in_terminal(answers, *arguments, rows=40, **environment):
    """Run the program in a terminal of 80 columns that answers queries; return what it printed."""
    leader, follower = pty.openpty()
    size = (rows, 80, 800, 20 * rows) if rows else (0, 0, 0, 0)
    fcntl.ioctl(leader, termios.TIOCSWINSZ, struct.pack("4H", *size))
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), *arguments],
        stdin=follower, stdout=follower, stderr=follower,
        env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "COLUMNS": "80",
             "NO_COLOR": "", **environment},
    )  # fmt: skip
    os.close(follower)
    printed, waiting = b"", dict(answers)
    while True:
        try:
            chunk = os.read(leader, 65536)
        except OSError:  # how Linux says that the terminal has been left
            break
        if not chunk:
            break
        printed += chunk
        for query in [query for query in waiting if re.search(query, printed)]:
            os.write(leader, re.search(query, printed).expand(waiting.pop(query)))
    os.close(leader)
    assert process.wait() == 0, printed
    return printed.decode()


def test_half_blocks_fill_the_width_with_both_pictures():
    printed = in_terminal({})
    rows = [line for line in printed.splitlines() if "▀" in line]
    assert {row.count("▀") for row in rows} == {39 + 2 + 39}
    assert "38;2;200;10;10" in rows[0]
    assert "38;2;10;10;200" in rows[0]
    whole, part = 26, 20  # rows of pixels: 60 of 90 columns in 39, and the part as it is
    assert len(rows) == whole / 2 + part / 2
    assert "before.png" in printed
    assert "part 5,5,39,20" in printed


def test_names_stay_on_their_side():
    printed = in_terminal({}, "x" * 60 + "1.png", "漢字" * 30 + "2.png")
    line = next(line for line in printed.splitlines() if "1.png" in line)
    assert "2.png" in line
    assert "…" in line
    assert len(re.sub(r"\x1b\[[^m]*m|\x1b[^m]*\\", "", line).encode("utf-16-le")) < 2 * 80


@needs_library
def test_sixels_where_the_terminal_has_them():
    printed = in_terminal({rb"\x1b\[c": b"\x1b[?62;4;22c"})
    assert printed.count("\x1bP") == 2  # all of both, and the part of both
    assert "▀" not in printed


@needs_library
def test_half_blocks_where_a_terminal_does_not_know_its_size():
    printed = in_terminal({rb"\x1b\[c": b"\x1b[?62;4;22c"}, rows=0)
    assert "▀" in printed
    assert "\x1bP" not in printed


@needs_library
def test_pixels_in_kitty():
    answers = {rb"\x1b\[c": b"\x1b[?62c", rb"\x1b_Gi=(\d+),.*a=q": b"\x1b_Gi=\\1;OK\x1b\\\\"}
    printed = in_terminal(answers)
    assert "\x1b_G" in printed
    assert "▀" not in printed
    commands = re.findall(r"\x1b_G([^;\x1b]*);([^\x1b]*)\x1b\\", printed)
    sent, payload = [], ""
    for keys, chunk in commands:
        payload += chunk if "a=q" not in keys else ""
        if "m=1" not in keys and payload:
            sent.append(
                np.asarray(Image.open(io.BytesIO(base64.b64decode(payload))).convert("RGB"))
            )
            payload = ""
    colours = {tuple(c) for image in sent for c in image.reshape(-1, 3).tolist()}
    assert {(200, 10, 10), (10, 10, 200)} <= colours  # before and after, to the value


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"NO_COLOR": "1"}])
def test_a_terminal_without_colours_is_told(environment):
    printed = in_terminal({}, **environment)
    assert "this one has no colours" in printed
    assert "▀" not in printed


def test_no_terminal_no_picture():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True,
        env={**os.environ, "FORCE_COLOR": "1"},
    )  # fmt: skip
    assert done.stdout == ""
    assert "nothing is drawn" in done.stderr


def test_half_blocks_hold_the_pixels():
    from rich.segment import Segment

    from spiden_cli.report.terminal_pictures import _half_blocks

    pixels = np.random.default_rng(0).integers(0, 256, (4, 3, 3), dtype=np.uint8)
    segments = [s for s in _half_blocks(Image.fromarray(pixels)) if s != Segment.line()]
    upper = [tuple(s.style.color.triplet) for s in segments]
    lower = [tuple(s.style.bgcolor.triplet) for s in segments]
    assert upper == [tuple(p) for row in pixels[::2] for p in row]
    assert lower == [tuple(p) for row in pixels[1::2] for p in row]
