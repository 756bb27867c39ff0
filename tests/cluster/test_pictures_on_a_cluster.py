"""`spiden denoise --scheduler`: pictures denoised by the workers of a Dask cluster."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from volume_files import contents

pytest.importorskip("distributed", reason="spiden[dask] isn't installed")


@pytest.fixture
def album(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with twelve pictures in in/ and in/sub/."""
    generator = np.random.default_rng(5)
    for number in range(12):
        path = tmp_path / "in" / ("sub" if number % 3 == 0 else "") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (48, 40), dtype=np.uint8)).save(path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_lost_worker_changes_nothing(spiden, album, small_weights, scheduler, killing):
    options = ("-r", "-m", small_weights, "--sigma", 25)
    alone = spiden("denoise", "in", "-o", "here", "--json", *options)
    assert alone.code == 0, alone.stderr
    with killing(lambda: any(Path("there").rglob("*.png"))):
        there = spiden("denoise", "in", "-o", "there", "--json", *options, "--scheduler", scheduler)
    assert there.code == 0, there.stderr
    assert "dashboard: http" in there.stderr
    assert contents("there") == contents("here")
    assert len(contents("there")) == 12

    def told(outcome: object) -> list[dict[str, object]]:
        timed = ("seconds", "seconds_per_megapixel", "synaptic_operations_per_second", "output")
        return [
            {name: value for name, value in record.items() if name not in timed}
            for record in json.loads(outcome.stdout)
        ]

    for one, other in zip(told(there), told(alone), strict=True):
        assert {name for name in one if one[name] != other[name]} == set()
    again = spiden(
        "denoise", "in", "-o", "there", "--json", *options, "--scheduler", scheduler,
        "--skip-existing",
    )  # fmt: skip
    assert {record["status"] for record in json.loads(again.stdout)} == {"skipped"}
