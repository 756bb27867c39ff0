"""What happens before the command line is loaded, and where Ctrl-C comes more than once."""

import os
import signal
import subprocess
import sys

import pytest

from spiden_cli import app
from spiden_cli.__main__ import main
from spiden_cli.commands import stopping


@pytest.fixture(autouse=True)
def hearing(monkeypatch):
    """Hear Ctrl-C as a process that has just begun does; afterwards as before."""
    monkeypatch.setattr(stopping, "_heard_at", -stopping.DEAF)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Interrupting:
    """Stands for a Ctrl-C in the middle of an import."""

    def find_spec(self, name: str, *_: object) -> None:
        if name == "spiden_cli.app":
            raise KeyboardInterrupt


def test_ctrl_c_while_it_loads_is_told_in_one_line(monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, "spiden_cli.app", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Interrupting(), *sys.meta_path])
    with pytest.raises(SystemExit) as leaving:
        main()
    assert leaving.value.code == 130
    assert capsys.readouterr().err == "error: interrupted\n"


@pytest.mark.parametrize(("given", "then"), [(None, "1"), ("3", "3")])
def test_numpy_multiplies_on_one_thread_unless_the_user_says_otherwise(monkeypatch, given, then):
    """Its own threads spin between calls, and estimates would depend on their number."""
    monkeypatch.setattr(sys, "argv", ["spiden", "--version"])
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", given or "-")
    if given is None:
        monkeypatch.delenv("OPENBLAS_NUM_THREADS")
    with pytest.raises(SystemExit):
        main()
    assert os.environ["OPENBLAS_NUM_THREADS"] == then


def test_ctrl_c_again_and_again_cuts_no_clean_up_and_no_exit_code(monkeypatch, capsys):
    cleaned = []

    def command():
        try:
            signal.raise_signal(signal.SIGINT)
        finally:
            signal.raise_signal(signal.SIGINT)
            cleaned.append(True)

    monkeypatch.setattr(app, "main", command)
    with pytest.raises(SystemExit) as leaving:
        main()
    signal.raise_signal(signal.SIGINT)  # while the interpreter ends, which would be killed by it
    assert leaving.value.code == 130
    assert cleaned
    assert capsys.readouterr().err == "error: interrupted\n"


def test_what_hangs_while_it_ends_can_be_interrupted_a_moment_later(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(stopping.time, "monotonic", lambda: now[0])
    with pytest.raises(KeyboardInterrupt):
        stopping.interrupt(signal.SIGINT, None)
    stopping.interrupt(signal.SIGINT, None)
    now[0] += stopping.DEAF
    with pytest.raises(KeyboardInterrupt):
        stopping.interrupt(signal.SIGINT, None)


@pytest.mark.parametrize(
    ("kind", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)]
)
def test_the_second_signal_ends_all_and_a_third_does_not_cut_that(kind, error):
    cleaned = []

    def work():
        with stopping.stopping() as received:
            signal.raise_signal(kind)
            assert received == [kind]
            try:
                signal.raise_signal(kind)
            finally:
                signal.raise_signal(kind)
                cleaned.append(True)

    with pytest.raises(error):
        work()
    assert cleaned


def test_what_takes_a_moment_is_finished_before_a_second_signal_ends_all():
    finished = []

    def work():
        with stopping.stopping() as received, received.holding():
            with received.holding():
                signal.raise_signal(signal.SIGINT)
                signal.raise_signal(signal.SIGINT)
            finished.append(True)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert finished


def test_a_background_job_goes_on_without_ctrl_c(monkeypatch):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    monkeypatch.setattr(app, "main", lambda: signal.raise_signal(signal.SIGINT))
    main()


INTERRUPTED_IN_EXEC = """
import sys, types
from spiden_cli.__main__ import main
code = "import signal; signal.raise_signal(signal.SIGINT); [None for _ in '12']"
app = sys.modules["spiden_cli.app"] = types.ModuleType("app")
app.main = lambda: exec(code)
main()
"""


def test_ctrl_c_inside_of_exec_ends_with_the_exit_code_too(tmp_path):
    """A process of its own, run by `-m`, which Python would end by the signal."""
    (tmp_path / "interrupted.py").write_text(INTERRUPTED_IN_EXEC)
    ended = subprocess.run(
        [sys.executable, "-m", "interrupted"], cwd=tmp_path, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (130, "error: interrupted\n")
