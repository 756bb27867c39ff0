import hashlib
import re
import tomllib
from importlib import resources
from pathlib import Path, PurePosixPath

import pytest

from spiden_cli.core.data.sources import load_sources
from spiden_cli.core.data.training_images import TEST_SETS

COUNTS = {
    "set12": 12, "bsd68": 68, "cbsd68": 68, "train400": 400, "bsd432": 432, "nam25": 50,
    "photos": 400,
}  # fmt: skip


def test_sets_and_their_sizes() -> None:
    assert {name: len(source.files) for name, source in load_sources().items()} == COUNTS


@pytest.mark.parametrize("name", COUNTS)
def test_pins_are_well_formed(name: str) -> None:
    source = load_sources()[name]

    assert source.name == name
    names = [file.name for file in source.files]
    assert names == sorted(set(names))
    for file in source.files:
        assert re.fullmatch(r"((noisy|clean)/)?[\w .()-]+\.(png|jpg)", file.name)  # no other folder
        assert re.fullmatch(r"[\w.-]+/[\w.-]+/[0-9a-f]{40}/.+", file.url_path)
        assert ".." not in PurePosixPath(file.url_path).parts
        assert re.fullmatch(r"[0-9a-f]{64}", file.sha256)


def test_no_image_is_in_two_files_of_the_test_and_training_sets() -> None:
    """Training must never see a test image, so no SHA-256 may be in both."""
    sources = load_sources()
    tested = {file.sha256 for name in TEST_SETS for file in sources[name].files}
    trained = {
        file.sha256 for name in COUNTS if name not in TEST_SETS for file in sources[name].files
    }

    assert tested.isdisjoint(trained)
    scenes = {Path(file.name).stem for file in sources["cbsd68"].files}
    assert scenes.isdisjoint(Path(file.name).stem for file in sources["bsd432"].files)


@pytest.mark.parametrize("name", COUNTS)
def test_pins_are_those_of_the_real_files(name: str, data_dir: Path) -> None:
    folder = data_dir / name
    hashes = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*.*")
    }

    assert {file.name: file.sha256 for file in load_sources()[name].files} == hashes


def test_table_is_the_published_one(data_dir: Path) -> None:
    packaged = resources.files("spiden_cli.core.data").joinpath("sources.toml")
    table = tomllib.loads(packaged.read_text(encoding="utf-8"))
    plain, photos = (
        tomllib.loads((data_dir / name).read_text(encoding="utf-8"))
        for name in ("sources.toml", "sources-photos.toml")
    )

    assert {name: table[name] for name in plain} == plain
    sources = load_sources()
    for name in ("nam25", "photos"):
        for file in sources[name].files:
            pin = photos[name][file.name]
            repository = pin["repository"]
            commit = photos["commits"][repository]["commit"]
            assert file.url_path == f"{repository}/{commit}/{pin['path']}"
            entry = table[name]
            assert pin["licence"] == entry["files"][file.name].get("licence", entry.get("licence"))
            assert pin.get("scale") == entry["files"][file.name].get("scale")


def test_a_scaled_copy_has_a_thumbnail_and_a_public_file_has_none() -> None:
    for name, source in load_sources().items():
        for file in source.files:
            assert (file.thumbnail is not None) == (name == "photos")
            if file.thumbnail is not None:
                assert len(file.thumbnail.cells) == 16
                assert min(file.thumbnail.width, file.thumbnail.height) >= 256
