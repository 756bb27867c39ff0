"""What goes with each plane into a TIFF: the tags of the page that it came from, or new ones."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import tifffile

from spiden_cli.core.files.origin import SOFTWARE
from spiden_cli.core.files.stacks.album import PAGE
from spiden_cli.core.files.stacks.imagej import averaged_description, is_imagej
from spiden_cli.core.files.stacks.layout import Layout
from spiden_cli.core.files.stacks.ome_xml import for_new_file
from spiden_cli.core.files.stacks.source import StackSource
from spiden_cli.core.files.stacks.tiff import TiffSource, samples_are_planes
from spiden_cli.core.files.tiff_tags import IJ_COUNTS, IJ_METADATA, POINTERS, content_of

__all__ = [
    "Style",
    "copied_style",
    "fresh_style",
    "is_copied",
    "tiff_losses",
]

Tag = tuple[int, int, int, Any, bool]

_MANAGED = {254, 270, 282, 283, 296, 320}
"""Tags that are handed on by name, not as they are."""
_SUB_IFDS, _EXIF, _GPS = 330, 34665, 34853
_SOFTWARE = 305
_OF_JPEG = {347, 512, 513, 514, 515, 517, 518, 519, 520, 521, 529, 530, 531, 532}
"""Tags that say how samples were compressed."""
_LOSSLESS = {
    tifffile.COMPRESSION.NONE: None,
    tifffile.COMPRESSION.LZW: "lzw",
    tifffile.COMPRESSION.ADOBE_DEFLATE: "zlib",
    tifffile.COMPRESSION.DEFLATE: "zlib",
    tifffile.COMPRESSION.ZSTD: "zstd",
    tifffile.COMPRESSION.PACKBITS: "packbits",
}


@dataclass(frozen=True)
class Style:
    """How all pages of a file are written.

    Attributes:
        options: what tifffile's writer is told of every page.
        levels: height and width of each reduced copy.
        byteorder: "<" or ">".
        description: of the first page.
        source: whose pages' tags are carried over, if any are.
        averaged: whether frames became one.
        first_tags: of the first page, where no tags are carried over.
    """

    options: dict[str, Any]
    levels: list[tuple[int, int]] = field(default_factory=list)
    byteorder: Literal["<", ">"] = "<"
    description: bytes | None = None
    source: TiffSource | None = None
    averaged: bool = False
    first_tags: tuple[Tag, ...] = ()

    def of_page(self, number: int) -> dict[str, Any]:
        """Return what tifffile's writer is told of one page.

        Args:
            number: of the page in the source, in order.
        """
        if self.source is None:
            tags = self.first_tags if number == 0 else ()
            return self.options | {
                "description": self.description if number == 0 else None, "extratags": tags
            }  # fmt: skip
        with _page(self.source, number) as page:
            if page is not None:
                return self.options | self._carried(page, number)
            return self.options | {
                "description": self.description if number == 0 else None,
                **_resolution(self.source.key),
            }

    def _carried(self, page: tifffile.TiffPage, number: int) -> dict[str, Any]:
        """What is carried over from a page of the source."""
        description = self.description if number == 0 else None
        if description is None:
            description = _described(page)
            if description is not None and b"<OME" in description[:4096]:
                description = None  # of another file of the same set
        return {
            "description": description,
            "extratags": list(_tags(page, self.averaged, signed=number == 0)),
            "subfiletype": page.subfiletype | (PAGE if self.source and self.source.album else 0),
            **_resolution(page),
        }


def is_copied(source: object, layout: Layout) -> bool:
    """Whether a stack's TIFF pages can be carried over: each is a plane, and says so rightly."""
    if not isinstance(source, TiffSource) or source.tiff.is_stk or source.tiff.is_lsm:
        return False
    if layout != source.layout and source.tiff.is_ome and not source.told:
        return False  # nobody knows which of its axes was averaged
    whole = not source.within and source.key.imagedepth == 1
    return whole and not samples_are_planes(source.key) and len(layout.plane) in (2, 3)


def copied_style(source: TiffSource, layout: Layout) -> Style:
    """Write pages like those of a TIFF.

    Args:
        source: the TIFF.
        layout: of what is written; frames that were averaged are missing.
    """
    key, tiff = source.key, source.tiff
    averaged = layout != source.layout
    compression = _LOSSLESS.get(key.compression, "zlib")  # type: ignore[call-overload]
    coloured = len(layout.plane) == 3
    photometric: Any = key.photometric
    if coloured and source.colour:
        photometric = "rgb"
    predictor = key.predictor != 1 and compression in ("lzw", "zlib", "zstd")
    description = _described(key) if not source.tiff.is_ome else None
    if source.tiff.is_ome:
        xml = for_new_file(tiff.ome_metadata or "", layout.count, {"SizeT": 1} if averaged else {})
        description = xml.encode()
    elif averaged and tiff.is_imagej and description:
        description = averaged_description(description, layout)
    elif averaged and key.is_shaped:
        description = json.dumps({"shape": layout.shape, "axes": layout.axes}).encode()
    options = {
        "photometric": photometric,
        "compression": compression,
        "predictor": predictor or None,
        "tile": (key.tilelength, key.tilewidth) if key.is_tiled else None,
        "planarconfig": "contig" if coloured else None,
        "extrasamples": [int(kind) for kind in key.extrasamples] or None,
        "colormap": key.colormap if key.photometric == tifffile.PHOTOMETRIC.PALETTE else None,
    }
    sizes = [level.keyframe for level in source.series.levels[1:]]
    levels = [(page.imagelength, page.imagewidth) for page in sizes]
    inner = key.subifds is not None and len(levels) == len(key.subifds)
    order: Literal["<", ">"] = ">" if tiff.byteorder == ">" else "<"
    return Style(options, levels if inner else [], order, description, source, averaged)


def fresh_style(source: StackSource, layout: Layout, name: str, words: dict[str, Any]) -> Style:
    """Write pages that say what their axes are.

    OME-TIFF if the name asks for it, else ImageJ's hyperstack if ImageJ has the type and the axes,
    else tifffile's own description.

    Args:
        source: what it is made from.
        layout: of what is written.
        name: of the new file.
        words: what ImageJ is told besides, such as spacing and unit.
    """
    dtype = source.dtype
    colour = source.colour and len(layout.plane) == 3 and layout.plane[2] in (3, 4)
    options: dict[str, Any] = {
        "photometric": "rgb" if colour else "minisblack",
        "compression": "zlib",
        "predictor": dtype.kind in "ui",
        "planarconfig": "contig" if len(layout.plane) == 3 else None,
        "software": SOFTWARE,
    }
    if name.lower().endswith((".ome.tif", ".ome.tiff")):
        xml = tifffile.OmeXml()
        samples = layout.plane[2] if len(layout.plane) == 3 else 1
        stored = (layout.count, 1, 1, layout.plane[0], layout.plane[1], samples)
        xml.addimage(dtype, layout.shape, stored, axes=layout.axes)
        return Style(options, description=xml.tostring(declaration=True).encode())
    if is_imagej(layout, dtype):
        shape = [layout.length(axis) for axis in "TZCYX"]
        samples = layout.plane[2] if len(layout.plane) == 3 else 1
        told = {n: value for n, value in words.items() if n not in ("Info", "resolution")}
        options["resolution"] = words.get("resolution")
        text = tifffile.imagej_description((*shape, samples), rgb=colour, **told)
        info = {"Info": words["Info"]} if "Info" in words else {}
        tags = tuple(tifffile.imagej_metadata_tag(info, "<"))
        return Style(options, description=text.encode("ascii", "replace"), first_tags=tags)
    text = json.dumps({"shape": layout.shape, "axes": layout.axes})
    return Style(options, description=text.encode())


def tiff_losses(source: TiffSource) -> list[str]:
    """What carrying pages over leaves behind, a sentence each."""
    lost, key = [], source.key
    if source.skipped:
        lost.append("thumbnails and masks besides the planes aren't kept")
    if {_EXIF, _GPS} & set(key.tags.keys()):
        lost.append("EXIF metadata of camera and place isn't kept")
    levels = len(source.series.levels) - 1
    inner = len(key.subifds) if key.subifds is not None else 0
    if inner != levels:
        lost.append("the reduced copies of the planes (a pyramid) aren't kept")
    return lost


@contextmanager
def _page(source: TiffSource, number: int) -> Iterator[tifffile.TiffPage | None]:
    """The page that a plane came from, its file open; None where planes follow the only page."""
    pages: Any = source.pages
    if len(pages) == 1 and len(source.tiff.pages) == source.layout.count:
        pages = source.tiff.pages  # tifffile passes over them, since it can read without
    page = pages[number] if number < len(pages) else None
    if page is None or (isinstance(page, tifffile.TiffFrame) and page.is_virtual):
        yield None
        return
    stream = page.parent.filehandle  # another file of the same set is closed
    closed = stream.closed
    if closed:
        stream.open()
    try:
        yield page.aspage()
    finally:
        if closed:
            stream.close()


def _described(page: tifffile.TiffPage) -> bytes | None:
    tag = page.tags.get(270)
    if tag is None:
        return None
    return content_of(page, tag).rstrip(b"\0") or None


def _tags(page: tifffile.TiffPage, averaged: bool, signed: bool) -> Iterator[Tag]:
    """The tags of a page as they are, but for those of which the writer makes its own."""
    left = _MANAGED | _OF_JPEG | set(tifffile.TIFF.TAG_FILTERED)
    if averaged and IJ_METADATA in page.tags:
        left |= {IJ_COUNTS, IJ_METADATA}
        words = dict(page.tags[IJ_METADATA].value)
        words.pop("Labels", None)  # one a frame
        yield from tifffile.imagej_metadata_tag(words, page.parent.byteorder)
    if signed:
        left |= {_SOFTWARE}
        software = page.tags.get(_SOFTWARE)
        said = b"" if software is None else content_of(page, software).split(b"\0")[0]
        if SOFTWARE.encode() not in said:
            said = b"; ".join(filter(None, (said, SOFTWARE.encode())))
        yield _SOFTWARE, 2, len(said) + 1, said + b"\0", False
    for tag in page.tags.values():
        if tag.code not in left and int(tag.dtype) not in POINTERS:
            yield tag.code, int(tag.dtype), tag.count, content_of(page, tag), False


def _resolution(page: tifffile.TiffPage) -> dict[str, Any]:
    across, down = page.tags.get(282), page.tags.get(283)
    unit = page.tags.get(296)
    told: dict[str, Any] = {"resolutionunit": int(unit.value) if unit is not None else None}
    if across is not None and down is not None:
        told["resolution"] = (across.value, down.value)
    return told
