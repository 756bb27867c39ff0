"""Files are whole or untouched, whatever happens while they are written."""

import os
import stat
from pathlib import Path

import pytest

from spiden_cli.core.atomic import atomic_path, making_folder
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


def test_a_replaced_file_keeps_its_mode(tmp_path):
    target = tmp_path / "secret.png"
    target.write_bytes(b"old")
    target.chmod(0o600)
    with atomic_path(target) as temporary:
        temporary.write_bytes(b"new")
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert target.read_bytes() == b"new"


@pytest.mark.skipif(os.geteuid() != 0, reason="only an administrator gives files to others")
def test_a_replaced_file_keeps_its_owner(tmp_path):
    target = tmp_path / "theirs.png"
    target.write_bytes(b"old")
    os.chown(target, 12345, 23456)
    with atomic_path(target) as temporary:
        temporary.write_bytes(b"new")
    assert (target.stat().st_uid, target.stat().st_gid) == (12345, 23456)


@pytest.mark.parametrize("name", ["n" * 251 + ".png", "s." + "n" * 253])
def test_a_name_as_long_as_a_name_can_be(tmp_path, name):
    with atomic_path(tmp_path / name) as temporary:
        assert len(temporary.name) < 40
        temporary.write_bytes(b"whole")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_the_folder_is_flushed_after_the_rename(tmp_path, monkeypatch):
    events, fsync, replace = [], os.fsync, Path.replace
    monkeypatch.setattr(
        os, "fsync", lambda fd: events.append(stat.S_ISDIR(os.fstat(fd).st_mode)) or fsync(fd)
    )
    monkeypatch.setattr(
        Path, "replace", lambda self, target: events.append("rename") or replace(self, target)
    )
    with atomic_path(tmp_path / "x") as temporary:
        temporary.write_bytes(b"whole")
    assert events == [False, "rename", True]


def test_a_folder_is_made_with_its_parents_and_stays(tmp_path):
    with making_folder(tmp_path / "a" / "b"):
        (tmp_path / "a" / "b" / "file").touch()
    with making_folder(tmp_path / "a" / "b"):
        pass
    assert (tmp_path / "a" / "b" / "file").exists()


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_failure_takes_away_the_folders_that_were_made_for_it(tmp_path, error):
    (tmp_path / "old").mkdir()
    with pytest.raises(error), making_folder(tmp_path / "old" / "a" / "b"):
        raise error
    assert list(tmp_path.rglob("*")) == [tmp_path / "old"]
    with pytest.raises(error), making_folder(tmp_path / "old" / "a" / "b"):  # noqa: PT012
        (tmp_path / "old" / "a" / "kept").touch()
        raise error
    assert (tmp_path / "old" / "a" / "kept").exists()


@pytest.mark.parametrize("place", ["file", "file/deeper"])
def test_a_folder_in_place_of_a_file_is_one_line(tmp_path, place):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="can't make the folder"), making_folder(tmp_path / place):
        pass
