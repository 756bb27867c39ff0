"""The examples of the documentation run, and do what they say."""

import doctest
import re
from pathlib import Path

import pytest

import spiden_cli

DOCS = Path(__file__).resolve().parents[1] / "docs"


@pytest.mark.parametrize("name", ["python.md", "microscopy.md"])
def test_the_examples_do_what_they_say(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (DOCS / name).read_text(encoding="utf-8")
    found = doctest.testfile(
        str(DOCS / name), module_relative=False, optionflags=doctest.ELLIPSIS, encoding="utf-8"
    )
    assert found.attempted == text.count("\n>>> ") > 5
    assert found.failed == 0, "see the captured output"


def test_the_reference_has_all_that_the_package_offers():
    text = (DOCS / "api.md").read_text(encoding="utf-8")
    listed = re.findall(r"^::: spiden_cli\.(\w+)$", text, re.MULTILINE)
    assert sorted(listed) == sorted(set(spiden_cli.__all__) - {"__version__"})
