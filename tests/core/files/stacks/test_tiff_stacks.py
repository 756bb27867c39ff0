"""Stacks in TIFF: what a file says of its planes is still true, and nothing is lost unsaid."""

import re

import numpy as np
import pytest
import tifffile
from stack_files import ramp, rewritten

from spiden_cli.core.files.stacks.opening import is_stack, open_stack
from spiden_cli.core.files.stacks.targets import check_stack_target
from spiden_cli.errors import InputError, OutputError

LUTS = [np.stack([np.arange(256) * k // 2 for k in (0, 1, 2)]).astype(np.uint8) for _ in range(2)]
IMAGEJ = {
    "axes": "TZCYX", "mode": "composite", "unit": "um", "spacing": 0.5, "finterval": 2.0,
    "Ranges": (0.0, 200.0, 5.0, 100.0), "LUTs": LUTS, "Info": "exposure = 30 ms",
    "Labels": [f"plane {n}" for n in range(12)],
}  # fmt: skip


def _value(tag):
    """A fraction may be written in several ways."""
    is_fraction = tag.dtype in (tifffile.DATATYPE.RATIONAL, tifffile.DATATYPE.SRATIONAL)
    return round(tag.value[0] / tag.value[1], 6) if is_fraction else tag.value


def tags_of(path):
    with tifffile.TiffFile(path) as tiff:
        left = {"Software", "StripOffsets", "StripByteCounts", "NewSubfileType", "RowsPerStrip"}
        return [
            {tag.name: str(_value(tag)) for tag in page.tags.values() if tag.name not in left}
            for page in (page.aspage() for page in tiff.pages)
        ]


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_an_imagej_hyperstack_keeps_every_tag(tmp_path, dtype, byteorder):
    source, target = tmp_path / "a.tif", tmp_path / "b.tif"
    stack = ramp(2, 3, 2, 20, 24, dtype=dtype)
    tifffile.imwrite(
        source, stack, imagej=True, metadata=IMAGEJ, resolution=(3.2, 3.2), byteorder=byteorder
    )
    assert rewritten(source, target) == ()
    assert tags_of(target) == tags_of(source)
    with tifffile.TiffFile(target) as tiff:
        assert tiff.series[0].axes == "TZCYX"
        np.testing.assert_array_equal(tiff.asarray(), stack + 1)
        assert tiff.imagej_metadata["Labels"] == IMAGEJ["Labels"]
        assert tiff.imagej_metadata["Ranges"] == IMAGEJ["Ranges"]


def test_imagej_s_stack_above_4_gb_has_one_page(tmp_path):
    source, target = tmp_path / "a.tif", tmp_path / "b.tif"
    stack = ramp(3, 20, 24)
    description = "ImageJ=1.54f\nimages=3\nslices=3\nunit=um\n"
    tifffile.imwrite(source, stack[0], description=description, metadata=None)
    source.write_bytes(source.read_bytes() + stack[1:].tobytes())
    assert rewritten(source, target) == ()
    with tifffile.TiffFile(target) as tiff:
        assert tiff.series[0].axes == "ZYX"
        assert tiff.imagej_metadata["unit"] == "um"
        np.testing.assert_array_equal(tiff.asarray(), stack + 1)


@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite", "palette"])
def test_a_look_up_table_changes_no_value(tmp_path, photometric):
    source, target = tmp_path / "a.tif", tmp_path / "b.tif"
    colormap = np.stack([np.arange(256)[::-1] * 257] * 3).astype(np.uint16)
    plane = ramp(20, 24, dtype="uint8")
    tifffile.imwrite(
        source, plane, photometric=photometric, metadata=None, description="ImageJ=1.54f\n",
        colormap=colormap if photometric == "palette" else None,
    )  # fmt: skip
    rewritten(source, target)
    assert tags_of(target) == tags_of(source)
    np.testing.assert_array_equal(tifffile.imread(target), plane + 1)


@pytest.mark.parametrize(
    "options",
    [
        {"compression": "zlib", "predictor": True},
        {"compression": "lzw"},
        {"compression": "zstd"},
        {"tile": (16, 16), "compression": "zlib"},
        {"bigtiff": True},
        {"rowsperstrip": 5},
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", ["int16", "uint32", "float64", "float32"])
def test_plain_pages_keep_type_compression_and_tiles(tmp_path, options, dtype):
    source, target = tmp_path / "a.tif", tmp_path / "b.tif"
    stack = ramp(3, 20, 24, dtype=dtype) - np.asarray(0).astype(dtype)
    tifffile.imwrite(source, stack, metadata={"axes": "ZYX"}, photometric="minisblack", **options)
    assert rewritten(source, target) == ()
    with tifffile.TiffFile(source) as old, tifffile.TiffFile(target) as new:
        assert new.series[0].axes == "ZYX"
        assert new.is_bigtiff == old.is_bigtiff
        for name in ("compression", "is_tiled", "dtype", "predictor"):
            assert getattr(new.pages.first, name) == getattr(old.pages.first, name)
        np.testing.assert_array_equal(new.asarray(), stack + 1)


def test_pages_of_scanned_colour_are_an_album_or_a_stack_by_axes(tmp_path):
    source, target = tmp_path / "a.tif", tmp_path / "b.tif"
    pages = ramp(2, 20, 24, 3, dtype="uint8")
    with tifffile.TiffWriter(source) as writer:
        for page in pages:
            writer.write(page, photometric="rgb", metadata=None, resolution=(300, 300))
    with open_stack(source, "TYXS") as stack:
        assert (stack.album, stack.layout.axes) == (False, "TYXS")
    with open_stack(source) as album:
        assert (album.album, album.layout.axes) == (True, "PYXS")
        assert "--axes ZYXS" in album.notes[0]
    rewritten(source, target)
    np.testing.assert_array_equal(tifffile.imread(target), pages + 1)
    assert tags_of(target) == tags_of(source)


@pytest.mark.parametrize(
    ("shape", "options", "axes"),
    [
        ((3, 20, 24, 3), {"photometric": "rgb"}, "PYXS"),  # a shape, and no axes
        ((3, 3, 20, 24), {"photometric": "rgb", "planarconfig": "separate"}, "PYXS"),
        ((3, 20, 24, 4), {"photometric": "rgb", "extrasamples": ["unassalpha"]}, "PYXS"),
        ((3, 20, 24), {"photometric": "minisblack", "subfiletype": 2}, "PYX"),
        ((3, 20, 24), {"photometric": "miniswhite", "dtype": "bool"}, "PYX"),
        ((3, 20, 24), {"photometric": "minisblack"}, None),  # slices of a microscope, perhaps
        ((3, 20, 24), {"photometric": "minisblack", "subfiletype": 2, "dtype": "uint16"}, None),
        ((3, 20, 24, 3), {"photometric": "rgb", "dtype": "float32"}, None),
        ((2, 3, 20, 24, 3), {"photometric": "rgb"}, None),
    ],
)
@pytest.mark.parametrize("one_by_one", [False, True])
def test_pages_that_are_photographs_or_say_that_they_are_pages_are_an_album(
    tmp_path, shape, options, axes, one_by_one
):
    source, target = tmp_path / "a.tif", tmp_path / "b.tif"
    dtype = options.get("dtype", "uint8")
    pages = ramp(*shape, dtype="uint8") % 2 == 1 if dtype == "bool" else ramp(*shape, dtype=dtype)
    told = {key: value for key, value in options.items() if key != "dtype"}
    with tifffile.TiffWriter(source) as writer:
        for part in pages if one_by_one and len(shape) < 5 else [pages]:
            writer.write(part, metadata=None if dtype == "bool" else {}, **told)
    if axes is None:
        with pytest.raises(InputError, match="--axes ") as refused:
            open_stack(source)
        advised = re.search("--axes ([A-Z]+)", str(refused.value))[1]
        with open_stack(source, advised) as stack:
            assert not stack.album
        return
    with open_stack(source) as stack:
        assert (stack.album, stack.layout.axes) == (True, axes)
    rewritten(source, target, add=0)
    with tifffile.TiffFile(target) as tiff:
        written = np.stack([page.asarray() for page in tiff.pages])
    expected = pages * np.uint8(255) if dtype == "bool" else pages
    if options.get("planarconfig"):
        expected = np.moveaxis(expected, 1, -1)
    np.testing.assert_array_equal(written.reshape(expected.shape), expected)
    with open_stack(target) as again:
        assert again.layout.axes == axes


def test_four_planes_that_tifffile_took_for_rgb_with_alpha_are_planes(tmp_path):
    source, target = tmp_path / "a.tif", tmp_path / "b.tif"
    stack = ramp(4, 20, 24)
    tifffile.imwrite(
        source, stack, photometric="rgb", planarconfig="separate", extrasamples=["unassalpha"]
    )
    assert is_stack(source)
    with pytest.raises(InputError, match=r"4 x 20 x 24.*--axes ZYX"):
        open_stack(source)
    rewritten(source, target, axes="ZYX")
    with tifffile.TiffFile(target) as tiff:
        assert tiff.series[0].axes == "ZYX"
        assert len(tiff.pages) == 4
        np.testing.assert_array_equal(tiff.asarray(), stack + 1)


@pytest.mark.parametrize("channels", [2, 5])
def test_channels_inside_a_page_are_channels(tmp_path, channels):
    source, target = tmp_path / "a.tif", tmp_path / "b.tif"
    stack = ramp(3, channels, 20, 24)
    tifffile.imwrite(
        source, stack, photometric="minisblack", planarconfig="separate",
        metadata={"axes": "ZCYX"},
    )  # fmt: skip
    rewritten(source, target)
    with tifffile.TiffFile(target) as tiff:
        np.testing.assert_array_equal(tiff.asarray(), stack + 1)


def test_a_pyramid_is_made_anew(tmp_path):
    source, target = tmp_path / "a.ome.tif", tmp_path / "b.ome.tif"
    stack = ramp(2, 64, 48)
    with tifffile.TiffWriter(source) as writer:
        writer.write(stack, subifds=2, metadata={"axes": "CYX"}, photometric="minisblack")
        writer.write(stack[:, ::2, ::2], subfiletype=1)
        writer.write(stack[:, ::4, ::4], subfiletype=1)
    assert rewritten(source, target) == ()
    with tifffile.TiffFile(target) as tiff:
        (series,) = tiff.series
        assert [level.shape for level in series.levels] == [(2, 64, 48), (2, 32, 24), (2, 16, 12)]
        half = (stack + 1).reshape(2, 32, 2, 24, 2).mean((2, 4))
        np.testing.assert_allclose(series.levels[1].asarray(), half, atol=0.51)


def test_a_thumbnail_that_is_lost_is_told(tmp_path):
    source, target = tmp_path / "a.tif", tmp_path / "b.tif"
    with tifffile.TiffWriter(source) as writer:
        for plane in ramp(2, 20, 24):
            writer.write(plane, metadata=None, description="ImageJ=1.54f\nimages=2\nslices=2\n")
        writer.write(ramp(8, 9), subfiletype=1, metadata=None)
    with pytest.raises(InputError):  # ImageJ itself would take it for a third plane
        rewritten(source, target)


def test_a_damaged_or_strange_file_is_refused_in_one_line_and_nothing_is_written(tmp_path):
    whole, target = tmp_path / "whole.tif", tmp_path / "b.tif"
    tifffile.imwrite(whole, ramp(5, 40, 48), imagej=True, metadata={"axes": "ZYX"})
    cut = tmp_path / "cut.tif"
    content = whole.read_bytes()
    cut.write_bytes(content[: len(content) * 3 // 4])
    two = tmp_path / "two.tif"
    with tifffile.TiffWriter(two) as writer:
        writer.write(ramp(20, 24), metadata=None)
        writer.write(ramp(30, 24), metadata=None)
    for path, says in ((cut, "cut.tif"), (two, "different kinds")):
        with pytest.raises(InputError, match=says) as caught:
            rewritten(path, target)
        assert "\n" not in str(caught.value)
    assert {path.name for path in tmp_path.iterdir()} == {"whole.tif", "cut.tif", "two.tif"}


def test_a_stack_goes_to_formats_for_stacks_alone(tmp_path):
    for name in ("b.png", "b.jpg", "b.zarr"):
        with pytest.raises(OutputError, match="can't write"):
            check_stack_target(tmp_path / name, "TIFF")


def test_colour_pages_in_jpeg_become_lossless_rgb(tmp_path):
    source, target = tmp_path / "a.tif", tmp_path / "b.tif"
    pages = np.repeat(ramp(2, 32, 48, 1, dtype="uint8"), 3, -1)
    tifffile.imwrite(
        source, pages, photometric="rgb", compression="jpeg", metadata={"axes": "TYXS"}
    )
    with open_stack(source) as stack:
        decoded = np.stack([stack.read((n,)) for n in range(2)])
        assert stack.colour
    assert rewritten(source, target) == ()
    np.testing.assert_array_equal(tifffile.imread(target), decoded + 1)


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("count", [2, 4, 5])
def test_samples_that_are_no_colours_are_channels(tmp_path, planar, count):
    source, target = tmp_path / "a.tif", tmp_path / "b.tif"
    values = ramp(20, 24, count) if planar == "contig" else ramp(count, 20, 24)
    tifffile.imwrite(
        source, values, photometric="minisblack", planarconfig=planar, metadata=None,
        extrasamples=["unspecified"] * (count - 1),
    )  # fmt: skip
    assert is_stack(source)
    with open_stack(source) as stack:
        assert not stack.colour
    rewritten(source, target)
    np.testing.assert_array_equal(tifffile.imread(target), values + 1)


def test_print_colours_are_refused(tmp_path):
    source = tmp_path / "a.tif"
    pages = ramp(2, 32, 48, 4, dtype="uint8")
    tifffile.imwrite(source, pages, photometric="separated", metadata={"axes": "TYXS"})
    with pytest.raises(InputError, match="SEPARATED"):
        open_stack(source)
