"""IPTC data streams (IPTC-IIM 4.2): kept byte for byte, and where the formats have them."""

import struct

__all__ = ["PHOTOSHOP_RESOURCE", "PNG_PROFILE", "TIFF_TAG", "as_resource", "as_stream"]

TIFF_TAG = 33723
"""The tag of a TIFF file whose value is a stream."""

PNG_PROFILE = "Raw profile type iptc"
"""The text chunk in which ImageMagick and exiftool keep IPTC in a PNG."""

PHOTOSHOP_RESOURCE = 0x0404
"""The number of the image resource of Photoshop that JPEG keeps a stream in."""


def as_stream(found: object) -> bytes | None:
    """What was found in a file, if it is a stream: it begins with the marker of a data set."""
    return found if isinstance(found, bytes) and found.startswith(b"\x1c") else None


def as_resource(stream: bytes) -> bytes:
    """A stream as an image resource of Photoshop, without a name, padded to an even length."""
    resource = b"8BIM" + struct.pack(">HHI", PHOTOSHOP_RESOURCE, 0, len(stream)) + stream
    return resource + bytes(len(resource) % 2)
