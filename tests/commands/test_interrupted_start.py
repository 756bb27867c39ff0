"""Ctrl-C while the command line is still being loaded."""

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
