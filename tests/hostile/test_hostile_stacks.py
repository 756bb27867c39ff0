"""Stacks whose words lie: what they claim, what they point to, how they are packed."""

import gzip
import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import tifffile

from spiden_cli.core.files.picture_files import read_picture
from spiden_cli.core.files.stacks.layout import layout_of
from spiden_cli.core.files.stacks.npy import NpyTarget
from spiden_cli.core.files.stacks.opening import is_stack, open_stack
from spiden_cli.core.memory import memory_limited
from spiden_cli.errors import InputError

NOISE = np.random.default_rng(0).integers(0, 255, (2, 40, 48), np.uint8)


class Intruder:
    """Makes a file where it is unpickled."""

    def __reduce__(self):
        return (open, (os.environ["INTRUDED"], "w"))


@pytest.fixture
def intruded(tmp_path, monkeypatch) -> Path:
    path = tmp_path / "intruded"
    monkeypatch.setenv("INTRUDED", str(path))
    return path


def zarr_of(path: Path, **said: object) -> Path:
    """An array of one plane, in Zarr 2, without its chunks."""
    pytest.importorskip("zarr", reason="spiden[science] isn't installed")
    path.mkdir(parents=True)
    plain = {"zarr_format": 2, "shape": [40, 48], "chunks": [40, 48], "dtype": "|u1", "order": "C",
             "compressor": None, "fill_value": 0, "filters": None}  # fmt: skip
    (path / ".zarray").write_text(json.dumps(plain | said))
    return path


def read_all(path: Path, axes: str | None = None) -> list[np.ndarray]:
    with open_stack(path, axes) as stack:
        return [stack.read(index) for index in stack.layout.indices()]


def test_a_plain_array_is_read(tmp_path):
    path = zarr_of(tmp_path / "a.zarr")
    (path / "0.0").write_bytes(NOISE[0].tobytes())
    np.testing.assert_array_equal(read_all(path), NOISE[:1])


@pytest.mark.parametrize(
    "said",
    [
        {"compressor": {"id": "pickle"}},
        {"filters": [{"id": "pickle"}]},
        {"dtype": "|O", "filters": [{"id": "pickle"}]},
    ],
)
def test_no_codec_unpickles(tmp_path, intruded, said):
    path = zarr_of(tmp_path / "a.zarr", **said)
    (path / "0.0").write_bytes(pickle.dumps(Intruder()))
    with pytest.raises(InputError):
        read_all(path)
    assert not intruded.exists()


@pytest.mark.parametrize("axes", [None, "YX"])
def test_objects_in_npy_are_not_unpickled(tmp_path, intruded, axes):
    content = np.empty((40, 48), object)
    content[:] = Intruder()
    with (tmp_path / "a.npy").open("wb") as stream:
        np.lib.format.write_array_header_2_0(
            stream, {"descr": "|O", "fortran_order": False, "shape": (40, 48)}
        )
        pickle.dump(Intruder(), stream)
    with pytest.raises(InputError):
        read_all(tmp_path / "a.npy", axes)
    assert not intruded.exists()


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"shape": [10**9, 40, 48], "chunks": [1, 40, 48]}, "claims 1000000000 chunks"),
        ({"shape": [10**9, 40, 48], "chunks": [10**9, 40, 48]}, "--max-memory"),
    ],
)
def test_a_store_holds_what_it_claims(tmp_path, said, why):
    path = zarr_of(tmp_path / "a.zarr", **said)
    (path / "0.0.0").write_bytes(NOISE[0].tobytes())
    with memory_limited(10**9), pytest.raises(InputError, match=why):
        read_all(path, "ZYX")


def test_a_chunk_that_unpacks_to_more_than_a_chunk_is_not_unpacked(tmp_path):
    path = zarr_of(tmp_path / "a.zarr", compressor={"id": "gzip", "level": 1})
    (path / "0.0").write_bytes(gzip.compress(bytes(10**8), 1))
    with pytest.raises(InputError, match="larger than its chunk"):
        read_all(path)


@pytest.mark.parametrize("kind", ["pipe", "link", "folder link"])
def test_nothing_but_files_is_read_or_copied(tmp_path, spiden, small_weights, kind):
    path = zarr_of(tmp_path / "a.zarr")
    (path / "0.0").write_bytes(NOISE[0].tobytes())
    if kind == "pipe":
        os.mkfifo(path / "labels")
    else:
        (path / "labels").symlink_to("/dev/zero" if kind == "link" else tmp_path)
    outcome = spiden("denoise", path, "-m", small_weights, "-o", tmp_path / "b.zarr")
    assert outcome.code == 2
    assert "labels in it is" in outcome.stderr
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.zarr"]


@pytest.mark.parametrize(
    "said",
    [
        {"ome": [1]},
        {"multiscales": "abc"},
        {"multiscales": [1]},
        {"multiscales": [{"datasets": []}]},
        {"multiscales": [{"datasets": 5, "axes": 7}]},
        {"multiscales": [{"datasets": [{"path": "\0"}]}]},
        {"multiscales": [{"datasets": [{"path": "../b.zarr"}], "axes": ["y", "x"]}]},
    ],
)
def test_metadata_that_cannot_be_are_refused_in_words(tmp_path, said):
    path = zarr_of(tmp_path / "a.zarr" / "0").parent
    (path / ".zgroup").write_text('{"zarr_format": 2}')
    (path / ".zattrs").write_text(json.dumps(said))
    with pytest.raises(InputError, match=r"damaged metadata|outside"):
        open_stack(path)


def test_a_level_larger_than_the_first_is_refused(tmp_path):
    path = zarr_of(tmp_path / "a.zarr" / "0").parent
    (path / "0" / "0.0").write_bytes(NOISE[0].tobytes())
    zarr_of(path / "1", shape=[10**6, 10**6])
    (path / ".zgroup").write_text('{"zarr_format": 2}')
    datasets = [{"path": "0"}, {"path": "1"}]
    words = {"multiscales": [{"datasets": datasets, "axes": ["y", "x"]}]}
    (path / ".zattrs").write_text(json.dumps(words))
    with pytest.raises(InputError, match="no reduced copy"):
        open_stack(path)


def ome_tiff(path: Path, other: str, planes: int = 2) -> Path:
    """A file of one plane, the last of which is said to be in another file."""
    own = f'<TiffData IFD="0" PlaneCount="1"><UUID FileName="{path}">urn:uuid:1</UUID></TiffData>'
    words = (
        '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
        'UUID="urn:uuid:1"><Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" '
        f'Type="uint8" SizeX="48" SizeY="40" SizeZ="{planes}" SizeC="1" SizeT="1">'
        f'<Channel ID="Channel:0:0" SamplesPerPixel="1"/>{own if planes > 1 else ""}'
        f'<TiffData FirstZ="{planes - 1}" IFD="0" PlaneCount="1">'
        f'<UUID FileName="{other}">urn:uuid:2</UUID></TiffData></Pixels></Image></OME>'
    )
    tifffile.imwrite(path, NOISE[0], description=words, metadata=None)
    return path


def test_planes_in_a_file_beside_it_are_read(tmp_path):
    tifffile.imwrite(tmp_path / "b.tif", NOISE[1])
    np.testing.assert_array_equal(read_all(ome_tiff(tmp_path / "a.ome.tif", "b.tif")), NOISE)


@pytest.mark.parametrize("planes", [1, 2])
@pytest.mark.parametrize("other", ["{0}/b.tif", "../s/b.tif", "&#46;&#46;/s/b.tif", "pipe.tif"])
def test_files_of_other_folders_are_not_opened(tmp_path, other, planes):
    """Whoever uploads a picture must not get another file of this machine."""
    (tmp_path / "s").mkdir()
    (tmp_path / "in").mkdir()
    tifffile.imwrite(tmp_path / "s" / "b.tif", NOISE[1])
    os.mkfifo(tmp_path / "in" / "pipe.tif")
    path = ome_tiff(tmp_path / "in" / "a.ome.tif", other.format(tmp_path / "s"), planes)
    for read in (is_stack, read_picture, open_stack):
        with pytest.raises(InputError, match=r"another folder|no regular file"):
            read(path)


def test_planes_that_the_words_alone_have_are_refused(tmp_path):
    path = tmp_path / "a.tif"
    words = '{"shape": [1000000000, 40, 48], "axes": "ZYX"}'
    tifffile.imwrite(path, NOISE, description=words, metadata=None)
    with pytest.raises(InputError, match="more than the file can hold"):
        open_stack(path)


@pytest.mark.parametrize("axes", ["ÄYX", "YX1", "YYX", "ZY", "", "Y X"])
def test_axes_are_letters(tmp_path, axes):
    np.save(tmp_path / "a.npy", NOISE)
    with pytest.raises(InputError):
        open_stack(tmp_path / "a.npy", axes)


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="no way to keep room on a disk")
def test_a_large_array_has_its_room_before_it_is_written(tmp_path):
    """A full disk under a mapped file is a signal that ends the process, and no error."""
    layout = layout_of("ZYX", (40, 256, 256), "a stack")
    NpyTarget(tmp_path / "a.npy", layout, np.dtype(np.uint8))
    assert (tmp_path / "a.npy").stat().st_blocks * 512 >= 40 * 256 * 256
