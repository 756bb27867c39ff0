"""OME-Zarr: a copy with new planes, and everything that is said of them."""

import json

import numpy as np
import pytest
from stack_files import ramp, rewritten

from spiden_cli.core.files.stacks.opening import is_stack, open_stack
from spiden_cli.core.files.stacks.targets import writing_stack
from spiden_cli.errors import InputError, OutputError

zarr = pytest.importorskip("zarr", reason="spiden[science] isn't installed: no OME-Zarr is tested")


def image(path, version, axes="tczyx"):
    """An OME-Zarr of two levels, with names, colours and a label."""
    stack = ramp(2, 2, 2, 32, 24)
    group = zarr.open_group(str(path), mode="w", zarr_format=2 if version == "0.4" else 3)
    for name, values in (("0", stack), ("1", stack[..., ::2, ::2])):
        array = group.create_array(
            name, shape=values.shape, dtype=values.dtype, chunks=(1, 1, 2, 16, 16)
        )
        array[...] = values
    label = group.create_array("labels/cells/0", shape=(32, 24), dtype="uint8")
    label[...] = 7
    said = {
        "multiscales": [
            {
                "axes": [{"name": axis, "type": "space"} for axis in axes],
                "datasets": [{"path": "0"}, {"path": "1"}],
                "name": "cells",
            }
        ],
        "omero": {"channels": [{"label": "DAPI", "color": "0000FF"}, {"label": "GFP"}]},
    }
    group.attrs.update(said if version == "0.4" else {"ome": {"version": version, **said}})
    return stack


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_planes_are_new_and_the_rest_is_kept(tmp_path, version):
    source, target = tmp_path / "a.ome.zarr", tmp_path / "b.ome.zarr"
    stack = image(source, version)
    assert is_stack(source)
    with open_stack(source) as opened:
        assert opened.layout.axes == "TCZYX"
    assert rewritten(source, target) == ()
    old, new = (zarr.open_group(str(path), mode="r") for path in (source, target))
    assert dict(new.attrs) == dict(old.attrs)
    np.testing.assert_array_equal(new["0"][...], stack + 1)
    half = (stack + 1).reshape(2, 2, 2, 16, 2, 12, 2).mean((4, 6))
    np.testing.assert_allclose(new["1"][...], half, atol=0.51)
    assert new["0"].chunks == old["0"].chunks
    assert (new["labels/cells/0"][...] == 7).all()
    np.testing.assert_array_equal(old["0"][...], stack)


def test_a_plain_array_asks_for_its_axes(tmp_path):
    source, target = tmp_path / "a.zarr", tmp_path / "b.zarr"
    stack = ramp(3, 20, 24)
    array = zarr.create_array(str(source), shape=stack.shape, dtype=stack.dtype, chunks=(3, 10, 24))
    array[...] = stack
    with pytest.raises(InputError, match="--axes ZYX"):
        open_stack(source)
    rewritten(source, target, axes="ZYX")
    np.testing.assert_array_equal(zarr.open_array(str(target), mode="r")[...], stack + 1)


def test_an_existing_folder_is_not_replaced_and_failure_leaves_nothing(tmp_path):
    source, target = tmp_path / "a.zarr", tmp_path / "b.zarr"
    image(source, "0.5")
    target.mkdir()
    with pytest.raises(OutputError, match="exists"):
        rewritten(source, target)
    target.rmdir()
    with pytest.raises(TypeError):
        rewritten(source, target, add=None)
    assert [path.name for path in tmp_path.iterdir()] == ["a.zarr"]


def test_what_is_no_image_is_refused(tmp_path):
    plate = tmp_path / "plate.zarr"
    zarr.open_group(str(plate), mode="w", zarr_format=3).attrs["ome"] = {"plate": {}}
    with pytest.raises(InputError, match="plate"):
        open_stack(plate)
    outside = tmp_path / "outside.zarr"
    image(outside, "0.5")
    file = outside / "zarr.json"
    said = json.loads(file.read_text())
    said["attributes"]["ome"]["multiscales"][0]["datasets"][0]["path"] = "../a"
    file.write_text(json.dumps(said))
    with pytest.raises(InputError, match="outside"):
        open_stack(outside)
    series = tmp_path / "series.zarr"
    zarr.open_group(str(series), mode="w", zarr_format=3)
    image(series / "0", "0.5")
    with pytest.raises(InputError, match=r"series\.zarr/0"):
        open_stack(series)


def test_what_a_killed_process_had_begun_goes_and_the_rest_stays(tmp_path):
    source, target = tmp_path / "a.zarr", tmp_path / "b.zarr"
    stack = image(source, "0.5")
    with open_stack(source) as opened, writing_stack(target, opened, opened.layout) as write:
        for index in opened.layout.indices():
            write(index, opened.read(index))
        (write.place.path / "0" / "c" / "0.0123.partial").write_bytes(b"half")
        write.clear_unfinished()
    assert list(target.rglob("*.partial")) == []
    np.testing.assert_array_equal(zarr.open_group(str(target), mode="r")["0"][...], stack)
