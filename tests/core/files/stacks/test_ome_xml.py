"""OME-TIFF made from another: its own UUID, its own name, everything else as it was."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile
from stack_files import ramp, rewritten

from spiden_cli.core.files.stacks.ome_xml import for_new_file
from spiden_cli.errors import InputError

NS = "{http://www.openmicroscopy.org/Schemas/OME/2016-06}"
XML = """<?xml version="1.0" encoding="UTF-8"?><!-- Warning -->
<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:1-2" Creator="me">
<Image ID="Image:0" Name="cells"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16"
 SizeX="24" SizeY="20" SizeZ="1" SizeC="2" SizeT="2" PhysicalSizeX="0.065">
<Channel ID="Channel:0:0" Name="DAPI &amp; more"/><Channel ID="Channel:0:1" Name="GFP"/>
<TiffData IFD="3" FirstC="0" FirstT="0" PlaneCount="1"><UUID FileName="old.ome.tif">urn:uuid:1-2</UUID></TiffData>
<TiffData IFD="1" FirstC="1" FirstT="0" PlaneCount="1"><UUID FileName="old.ome.tif">urn:uuid:1-2</UUID></TiffData>
<TiffData IFD="0" FirstC="0" FirstT="1"/><TiffData IFD="2" FirstC="1" FirstT="1"/>
<Plane TheC="0" TheT="0" TheZ="0" DeltaT="0.0"><HashSHA1>x</HashSHA1></Plane><Plane TheC="1" TheT="0" TheZ="0"/>
<Plane TheC="0" TheT="1" TheZ="0" DeltaT="1.5"/><Plane TheC="1" TheT="1" TheZ="0"/>
</Pixels></Image></OME>"""  # noqa: E501


def test_the_new_file_has_its_own_identity_and_names_no_other():
    new = for_new_file(XML, 4)
    assert "old.ome.tif" not in new
    assert "urn:uuid:1-2" not in new
    root = ElementTree.fromstring(new)
    (data,) = root.iter(f"{NS}TiffData")
    assert not list(root.iter(f"{NS}UUID"))
    assert (data.get("IFD"), data.get("PlaneCount")) == ("0", "4")
    assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", root.get("UUID"))


def test_the_rest_stays_letter_for_letter():
    new = for_new_file(XML, 4)

    def plain(text):
        return re.sub(r"<TiffData.*(?=<Plane TheC=\"0\" TheT=\"0\")|urn:uuid:[\w-]+", "", text,
                      flags=re.DOTALL)  # fmt: skip

    assert plain(new) == plain(XML)


def test_of_averaged_frames_one_is_left():
    root = ElementTree.fromstring(for_new_file(XML, 2, {"SizeT": 1}))
    assert next(root.iter(f"{NS}Pixels")).get("SizeT") == "1"
    assert [plane.get("TheT") for plane in root.iter(f"{NS}Plane")] == ["0", "0"]


def test_several_images_are_refused():
    with pytest.raises(InputError, match="several images"):
        for_new_file(XML.replace("</OME>", "<Image><Pixels SizeX='1'/></Image></OME>"), 1)


def test_a_file_with_prefixes_and_pages_out_of_order(tmp_path):
    """The planes are found by the XML of the old file, and again by that of the new one."""
    source, target = tmp_path / "a.ome.tif", tmp_path / "b.ome.tif"
    planes = ramp(4, 20, 24)
    xml = XML.replace('<UUID FileName="old.ome.tif">urn:uuid:1-2</UUID>', "")
    with tifffile.TiffWriter(source) as writer:
        for number, plane in enumerate(planes):
            description = xml.encode() if number == 0 else None
            writer.write(plane, description=description, metadata=None, contiguous=False)
    old = tifffile.imread(source)
    np.testing.assert_array_equal(old, planes[[3, 1, 0, 2]].reshape(2, 2, 20, 24))
    assert rewritten(source, target) == ()
    np.testing.assert_array_equal(tifffile.imread(target), old + 1)


def test_planes_in_several_files_become_one_file(tmp_path):
    """A set of OME-TIFF files, of which each holds a channel, and the XML names all."""
    target = tmp_path / "b.ome.tif"
    planes = ramp(2, 20, 24)
    head = XML.split("<TiffData")[0].replace('SizeT="2"', 'SizeT="1"')
    data = "".join(
        f'<TiffData IFD="0" FirstC="{n}" PlaneCount="1">'
        f'<UUID FileName="c{n}.ome.tif">urn:uuid:{n}</UUID></TiffData>'
        for n in range(2)
    )
    for n, plane in enumerate(planes):
        xml = head.replace("urn:uuid:1-2", f"urn:uuid:{n}") + data + "</Pixels></Image></OME>"
        tifffile.imwrite(tmp_path / f"c{n}.ome.tif", plane, description=xml.encode(),
                         metadata=None)  # fmt: skip
    assert rewritten(tmp_path / "c0.ome.tif", target) == ()
    (tmp_path / "c1.ome.tif").unlink()
    np.testing.assert_array_equal(tifffile.imread(target), planes + 1)
    with pytest.raises(InputError, match="other files"):
        rewritten(tmp_path / "c0.ome.tif", tmp_path / "d.ome.tif")
