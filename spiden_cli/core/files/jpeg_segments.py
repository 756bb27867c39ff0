"""The segments of words in front of the pixels of a JPEG (ITU-T T.81, B.1.1.4)."""

import struct

__all__ = ["APP1", "APP2", "APP13", "end_of_segments", "segment"]

APP1, APP2, APP13 = 0xE1, 0xE2, 0xED
_COMMENT = 0xFE


def segment(marker: int, body: bytes) -> bytes:
    """A segment: marker, length, body."""
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(body) + 2) + body


def end_of_segments(picture: bytes) -> int:
    """Where the application segments and comments of a JPEG end."""
    at = 2
    while picture[at] == 0xFF and (0xE0 <= picture[at + 1] <= 0xEF or picture[at + 1] == _COMMENT):
        at += 2 + int.from_bytes(picture[at + 2 : at + 4], "big")
    return at
