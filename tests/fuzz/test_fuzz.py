"""Mutated files of every kind: one line of refusal or a sound result, never a traceback, in time.

`benchmarks/fuzz.py` tries many more.
"""

import time
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from corpus import KINDS, read, seeds
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from mutators import mutated
from worded_corpus import WORDED

from spiden_cli.errors import SpidenError

EXAMPLES = {"checkpoint": 12, "weights": 40, **dict.fromkeys(WORDED, 8)}
CASES = Path(__file__).parent / "cases"


def check(kind: str, content: bytes, path: Path) -> None:
    path.write_bytes(content)
    began = time.process_time()
    with suppress(SpidenError):
        read(kind, path)
    assert time.process_time() - began < 10


@pytest.mark.parametrize("kind", KINDS)
def test_whole_files_are_read(tmp_path, kind):
    for content in seeds(kind):
        (tmp_path / f"whole.{kind}").write_bytes(content)
        read(kind, tmp_path / f"whole.{kind}")


@pytest.mark.parametrize("kind", KINDS)
def test_mutated_files(tmp_path_factory, kind):
    path = tmp_path_factory.mktemp(kind) / f"mutated.{kind}"

    @settings(
        max_examples=EXAMPLES.get(kind, 60), database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )  # fmt: skip
    @given(seed=st.integers(0, 2**32 - 1))
    @example(seed=0)
    def mutate(seed: int) -> None:
        random = Random(seed)
        check(kind, mutated(kind, random.choice(seeds(kind)), random), path)

    mutate()


@pytest.mark.parametrize("case", sorted(CASES.iterdir()), ids=lambda case: case.name)
def test_files_that_did_harm_once(case, tmp_path):
    suffix = case.suffix.lstrip(".")
    kind = case.name.split("-")[0] if suffix == "safetensors" else suffix
    check(kind, case.read_bytes(), tmp_path / f"case{case.suffix}")
