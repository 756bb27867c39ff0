"""XMP packets: kept byte for byte, but for what upright, denoised pixels make untrue.

A packet is RDF in XML (ISO 16684-1). The few properties that may be untrue are simple ones, and are
edited in the text: a parser for XML and another writer would rename prefixes and drop the padding,
and an entity bomb in a hostile packet can't go off where nothing is parsed. Pillow's own
`exif_transpose` does it in this way. No library here keeps packets otherwise: python-xmp-toolkit
needs the C library Exempi, which has no wheels, and pyexiv2 is under the GPL.

What is too long for one segment of a JPEG stands in others, and is called extended (ISO 16684-3,
1.1.3.1): RDF of its own, named by its MD5 in the packet. Elsewhere both are one packet.
"""

import hashlib
import re
import struct
from collections.abc import Iterable

from spiden_cli.core.files.orientation import QUARTER_TURNS

__all__ = [
    "PNG_KEYWORD",
    "TIFF_TAG",
    "extended",
    "extension_bodies",
    "extension_of",
    "is_extended",
    "joined",
    "names_video",
    "of_upright",
    "orientation_of",
    "true_of_upright",
    "without_gain_map",
    "without_video",
]

TIFF_TAG = 700
"""The tag of a TIFF file whose value is a packet."""

PNG_KEYWORD = "XML:com.adobe.xmp"
"""The text chunk of a PNG that holds a packet."""

_ORIENTATION = re.compile(rb"""(tiff:Orientation\s{0,9}(?:=\s{0,9}["']|>)\s{0,9})([1-8])""")
_STALE = ((b"<xmp:Thumbnails", b"</xmp:Thumbnails>"), (b"<xap:Thumbnails", b"</xap:Thumbnails>"))
_EXTENSION = re.compile(
    rb"""\sxmpNote:HasExtendedXMP\s{0,9}=\s{0,9}["']([0-9A-Fa-f]{32})["']"""
    rb"""|<xmpNote:HasExtendedXMP>\s{0,9}([0-9A-Fa-f]{32})\s{0,9}</xmpNote:HasExtendedXMP>"""
)
_EXTENDED = b"http://ns.adobe.com/xmp/extension/\0"
_DIGEST, _PORTION = 32, 65_400  # bytes: hexadecimal digits, and what a segment holds at most
_RDF = re.compile(rb"<rdf:RDF\b[^>]{0,20000}>")
_END_OF_RDF = b"</rdf:RDF>"
_NAMESPACE = re.compile(
    rb"""\s(xmlns:[\w.-]{1,80})\s{0,9}=\s{0,9}(?:"[^"<]{0,500}"|'[^'<]{0,500}')"""
)
_POINTER = (
    b'<rdf:Description rdf:about="" xmlns:xmpNote="http://ns.adobe.com/xmp/note/" '
    b'xmpNote:HasExtendedXMP="%s"/>'
)
_STUB = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"></rdf:RDF></x:xmpmeta>'
)
_DIRECTORY = (b"<Container:Directory", b"</Container:Directory>")
_GAIN_MAP = re.compile(rb"""\s(?:hdrgm|HDRGainMap):\w{1,40}\s{0,9}=\s{0,9}["'][^"'<>]{0,200}["']""")
_VIDEO = re.compile(
    rb"""\sGCamera:(?:MotionPhoto|MicroVideo)\w{0,40}\s{0,9}=\s{0,9}["'][^"'<>]{0,200}["']"""
)
_VIDEO_ITEM = re.compile(
    rb"""<rdf:li\b[^>]{0,200}>\s{0,99}<Container:Item\b[^>]{0,1000}"""
    rb"""Item:Semantic\s{0,9}=\s{0,9}["']MotionPhoto["'][^>]{0,1000}"""
    rb"""(?:/>|>\s{0,99}</Container:Item>)\s{0,99}</rdf:li>"""
)
_SIZES = (
    (b"tiff:ImageWidth", b"tiff:ImageLength"),
    (b"exif:PixelXDimension", b"exif:PixelYDimension"),
    (b"tiff:XResolution", b"tiff:YResolution"),
)


def orientation_of(packet: bytes) -> int:
    """The orientation that a packet states, 1 to 8; 1 where it states none."""
    found = _ORIENTATION.search(packet)
    return int(found[2]) if found else 1


def is_extended(packet: bytes) -> bool:
    """Return whether more of a packet stands in other segments of its JPEG."""
    return _EXTENSION.search(packet) is not None


def extension_of(packet: bytes, bodies: Iterable[bytes]) -> bytes | None:
    """Return what a packet names as its rest; None where a portion is missing, or nothing named.

    Args:
        packet: as the file has it.
        bodies: of the segments of the file, in any order.
    """
    pointer = _EXTENSION.search(packet)
    if pointer is None:
        return None
    digest = pointer[1] or pointer[2]
    portions: dict[int, bytes] = {}
    whole = 0
    for body in bodies:
        head, start = body[len(_EXTENDED) :][: _DIGEST + 8], len(_EXTENDED) + _DIGEST + 8
        if body.startswith(_EXTENDED) and head[:_DIGEST].upper() == digest.upper():
            if len(head) < _DIGEST + 8:
                return None
            whole, offset = struct.unpack(">2I", head[_DIGEST:])
            portions.setdefault(offset, body[start:])
    rest = bytearray()
    for offset, portion in sorted(portions.items()):
        if offset != len(rest):
            return None
        rest += portion
    return bytes(rest) if rest and len(rest) == whole else None


def extended(packet: bytes, extension: bytes, most: int) -> tuple[bytes, bytes] | None:
    """Return a packet that names its extension, and the extension; None if that can't be.

    Args:
        packet: without a pointer.
        extension: RDF of its own; empty if there is none, and the packet is too long by itself.
        most: bytes of a packet; a longer one goes into the extension as a whole.
    """
    room = most - len(_POINTER) - _DIGEST
    if not extension or len(packet) > room:
        rest = joined(packet, extension) if extension else packet if _RDF.search(packet) else None
        return None if rest is None else extended(_STUB, _unwrapped(rest), most)
    at = packet.rfind(_END_OF_RDF)
    if at < 0:
        return None
    return packet[:at] + _POINTER % _digest(extension) + packet[at:], extension


def extension_bodies(extension: bytes) -> list[bytes]:
    """Return the bodies of the segments that hold an extension."""
    head = _EXTENDED + _digest(extension) + struct.pack(">I", len(extension))
    starts = range(0, len(extension), _PORTION)
    return [head + struct.pack(">I", at) + extension[at : at + _PORTION] for at in starts]


def joined(packet: bytes, extension: bytes) -> bytes | None:
    """Return one packet that says what both do; None if either isn't RDF in its usual form."""
    at, start, end = packet.rfind(_END_OF_RDF), _RDF.search(extension), extension.rfind(_END_OF_RDF)
    if at < 0 or start is None or end < start.end():
        return None
    outer = list(_NAMESPACE.finditer(extension, 0, start.end()))

    def told(opening: re.Match[bytes]) -> bytes:
        own = {name[1] for name in _NAMESPACE.finditer(opening[0])}
        missing = b"".join(name[0] for name in outer if name[1] not in own)
        return b"<rdf:Description" + missing + opening[0][len(b"<rdf:Description") :]

    inside = re.sub(rb"<rdf:Description\b[^>]{0,20000}", told, extension[start.end() : end])
    return packet[:at] + inside + packet[at:]


def _digest(extension: bytes) -> bytes:
    return hashlib.md5(extension, usedforsecurity=False).hexdigest().upper().encode()


def _unwrapped(packet: bytes) -> bytes:
    """The packet without processing instructions and padding around it."""
    return re.sub(rb"<\?xpacket[^>]{0,200}\?>", b"", packet).strip()


def true_of_upright(packet: bytes, turned: bool) -> bytes:
    """The packet, or its extension, with orientation 1, without thumbnails and pointers to a rest.

    Args:
        packet: as the file has it.
        turned: whether the pixels were turned by a quarter: width and height change places.
    """
    packet = _ORIENTATION.sub(rb"\g<1>1", packet.rstrip(b"\0"))
    packet = _EXTENSION.sub(b"", packet)
    for start, end in _STALE:
        packet = _cut(packet, start, end)
    if turned:
        for first, second in _SIZES:
            packet = packet.replace(first, b"\0").replace(second, first).replace(b"\0", second)
    return packet


def of_upright(packet: bytes | None) -> bytes | None:
    """The packet of a picture that its decoder turned upright, by what is no part of the packet."""
    if not packet:
        return None
    return true_of_upright(packet, orientation_of(packet) in QUARTER_TURNS)


def without_gain_map(packet: bytes) -> bytes:
    """The packet without what it says of a second picture behind the first."""
    return _GAIN_MAP.sub(b"", _cut(packet, *_DIRECTORY))


def names_video(packet: bytes) -> bool:
    """Whether a packet tells of a video behind the picture, as the motion photos of phones do."""
    return _VIDEO.search(packet) is not None or _VIDEO_ITEM.search(packet) is not None


def without_video(packet: bytes) -> bytes:
    """The packet without what it says of a video behind the picture."""
    return _VIDEO.sub(b"", _VIDEO_ITEM.sub(b"", packet))


def _cut(packet: bytes, start: bytes, end: bytes) -> bytes:
    """The packet without the elements between two tags; in time that grows with its length."""
    kept, position = [], 0
    while (opening := packet.find(start, position)) >= 0:
        closing = packet.find(end, opening)
        if closing < 0:
            break
        kept.append(packet[position:opening])
        position = closing + len(end)
    return b"".join([*kept, packet[position:]])
