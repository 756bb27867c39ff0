"""A picture that takes more memory than there is, or than it may, is refused before the work."""

import numpy as np
import pytest
from PIL import Image

from spiden_cli.core import memory
from spiden_cli.core.files.picture_files import SUFFIXES, read_picture, write_picture
from spiden_cli.core.image.picture import Picture
from spiden_cli.core.memory import free_memory, memory_limit, memory_limited
from spiden_cli.core.tasks.settings import Settings
from spiden_cli.errors import InputError

GREY = np.zeros((100, 100), np.uint8)


@pytest.mark.parametrize("suffix", [s for s in SUFFIXES if s not in (".jxl", ".heic", ".heif")])
def test_every_format_keeps_to_the_limit(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    write_picture(path, Picture(GREY))
    with memory_limited(10 * 4 * GREY.size):
        assert read_picture(path).width == 100
    with memory_limited(6 * GREY.size - 1), pytest.raises(InputError, match="--max-memory"):
        read_picture(path)


def test_depth_and_alpha_count(tmp_path):
    path, deep = tmp_path / "a.png", np.zeros((100, 100, 3), np.uint16)
    write_picture(path, Picture(deep, np.zeros((100, 100), np.uint16)))
    needed = 6 * 8 * 100 * 100
    with memory_limited(needed):
        read_picture(path)
    with memory_limited(needed - 1), pytest.raises(InputError, match="100 x 100 pixels"):
        read_picture(path)


@pytest.mark.parametrize(("suffix", "needed"), [(".png", 18), (".tiff", 18), (".webp", 54)])
def test_writing_counts_before_the_work(spiden, tmp_path, small_weights, suffix, needed):
    """Two pictures of 3 bytes a pixel are held, and what encoding takes is by the format."""
    Image.fromarray(np.zeros((100, 100, 3), np.uint8)).save(tmp_path / "a.png")
    command = ("denoise", tmp_path / "a.png", "-m", small_weights, "--sigma", "25",
               "-o", tmp_path / f"b{suffix}", "--max-memory")  # fmt: skip
    assert spiden(*command, f"{needed * 10}K").code == 0
    (tmp_path / f"b{suffix}").unlink()
    refused = spiden(*command, f"{needed * 10 - 1}K")
    assert refused.code != 0
    assert "100 x 100 pixels take" in refused.stderr
    assert not (tmp_path / f"b{suffix}").exists()


def test_processes_share_the_limit(tmp_path):
    path = tmp_path / "a.png"
    write_picture(path, Picture(GREY))
    needed = 6 * GREY.size
    with Settings(max_memory=3 * needed, processes=3).reading():
        assert read_picture(path).width == 100
    with (
        Settings(max_memory=3 * needed, processes=4).reading(),
        pytest.raises(InputError, match=r"by each of 4 --jobs.*fewer --jobs"),
    ):
        read_picture(path)


def test_jobs_share_the_limit(spiden, tmp_path, small_weights):
    (tmp_path / "in").mkdir()
    for name in ("a", "b"):
        Image.fromarray(GREY).save(tmp_path / "in" / f"{name}.png")
    outcome = spiden("denoise", tmp_path / "in", "-m", small_weights, "--sigma", "25", "--jobs", 2,
                     "-o", tmp_path / "out", "--max-memory", "110K")  # fmt: skip
    assert outcome.code == 2
    assert "by each of 2 --jobs" in outcome.stderr
    assert not [*(tmp_path / "out").glob("*")]


def test_without_a_limit_it_is_a_share_of_what_is_free(tmp_path, monkeypatch):
    for name, content in (("max", "1000000000"), ("current", "400000000")):
        (tmp_path / f"memory.{name}").write_text(content)
    table = tmp_path / "meminfo"
    table.write_text("MemTotal: 9 kB\nMemAvailable:   2000000 kB\n")
    monkeypatch.setattr(memory, "_GROUP", tmp_path)
    monkeypatch.setattr(memory, "_TABLE", table)
    assert free_memory() == 600_000_000
    assert memory_limit() == 480_000_000
    (tmp_path / "memory.max").write_text("max")
    assert free_memory() == 2_048_000_000
    table.unlink()
    assert free_memory() is None
    assert memory_limit() is None


def test_the_option(spiden, tmp_path, small_weights):
    Image.fromarray(GREY).save(tmp_path / "a.png")
    command = ("denoise", tmp_path / "a.png", "-m", small_weights, "--sigma", "25", "--max-memory")
    refused = spiden(*command, "10K")
    assert refused.code == 2
    assert "100 x 100 pixels take up to" in refused.stderr
    assert "a size of memory must look like" in spiden(*command, "much").stderr
    assert spiden(*command, "1.5 GB").code == 0
