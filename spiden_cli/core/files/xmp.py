"""XMP packets: kept byte for byte, but for what upright, denoised pixels make untrue.

A packet is RDF in XML (ISO 16684-1). The few properties that may be untrue are simple ones, and are
edited in the text: a parser for XML and another writer would rename prefixes and drop the padding,
and an entity bomb in a hostile packet can't go off where nothing is parsed. Pillow's own
`exif_transpose` does it in this way. No library here keeps packets otherwise: python-xmp-toolkit
needs the C library Exempi, which has no wheels, and pyexiv2 is under the GPL.
"""

import re

__all__ = [
    "PNG_KEYWORD",
    "TIFF_TAG",
    "is_extended",
    "orientation_of",
    "true_of_upright",
    "without_gain_map",
]

TIFF_TAG = 700
"""The tag of a TIFF file whose value is a packet."""

PNG_KEYWORD = "XML:com.adobe.xmp"
"""The text chunk of a PNG that holds a packet."""

_ORIENTATION = re.compile(rb"""(tiff:Orientation\s{0,9}(?:=\s{0,9}["']|>)\s{0,9})([1-8])""")
_STALE = ((b"<xmp:Thumbnails", b"</xmp:Thumbnails>"), (b"<xap:Thumbnails", b"</xap:Thumbnails>"))
_EXTENSION = re.compile(
    rb"""\sxmpNote:HasExtendedXMP\s{0,9}=\s{0,9}["'][0-9A-Fa-f]{32}["']"""
    rb"""|<xmpNote:HasExtendedXMP>\s{0,9}[0-9A-Fa-f]{32}\s{0,9}</xmpNote:HasExtendedXMP>"""
)
_DIRECTORY = (b"<Container:Directory", b"</Container:Directory>")
_GAIN_MAP = re.compile(rb"""\s(?:hdrgm|HDRGainMap):\w{1,40}\s{0,9}=\s{0,9}["'][^"'<>]{0,200}["']""")
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
    """Return whether more of a packet stands in other segments of its JPEG, which isn't kept."""
    return _EXTENSION.search(packet) is not None


def true_of_upright(packet: bytes, turned: bool) -> bytes:
    """The packet with orientation 1, without thumbnails.

    The part of a packet that stands in other segments of a JPEG isn't kept, nor pointed to.

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


def without_gain_map(packet: bytes) -> bytes:
    """The packet without what it says of a second picture behind the first."""
    return _GAIN_MAP.sub(b"", _cut(packet, *_DIRECTORY))


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
