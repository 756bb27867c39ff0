"""What happens before the command line is loaded."""

import os
import sys

import pytest

from spiden_cli.__main__ import main


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
