"""Mutations of what is said in a picture, of its frames, and of formats made of boxes."""

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from random import Random

Mutate = Callable[[bytes, Random], bytes]

_NUMBERS = (0, 1, 2, 7, 8, 0x7F, 0xFF, 0x100, 0x7FFF, 0xFFFF, 0x10000, 2**31 - 1, 2**31, 2**32 - 1)
_POINTERS = {0x8769, 0x8825, 0xA005, 0x927C, 330}
_TAGS = (0x0112, 0x8769, 0x8825, 0x927C, 0xA005, 0xA002, 513, 514, 332, 333, 334, 336, 338, 700,
         34675, 33723, 330, 37500, 50341)  # fmt: skip
_HOLDERS = {b"meta": 4, b"iprp": 0, b"ipco": 0, b"moov": 0, b"trak": 0, b"mdia": 0, b"minf": 0,
            b"stbl": 0, b"dinf": 0, b"iinf": 6}  # fmt: skip
"""Boxes that hold others, and the bytes before the first of them."""


def directories(content: bytes, random: Random) -> bytes:
    """Another tag, type, count or value of an entry of a TIFF structure, wherever that is."""
    starts = [found.start() for found in re.finditer(rb"II\*\0|MM\0\*", content)]
    start = random.choice(starts)
    order = "<" if content[start : start + 2] == b"II" else ">"
    data = bytearray(content)
    entry = random.choice(list(_entries(content, start, order)))
    action = random.randrange(4)
    if action == 0:
        struct.pack_into(f"{order}H", data, entry, random.choice(_TAGS))
    elif action == 1:
        struct.pack_into(f"{order}H", data, entry + 2, random.choice((0, 1, 2, 3, 4, 5, 7, 12, 99)))
    elif action == 2:
        count = random.choice((*_NUMBERS, 3, 4, 5, 100))
        struct.pack_into(f"{order}I", data, entry + 4, count)
    else:
        value = random.choice((*_NUMBERS, len(content), len(content) - start - 2, entry - start))
        struct.pack_into(f"{order}I", data, entry + 8, value)
    return _checked(bytes(data))


def _entries(content: bytes, start: int, order: str) -> Iterator[int]:
    waiting, seen = [struct.unpack_from(f"{order}I", content, start + 4)[0]], set[int]()
    while waiting:
        at = start + waiting.pop()
        if at in seen or at + 2 > len(content):
            continue
        seen.add(at)
        (count,) = struct.unpack_from(f"{order}H", content, at)
        for entry in range(at + 2, at + 2 + 12 * min(count, 200), 12):
            if entry + 12 > len(content):
                return
            yield entry
            tag, _, _, value = struct.unpack_from(f"{order}HHII", content, entry)
            if tag in _POINTERS:
                waiting.append(value)
        after = at + 2 + 12 * count
        if after + 4 <= len(content):
            waiting.append(struct.unpack_from(f"{order}I", content, after)[0])


def packets(content: bytes, random: Random) -> bytes:
    """Other words of an XMP packet, of the same length; another place of a part of one."""
    parts = [found.end() for found in re.finditer(rb"xmp/extension/\0", content)]
    if parts and random.random() < 0.5:
        at = random.choice(parts) + random.choice((0, 32, 36))
        new = random.choice(_NUMBERS).to_bytes(4, "big")
        return content[:at] + new + content[at + 4 :]
    found = random.choice(list(re.finditer(
        rb"\w+:\w+=\"[^\"]*\"|</?[\w:]+|\d{1,9}|<\?xpacket|HasExtendedXMP|[0-9A-F]{32}", content
    )))  # fmt: skip
    new = random.choice((
        b"", b"<!DOCTYPE a [<!ENTITY b '&b;&b;'>]>", b"9", b"-1", b"99999999999999", b"\0", b"<<",
        b"]]>", b"tiff:Orientation=\"9\"", b"<xmp:Thumbnails", b"\xff\xfe", b"&amp;" * 3, b"\"",
    ))  # fmt: skip
    room = found.end() - found.start()
    return _checked(content[: found.start()] + new[:room].ljust(room) + content[found.end() :])


def frames(content: bytes, random: Random) -> bytes:
    """Other sizes, places, numbers and durations of frames; checksums are right."""
    marks = {b"\x89PNG": rb"fcTL|acTL|fdAT", b"GIF8": rb"\x21\xf9\x04|\x2c|\x21\xff"}
    mark = marks.get(content[:4], rb"ANMF|ANIM|VP8X|VP8L|VP8 |ALPH")
    found = random.choice(list(re.finditer(mark, content, re.DOTALL)))
    at, data = found.end() + random.randrange(26), bytearray(content)
    action = random.randrange(4)
    if action == 0 and content[:4] == b"\x89PNG":
        at = found.end() + 4 * random.randrange(6)
    if action < 3:
        size = random.choice((1, 2, 4))
        number = random.choice((*_NUMBERS, 33, 34, 37, 38, 39)) % 256**size
        data[at : at + size] = number.to_bytes(size, random.choice(("big", "little")))
        return _checked(bytes(data[: len(content)]))
    part = slice(found.start() - 4, found.end() + random.choice((26, 30, 200)))
    place = random.choice(list(re.finditer(mark, content, re.DOTALL))).start() - 4
    return content[:place] + content[part] + content[place:]


def boxes(content: bytes, random: Random) -> bytes:
    """Another length, name or beginning of a box; one left out, or twice."""
    found = list(_boxes(content, 0, len(content)))
    if not found:  # a bare stream of JPEG XL
        at = random.randrange(min(len(content), 60))
        return content[:at] + random.randbytes(random.choice((1, 2, 4))) + content[at + 1 :]
    start, end = random.choice(found)
    data, action = bytearray(content), random.randrange(6)
    if action == 0:
        number = random.choice((*_NUMBERS, end - start + 1, end - start - 1))
        data[start : start + 4] = number.to_bytes(4, "big")
    elif action == 1:
        other, _ = random.choice(found)
        data[start + 4 : start + 8] = content[other + 4 : other + 8]
    elif action == 2:
        del data[start:end]
    elif action == 3:
        data[start:start] = content[start:end] * random.choice((1, 40))
    else:
        at = start + 8 + random.randrange(max(1, min(end - start - 8, 60)))
        size = random.choice((1, 2, 4))
        number = random.choice((*_NUMBERS, 34, 38)) % 256**size
        data[at : at + size] = number.to_bytes(size, "big")
    return bytes(data)


def _boxes(content: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start + 8 <= end:
        length, name = int.from_bytes(content[start : start + 4], "big"), content[start + 4 :][:4]
        stop = start + length
        if length < 8 or stop > end:
            return
        yield start, stop
        if name in _HOLDERS:
            yield from _boxes(content, start + 8 + _HOLDERS[name], stop)
        start = stop


def _checked(content: bytes) -> bytes:
    """Return a PNG with right checksums, anything else as it is."""
    if content[:4] != b"\x89PNG":
        return content
    data, at = bytearray(content), 8
    while at + 12 <= len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        if end + 4 > len(data):
            break
        data[end : end + 4] = struct.pack(">I", zlib.crc32(data[at + 4 : end]))
        at = end + 4
    return bytes(data)


WORDED_MUTATORS: dict[str, Mutate] = {
    "inks": directories, "exif": directories, "xmp": packets, "frames": frames, "avif": boxes,
    "heic": boxes, "jxl": boxes,
}  # fmt: skip
