"""Work that is done stays done, whatever becomes of stdout, stderr and the locale."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="shells and devices of Unix")

NOISE = "noise clean.png --kind white --sigma 10 -o out.png"


@pytest.fixture
def shell(tmp_path):
    """Run a command line in a shell: shell("noise ... >&-") -> code, what it said on stderr."""
    pixels = np.random.default_rng(0).integers(0, 255, (40, 40), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "clean.png")
    program = f"{shlex.quote(sys.executable)} -m spiden_cli"

    def run(line: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **variables}
        return subprocess.run(
            ["bash", "-o", "pipefail", "-c", f"{program} {line}"], cwd=tmp_path, env=environment,
            check=False, text=True, capture_output=True, timeout=120, errors="surrogateescape",
        )  # fmt: skip

    return run


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize("form", ["", " --json"])
def test_a_full_stdout_says_what_was_written(shell, tmp_path, form):
    done = shell(f"{NOISE}{form} > /dev/full")
    assert done.returncode == 6
    assert "can't print the result: No space left on device" in done.stderr
    assert "the work is done, and written: out.png" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert (tmp_path / "out.png").exists()


@pytest.mark.parametrize("end", [">&- 2>&- <&-", "2> /dev/full", "| true"])
def test_a_stream_that_nobody_reads_changes_nothing(shell, tmp_path, end):
    done = shell(f"{NOISE} {end}")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    with Image.open(tmp_path / "out.png") as written:
        assert written.size == (40, 40)


def test_a_plain_locale_and_a_name_of_other_bytes(shell, tmp_path):
    name = os.fsdecode(b"caf\xe9 \x1b[31m \xf0\x9f\x98\x80")
    (tmp_path / "clean.png").rename(tmp_path / f"{name}.png")
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = shell(f"noise ./*.png --kind white --sigma 10 -o {shlex.quote(name)}.tif", **plain)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / f"{name}.tif").exists()
    assert "\x1b" not in done.stdout
    done = shell("noise ./*.png --kind white --sigma 10 -o b.png --json", **plain)
    assert json.loads(done.stdout)["source"].endswith(".png")
