"""Stacks in NumPy's files."""

import numpy as np
import pytest
from stack_files import ramp, rewritten

from spiden_cli.core.files.stacks.opening import is_stack, open_stack
from spiden_cli.errors import InputError


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint32", "float16", "float64", ">f4", ">u2"])
def test_type_and_order_of_axes_stay(tmp_path, dtype, order):
    source, target = tmp_path / "a.npy", tmp_path / "b.npy"
    stack = np.asarray(ramp(20, 3, 24, 2, dtype=dtype), order=order)
    np.save(source, stack)
    assert is_stack(source)
    assert rewritten(source, target, axes="YTXC") == ()
    written = np.load(target)
    assert written.dtype == stack.dtype
    np.testing.assert_array_equal(written, stack + 1)


def test_a_stack_of_numpy_becomes_a_tiff_that_says_its_axes(tmp_path):
    import tifffile

    source = tmp_path / "a.npy"
    for dtype, name, axes in (
        ("uint16", "b.tif", "TCYX"),
        ("float64", "c.tif", "TCYX"),
        ("int16", "d.ome.tif", "TCYX"),
        ("uint16", "e.tif", "CTYX"),
    ):
        stack = ramp(2, 3, 20, 24, dtype=dtype)
        np.save(source, stack)
        rewritten(source, tmp_path / name, axes=axes)
        with tifffile.TiffFile(tmp_path / name) as tiff:
            assert tiff.series[0].axes == axes
            np.testing.assert_array_equal(tiff.asarray(), stack + 1)


def test_two_dimensions_need_no_axes(tmp_path):
    np.save(tmp_path / "a.npy", ramp(20, 24))
    with open_stack(tmp_path / "a.npy") as stack:
        assert stack.layout.axes == "YX"


def test_what_is_no_stack_is_refused_in_one_line(tmp_path):
    path = tmp_path / "a.npy"
    whole = tmp_path / "whole.npy"
    np.save(whole, ramp(3, 20, 24))
    for content, says in (
        (ramp(3, 20, 24), "--axes ZYX"),
        (ramp(3, 20, 24).astype(complex), "complex"),
        (ramp(20, 24) > 3, "bool"),
        (np.zeros((0, 20, 24)), "empty"),
        (np.array([{"a": 1}], dtype=object), "a.npy"),
        (np.float32(3), "0 dimensions|dimensions"),
        (whole.read_bytes()[:-100], "damaged|cut"),
        (whole.read_bytes()[:20], "damaged"),
    ):
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            np.save(path, content, allow_pickle=True)
        with pytest.raises(InputError, match=says) as caught:
            open_stack(path)
        assert "\n" not in str(caught.value)
