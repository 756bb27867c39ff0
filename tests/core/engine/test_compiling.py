"""Machine code is never stale, a damaged cache is replaced, and `auto` outlives a broken numba."""

import ast
import os
import shutil
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from spiden_cli.core.engine.event import compiling

PACKAGE = Path(compiling.__file__).parent
MODULES = sorted(path.name for path in PACKAGE.glob("*.py"))


def source_hash(folder: Path) -> str:
    """The key of the cache, as the compiling.py of another folder has it."""
    spec = spec_from_file_location("compiling_elsewhere", folder / "compiling.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module._source_hash()


@pytest.mark.parametrize("name", [*MODULES, "new.py"])
def test_an_edit_of_any_module_changes_the_key(tmp_path, name):
    shutil.copytree(PACKAGE, tmp_path / "event", ignore=shutil.ignore_patterns("__pycache__"))
    before = source_hash(tmp_path / "event")
    with (tmp_path / "event" / name).open("a") as module:
        module.write("\n# another instruction\n")
    assert before == compiling._source_hash() != source_hash(tmp_path / "event")


def test_kernels_are_made_of_nothing_outside_of_the_package():
    for name in ("kernels.py", "vectors.py"):
        for node in ast.walk(ast.parse((PACKAGE / name).read_text())):
            imported = node.module if isinstance(node, ast.ImportFrom) else ""
            if imported.startswith("spiden_cli"):
                assert imported.startswith("spiden_cli.core.engine.event.")


KERNEL = """
from compiling import compiled
from vectors import increment

@compiled
def run(x):
    return increment(x)
"""
VECTORS = """
import numba

@numba.njit
def increment(x):
    return x + {step}
"""


class Kernels:
    """A small package that compiles like the event engine's, and keeps its code likewise."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.cache = folder / "package", folder / "cache"
        self.folder.mkdir()
        shutil.copy(PACKAGE / "compiling.py", self.folder)
        (self.folder / "kernels.py").write_text(KERNEL)
        self.edit(1)

    def edit(self, step: int) -> None:
        (self.folder / "vectors.py").write_text(VECTORS.format(step=step))

    def run(self) -> tuple[int, int]:
        """Run the kernel on 40 in a new process: its result, and how often it was compiled."""
        program = (
            "import kernels; print(kernels.run(40), sum(kernels.run.stats.cache_misses.values()))"
        )
        found = subprocess.run(
            [sys.executable, "-B", "-c", program], cwd=self.folder, check=True, text=True,
            capture_output=True, env={**os.environ, "NUMBA_CACHE_DIR": str(self.cache)},
        )  # fmt: skip
        result, compiled = found.stdout.split()
        return int(result), int(compiled)

    def files(self, kind: str) -> list[Path]:
        return sorted(self.cache.rglob(f"*.{kind}"))


@pytest.fixture
def kernels(tmp_path) -> Kernels:
    return Kernels(tmp_path)


def test_an_edited_instruction_does_not_run_stale_code(kernels):
    assert kernels.run() == (41, 1)
    assert kernels.run() == (41, 0)  # from the cache
    kernels.edit(2)
    assert kernels.run() == (42, 1)


@pytest.mark.parametrize("kind", ["nbi", "nbc"])
@pytest.mark.parametrize("damage", [lambda old: old[: len(old) // 2], lambda old: b"no code" * 99])
def test_a_damaged_cache_is_replaced(kernels, kind, damage):
    kernels.run()
    (file,) = kernels.files(kind)
    file.write_bytes(damage(file.read_bytes()))
    assert kernels.run() == (41, 1)
    assert kernels.run() == (41, 0)


def denoise(picture: Path, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "spiden_cli", "denoise", picture, "-m", "tiny", "--overwrite",
         *options],
        check=False, text=True, capture_output=True, env={**os.environ, **variables},
    )  # fmt: skip


BROKEN = {
    "NUMBA_DISABLE_JIT": ("1", "NUMBA_DISABLE_JIT is set"),
    "NUMBA_CACHE_DIR": ("{file}/cache", "can't be written: set NUMBA_CACHE_DIR"),
}


@pytest.mark.parametrize("variable", BROKEN)
def test_auto_gives_a_result_where_numba_can_not_be_used(noisy_png, tmp_path, variable):
    value, reason = BROKEN[variable]
    setting = {variable: value.format(file=noisy_png)}  # root may write to any folder, but no file
    output = tmp_path / "out.png"
    found = denoise(noisy_png, "-o", str(output), **setting)
    assert found.returncode == 0
    assert output.is_file()
    assert "running on the dense engine: numba" in found.stderr
    assert reason in found.stderr
    output.unlink()
    refused = denoise(noisy_png, "-o", str(output), "--engine", "event", **setting)
    assert refused.returncode == 2
    assert reason in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    assert not output.exists()
