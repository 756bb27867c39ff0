"""Temporary files of killed processes go, those of living ones stay."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from spiden_cli.core.atomic import atomic_folder, atomic_path
from spiden_cli.core.temporary import (
    clear_leftovers,
    clear_private_folders,
    temporary_file,
    temporary_folder,
)

WRITER = """
import sys, time
from pathlib import Path
from spiden_cli.core.atomic import atomic_path

with atomic_path(Path(sys.argv[1])) as temporary:
    temporary.write_bytes(b"half")
    print(temporary, flush=True)
    time.sleep(60)
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no locks that outlive no process")


@pytest.fixture
def writer(tmp_path):
    child = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path / "x.png")], stdout=subprocess.PIPE, text=True
    )
    yield child, Path(child.stdout.readline().strip())
    child.kill()
    child.communicate()


def test_a_killed_writer_leaves_nothing_after_the_next_run(writer, tmp_path):
    child, temporary = writer
    clear_leftovers(tmp_path)
    assert temporary.exists()  # somebody is writing it
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert temporary.exists()
    with atomic_path(tmp_path / "y.png") as mine:
        mine.write_bytes(b"whole")
    assert [path.name for path in tmp_path.iterdir()] == ["y.png"]


def test_only_regular_files_with_names_of_ours_go(tmp_path):
    names = [".spiden-", ".spiden-abcd123", ".spiden-ABCD1234", ".spiden-abcd1234.a.b", "spiden"]
    for name in names:
        (tmp_path / name).touch()
    os.mkfifo(tmp_path / ".spiden-fifo0000")
    (tmp_path / ".spiden-link0000").symlink_to(tmp_path / "spiden")
    (tmp_path / ".spiden-dir00000" / "of somebody's").mkdir(parents=True)
    (tmp_path / ".spiden-x0000000").symlink_to(tmp_path / ".spiden-dir00000")
    kept = set(tmp_path.iterdir())
    (tmp_path / ".spiden-dir00001" / "made" / "deep").mkdir(parents=True)
    (tmp_path / "spiden-private-dir00002").mkdir()
    for name in (".spiden-abcd1234", ".spiden-0_cd1234.safetensors"):
        (tmp_path / name).touch()
    clear_leftovers(tmp_path)
    assert set(tmp_path.iterdir()) == kept


FOLDERS = """
import sys, tempfile, time
from pathlib import Path
from spiden_cli.core.atomic import atomic_folder
from spiden_cli.core.temporary import private_folder

tempfile.tempdir = sys.argv[1]
with atomic_folder(Path(sys.argv[1], "x.zarr")) as made, private_folder() as private:
    for folder in (made, private):
        (folder / "0").mkdir()
        (folder / "0" / "chunk").write_bytes(b"half")
    print("ready", flush=True)
    time.sleep(60)
"""


def test_folders_of_a_killed_process_go_and_those_of_a_living_one_stay(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    child = subprocess.Popen(
        [sys.executable, "-c", FOLDERS, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout.readline() == "ready\n"
        clear_leftovers(tmp_path)
        clear_private_folders()
        assert len([*tmp_path.rglob("chunk")]) == 2
    finally:
        child.kill()
        child.communicate()
    assert len([*tmp_path.iterdir()]) == 2
    with atomic_folder(tmp_path / "x.zarr") as made:
        (made / "whole").touch()
    assert [path.name for path in tmp_path.rglob("*")] == ["x.zarr", "whole"]


def test_a_folder_cleared_between_making_and_locking_it_is_made_again(tmp_path, monkeypatch):
    import fcntl

    flock, seen = fcntl.flock, []

    def taken_for_a_leftover(handle, operation):
        if not seen:
            seen.extend(tmp_path.glob(".spiden-*"))
            seen[0].rmdir()
        return flock(handle, operation)

    monkeypatch.setattr(fcntl, "flock", taken_for_a_leftover)
    with temporary_folder(tmp_path) as path:
        assert path.is_dir()
        assert [path.parent] != seen
    assert list(tmp_path.iterdir()) == []


def test_a_file_cleared_between_making_and_locking_it_is_made_again(tmp_path, monkeypatch):
    import fcntl

    flock, seen = fcntl.flock, []

    def taken_for_a_leftover(handle, operation):
        if not seen:
            seen.extend(tmp_path.glob(".spiden-*"))
            seen[0].unlink()
        return flock(handle, operation)

    monkeypatch.setattr(fcntl, "flock", taken_for_a_leftover)
    with temporary_file(tmp_path, ".png") as path:
        assert path.exists()
        assert [path] != seen
