"""Work in several processes or threads: answers, processes that are ended, and a wish to stop."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import spiden_cli
from spiden_cli.core.tasks.workers import in_processes, in_threads, threads_for_each
from spiden_cli.errors import InputError, SpidenError


def work(item: int) -> tuple[int, str]:
    """Square a number; 13 is killed as by a system that is out of memory, 7 is a fault."""
    if item == 13:
        os.kill(os.getpid(), signal.SIGKILL)
    if item == 7:
        raise InputError("a fault")
    return item**2, os.environ["OMP_NUM_THREADS"]


def processes_left() -> list[str]:
    """Return the names of processes that were started here, but a cluster's of other tests."""
    names = (child.name for child in multiprocessing.active_children())
    return [name for name in names if "Dask" not in name]


def test_each_item_has_its_answer_and_a_process_its_threads():
    found = dict(in_processes(work, range(6), processes=2, threads=3))
    assert found == {item: (item**2, "3") for item in range(6)}
    assert not processes_left()


def test_a_process_that_is_ended_costs_the_items_that_were_begun_and_no_others():
    items = [1, 13, *range(20, 30)]
    found = dict(in_processes(work, items, processes=2, threads=1))
    assert set(found) == set(items)
    failed = {item for item, answer in found.items() if isinstance(answer, SpidenError)}
    assert 13 in failed
    assert len(failed) <= 3  # one for each process, and one that waited
    assert "fewer --jobs" in str(found[13])


def test_once_it_is_to_stop_no_item_is_begun():
    stop: list[bool] = []
    found = []
    for item, _ in in_processes(work, range(1, 7), 2, 1, lambda: bool(stop)):
        found.append(item)
        stop.append(True)
    assert 1 <= len(found) <= 3
    assert not processes_left()


def test_an_error_of_the_caller_ends_the_processes_at_once():
    answers = in_processes(slow, [30.0, 0.0, 30.0, 30.0], processes=2, threads=1)
    began = time.monotonic()
    assert next(answers)[0] == 0.0
    answers.close()  # as Ctrl-C does
    assert not processes_left()
    assert time.monotonic() - began < 25


def slow(seconds: float) -> None:
    time.sleep(seconds)


def test_a_fault_is_the_callers():
    with pytest.raises(InputError, match="a fault"):
        list(in_processes(work, [7], processes=1, threads=1))


def test_threads_are_shared(monkeypatch):
    assert [threads_for_each(n, 8) for n in (1, 2, 3, 8, 20)] == [8, 4, 2, 1, 1]
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(6)), raising=False)
    assert threads_for_each(2, None) == 3


_PARENT = """
import sys
from spiden_cli.core.tasks.workers import in_processes
from tests_of_workers import noting
if __name__ == "__main__":
    list(in_processes(noting, [sys.argv[1] + "/1", sys.argv[1] + "/2"], 2, 1))
"""
_WORK = """
import os, time
def noting(path):
    try:
        open(path, "w").write(str(os.getpid()))
        time.sleep(60)
    finally:
        os.unlink(path)
"""


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs POSIX signals")
def test_processes_end_with_their_parent_and_tidy_up(tmp_path):
    (tmp_path / "parent.py").write_text(_PARENT)
    (tmp_path / "tests_of_workers.py").write_text(_WORK)
    notes = tmp_path / "notes"
    notes.mkdir()
    root = str(Path(spiden_cli.__file__).parents[1])
    parent = subprocess.Popen(
        [sys.executable, "parent.py", str(notes)],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": root},
    )  # fmt: skip
    try:
        wait_until(lambda: all((notes / name).exists() for name in "12"))
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        wait_until(lambda: not list(notes.iterdir()))
    finally:
        parent.kill()


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_threads_take_items_when_their_turn_comes_and_answer_in_order():
    begun = []

    def items():
        for item in range(20):
            begun.append(item)
            yield item

    for item, answer in in_threads(lambda number: number**2, items(), 2):
        assert answer == item**2
        assert len(begun) <= item + 4
    assert item == 19


def test_threads_begin_nothing_once_they_are_to_stop():
    stop: list[bool] = []
    found = []
    for item, _ in in_threads(lambda number: number, range(100), 2, lambda: bool(stop)):
        found.append(item)
        stop.append(True)
    assert found == list(range(len(found)))
    assert len(found) <= 3


def test_an_error_of_an_item_ends_the_threads():
    def work(item: int) -> int:
        return 1 // (3 - item)

    answers = in_threads(work, range(50), 2)
    assert [next(answers)[0] for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ZeroDivisionError):
        next(answers)
