"""docs/guide.md can be followed: its commands exist, its pictures are there and small."""

import re
import shlex
from pathlib import Path

import pytest
from PIL import Image

from spiden_cli.app import app

DOCS = Path(__file__).resolve().parents[1] / "docs"
GUIDE = DOCS / "guide.md"
MOST_BYTES = 200_000


def commands():
    blocks = re.findall(r"^```sh\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


@pytest.mark.parametrize("line", commands())
def test_every_command_is_understood(line):
    from typer.main import get_group

    program, name, *arguments = shlex.split(line)
    assert program == "spiden"
    command = get_group(app).commands[name]
    with command.make_context(name, list(arguments)) as context:  # refuses what it doesn't know
        assert context.params["pictures"]


def test_its_pictures_are_there_and_small():
    names = re.findall(r"\(images/([\w.-]+)\)", GUIDE.read_text())
    assert len(names) > 4
    for name in names:
        path = DOCS / "images" / name
        assert path.stat().st_size < MOST_BYTES, name
        with Image.open(path) as image:
            image.load()


def test_what_a_command_reads_is_there_or_was_made_before():
    there = {"photograph.png", "photograph_clean.png", "wall.png", "photographs/"}
    for line in commands():
        _, _, *words = shlex.split(line)
        read = [word for word in words if word.endswith((".png", "/"))]
        if "-o" in words:
            made = words[words.index("-o") + 1]
            read.remove(made)
        else:
            mark = "region" if "--region" in words else "denoised"
            made = f"{Path(read[0]).stem}_{mark}.png"
        assert set(read) <= there, line
        assert made not in there, line  # what exists isn't replaced unasked
        there.add(made)
