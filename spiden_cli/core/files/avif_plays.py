"""How often an AVIF animation is played, which Pillow neither reads nor writes, and its dates.

A track that is repeated says so in its edit list, and lasts as long as all its repetitions; for
ever is the longest duration (ISO 14496-12, sections 8.3.2 and 8.6.6; AVIF 1.1, section 3).
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["plays_of", "undated", "with_plays"]

_CONTAINERS = (b"moov", b"trak", b"edts", b"mdia")
_REPEATS = 1  # bit of the flags of an edit list
_DURATIONS = {b"mvhd": (16, 24), b"tkhd": (20, 28)}  # where it stands, by version
_DATED = (b"mvhd", b"tkhd", b"mdhd")


class _Box(NamedTuple):
    name: bytes
    begin: int
    end: int


def plays_of(encoded: bytes) -> int:
    """Return how often it is played; 0: for ever, or the file doesn't say.

    Args:
        encoded: the file, or as much of it as is in front of the frames.
    """
    try:
        boxes = list(_boxes(encoded, 0, len(encoded)))
        edits = next((box for box in boxes if box.name == b"elst"), None)
        track = next((box for box in boxes if box.name == b"tkhd"), None)
        if edits is None or track is None:
            return 0
        if not encoded[edits.begin + 3] & _REPEATS:
            return 1
        once = _once(encoded, edits)
        form, at = _duration(encoded, track)
        (whole,) = struct.unpack_from(form, encoded, at)
    except (struct.error, IndexError):
        return 0
    endless = whole == 2 ** (8 * struct.calcsize(form)) - 1
    return 0 if endless or not once else -(-whole // once)


def with_plays(encoded: bytes, plays: int) -> bytes:
    """Return an animation as it was encoded to be played for ever, to be played so often instead.

    Args:
        encoded: the file, of which every track is one edit.
        plays: how often; 0: for ever.
    """
    if not plays:
        return encoded
    changed, lasts = bytearray(encoded), 0
    boxes = list(_boxes(encoded, 0, len(encoded)))
    for box in boxes:
        if box.name == b"elst":
            lasts = plays * _once(encoded, box)
            changed[box.begin + 3] = _REPEATS if plays > 1 else 0
    for box in boxes:
        if box.name in _DURATIONS and lasts:
            form, at = _duration(encoded, box)
            longest = 2 ** (8 * struct.calcsize(form)) - 2  # one more is for ever
            struct.pack_into(form, changed, at, min(lasts, longest))
    return bytes(changed)


def undated(encoded: bytes) -> bytes:
    """Return an animation without the time of its encoding: equal frames make equal files.

    Args:
        encoded: the file.
    """
    changed = bytearray(encoded)
    for box in _boxes(encoded, 0, len(encoded)):
        if box.name in _DATED:
            length = 16 if encoded[box.begin] else 8  # created and modified, by version
            changed[box.begin + 4 : box.begin + 4 + length] = bytes(length)
    return bytes(changed)


def _once(encoded: bytes, edits: _Box) -> int:
    """How long an edit list says that a single play lasts."""
    (once,) = struct.unpack_from(">Q" if encoded[edits.begin] else ">I", encoded, edits.begin + 8)
    return int(once)


def _duration(encoded: bytes, box: _Box) -> tuple[str, int]:
    """How a duration is written, and where."""
    version = encoded[box.begin]
    return (">Q" if version else ">I"), box.begin + _DURATIONS[box.name][version > 0]


def _boxes(encoded: bytes, at: int, end: int) -> Iterator[_Box]:
    """The boxes that matter here, wherever they are, in order."""
    while at + 8 <= end:
        length, name = struct.unpack_from(">I4s", encoded, at)
        begin = at + 8
        if length == 1:
            (length,) = struct.unpack_from(">Q", encoded, begin)
            begin += 8
        after = min(end, at + length if length else end)
        if after < begin:
            return
        if name in _CONTAINERS:
            yield from _boxes(encoded, begin, after)
        elif name in (*_DATED, b"elst"):
            yield _Box(name, begin, after)
        at = after
