"""OME-XML of a file that was made from another: its own UUID, its own name, its own pages.

The XML says in which file, by UUID and name, each plane lies (OME model 2016-06, TiffData). Carried
over as it is, it would have readers open the noisy original behind the new file. The rest stays
letter for letter.
"""

import re
import uuid
from xml.etree import ElementTree

from spiden_cli.errors import InputError

__all__ = ["for_new_file"]

_ROOT_UUID = re.compile(r"(<(?:\w+:)?OME\b[^<>]*?\sUUID\s*=\s*)(\"[^\"]*\"|'[^']*')")
_PIXELS = re.compile(r"<((?:\w+:)?)Pixels\b[^<>]*>")
_TIFF_DATA = re.compile(
    r"<((?:\w+:)?)TiffData\b(?:[^<>]*/>|[^<>]*(?<!/)>.*?</\1TiffData>)\s*", re.DOTALL
)
_PLANE = re.compile(r"<((?:\w+:)?)Plane\b([^<>]*?)(?:/>|(?<!/)>.*?</\1Plane>)\s*", re.DOTALL)
_LATER = re.compile(r"\bTheT\s*=\s*[\"'](?!0[\"'])")
_CHECKSUM = re.compile(r"\sHashSHA1\s*=\s*(?:\"[^\"]*\"|'[^']*')")
_FRAMES = re.compile(r"(\bSizeT\s*=\s*)(?:\"\d+\"|'\d+')")


def for_new_file(xml: str, name: str, planes: int, averaged: bool = False) -> str:
    """Rewrite what is true of the old file alone.

    Args:
        xml: of a file with one image.
        name: of the new file.
        planes: how many it has, in the order that the XML says.
        averaged: whether its frames became one.

    Raises:
        InputError: the XML is damaged, or of several images.
    """
    if len(_PIXELS.findall(xml)) != 1:
        raise InputError("OME-XML of several images: save each as a file of its own")
    identity = f"urn:uuid:{uuid.uuid4()}"
    xml = _ROOT_UUID.sub(lambda found: f'{found[1]}"{identity}"', xml)
    xml = _CHECKSUM.sub("", xml)
    if averaged:
        xml = _PIXELS.sub(lambda found: _FRAMES.sub(r'\g<1>"1"', found[0]), xml)
        xml = _PLANE.sub(lambda found: "" if _LATER.search(found[2]) else found[0], xml)
    xml = _with_pages(xml, name, identity, planes)
    try:
        ElementTree.fromstring(xml)
    except ElementTree.ParseError as error:
        raise InputError(f"the OME-XML of the file is damaged ({error})") from error
    return xml


def _with_pages(xml: str, name: str, identity: str, planes: int) -> str:
    """Let one TiffData say that all planes are in the new file, in order."""
    first = _TIFF_DATA.search(xml)
    if first is None:
        return xml
    prefix = first[1]
    file_name = name.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    data = (
        f'<{prefix}TiffData IFD="0" PlaneCount="{planes}">'
        f'<{prefix}UUID FileName="{file_name}">{identity}</{prefix}UUID></{prefix}TiffData>'
    )
    before, after = xml[: first.start()], xml[first.start() :]
    return before + data + _TIFF_DATA.sub("", after)
