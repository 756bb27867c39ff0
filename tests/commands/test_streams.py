"""`spiden denoise -`: pictures through pipes."""

import io
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spiden_cli.app import main
from spiden_cli.commands import streams


@pytest.fixture
def pipe(monkeypatch, capsysbinary, small_weights, tmp_path):
    """Run `spiden denoise` with bytes on stdin; give its code, its bytes and its talk."""
    monkeypatch.chdir(tmp_path)

    def run(given: bytes, *arguments: object) -> tuple[int, bytes, str]:
        command = ["spiden", "denoise", *arguments, "-m", small_weights, "--sigma", "25"]
        monkeypatch.setattr(sys, "argv", list(map(str, command)))
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
        code = 0
        try:
            main()
        except SystemExit as leaving:
            code = int(leaving.code or 0)
        out, err = capsysbinary.readouterr()
        return code, out, err.decode()

    return run


class Terminal(io.TextIOWrapper):
    def isatty(self) -> bool:
        return True


def encoded(name: str, pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, name)
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["PNG", "JPEG", "TIFF", "WEBP", "BMP", "AVIF", "PPM", "JPEG2000"])
def test_a_picture_comes_out_in_its_format_and_nothing_else(pipe, grey_pixels, colour_pixels, name):
    for pixels in (grey_pixels, colour_pixels):
        code, out, _ = pipe(encoded(name, pixels), "-", "-o", "-")
        assert code == 0
        with Image.open(io.BytesIO(out)) as image:
            assert image.format == name
            assert image.size == (37, 31)
            assert len(image.getbands()) == (1 if pixels.ndim == 2 else 3) or name == "WEBP"
    assert list(Path().iterdir()) == []


def test_another_format_and_other_ends(pipe, colour_pixels):
    picture = encoded("JPEG", colour_pixels)
    code, out, _ = pipe(picture, "-", "--format", "png")  # stdout is where stdin goes
    assert code == 0
    assert out.startswith(b"\x89PNG")
    assert pipe(picture, "-", "-o", "x.png")[0] == 0
    with Image.open("x.png") as image:
        assert image.size == (37, 31)
    code, out, err = pipe(b"", "x.png", "-o", "-", "--log", "run.jsonl")
    assert (code, err) == (0, "")
    assert out.startswith(b"\x89PNG")
    code, out, _ = pipe(picture, "-", "-o", "out/", "--json")
    (record,) = json.loads(out)
    assert (record["source"], record["output"]) == ("-", "out/stdin.jpg")


@pytest.mark.parametrize(
    ("given", "arguments", "said"),
    [
        (b"", ("-", "-o", "-"), "stdin is empty"),
        (b"no picture", ("-", "-o", "-"), "error: stdin.png: not a picture"),
        (b"x", ("-", "-", "-o", "out"), "give - once"),
        (b"x", ("-", "x.png"), "give --output a folder"),
        (b"x", ("-", "-o", "-", "--json"), "--json prints can't both go to stdout"),
        (b"x", ("-", "-o", "-", "--dry-run"), "--dry-run prints can't both go to stdout"),
        (b"x", ("-", "-o", "-", "--show"), "--show prints can't both go to stdout"),
        (b"x", ("-", "-o", "-", "--format", "gif"), "unknown format 'gif'"),
        (b"x", ("in", "-o", "-"), "2 pictures can't go to stdout"),
    ],
)
def test_what_can_not_be_is_one_line_and_no_bytes(pipe, grey_pixels, given, arguments, said):
    Path("in").mkdir()
    for name in ("in/a.png", "in/b.png"):
        Image.fromarray(grey_pixels).save(name)
    code, out, err = pipe(given, *arguments)
    assert code == 2
    assert out == b""
    assert said in err
    assert len(err.splitlines()) == 1


def test_a_terminal_is_no_pipe(pipe, monkeypatch, grey_pixels):
    picture = encoded("PNG", grey_pixels)
    monkeypatch.setattr(io, "TextIOWrapper", Terminal)
    code, out, err = pipe(picture, "-", "-o", "x.png")
    assert (code, out) == (2, b"")
    assert "stdin is a terminal" in err


class Endless(io.RawIOBase):
    """Begins as a picture may, and never ends."""

    def __init__(self, head: bytes) -> None:
        self.head, self.given = head, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:
        buffer[:] = self.head.ljust(len(buffer), b"\0") if not self.given else bytes(len(buffer))
        self.given += len(buffer)
        return len(buffer)


@pytest.mark.parametrize(
    ("head", "most", "said"),
    [(b"", 2**22, "not a picture"), (b"II*\0", 2**26, "goes on after 0.02 GB")],
)
def test_stdin_without_an_end_is_not_read_for_ever(
    spiden, monkeypatch, tmp_path, small_weights, head, most, said
):
    monkeypatch.setattr(streams, "_MOST_BYTES", 20_000_000)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    endless = Endless(head)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(endless)))
    outcome = spiden("denoise", "-", "-m", small_weights, "-o", tmp_path / "a.png")
    assert (outcome.code, said in outcome.stderr) == (2, True)
    assert endless.given < most
    assert list(tmp_path.iterdir()) == []
