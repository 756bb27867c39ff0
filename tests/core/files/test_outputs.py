"""Which file each denoised picture goes to."""

import pytest

from spiden_cli.core.files.outputs import distinct_names, plan_outputs
from spiden_cli.errors import InputError, OutputError


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "a.png"
    path.touch()
    return path


@pytest.mark.parametrize("name", ["out", "out-v1.5", "2024.01.31", "v2.xyz"])
def test_a_new_name_with_a_dot_is_a_folder(source, tmp_path, name):
    assert plan_outputs([source], tmp_path / name, False) == {source: tmp_path / name / "a.png"}
    assert not (tmp_path / name).exists()  # made when there is something to put into it


@pytest.mark.parametrize("name", ["a.gif", "b.heic", "c.jxl", "d.DNG"])
def test_a_format_that_can_not_be_written_is_told(source, tmp_path, name):
    with pytest.raises(OutputError, match=r"suffix must be one of \.png"):
        plan_outputs([source], tmp_path / name, False)


def test_a_folder_may_be_called_like_a_picture(source, tmp_path):
    (tmp_path / "old.png").mkdir()
    planned = plan_outputs([source], tmp_path / "old.png", False)
    assert planned == {source: tmp_path / "old.png" / "a.png"}


def test_a_reference_is_never_replaced(source, tmp_path):
    clean = tmp_path / "clean.png"
    clean.touch()
    for overwrite in (False, True):
        with pytest.raises(InputError, match="is an input"):
            plan_outputs([source], clean, overwrite, [clean])


def test_another_input_is_not_replaced_before_it_is_read(tmp_path):
    sources = [tmp_path / "a.png", tmp_path / "a_denoised.png"]
    for path in sources:
        path.touch()
    with pytest.raises(InputError, match="is an input"):
        plan_outputs(sources, None, overwrite=True)


def test_a_name_that_grows_too_long_is_told(tmp_path):
    source = tmp_path / ("n" * 250 + ".png")
    source.touch()
    with pytest.raises(OutputError, match="255 bytes"):
        plan_outputs([source], None, False)
    assert plan_outputs([source], tmp_path / "out", False)


def test_names_are_told_apart(tmp_path):
    paths = [tmp_path / name for name in ("a.png", "A.bmp", "b.png")]
    assert distinct_names(paths) == ["a.png", "A.bmp", "b"]
