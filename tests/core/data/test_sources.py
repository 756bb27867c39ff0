import hashlib
import re
import tomllib
from importlib import resources
from pathlib import Path, PurePosixPath

import pytest

from spiden_cli.core.data.sources import load_sources

COUNTS = {"set12": 12, "bsd68": 68, "cbsd68": 68, "train400": 400, "bsd432": 432}


def test_sets_and_their_sizes() -> None:
    assert {name: len(source.files) for name, source in load_sources().items()} == COUNTS


@pytest.mark.parametrize("name", COUNTS)
def test_pins_are_well_formed(name: str) -> None:
    source = load_sources()[name]

    assert source.name == name
    assert re.fullmatch(r"[\w.-]+/[\w.-]+", source.repository)
    assert re.fullmatch(r"[0-9a-f]{40}", source.commit)
    names = [file.name for file in source.files]
    assert names == sorted(set(names))
    for file in source.files:
        assert re.fullmatch(r"[\w-]+\.(png|jpg)", file.name)  # a plain name, never a path
        assert PurePosixPath(file.path).name == file.name
        assert ".." not in PurePosixPath(file.path).parts
        assert re.fullmatch(r"[0-9a-f]{64}", file.sha256)


def test_no_image_is_in_two_files_of_the_test_and_training_sets() -> None:
    """Training must never see a test image, so no SHA-256 may be in both."""
    sources = load_sources()
    tested = {file.sha256 for name in ("set12", "bsd68", "cbsd68") for file in sources[name].files}
    trained = {file.sha256 for name in ("train400", "bsd432") for file in sources[name].files}

    assert tested.isdisjoint(trained)
    scenes = {Path(file.name).stem for file in sources["cbsd68"].files}
    assert scenes.isdisjoint(Path(file.name).stem for file in sources["bsd432"].files)


@pytest.mark.parametrize("name", COUNTS)
def test_pins_are_those_of_the_real_files(name: str, data_dir: Path) -> None:
    folder = data_dir / name
    hashes = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}

    assert {file.name: file.sha256 for file in load_sources()[name].files} == hashes


def test_table_is_the_published_one(data_dir: Path) -> None:
    packaged = resources.files("spiden_cli.core.data").joinpath("sources.toml")

    assert tomllib.loads(packaged.read_text(encoding="utf-8")) == tomllib.loads(
        (data_dir / "sources.toml").read_text(encoding="utf-8")
    )
