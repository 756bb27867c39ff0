"""Files are whole or untouched, whatever happens while they are written."""

import os
import stat
from pathlib import Path

import pytest

from spiden_cli.core.atomic import atomic_path
from spiden_cli.errors import OutputError


def test_a_new_file_and_a_replaced_one(tmp_path):
    target = tmp_path / "picture.png"
    for content in (b"first", b"second"):
        with atomic_path(target) as temporary:
            assert temporary.parent == target.parent  # a rename can't cross file systems
            assert temporary.suffix == ".png"
            temporary.write_bytes(content)
        assert target.read_bytes() == content
    assert [path.name for path in tmp_path.iterdir()] == ["picture.png"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_error_or_ctrl_c_leaves_the_old_file(tmp_path, error):
    target = tmp_path / "x.bin"
    target.write_bytes(b"old")
    with pytest.raises(error), atomic_path(target) as temporary:  # noqa: PT012
        temporary.write_bytes(b"half of the n")
        raise error
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["x.bin"]


def test_permissions_are_those_that_open_gives(tmp_path):
    before = os.umask(0o027)
    try:
        with atomic_path(tmp_path / "x") as temporary:
            temporary.write_bytes(b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o640


@pytest.mark.parametrize("target", ["missing/x.png", "file/x.png", "folder"])
def test_a_place_that_can_not_be_written_is_one_line(tmp_path, target):
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    with (
        pytest.raises(OutputError, match="can't write") as refused,
        atomic_path(tmp_path / target) as temporary,
    ):
        temporary.write_bytes(b"new")
    assert len(str(refused.value).splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_a_writer_that_removes_the_temporary_file_is_an_error(tmp_path):
    target: Path = tmp_path / "x"
    with pytest.raises(OutputError), atomic_path(target) as temporary:
        temporary.unlink()
    assert not target.exists()
