"""Machine code is never stale, a damaged cache is replaced, and `auto` outlives a broken numba."""

import ast
import errno
import os
import pickle
import shutil
import stat
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from spiden_cli.core.engine.event import compiling
from spiden_cli.core.engine.event.code_cache import CodeFiles, _seal, make_private

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
        (self.folder / "compiling.py").write_text((PACKAGE / "compiling.py").read_text())
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

    def file(self) -> Path:
        (file,) = self.cache.rglob("*.nbc")
        return file


@pytest.fixture
def kernels(tmp_path) -> Kernels:
    return Kernels(tmp_path)


def test_an_edited_instruction_does_not_run_stale_code(kernels):
    assert kernels.run() == (41, 1)
    assert kernels.run() == (41, 0)  # from the cache
    kernels.edit(2)
    assert kernels.run() == (42, 1)


DAMAGE = {
    "empty": lambda old: b"",
    "cut": lambda old: old[: len(old) // 2],
    "cut at the end": lambda old: old[:-1],
    "another file": lambda old: b"no code" * 99,
    "a bit": lambda old: old[:-4000] + bytes([old[-4000] ^ 1]) + old[-3999:],
    "a pickle": lambda old: pickle.dumps(os.getcwd),
}


def test_a_damaged_cache_is_replaced(kernels):
    kernels.run()
    file = kernels.file()
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])  # LLVM would end the process
    assert kernels.run() == (41, 1)
    assert kernels.file() == file
    assert kernels.run() == (41, 0)


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_file_counts_as_absent(tmp_path, damage):
    files = CodeFiles(tmp_path, "f")
    files.save("key", b"code" * 2000)
    (file,) = tmp_path.glob("*.nbc")
    file.write_bytes(damage(file.read_bytes()))
    assert files.load("key") is None
    files.save("key", b"new")
    assert files.load("key") == b"new"


class Evil:
    """Would leave a file behind if it were unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


def test_what_others_can_write_is_never_unpickled(tmp_path):
    files, mark = CodeFiles(tmp_path, "f"), tmp_path / "mark"
    files.save("key", [1, 2])
    assert files.load("key") == [1, 2]
    (file,) = tmp_path.glob("*.nbc")
    content = pickle.dumps(("key", Evil(mark)))
    file.write_bytes(_seal(file, content) + content)  # whoever can write can seal as well
    for mode in (0o620, 0o602):
        file.chmod(mode)
        assert files.load("key") is None
    assert not mark.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only an administrator gives files to others")
def test_what_another_user_owns_is_never_unpickled(tmp_path):
    files = CodeFiles(tmp_path, "f")
    files.save("key", [1, 2])
    (file,) = tmp_path.glob("*.nbc")
    os.chown(file, 12345, -1)
    assert files.load("key") is None


@pytest.mark.parametrize("mask", [0o077, 0o022, 0o002, 0o000])
def test_what_is_kept_is_the_users_own_whatever_the_umask_is(tmp_path, mask):
    """Many systems let the user's own group write: the code would be compiled at each start."""
    files, before = CodeFiles(tmp_path, "f"), os.umask(mask)
    try:
        files.save("key", 1)
    finally:
        os.umask(before)
    (file,) = tmp_path.glob("*.nbc")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert files.load("key") == 1


def _of_another_mode(path: Path) -> None:
    path.touch(0o666)
    path.chmod(0o666)


def _of_another_user(path: Path) -> None:
    path.touch()
    if os.geteuid() == 0:
        os.chown(path, 12345, -1)


@pytest.mark.parametrize(
    "put",
    [
        _of_another_mode,
        _of_another_user,
        lambda path: path.symlink_to("elsewhere"),
        os.mkfifo,  # which would keep a reader waiting
    ],
    ids=["mode", "owner", "link", "pipe"],
)
def test_what_is_in_the_way_counts_as_absent_and_is_replaced(tmp_path, put):
    files = CodeFiles(tmp_path, "f")
    put(files._path("key"))
    assert files.load("key") is None
    files.save("key", 1)
    assert files.load("key") == 1


def test_code_of_another_signature_is_not_taken_for_this_one(tmp_path):
    files = CodeFiles(tmp_path, "f")
    files.save("this", 1)
    (this,) = tmp_path.glob("*.nbc")
    files.save("other", 2)
    (other,) = set(tmp_path.glob("*.nbc")) - {this}
    this.write_bytes(other.read_bytes())
    assert files.load("this") is None


def test_the_folder_is_made_for_its_user_alone(tmp_path):
    make_private(tmp_path / "a" / "b")
    for folder in (tmp_path / "a", tmp_path / "a" / "b"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for folder in (tmp_path / "a" / "b", tmp_path / "a"):
        folder.chmod(0o770)
        with pytest.raises(PermissionError, match="others can write"):
            make_private(tmp_path / "a" / "b")
        folder.chmod(0o700)
    (tmp_path / "a").chmod(0o1777)  # as /tmp
    make_private(tmp_path / "a" / "b")


def test_a_full_disk_does_not_stop_what_is_compiled(tmp_path, monkeypatch):
    def full(self, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    files = CodeFiles(tmp_path, "f")
    files.save("key", 1)
    assert files.load("key") is None
    assert not list(tmp_path.iterdir())


def denoise(picture: Path, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "spiden_cli", "denoise", picture, "-m", "tiny", "--overwrite",
         *options],
        check=False, text=True, capture_output=True, env={**os.environ, **variables},
    )  # fmt: skip


BROKEN = {
    "NUMBA_DISABLE_JIT": ("1", "NUMBA_DISABLE_JIT is set"),
    "NUMBA_CACHE_DIR": ("{file}/cache", "can't be used, Not a directory: set NUMBA_CACHE_DIR"),
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
    assert refused.stderr.splitlines()[-1].startswith("error: ")
    assert not output.exists()
