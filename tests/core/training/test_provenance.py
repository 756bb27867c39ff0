"""What weights say of their origin names no folder of the machine, however it was written."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiden_cli.core.training.provenance import describe_run, last_part, without_folders

FOLDER = st.text(
    st.characters(exclude_characters="/\\'\"()\0", categories=("L", "N", "Zs")), min_size=1
)
ROOT = st.sampled_from(["/", "~/", "~jane/", "C:\\", "../", "./", "\\\\server\\"])
NAME = st.from_regex(r"[a-z0-9_]{1,12}(\.safetensors)?", fullmatch=True)
FORM = st.sampled_from(["{}", "-o{}", "--output={}", "--data={}"])


@given(ROOT, st.lists(FOLDER, min_size=1, max_size=3), NAME, FORM, st.sampled_from(["", "/"]))
def test_every_form_of_a_path_is_reduced_to_its_last_part(root, folders, name, form, end):
    path = root + "/".join([*folders, name]) + end
    command = shlex.join(["spiden", "train", form.format(path), "--steps", "5"])
    found = without_folders(f"{command} (5 steps, 1 s), from random weights")
    assert shlex.split(found)[2] == form.format(name)
    assert found.endswith("--steps 5 (5 steps, 1 s), from random weights")
    assert without_folders(found) == found


@given(ROOT, st.lists(FOLDER, max_size=3), NAME)
def test_last_part(root, folders, name):
    assert last_part(root + "/".join([*folders, name])) == name


def test_notes(small_weights):
    notes = describe_run(
        "base", ["/data/bsd432", "bsd432", "../photos/"], 7, "spiden train -o/a/b", small_weights,
        small_weights, 0.25, 2,
    )  # fmt: skip
    assert notes == {
        "preset": "base",
        "data": "bsd432, bsd432, photos",
        "images": "7",
        "command": "spiden train -ob",
        "start": "small",
        "teacher": "0.25 of small",
        "processes": "2",
    }


@pytest.mark.parametrize("text", ["random weights", "0.5 of x, y (3 steps)", ""])
def test_other_text_stays(text):
    assert without_folders(text) == text
