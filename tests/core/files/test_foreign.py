"""Scientific formats that aren't read: named, with the line of Python that converts them."""

import ast
import re

import pytest

from spiden_cli.core.files.picture_files import read_header, read_picture
from spiden_cli.core.files.stacks.opening import open_stack
from spiden_cli.errors import InputError

FILES = {
    "FITS": b"SIMPLE  =                    T".ljust(2880),
    "DICOM": bytes(128) + b"DICM" + bytes(200),
    "MRC": bytes(208) + b"MAP " + bytes(900),
    "Zeiss CZI": b"ZISRAWFILE" + bytes(600),
    "Nikon ND2": b"\xda\xce\xbe\x0a" + bytes(600),
    "Leica LIF": b"\x70\0\0\0" + bytes(600),
    "HDF5": b"\x89HDF\r\n\x1a\n" + bytes(600),
    "NIfTI": bytes(344) + b"n+1\0" + bytes(90),
    "NRRD": b"NRRD0004\ntype: float" + bytes(90),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("read", [read_picture, read_header, lambda p: open_stack(p, "ZYX")])
def test_a_format_is_named_with_the_line_that_converts_it(tmp_path, name, read):
    path = tmp_path / "my scan.dat"
    path.write_bytes(FILES[name])
    with pytest.raises(InputError) as caught:
        read(path)
    text = str(caught.value)
    assert f"{name}, which spiden doesn't read" in text
    assert "pip install" in text
    assert "\n" not in text
    line = re.search(r'python -c "(.*)" \(pip', text)[1]
    ast.parse(line)
    assert "'my scan.dat'" in line
    assert re.search(r"'my scan\.(npy|ome\.tiff)'", line)


def test_a_name_can_not_break_out_of_the_line(tmp_path):
    path = tmp_path / "a'); import os; ('.fits"
    path.write_bytes(FILES["FITS"])
    with pytest.raises(InputError) as caught:
        read_picture(path)
    assert "getdata('FILE')" in str(caught.value)
