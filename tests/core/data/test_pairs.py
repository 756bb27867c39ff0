"""Sets of pairs: found in folders and by name, matched, downloaded, and refused when broken."""

import hashlib
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spiden_cli.core.data import download
from spiden_cli.core.data.datasets import Dataset, find_dataset
from spiden_cli.core.data.samples import CleanImage, Pair
from spiden_cli.core.data.sources import PinnedFile, Source, Thumbnail
from spiden_cli.core.data.training_images import refuse_test_images
from spiden_cli.core.image.metrics import psnr
from spiden_cli.errors import DatasetError


@pytest.fixture
def folder(tmp_path: Path):
    """Make a folder of small pictures: folder("noisy/a.png", ...)."""

    def make(*names: str) -> Path:
        for name in names:
            path = tmp_path / "pairs" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            value = len(list(path.parent.iterdir())) + 100 * ("noisy" in name)
            Image.new("RGB", (9, 8), (value, 0, 0)).save(path)
        return tmp_path / "pairs"

    return make


def refusal(folder: Path) -> str:
    with pytest.raises(DatasetError) as refused:
        find_dataset(str(folder), None)
    assert str(refused.value).isprintable()
    return str(refused.value).replace(f"{folder}", "F")


def test_same_names(folder) -> None:
    place = folder("noisy/b.png", "noisy/a.jpg", "clean/a.jpg", "clean/b.png")
    found = find_dataset(str(place), None)
    assert found.paths == (place / "clean" / "a.jpg", place / "clean" / "b.png")
    assert found.noisy == (place / "noisy" / "a.jpg", place / "noisy" / "b.png")
    assert found.has_noise
    assert found.samples == tuple(map(Pair, found.paths, found.noisy))


def test_same_stems(folder) -> None:
    place = folder("noisy/b.jpg", "noisy/a.png", "clean/b.png", "clean/a.png")
    found = find_dataset(str(place), None)
    assert [path.name for path in found.paths] == ["a.png", "b.png"]
    assert [path.name for path in found.noisy] == ["a.png", "b.jpg"]


def test_names_that_differ_in_the_suffix_alone_are_different_pairs(folder) -> None:
    place = folder("noisy/a.png", "noisy/a.jpg", "clean/a.jpg", "clean/a.png")
    found = find_dataset(str(place), None)
    assert [path.name for path in found.paths] == [path.name for path in found.noisy]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ["noisy/a.png", "noisy/b.png", "clean/a.png"],
            "F: noisy/b.png has no picture of that name in clean/: "
            "put there what is missing, or take the other away",
        ),
        (
            ["noisy/a.png", "clean/a.jpg", "clean/b.png", "clean/c.png"],
            "F: clean/b.png and 1 more has no picture of that name in noisy/: "
            "put there what is missing, or take the other away",
        ),
        (
            ["noisy/a.png", "noisy/a.jpg", "clean/a.png"],
            "F: noisy/ has several pictures named a: "
            "give the noisy and the clean file of a pair the same name, suffix included",
        ),
        (["noisy/a.png"], "F has noisy/ but no clean/: a set of pairs needs both"),
        (["clean/a.png"], "F has clean/ but no noisy/: a set of pairs needs both"),
    ],
)
def test_a_picture_without_the_other_is_refused(folder, names, message) -> None:
    assert refusal(folder(*names)) == message


@pytest.mark.parametrize("empty", ["noisy", "clean"])
def test_an_empty_side_is_refused(folder, empty) -> None:
    place = folder("noisy/a.png", "clean/a.png")
    (place / empty / "a.png").unlink()
    assert refusal(place).startswith(f"F/{empty}: a folder without pictures")


def test_several_noisy_pictures_may_share_a_clean_file(folder) -> None:
    place = folder("noisy/a.png", "noisy/b.png", "clean/a.png")
    (place / "clean" / "b.png").symlink_to("a.png")
    assert [path.name for path in find_dataset(str(place), None).paths] == ["a.png", "b.png"]


def test_a_folder_of_clean_images_may_hold_other_folders(folder) -> None:
    place = folder("a.png", "noisy/b.png")
    found = find_dataset(str(place), None)
    assert found.samples == (CleanImage(place / "a.png", 0),)
    assert not found.has_noise


def test_real_pairs(data_dir: Path) -> None:
    if not (data_dir / "nam25").is_dir():
        pytest.skip(f"no nam25 at {data_dir}")
    found = find_dataset("nam25", data_dir, download=False)
    assert [path.name for path in found.paths] == [f"{n:02}.png" for n in range(1, 26)]
    assert [path.name for path in found.noisy] == [path.name for path in found.paths]
    assert all(sample.is_colour() for sample in found.samples)
    read = (sample.read(None) for sample in found.samples)
    noise = [psnr(noisy.pixels, clean.pixels) for noisy, clean in read]
    assert np.mean(noise) == pytest.approx(37.06, abs=0.005)  # as published
    for side in (found.paths, found.noisy):  # under any name, neither side is learnt from
        with pytest.raises(DatasetError, match="an image of nam25"):
            refuse_test_images([Dataset("mine", side[3:4])])
    fine = data_dir / "bsd432"
    clean = tuple(sorted(fine.iterdir()))[:1]
    with pytest.raises(DatasetError, match=r"noisy/05\.png, an image of nam25"):
        refuse_test_images([Dataset("mine", clean, found.noisy[4:5])])


def test_a_named_set_of_pairs_is_downloaded_into_its_folders(
    server, contents: dict[str, bytes], tmp_path: Path
) -> None:
    commit = f"someone/pairs/{'0' * 40}"
    bodies = {f"{side}/{name}": contents[name] for side in ("clean", "noisy") for name in contents}
    source = Source(
        "two",
        tuple(
            PinnedFile(name, f"{commit}/x/{name[0]}_{name[6:]}", hashlib.sha256(body).hexdigest())
            for name, body in bodies.items()
        ),
    )
    server.hold(source, bodies)

    found = find_dataset(
        "two", None, base_url=server.url, cache_dir=tmp_path, sources={"two": source}
    )

    assert found.paths == tuple(tmp_path / "two" / "clean" / name for name in contents)
    assert found.noisy == tuple(tmp_path / "two" / "noisy" / name for name in contents)
    assert {
        f"{p.parent.name}/{p.name}": p.read_bytes() for p in (*found.paths, *found.noisy)
    } == bodies
    (found.noisy[2]).unlink()
    with pytest.raises(DatasetError, match=r"lacks 1 of the 12 images of two \(noisy/03\.png\)"):
        find_dataset("two", None, download=False, cache_dir=tmp_path, sources={"two": source})


def photo(seed: int, size: tuple[int, int] = (96, 64)) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC)


def encoded(image: Image.Image, name: str, **options: int) -> bytes:
    stream = BytesIO()
    image.save(stream, name, **options)
    return stream.getvalue()


@pytest.fixture
def scaled(server) -> Source:
    """A set of two pictures, of which the originals are twice as large."""
    files = []
    for seed, name in enumerate(("a.jpg", "b.jpg")):
        small = photo(seed).reduce(2)
        cells = small.convert("L").resize((4, 4), Image.Resampling.BOX).tobytes()
        thumbnail = Thumbnail(*small.size, cells)
        sha256 = hashlib.sha256(encoded(small, "JPEG", quality=50)).hexdigest()
        files.append(PinnedFile(name, f"some/one/{'1' * 40}/{seed}.PNG", sha256, thumbnail))
        server.answers[f"/{files[-1].url_path}"] = encoded(photo(seed), "PNG")
    return Source("scaled", tuple(files))


def fetch(scaled: Source, server, tmp_path: Path, data_dir: Path | None = None) -> Dataset:
    return find_dataset(
        "scaled", data_dir, base_url=server.url, cache_dir=tmp_path, sources={"scaled": scaled}
    )


def test_scaled_copies_are_made_of_what_is_downloaded(scaled, server, tmp_path) -> None:
    found = fetch(scaled, server, tmp_path)
    for seed, path in enumerate(found.paths):
        with Image.open(path) as image:
            assert (image.format, image.size) == ("JPEG", (48, 32))
            difference = np.asarray(image, int) - np.asarray(photo(seed).reduce(2), int)
            assert np.abs(difference).mean() < 2
    assert len(list((tmp_path / "scaled").iterdir())) == 2
    server.requests.clear()
    assert fetch(scaled, server, tmp_path) == found
    assert server.requests == []


def test_another_picture_on_the_server_is_not_kept(scaled, server, tmp_path) -> None:
    server.answers[f"/{scaled.files[1].url_path}"] = encoded(photo(7), "PNG")
    with pytest.raises(DatasetError, match=r"scaled/b\.jpg: what came is another picture"):
        fetch(scaled, server, tmp_path)
    assert not (tmp_path / "scaled" / "b.jpg").exists()
    server.answers[f"/{scaled.files[1].url_path}"] = b"<html>"
    with pytest.raises(DatasetError, match=r"scaled/b\.jpg: what came is no picture"):
        fetch(scaled, server, tmp_path)


def test_a_picture_larger_than_any_original_is_refused(
    scaled, server, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(download, "MAX_ORIGINAL_BYTES", 100)
    with pytest.raises(DatasetError, match="larger than 100 bytes"):
        fetch(scaled, server, tmp_path)


def test_a_users_copies_may_differ_in_bytes_but_not_in_what_they_show(
    scaled, server, tmp_path
) -> None:
    mine = tmp_path / "mine" / "scaled"
    mine.mkdir(parents=True)
    for seed, quality in enumerate((50, 90)):  # the pinned bytes, and others
        name = scaled.files[seed].name
        (mine / name).write_bytes(encoded(photo(seed).reduce(2), "JPEG", quality=quality))
    assert fetch(scaled, server, tmp_path, mine.parent).paths == (mine / "a.jpg", mine / "b.jpg")
    (mine / "b.jpg").write_bytes((mine / "a.jpg").read_bytes())
    with pytest.raises(
        DatasetError, match=r"b\.jpg is not the b\.jpg of scaled: it shows something"
    ):
        fetch(scaled, server, tmp_path, mine.parent)
    exact = replace(scaled, files=tuple(replace(file, thumbnail=None) for file in scaled.files))
    (mine / "b.jpg").write_bytes(encoded(photo(1).reduce(2), "JPEG", quality=90))
    with pytest.raises(DatasetError, match="SHA-256 expected"):  # as all other sets are checked
        fetch(exact, server, tmp_path, mine.parent)
    assert server.requests == []


def test_a_pair_of_measurements_has_one_black_and_white(tmp_path) -> None:
    clean = np.linspace(-50, 1000, 20 * 24).reshape(20, 24)
    noisy = clean + np.random.default_rng(0).normal(0, 100, clean.shape)
    for name, values in (("clean", clean), ("noisy", noisy)):
        np.save(tmp_path / f"{name}.npy", values)
    pictures = Pair(tmp_path / "clean.npy", tmp_path / "noisy.npy").read(None)
    assert pictures.clean.levels == pictures.noisy.levels
    np.testing.assert_allclose(pictures.clean.measured, clean)
