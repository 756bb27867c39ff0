"""The gain map behind a JPEG: a second picture, by which HDR screens brighten the first.

Phones write it (Ultra HDR 1.1; ISO 21496-1): the second JPEG follows the first, and an index in the
first (CIPA DC-007, Multi-Picture Format) tells where, or only the lengths in its XMP do. It says by
how much light grows from pixel to pixel, and so stays true of a denoised first picture. Others
are previews, which don't. Pillow opens such a file as a plain JPEG and has no way to write
one; imagecodecs' Ultra HDR codec takes and gives HDR pixels, not the parts of a file.
"""

import io
import os
import re
import struct
from typing import BinaryIO

import numpy as np
from PIL import Image

from spiden_cli.core.files.jpeg_segments import APP2, end_of_segments, segment
from spiden_cli.core.files.orientation import upright

__all__ = ["attached", "listed_behind", "pictures_behind", "turned", "with_length"]

_ISO = b"urn:iso:std:iso:ts:21496:-1\0"
_MARK = b"MPF\0"
_ADOBE = b"hdrgm:Version"
_HEAD_LENGTH = 65_536  # of a JPEG: where its segments of words stand
_MOST = 16
_COUNT, _ENTRIES = 0xB001, 0xB002
_PRIMARY = 0x030000  # the attributes of the first picture
_ITEM = re.compile(rb"<Container:Item\b([^>]{0,2000})>")
_SEMANTIC = re.compile(rb"""Item:Semantic\s{0,9}=\s{0,9}["'](\w{1,40})["']""")
_LENGTH = re.compile(rb"""(Item:Length\s{0,9}=\s{0,9}["'])(\d{1,10})(["'])""")


def pictures_behind(stream: BinaryIO, index: bytes, packet: bytes) -> tuple[bytes | None, int]:
    """The gain map behind the first picture of a JPEG, and the number of other pictures.

    Args:
        stream: the file; its position changes.
        index: the body of its MPF segment, from the byte order on.
        packet: the XMP of the first picture, which may declare the second a gain map.

    Raises:
        struct.error: the index is damaged.
    """
    start = stream.read(_HEAD_LENGTH * _MOST).find(_MARK + index) + len(_MARK)
    order = "<" if index[:2] == b"II" else ">"
    (first,) = struct.unpack_from(order + "I", index, 4)
    (tags,) = struct.unpack_from(order + "H", index, first)
    found = {}
    for at in range(first + 2, first + 2 + 12 * min(tags, _MOST), 12):
        tag, _, length, value = struct.unpack_from(order + "HHII", index, at)
        found[tag] = (length, value)
    length, at = found.get(_ENTRIES, (0, 0))
    gain_map, others = None, 0
    for i in range(1, min(length // 16, _MOST)):  # the first entry is the picture itself
        _, size, offset = struct.unpack_from(order + "3I", index, at + 16 * i)
        stream.seek(start + offset)
        picture = stream.read(size)
        if gain_map is None and _is_gain_map(picture, packet):
            gain_map = picture
        else:
            others += 1
    return gain_map, others


def listed_behind(stream: BinaryIO, packet: bytes) -> bytes | None:
    """The gain map that XMP lists, in a file without an index; None if it isn't there.

    What is listed stands at the end of the file, one behind the other.

    Args:
        stream: the file; its position changes.
        packet: the XMP of the first picture.

    Raises:
        OSError: the file is shorter than what is listed.
    """
    behind = 0
    for item in reversed(_ITEM.findall(packet)[:_MOST]):
        length, meaning = _LENGTH.search(item), _SEMANTIC.search(item)
        behind += int(length[2]) if length else 0
        if length and meaning and meaning[1] == b"GainMap":
            stream.seek(-behind, os.SEEK_END)
            picture = stream.read(int(length[2]))
            return picture if picture.startswith(b"\xff\xd8") else None
    return None


def _is_gain_map(picture: bytes, packet: bytes) -> bool:
    head = picture[:_HEAD_LENGTH]
    named = _ISO in head or _ADOBE in head or _ADOBE in packet or b"GainMap" in packet
    return named and picture.startswith(b"\xff\xd8")


def turned(gain_map: bytes, orientation: int) -> bytes:
    """The gain map turned upright with the picture that it belongs to; its words are kept."""
    if orientation == 1:
        return gain_map
    from PIL import JpegImagePlugin  # which brings the reader of TIFF

    with Image.open(io.BytesIO(gain_map), formats=("JPEG",)) as image:
        pixels = upright(np.asarray(image), orientation)
        words = b"".join(
            segment(0xE0 + int(name[3:]), body)
            for name, body in getattr(image, "applist", [])
            if name in ("APP1", "APP2") and not body.startswith((_MARK, b"Exif\0"))
        )
        options = {
            "qtables": image.quantization,  # type: ignore[attr-defined]
            "subsampling": JpegImagePlugin.get_sampling(image),
            "extra": words,
        }
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def with_length(packet: bytes, old: int, new: int) -> bytes:
    """An XMP packet that gives the gain map's length, `old` bytes, as `new`."""

    def put(found: re.Match[bytes]) -> bytes:
        length = b"%d" % new if int(found[2]) == old else found[2]
        return found[1] + length + found[3]

    return _LENGTH.sub(put, packet)


def attached(picture: bytes, gain_map: bytes) -> bytes:
    """A JPEG with a gain map behind it, and an index of both in front."""
    place = end_of_segments(picture)
    iso = segment(APP2, _ISO + bytes(4))
    words = iso if _ISO in gain_map[:_HEAD_LENGTH] else b""
    length = len(picture) + len(words) + _INDEX_LENGTH
    start = place + len(words) + 8  # of the index: behind marker, length and b"MPF\0"
    entries = struct.pack("<3I2H", _PRIMARY, length, 0, 0, 0)
    entries += struct.pack("<3I2H", 0, len(gain_map), length - start, 0, 0)
    index = b"II*\0" + struct.pack("<IH", 8, 3)
    index += struct.pack("<HHI4s", 0xB000, 7, 4, b"0100")
    index += struct.pack("<HHII", _COUNT, 4, 1, 2)
    index += struct.pack("<HHII", _ENTRIES, 7, len(entries), 50) + bytes(4) + entries
    told = words + segment(APP2, _MARK + index)
    return picture[:place] + told + picture[place:] + gain_map


_INDEX_LENGTH = 4 + 4 + 50 + 32
"""Bytes of the whole segment that `attached` adds."""
