"""`spiden denoise --watch`: pictures are denoised as they appear, each once it is whole."""

import io
import json
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spiden_cli.commands import watching
from spiden_cli.core.files import arrivals


@pytest.fixture
def watch(spiden, small_weights, tmp_path, monkeypatch):
    """Watch in/, with what happens between two looks; Ctrl-C comes when nothing is left to do."""
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    monkeypatch.setattr(arrivals, "SETTLED_AFTER", 0.0)
    monkeypatch.setattr(arrivals, "GIVEN_UP_AFTER", 0.0)

    def run(*happenings, options=()):
        waiting = list(happenings)

        def sleep(seconds):
            if waiting:
                waiting.pop(0)()
            else:
                os.kill(os.getpid(), signal.SIGINT)

        monkeypatch.setattr(watching.time, "sleep", sleep)
        return spiden(
            "denoise", "--watch", "in", "-m", small_weights, "--sigma", 25, *options
        )  # fmt: skip

    return run


def picture(seed: int = 0) -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (20, 24), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def put(name: str, content: bytes):
    return lambda: Path("in", name).write_bytes(content)


def nothing() -> None:
    pass


def test_what_is_there_and_what_appears_is_denoised_once(watch):
    put("old.png", picture())()
    outcome = watch(put("new.png", picture(1)), nothing, nothing, options=("-o", "out/"))
    assert outcome.code == 0, outcome.stderr
    assert sorted(path.name for path in Path("out").iterdir()) == ["new.png", "old.png"]
    assert outcome.stderr.count("old.png -> out/old.png") == 1
    assert outcome.stderr.splitlines()[-1].startswith("watched in: 2 pictures, ")
    assert outcome.stdout == ""
    again = watch(nothing, options=("-o", "out/"))
    assert again.stderr.splitlines()[-1].startswith("watched in: 0 pictures, ")


def test_results_beside_the_pictures_are_left_alone(watch):
    put("a.png", picture())()
    outcome = watch(nothing, nothing, nothing)
    assert outcome.code == 0
    assert sorted(path.name for path in Path("in").iterdir()) == ["a.png", "a_denoised.png"]


def test_a_picture_that_is_written_slowly_is_waited_for(watch):
    whole = picture()
    outcome = watch(
        put("slow.png", whole[:200]), put("slow.png", whole), nothing, nothing,
        options=("--json", "--log", "run.jsonl"),
    )  # fmt: skip
    assert outcome.code == 0, outcome.stderr
    assert "error" not in outcome.stderr
    assert json.loads(outcome.stdout)["status"] == "denoised"
    assert len(Path("run.jsonl").read_text().splitlines()) == 1


def test_a_file_that_stays_damaged_is_told_once_and_stops_nothing(watch):
    outcome = watch(
        put("bad.png", b"no picture"), nothing, nothing, put("good.png", picture()), nothing,
        nothing,
    )  # fmt: skip
    assert outcome.code == 2
    assert outcome.stderr.count("bad.png: not a picture") == 1
    assert Path("in/good_denoised.png").is_file()


def test_a_picture_that_is_waited_for_is_named_at_the_end(watch, monkeypatch):
    monkeypatch.setattr(arrivals, "GIVEN_UP_AFTER", 60.0)
    put("half.png", picture()[:200])()
    outcome = watch(nothing, nothing, options=("-o", "out/"))
    assert outcome.code == 0
    assert outcome.stderr.count("half.png couldn't be read as yet") == 1


def test_subfolders_and_replacing(watch):
    Path("in/sub").mkdir()
    put("sub/a.png", picture())()
    Path("out/sub").mkdir(parents=True)
    Path("out/sub/a.png").write_bytes(b"old")
    for options, changed in (((), False), (("--overwrite",), True)):
        assert watch(nothing, nothing, options=("-r", "-o", "out", *options)).code == 0
        assert (Path("out/sub/a.png").read_bytes() != b"old") is changed


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("x.png",), "leave out pictures"),
        (("-o", "-"), "leave out --output -"),
        (("--jobs", "2"), "leave out --jobs"),
        (("--dry-run",), "leave out --dry-run"),
        (("--show",), "leave out --show"),
        (("--scheduler", "local"), "leave out --scheduler"),
        (("--watch", "s3://scans/in"), "s3://scans/in: only a folder of this machine"),
    ],
)
def test_what_does_not_go_with_it(watch, options, said):
    outcome = watch(options=options)
    assert outcome.code == 2
    assert said in outcome.stderr


def test_results_go_to_storage(watch):
    fsspec = pytest.importorskip("fsspec", reason="spiden[dask] isn't installed")
    system = fsspec.filesystem("memory")
    put("old.png", picture())()
    put("bad.png", b"bad")()
    for added in ("a.png", "b.png"):
        outcome = watch(
            put(added, picture(1)), nothing, nothing, options=("-o", "memory://watched")
        )
        assert f"{added} -> memory://watched/{added} (" in outcome.stderr
    names = [f"/watched/{name}.png" for name in ("a", "b", "old")]
    assert sorted(system.find("/watched")) == names
    assert "old.png ->" not in outcome.stderr  # it was there
    assert outcome.code == 2
    with Image.open(io.BytesIO(system.cat("/watched/a.png"))) as image:
        assert image.size == (24, 20)
    assert [path.name for path in Path().iterdir()] == ["in"]


def test_no_folder_to_watch(spiden):
    outcome = spiden("denoise", "--watch", "nowhere")
    assert outcome.code == 2
    assert outcome.stderr == "error: nowhere: no such folder to watch\n"


def test_a_file_is_whole_when_it_has_not_changed_for_a_while(tmp_path, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    seen = arrivals.Arrivals(tmp_path)
    assert seen.look() == []
    file = tmp_path / "a.png"
    file.write_bytes(b"half")
    assert seen.look() == []
    now[0] += 0.9 * arrivals.SETTLED_AFTER
    file.write_bytes(b"half and more")
    assert seen.look() == []
    now[0] += 0.9 * arrivals.SETTLED_AFTER
    assert seen.look() == []
    now[0] += 0.2 * arrivals.SETTLED_AFTER
    (found,) = seen.look()
    assert found.path == file
    assert seen.put_back(file)  # it could not be read
    now[0] += arrivals.SETTLED_AFTER
    assert seen.look() == []
    now[0] += arrivals.GIVEN_UP_AFTER
    assert seen.look() == [found]
    assert not seen.put_back(file)
    now[0] += arrivals.GIVEN_UP_AFTER
    assert seen.look() == []
    file.write_bytes(b"whole at last")
    seen.look()
    now[0] += arrivals.SETTLED_AFTER
    assert seen.look() == [found]
