"""Of two processes that train in one folder, one does, and the other says so."""

import os
import signal
import subprocess
import sys

import pytest
from cpu_time import takes_under

from spiden_cli.core.training.run_folder import RunFolder
from spiden_cli.errors import InputError, OutputError, TrainingError

HOLDER = """
import sys
from pathlib import Path
from spiden_cli.core.training.run_folder import RunFolder

with RunFolder(Path(sys.argv[1])).claimed(step=0):
    print("has it", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other_process(tmp_path):
    child = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "run")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert child.stdout.readline() == b"has it\n"
    yield child
    child.kill()
    child.communicate()


def test_a_folder_in_use_is_refused_at_every_door(other_process, start, resume):
    kept = start()
    with pytest.raises(TrainingError, match="another process is training"):
        next(kept.train())
    with pytest.raises(TrainingError, match="another process is training"):
        kept.folder.check_free()
    with pytest.raises(TrainingError, match="another process is training"):
        resume()
    assert [path.name for path in kept.folder.path.iterdir()] == [".lock"]

    os.kill(other_process.pid, signal.SIGKILL)  # and with it goes the lock
    other_process.wait()
    assert [progress.step for progress in kept.train()] == [1, 2, 3, 4, 5, 6]


def test_two_runs_that_both_found_the_folder_free(start):
    first, second = start(), start()
    training = first.train()
    next(training)
    with pytest.raises(TrainingError, match="another process is training"):
        next(second.train())
    list(training)
    saved = first.folder.checkpoint.read_bytes(), first.folder.weights.read_bytes()
    with pytest.raises(TrainingError, match="meanwhile"):  # it has ended, but was here
        next(second.train())
    with pytest.raises(InputError, match="holds a run"):
        second.folder.check_free()
    assert saved == (first.folder.checkpoint.read_bytes(), first.folder.weights.read_bytes())


def test_a_run_that_another_process_has_gone_on_with(start, resume):
    list(start().train(time_budget=0))
    first, second = resume(), resume()
    list(first.train())
    with pytest.raises(TrainingError, match="meanwhile"):
        next(second.train())


def test_what_killed_processes_left_is_cleared(start, tmp_path):
    kept = start()
    kept.folder.path.mkdir()
    stale = kept.folder.path / ".spiden-abcd1234.safetensors"
    stale.write_bytes(b"half a check")
    mine = kept.folder.path / ".spiden-notes.txt"
    mine.write_bytes(b"not one of ours")
    list(kept.train(time_budget=0))
    assert not stale.exists()
    assert mine.exists()


def test_a_line_of_the_log_that_was_cut_off_is_taken_away(start, resume):
    list(start().train(time_budget=0))
    folder: RunFolder = resume().folder
    whole = folder.log.read_bytes()
    folder.log.write_bytes(whole + b'{"step": 2, "sec')
    again = resume()
    list(again.train(time_budget=0))
    first, second = folder.log.read_bytes().splitlines(keepends=True)
    assert first == whole
    assert second.startswith(b'{"step": 2')


@pytest.mark.parametrize("kind", ["a file", "a hard link", "a link", "a pipe", "a folder"])
def test_what_is_not_our_lock_is_left_alone(start, tmp_path, kind):
    """Of any filelock: one before version 4 empties the file that it locks."""
    kept, notes = start(), tmp_path / "notes.txt"
    notes.write_text("of the user's own")
    lock = kept.folder.path / ".lock"
    lock.parent.mkdir()
    make = {
        "a file": lambda: lock.write_bytes(notes.read_bytes()),
        "a hard link": lambda: lock.hardlink_to(notes),
        "a link": lambda: lock.symlink_to(notes),
        "a pipe": lambda: os.mkfifo(lock),
        "a folder": lock.mkdir,
    }
    make[kind]()
    there = lock.lstat()
    for door in (kept.folder.check_free, lambda: next(kept.train())):
        with pytest.raises(OutputError, match=r"\.lock"):
            door()
    assert lock.lstat().st_ino == there.st_ino
    assert lock.lstat().st_size == there.st_size
    assert notes.read_text() == "of the user's own"
    assert list(lock.parent.iterdir()) == [lock]


def test_the_lock_costs_no_time(start):
    assert takes_under(0.3, start().folder.check_free)
