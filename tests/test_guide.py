"""The guides can be followed: their commands exist, their pictures are there and small."""

import re
import shlex
from pathlib import Path

import pytest
from PIL import Image

from spiden_cli.app import app

DOCS = Path(__file__).resolve().parents[1] / "docs"
GUIDES = ("guide.md", "microscopy.md")
MOST_BYTES = 200_000


def commands():
    texts = [(DOCS / guide).read_text() for guide in GUIDES]
    blocks = [b for t in texts for b in re.findall(r"^```sh\n(.*?)^```", t, re.M | re.S)]
    return [line for block in blocks for line in block.splitlines()]


@pytest.mark.parametrize("line", commands())
def test_every_command_is_understood(line):
    from typer.main import get_group

    program, name, *arguments = shlex.split(line)
    assert program == "spiden"
    command = get_group(app).commands[name]
    with command.make_context(name, list(arguments)) as context:  # refuses what it doesn't know
        assert context.params["noise2noise" if name == "train" else "pictures"]


@pytest.mark.parametrize("guide", GUIDES)
def test_its_pictures_are_there_and_small(guide):
    names = re.findall(r"\(images/([\w.-]+)\)", (DOCS / guide).read_text())
    assert len(names) > 1
    for name in names:
        path = DOCS / "images" / name
        assert path.stat().st_size < MOST_BYTES, name
        with Image.open(path) as image:
            image.load()
