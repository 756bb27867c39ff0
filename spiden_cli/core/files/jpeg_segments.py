"""The segments of words in front of the pixels of a JPEG (ITU-T T.81, B.1.1.4)."""

import os
import struct
from typing import BinaryIO

__all__ = ["APP1", "APP2", "APP13", "end_of_segments", "rare_kind", "segment", "with_aspect"]

_MOST_SEGMENTS = 1000  # an extended XMP or a profile may fill many
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # tables and an extension
_LOSSLESS, _LS = {0xC3, 0xC7, 0xCB, 0xCF}, 0xF7
_HIERARCHICAL = {0xC5, 0xC6, 0xCD, 0xCE}

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


def with_aspect(picture: bytes, aspect: tuple[int, int]) -> bytes:
    """A JPEG whose JFIF segment, if it has one, says how wide pixels are against their height.

    Args:
        picture: as it was encoded.
        aspect: how many pixels across are as long as how many down, below 65536.
    """
    if picture[6:11] != b"JFIF\0":
        return picture
    return picture[:13] + struct.pack(">BHH", 0, *aspect) + picture[18:]


def rare_kind(stream: BinaryIO) -> str | None:
    """Which kind of JPEG a file is, in words, if none that photographs are of; None of others.

    Args:
        stream: the file, at its beginning; its position changes.
    """
    if stream.read(2) != b"\xff\xd8":
        return None
    for _ in range(_MOST_SEGMENTS):
        head = stream.read(5)  # marker, length and, of a frame, bits of a sample
        if len(head) < 5 or head[0] != 0xFF:
            return None
        if head[1] == _LS:
            return "JPEG-LS"
        if head[1] in _FRAMES:
            return _rare_frame(head[1], head[4])
        length = int.from_bytes(head[2:4], "big")
        stream.seek(length - 3, os.SEEK_CUR)
    return None


def _rare_frame(marker: int, bits: int) -> str | None:
    if marker in _LOSSLESS:
        return "lossless JPEG"
    if marker in _HIERARCHICAL:
        return "hierarchical JPEG"
    return f"{bits}-bit JPEG" if bits != 8 else None
