"""The table of constants: whole, documented, and strict about what replaces it."""

import os
import tomllib
from dataclasses import asdict
from pathlib import Path

import pytest
from cpu_time import takes_under

from spiden_cli.core.energy.constants import (
    LARGEST_FILE,
    MOST_DOTS,
    constants_toml,
    load_constants,
)
from spiden_cli.errors import InputError


def test_the_table_is_what_is_loaded():
    assert asdict(load_constants()) == tomllib.loads(constants_toml())


def test_every_constant_stands_under_a_comment_with_its_source():
    """Each group of constants follows a comment, and each comment names a source or says [D]."""
    lines = constants_toml().splitlines()
    comment = ""
    for line in lines:
        if line.startswith("#"):
            comment += line
        elif "=" in line:
            assert any(mark in comment for mark in ("[S]", "[S,", "[D]", "[2]")), line
        elif line.startswith("["):
            comment = ""


def test_a_section_replaces_a_section(tmp_path):
    file = tmp_path / "mine.toml"
    section = constants_toml().split("[movement]")[1].replace("hops = 1.0", "hops = 3")
    file.write_text(f"[movement]{section}")
    mine, shipped = load_constants(file), load_constants()
    assert mine.movement.hops == 3
    assert mine.operations == shipped.operations
    assert mine.lemaire == shipped.lemaire


@pytest.mark.parametrize(
    "name", [key for part in tomllib.loads(constants_toml()).values() for key in part]
)
@pytest.mark.parametrize("bad", ["-1", "nan", "true", '"1"'])
def test_every_constant_is_checked(tmp_path, name, bad):
    file = tmp_path / "mine.toml"
    lines = constants_toml().splitlines()
    file.write_text(
        "\n".join(f"{name} = {bad}" if line.startswith(f"{name} =") else line for line in lines)
    )
    with pytest.raises(InputError, match=rf"{name} must be a number of at least 0"):
        load_constants(file)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"operations = 3", "must be a section"),
        (b"\xff\xfe", "not a TOML"),
        (b"[operations]\nfp32_add_pj = 1", "missing constant operations.fp32_multiply_pj"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path, content, message):
    file = tmp_path / "mine.toml"
    file.write_bytes(content)
    with pytest.raises(InputError, match=message):
        load_constants(file)


BOMBS = {
    "dotted": "a" + ".b" * 8_000 + " = 1",
    "dotted with a comment in its name": '"#"' + ".b" * 8_000 + " = 1",
    "a dotted section": "[operations" + ".b" * 8_000 + "]",
    "many dotted lines": "\n".join(f"a{i}" + ".b" * 30 + " = 1" for i in range(700)),
    "nested arrays": "operations = " + "[" * 16_000,
    "nested tables": "operations = " + "{a = " * 3_000,
    "a long number": "operations = " + "9" * 16_000,
    "large": "# " + "x" * 2**17,
}


@pytest.mark.parametrize("content", BOMBS.values(), ids=BOMBS)
def test_a_file_that_would_take_long_is_refused_at_once(tmp_path, content):
    file = tmp_path / "mine.toml"
    file.write_text(content)

    def refuse() -> None:
        with pytest.raises(InputError) as refused:
            load_constants(file)
        assert len(str(refused.value)) < 400

    assert takes_under(0.5, refuse)


def test_the_longest_file_that_is_read_takes_no_time(tmp_path):
    """All that fits, of lines that are just not too deep: the parser's time is quadratic in it."""
    file, line = tmp_path / "mine.toml", "a{:04}" + ".b" * MOST_DOTS + " = 1\n"
    file.write_text("".join(map(line.format, range(LARGEST_FILE // len(line)))))

    def refuse() -> None:
        with pytest.raises(InputError, match="unknown section 'a0000'"):
            load_constants(file)

    assert takes_under(0.5, refuse)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_what_is_no_regular_file_is_refused(tmp_path, make):
    make(tmp_path / "mine.toml")
    with pytest.raises(InputError, match=r"not a (regular )?file"):
        load_constants(tmp_path / "mine.toml")
