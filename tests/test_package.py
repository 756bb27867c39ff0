"""What ships: the wheel works alone, and the public names are there."""

import ast
import os
import shutil
import site
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from PIL import Image

import spiden_cli

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built and installed in an environment that holds nothing of this checkout.

    The environment borrows the dependencies (torch is large) but not spiden: a .pth file adds a
    plain folder to the path, and the editable install's own .pth is not read from there.
    """
    folder = tmp_path_factory.mktemp("package")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    source = folder / "source"
    keep = shutil.ignore_patterns(".git", ".venv", "runs", ".*_cache", ".hypothesis", "dist")
    shutil.copytree(ROOT, source, ignore=keep)
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", folder, source], check=True
    )
    environment = folder / "environment"
    venv.create(environment, with_pip=False)
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "borrowed.pth").write_text("\n".join(site.getsitepackages()))
    (wheel,) = folder.glob("*.whl")
    python = environment / "bin" / "python"
    subprocess.run([*pip, "--python", python, "install", "--no-deps", wheel], check=True)
    return environment


def run(installed: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        arguments, cwd=folder, env=environment, capture_output=True, text=True, check=True
    )


def test_the_wheel_denoises_in_an_empty_environment(installed, tmp_path, noisy_png):
    shutil.copy(noisy_png, tmp_path / "x.png")
    done = run(installed, tmp_path, str(installed / "bin" / "spiden"), "denoise", "x.png")
    assert "written to" in done.stdout
    with Image.open(tmp_path / "x_denoised.png") as image:
        assert image.size == (37, 31)


def test_the_environment_runs_the_wheel_and_not_the_checkout(installed, tmp_path):
    code = "import spiden_cli; print(spiden_cli.__file__)"
    done = run(installed, tmp_path, str(installed / "bin" / "python"), "-c", code)
    assert Path(done.stdout.strip()).is_relative_to(installed)


def test_the_wheel_is_typed_and_carries_its_data(installed):
    (package,) = installed.glob("lib/python*/site-packages/spiden_cli")
    for name in ("py.typed", "samples/coffee.png", "core/data/sources.toml"):
        assert (package / name).is_file(), name
    shipped = {path.name for path in (package / "weights").glob("*.safetensors")}
    assert shipped == {path.name for path in (ROOT / "weights").glob("*.safetensors")}
    assert "base.safetensors" in shipped


@pytest.mark.parametrize("name", spiden_cli.__all__)
def test_public_names_exist(name):
    assert getattr(spiden_cli, name) is not None


def test_the_type_checker_sees_the_public_names():
    # The imports under TYPE_CHECKING are what editors see; __all__ is what a program gets.
    tree = ast.parse((ROOT / "spiden_cli" / "__init__.py").read_text())
    seen = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("spiden_cli")
        for alias in node.names
    }
    assert seen | {"__version__"} == set(spiden_cli.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute"):
        _ = spiden_cli.denoize  # type: ignore[attr-defined]
