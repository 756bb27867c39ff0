"""What only TIFF says of a single picture: look-up tables, tags of programs, OME's XML."""

import numpy as np
import pytest
import tifffile

from spiden_cli.core.files.picture_files import losses, read_picture, stripped, write_picture
from spiden_cli.core.image.region import Region, cropped

GEO = (33550, "d", 3, (0.5, 0.25, 0.0), True)
IMAGEJ = {"Info": "exposure = 30 ms", "Ranges": (5.0, 200.0), "unit": "um", "min": 5.0}


@pytest.fixture
def plane() -> np.ndarray:
    return (np.arange(20 * 24) % 251).reshape(20, 24).astype(np.uint8)


def colormap() -> np.ndarray:
    return np.stack([np.arange(256) * k // 2 * 257 for k in (0, 1, 2)]).astype(np.uint16)


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_imagej_s_and_gis_s_tags_are_carried(tmp_path, plane, dtype, byteorder):
    source, target = tmp_path / "a.tif", tmp_path / "b.tif"
    tifffile.imwrite(
        source, plane.astype(dtype), imagej=True, metadata=IMAGEJ, byteorder=byteorder,
        extratags=[GEO], resolution=(3.2, 3.2),
    )  # fmt: skip
    picture = read_picture(source)
    assert losses(target, picture) == ()
    write_picture(target, picture)
    with tifffile.TiffFile(source) as old, tifffile.TiffFile(target) as new:
        assert new.imagej_metadata == old.imagej_metadata
        assert new.pages.first.tags[33550].value == (0.5, 0.25, 0.0)
        assert new.pages.first.dtype == dtype
    assert any("what only TIFF says" in lost for lost in losses(tmp_path / "b.png", picture))
    write_picture(target, stripped(picture))
    with tifffile.TiffFile(target) as new:
        assert 33550 not in new.pages.first.tags


@pytest.mark.parametrize("shown_as", ["miniswhite", "palette"])
def test_a_look_up_table_changes_no_value_and_stays(tmp_path, plane, shown_as):
    source, target = tmp_path / "a.tif", tmp_path / "b.tif"
    table = colormap() if shown_as == "palette" else None
    tifffile.imwrite(
        source, plane, photometric=shown_as, colormap=table, metadata=None,
        description="ImageJ=1.54f\n",
    )  # fmt: skip
    picture = read_picture(source)
    np.testing.assert_array_equal(picture.pixels, plane)
    write_picture(target, stripped(picture))
    with tifffile.TiffFile(target) as tiff:
        page = tiff.pages.first
        assert page.photometric.name.lower() == shown_as
        np.testing.assert_array_equal(page.asarray(), plane)
        if table is not None:
            np.testing.assert_array_equal(page.colormap, table)


def test_the_colours_of_other_programs_are_colours(tmp_path, plane):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, plane, photometric="palette", colormap=colormap(), metadata=None)
    assert read_picture(path).is_colour


def test_ome_s_xml_is_of_the_new_file(tmp_path, plane):
    source, target = tmp_path / "a.ome.tif", tmp_path / "b.ome.tif"
    tifffile.imwrite(source, plane, ome=True, metadata={"axes": "YX", "Name": "cells"})
    picture = read_picture(source)
    write_picture(target, cropped(picture, Region(4, 2, 16, 12)))
    with tifffile.TiffFile(source) as old, tifffile.TiffFile(target) as new:
        assert new.series[0].shape == (12, 16)
        assert 'Name="cells"' in new.ome_metadata
        for words in (old.ome_metadata.split('UUID="')[1][:45], "a.ome.tif"):
            assert words not in new.ome_metadata
    broken = picture.metadata.description.replace("</Image>", "")
    tifffile.imwrite(source, plane, description=broken.encode(), metadata=None)
    picture = read_picture(source)
    assert "damaged OME metadata isn't kept" in picture.lost
    assert picture.metadata.description is None


def test_what_lies_beside_the_picture_is_told(tmp_path, plane):
    path = tmp_path / "a.tif"
    layers = b"Adobe Photoshop Document Data Block\0"
    with tifffile.TiffWriter(path) as writer:
        writer.write(plane, metadata=None, extratags=[(37724, 7, 36, layers, True)])
        writer.write(plane[::2, ::2], subfiletype=1, metadata=None)
    assert len(read_picture(path).lost) == 2
