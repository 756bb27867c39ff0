"""Nothing that is read is written, whatever it is called; outputs can be written, and differ."""

import os
from pathlib import Path

import pytest

from spiden_cli.core import preflight
from spiden_cli.core.preflight import check_writes
from spiden_cli.errors import InputError, OutputError


@pytest.fixture
def read(tmp_path: Path) -> Path:
    path = tmp_path / "read.png"
    path.write_bytes(b"precious")
    return path


def _symbolic(path: Path) -> Path:
    link = path.with_name("link.png")
    link.symlink_to(path)
    return link


def _hard(path: Path) -> Path:
    link = path.with_name("hard.png")
    link.hardlink_to(path)
    return link


def _through_a_linked_folder(path: Path) -> Path:
    link = path.parent / "folder"
    link.symlink_to(path.parent)
    return link / path.name


ALIASES = {
    "itself": lambda path: path,
    "dots": lambda path: path.parent / ".." / path.parent.name / path.name,
    "relative": lambda path: Path(os.path.relpath(path)),
    "symbolic link": _symbolic,
    "hard link": _hard,
    "linked folder": _through_a_linked_folder,
}


@pytest.mark.parametrize("alias", ALIASES)
def test_a_file_that_is_read_is_not_written_under_any_name(read, alias):
    with pytest.raises(InputError, match="is an input") as refused:
        check_writes([read], [ALIASES[alias](read)])
    assert len(str(refused.value).splitlines()) == 1


def test_what_is_made_from_a_file_may_replace_it_and_nothing_else(read, tmp_path):
    other = tmp_path / "other.png"
    other.write_bytes(b"precious too")
    check_writes([read, other], [read], replacing={read: read}, overwrite=True)
    with pytest.raises(InputError, match=r"is an input: .* or --overwrite"):
        check_writes([read, other], [read], replacing={read: read})
    with pytest.raises(InputError, match="is an input"):
        check_writes([read, other], [other], replacing={other: read}, overwrite=True)


def test_two_outputs_are_two_files(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(InputError, match="two outputs"):
        check_writes([], [tmp_path / "a.png", tmp_path / "link" / "a.png"])
    check_writes([], [tmp_path / "a.png", tmp_path / "b.png"])


def test_what_was_not_asked_for_is_passed_over(tmp_path):
    check_writes([None, tmp_path / "missing"], [None])


def test_folders_that_are_to_be_made_need_a_place(tmp_path):
    new = tmp_path / "new" / "deep"
    with pytest.raises(OutputError, match="missing or read-only"):
        check_writes([], [new / "a.png"])
    check_writes([], [new / "a.png"], folders=[new])
    assert not (tmp_path / "new").exists()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="can't write"):
        check_writes([], [tmp_path / "file" / "x" / "a"], folders=[tmp_path / "file" / "x"])


def test_a_read_only_folder_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # for tests run by root
    with pytest.raises(OutputError, match="read-only"):
        check_writes([], [tmp_path / "a.png"])


def test_a_folder_a_pipe_and_a_long_name_are_no_place(tmp_path):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name, why in (("folder", "folder"), ("pipe", "regular"), ("n" * 256, "255 bytes")):
        with pytest.raises(OutputError, match=why):
            check_writes([], [tmp_path / name])
    check_writes([], [tmp_path / ("n" * 255)])


def test_the_work_grows_with_the_number_of_files_and_not_its_square(tmp_path, monkeypatch):
    paths = [tmp_path / f"{index}" for index in range(200)]
    for path in paths:
        path.touch()
    asked = []
    found = preflight.identity
    monkeypatch.setattr(preflight, "identity", lambda path: asked.append(path) or found(path))
    check_writes(paths, [path.with_suffix(".out") for path in paths])
    assert len(asked) <= 2 * len(paths)
