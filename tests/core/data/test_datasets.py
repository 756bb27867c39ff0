from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spiden_cli.core.data.datasets import Dataset, DownloadProgress, dataset_names, find_dataset
from spiden_cli.core.data.sources import Source, load_sources
from spiden_cli.errors import DatasetError

Contents = dict[str, bytes]


def fill(folder: Path, contents: Contents) -> Path:
    folder.mkdir(parents=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return folder


def find(source: Source, tmp_path: Path, data_dir: Path | None = None, **options) -> Dataset:
    """Find the tiny set by name, with its cache in tmp_path."""
    return find_dataset(
        source.name,
        data_dir,
        cache_dir=tmp_path / "cache",
        sources={source.name: source},
        **options,
    )


def test_names() -> None:
    assert dataset_names() == (
        "set12", "bsd68", "cbsd68", "train400", "bsd432", "nam25", "photos",
    )  # fmt: skip


def test_real_set_in_a_data_folder(data_dir: Path, tmp_path: Path) -> None:
    dataset = find_dataset("set12", data_dir, download=False, cache_dir=tmp_path)

    assert dataset.name == "set12"
    assert dataset.paths == tuple(data_dir / "set12" / f"{n:02d}.png" for n in range(1, 13))


def test_real_set_downloaded(data_dir: Path, server, tmp_path: Path) -> None:
    source = load_sources()["set12"]
    real = {file.name: (data_dir / "set12" / file.name).read_bytes() for file in source.files}
    server.hold(source, real)

    dataset = find_dataset("set12", None, base_url=server.url, cache_dir=tmp_path)

    assert {path.name: path.read_bytes() for path in dataset.paths} == real
    again = find_dataset("set12", None, download=False, cache_dir=tmp_path)
    assert again == dataset
    assert len(server.requests) == 12


def test_missing_set_is_downloaded_once(
    tiny: Source, contents: Contents, server, tmp_path: Path
) -> None:
    dataset = find(tiny, tmp_path, base_url=server.url)

    assert dataset == Dataset("tiny", tuple(sorted((tmp_path / "cache" / "tiny").iterdir())))
    assert [path.read_bytes() for path in dataset.paths] == list(contents.values())
    server.requests.clear()
    assert find(tiny, tmp_path, base_url=server.url) == dataset
    assert server.requests == []


def test_download_goes_on_where_it_was_cut(
    tiny: Source, contents: Contents, server, tmp_path: Path
) -> None:
    last = tiny.files[-1]
    whole = server.answers.pop(server.path_of(last))
    with pytest.raises(DatasetError, match="404"):
        find(tiny, tmp_path, base_url=server.url)
    here = {path.name for path in (tmp_path / "cache" / "tiny").iterdir()}
    server.answers[server.path_of(last)] = whole
    server.requests.clear()
    seen: list[DownloadProgress] = []

    dataset = find(tiny, tmp_path, base_url=server.url, on_progress=seen.append)

    assert [path.read_bytes() for path in dataset.paths] == list(contents.values())
    assert sorted(server.requests) == sorted(
        server.path_of(file) for file in tiny.files if file.name not in here
    )
    assert seen[0].files_done == len(here)
    assert seen[-1].files_done == seen[-1].files_total == 6


def test_downloads_off(tiny: Source, server, tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "tiny"

    with pytest.raises(DatasetError) as refused:
        find(tiny, tmp_path, base_url=server.url, download=False)

    assert str(refused.value) == (
        f"{folder} lacks 6 of the 6 images of tiny (01.png, 02.png, 03.png and 3 more), and "
        f"downloads are off: put its images in {folder}, or in tiny/ under --data-dir or "
        "SPIDEN_DATA"
    )
    assert server.requests == []


def test_data_dir_before_the_environment_before_the_cache(
    tiny: Source, contents: Contents, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = fill(tmp_path / "cache" / "tiny", contents)
    assert find(tiny, tmp_path, download=False).paths[0].parent == cache

    named = fill(tmp_path / "environment" / "tiny", contents)
    monkeypatch.setenv("SPIDEN_DATA", str(named.parent))
    assert find(tiny, tmp_path, download=False).paths[0].parent == named

    given = fill(tmp_path / "option" / "tiny", contents)
    assert find(tiny, tmp_path, given.parent, download=False).paths[0].parent == given

    empty = tmp_path / "empty"
    empty.mkdir()
    assert find(tiny, tmp_path, empty, download=False).paths[0].parent == named

    monkeypatch.setenv("SPIDEN_DATA", "")
    assert find(tiny, tmp_path, empty, download=False).paths[0].parent == cache


def test_cache_of_the_user(
    tiny: Source, server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / name)

    dataset = find_dataset("tiny", None, base_url=server.url, sources={"tiny": tiny})

    assert dataset.paths[0] == tmp_path / "spiden" / "data" / "tiny" / "01.png"


def test_data_folder_that_is_not_there(
    tiny: Source, server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typo = tmp_path / "typo"
    with pytest.raises(DatasetError, match=r"--data-dir names .*typo, which is not a folder"):
        find(tiny, tmp_path, typo, base_url=server.url)
    monkeypatch.setenv("SPIDEN_DATA", str(typo))
    with pytest.raises(DatasetError, match=r"SPIDEN_DATA names .*typo, which is not a folder"):
        find(tiny, tmp_path, base_url=server.url)
    assert server.requests == []


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_altered_byte_of_a_local_copy_is_found(
    data: st.DataObject, tiny: Source, contents: Contents, tmp_path_factory: pytest.TempPathFactory
) -> None:
    tmp_path = tmp_path_factory.mktemp("altered")
    folder = fill(tmp_path / "mine" / "tiny", contents)
    file = data.draw(st.sampled_from(tiny.files))
    wrong = bytearray(contents[file.name])
    wrong[data.draw(st.integers(0, len(wrong) - 1))] ^= data.draw(st.integers(1, 255))
    (folder / file.name).write_bytes(wrong)

    with pytest.raises(DatasetError) as refused:
        find(tiny, tmp_path, folder.parent)

    message = str(refused.value)
    assert message.startswith(
        f"{folder / file.name} is not the {file.name} of tiny: SHA-256 expected {file.sha256}, got "
    )
    assert message.endswith(
        ": put the original file there, or leave out --data-dir and spiden downloads the set itself"
    )
    assert (folder / file.name).read_bytes() == wrong  # a user's file is never replaced


def test_altered_file_in_the_cache_is_refused_then_fetched_again_once_deleted(
    tiny: Source, contents: Contents, server, tmp_path: Path
) -> None:
    path = fill(tmp_path / "cache" / "tiny", contents) / "02.png"
    path.write_bytes(b"other")

    with pytest.raises(DatasetError, match="delete it and spiden downloads the original"):
        find(tiny, tmp_path, base_url=server.url)
    assert server.requests == []
    path.unlink()
    find(tiny, tmp_path, base_url=server.url)
    assert path.read_bytes() == contents["02.png"]


def test_incomplete_local_copy(tiny: Source, contents: Contents, server, tmp_path: Path) -> None:
    folder = fill(tmp_path / "mine" / "tiny", contents)
    (folder / "04.png").unlink()

    with pytest.raises(DatasetError) as refused:
        find(tiny, tmp_path, folder.parent, base_url=server.url)

    assert str(refused.value) == (
        f"{folder} lacks 1 of the 6 images of tiny (04.png): put there what is missing, "
        "or leave out --data-dir and spiden downloads the set itself"
    )
    assert server.requests == []


def test_other_files_beside_a_named_set_are_left_out(
    tiny: Source, contents: Contents, tmp_path: Path
) -> None:
    folder = fill(tmp_path / "mine" / "tiny", contents)
    (folder / "00-extra.png").write_bytes(contents["01.png"])

    assert [path.name for path in find(tiny, tmp_path, folder.parent).paths] == list(contents)


def test_unreadable_entry_in_a_named_set(tiny: Source, contents: Contents, tmp_path: Path) -> None:
    folder = fill(tmp_path / "mine" / "tiny", contents)
    (folder / "01.png").unlink()
    (folder / "01.png").mkdir()

    with pytest.raises(DatasetError, match=r"can't read .*01\.png"):
        find(tiny, tmp_path, folder.parent)


def test_folder_of_images(contents: Contents, tmp_path: Path) -> None:
    folder = fill(tmp_path / "my pictures", contents)
    (folder / "notes.txt").write_text("not an image")

    dataset = find_dataset(str(folder), None)

    assert dataset == Dataset(str(folder), tuple(folder / name for name in sorted(contents)))


def test_bare_folder_name_and_the_current_folder(
    contents: Contents, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = fill(tmp_path / "pictures", contents)
    monkeypatch.chdir(tmp_path)
    assert [path.name for path in find_dataset("pictures", None).paths] == sorted(contents)
    monkeypatch.chdir(folder)
    assert [path.name for path in find_dataset(".", None).paths] == sorted(contents)


def test_known_name_is_the_pinned_set_whatever_the_working_folder_holds(
    tiny: Source, contents: Contents, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = fill(tmp_path / "cache" / "tiny", contents)
    fill(tmp_path / "tiny", {"impostor.png": contents["01.png"]})
    monkeypatch.chdir(tmp_path)

    assert find(tiny, tmp_path).paths == tuple(sorted(cache.iterdir()))
    assert [path.name for path in find_dataset("./tiny", None).paths] == ["impostor.png"]


def test_folder_without_images(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="without pictures"):
        find_dataset(str(tmp_path), None)


@pytest.mark.parametrize("tail", ["nowhere", "picture.png"])
def test_path_that_is_not_a_folder(tail: str, contents: Contents, tmp_path: Path) -> None:
    (tmp_path / "picture.png").write_bytes(contents["01.png"])
    path = tmp_path / tail

    with pytest.raises(DatasetError) as refused:
        find_dataset(str(path), None)
    assert str(refused.value) == (
        f"no folder {path}: give a folder of images or the name of a data set"
    )


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Set12", "did you mean set12? "),
        ("bsd86", "did you mean bsd68? "),
        ("kodak", ""),
        ("", ""),
        ("x" * 5000, ""),
    ],
)
def test_unknown_name(name: str, hint: str) -> None:
    with pytest.raises(DatasetError) as refused:
        find_dataset(name, None)

    assert str(refused.value) == (
        f"no data set {name!r}: {hint}give one of set12, bsd68, cbsd68, train400, bsd432, "
        "nam25, photos, or a folder of images"
    )
