"""Temporary files of killed processes go, those of living ones stay."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from spiden_cli.core.atomic import atomic_path
from spiden_cli.core.temporary import clear_leftovers, temporary_file

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
    (tmp_path / ".spiden-dir00000").mkdir()
    kept = set(tmp_path.iterdir())
    for name in (".spiden-abcd1234", ".spiden-0_cd1234.safetensors"):
        (tmp_path / name).touch()
    clear_leftovers(tmp_path)
    assert set(tmp_path.iterdir()) == kept


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
