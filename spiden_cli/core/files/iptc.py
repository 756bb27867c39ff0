"""IPTC data streams (IPTC-IIM 4.2): kept byte for byte, and where the formats have them."""

import struct

__all__ = [
    "PHOTOSHOP_PATHS",
    "PHOTOSHOP_RESOURCE",
    "PNG_PROFILE",
    "TIFF_TAG",
    "as_resource",
    "as_stream",
    "resources_of",
]

TIFF_TAG = 33723
"""The tag of a TIFF file whose value is a stream."""

PNG_PROFILE = "Raw profile type iptc"
"""The text chunk in which ImageMagick and exiftool keep IPTC in a PNG."""

PHOTOSHOP_RESOURCE = 0x0404
"""The number of the image resource of Photoshop that JPEG keeps a stream in."""

PHOTOSHOP_PATHS = range(2000, 2999)
"""The numbers of the image resources that are paths."""

_RESOURCE_MARK = b"8BIM"


def resources_of(block: bytes) -> dict[int, bytes]:
    """The image resources of a block of Photoshop, by number, as far as it is sound.

    Args:
        block: marks, numbers, names and contents, one resource behind the other.
    """
    found, at = {}, 0
    while block[at : at + 4] == _RESOURCE_MARK and at + 12 <= len(block):
        number, name = struct.unpack_from(">HB", block, at + 4)
        at += 6 + (name + 2) // 2 * 2
        length = int.from_bytes(block[at : at + 4], "big")
        found[number] = block[at + 4 : at + 4 + length]
        at += 4 + length + length % 2
    return found


def as_stream(found: object) -> bytes | None:
    """What was found in a file, if it is a stream: it begins with the marker of a data set."""
    return found if isinstance(found, bytes) and found.startswith(b"\x1c") else None


def as_resource(stream: bytes) -> bytes:
    """A stream as an image resource of Photoshop, without a name, padded to an even length."""
    resource = b"8BIM" + struct.pack(">HHI", PHOTOSHOP_RESOURCE, 0, len(stream)) + stream
    return resource + bytes(len(resource) % 2)
