"""OME-XML of a file that was made from another: its own UUID, its own pages, no other file.

The XML says in which file, by UUID and name, each plane lies (OME model 2016-06, TiffData). Carried
over as it is, it would have readers open the noisy original behind the new file. The rest stays
letter for letter.
"""

import re
import uuid
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from xml.etree import ElementTree

from spiden_cli.errors import InputError

__all__ = ["for_new_file", "is_ome_xml"]

_ROOT_UUID = re.compile(r"(<(?:\w+:)?OME\b[^<>]*?\sUUID\s*=\s*)(\"[^\"]*\"|'[^']*')")
_PIXELS = re.compile(r"<((?:\w+:)?)Pixels\b[^<>]*>")
_TIFF_DATA = re.compile(
    r"<((?:\w+:)?)TiffData\b(?:[^<>]*/>|[^<>]*(?<!/)>.*?</\1TiffData>)\s*", re.DOTALL
)
_PLANE = re.compile(r"<((?:\w+:)?)Plane\b([^<>]*?)(?:/>|(?<!/)>.*?</\1Plane>)\s*", re.DOTALL)
_LATER = re.compile(r"\bTheT\s*=\s*[\"'](?!0[\"'])")
_CHECKSUM = re.compile(r"\sHashSHA1\s*=\s*(?:\"[^\"]*\"|'[^']*')")


def for_new_file(xml: str, planes: int, sizes: Mapping[str, int] = MappingProxyType({})) -> str:
    """Rewrite what is true of the old file alone.

    Args:
        xml: of a file with one image.
        planes: how many it has, in the order that the XML says.
        sizes: of the axes that are new, such as SizeT=1 of frames that became one.

    Raises:
        InputError: the XML is damaged, or of several images.
    """
    _check(xml)  # first: what follows takes time on what isn't well-formed
    if len(_PIXELS.findall(xml)) != 1:
        raise InputError("OME-XML of several images: save each as a file of its own")
    identity = f"urn:uuid:{uuid.uuid4()}"
    xml = _ROOT_UUID.sub(lambda found: f'{found[1]}"{identity}"', xml)
    xml = _CHECKSUM.sub("", xml)
    for axis, size in sizes.items():
        told = re.compile(rf"(\b{axis}\s*=\s*)(?:\"\d+\"|'\d+')")
        xml = _PIXELS.sub(partial(_resized, told, size), xml)
    if sizes.get("SizeT") == 1:
        xml = _PLANE.sub(lambda found: "" if _LATER.search(found[2]) else found[0], xml)
    xml = _with_pages(xml, planes)
    _check(xml)
    return xml


def is_ome_xml(description: str) -> bool:
    """Return whether a description is OME's, as tifffile tells it."""
    return description[-16:].strip().endswith("OME>")


def _check(xml: str) -> None:
    try:
        ElementTree.fromstring(xml)
    except (ElementTree.ParseError, ValueError) as error:
        raise InputError(f"the OME-XML of the file is damaged ({error})") from error


def _resized(told: re.Pattern[str], size: int, pixels: re.Match[str]) -> str:
    return told.sub(rf'\g<1>"{size}"', pixels[0])


def _with_pages(xml: str, planes: int) -> str:
    """Let one TiffData say that all planes are in the new file, in order.

    Which file isn't said, and so it is the one that holds the XML, whatever it will be called.
    """
    first = _TIFF_DATA.search(xml)
    if first is None:
        return xml
    before, after = xml[: first.start()], xml[first.start() :]
    data = f'<{first[1]}TiffData IFD="0" PlaneCount="{planes}"/>'
    return before + data + _TIFF_DATA.sub("", after)
