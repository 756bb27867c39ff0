"""A TIFF structure in memory, whose entries are found and changed where they stand.

An entry of a directory is 12 bytes (TIFF 6.0, section 2): its tag, its type, the number of its
values, and the value itself, or where longer the offset of it.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from PIL import ExifTags

__all__ = ["PREFIX", "Block"]

PREFIX = b"Exif\0\0"
"""What stands in front of the structure in a JPEG."""

_TEXT, _SHORT, _LONG = 2, 3, 4
_THUMBNAIL_OFFSET, _THUMBNAIL_LENGTH = 513, 514


class _Entry(NamedTuple):
    at: int
    tag: int
    kind: int
    length: int


class Block:
    """A TIFF structure that is edited in place.

    Raises:
        ValueError: it has no readable first directory.
    """

    def __init__(self, content: bytes) -> None:
        self.bytes = bytearray(content)
        if content[:4] not in (b"II*\0", b"MM\0*"):
            raise ValueError("no EXIF block")
        self.order = "<" if content[:2] == b"II" else ">"
        (first,) = self.unpack("I", 4)
        self.main, self.next_at = self.directory(first)
        if not self.main:
            raise ValueError("an EXIF block without tags")

    def unpack(self, form: str, at: int) -> tuple[int, ...]:
        """Whole numbers at an offset, in the order of the bytes of the block."""
        try:
            return struct.unpack_from(self.order + form, self.bytes, at)
        except struct.error as error:
            raise ValueError("the EXIF block is cut off") from error

    def directory(self, at: int) -> tuple[dict[int, _Entry], int]:
        """The entries at an offset, and the position of the offset of the next directory."""
        (count,) = self.unpack("H", at)
        entries = [
            _Entry(i, *self.unpack("HHI", i)) for i in range(at + 2, at + 2 + 12 * count, 12)
        ]
        return {entry.tag: entry for entry in entries}, at + 2 + 12 * count

    def number(self, entry: _Entry | None) -> int | None:
        """The value of an entry of one whole number; None where it is anything else."""
        if entry is None or entry.length != 1 or entry.kind not in (_SHORT, _LONG):
            return None
        return self.unpack("H" if entry.kind == _SHORT else "I", entry.at + 8)[0]

    def text(self, entry: _Entry | None) -> bytes:
        """The value of an entry of text, with its end; empty where it is anything else."""
        if entry is None or entry.kind != _TEXT:
            return b""
        at = entry.at + 8 if entry.length <= 4 else self.unpack("I", entry.at + 8)[0]
        return bytes(self.bytes[at : at + entry.length])

    def set(self, entry: _Entry, value: int) -> None:
        """Change the value of an entry of one whole number."""
        struct.pack_into(self.order + ("H" if entry.kind == _SHORT else "I"), self.bytes,
                         entry.at + 8, value)  # fmt: skip

    def swap(self, entries: dict[int, _Entry], first: int, second: int) -> None:
        """Exchange the values of two entries, with their types."""
        if first in entries and second in entries:
            one, other = (
                slice(entries[tag].at + 2, entries[tag].at + 12) for tag in (first, second)
            )
            self.bytes[one], self.bytes[other] = self.bytes[other], self.bytes[one]

    def directories(self) -> Iterator[dict[int, _Entry]]:
        """The first directory and the camera's, where that can be read."""
        yield self.main
        offset = self.number(self.main.get(ExifTags.IFD.Exif))
        if offset is not None:
            try:
                yield self.directory(offset)[0]
            except ValueError:
                return

    def cut_thumbnail(self) -> None:
        """Unlink the second directory, and blank it and the picture that it points to."""
        if self.next_at + 4 > len(self.bytes):  # some writers leave the offset out
            return
        (second,) = self.unpack("I", self.next_at)
        self.bytes[self.next_at : self.next_at + 4] = bytes(4)
        if not second:
            return
        try:
            entries, end = self.directory(second)
        except ValueError:
            return
        start, length = (
            self.number(entries.get(tag)) for tag in (_THUMBNAIL_OFFSET, _THUMBNAIL_LENGTH)
        )
        self._blank(second, end + 4)
        if start is not None and length is not None:
            self._blank(start, start + length)

    def remove(self, tag: int) -> None:
        """Take an entry out of the first directory; nothing but what follows it there moves."""
        entry = self.main.pop(tag, None)
        if entry is None:
            return
        start = min(other.at for other in (entry, *self.main.values())) - 2
        (count,) = self.unpack("H", start)
        end = min(self.next_at + 4, len(self.bytes))
        self.bytes[entry.at : end] = self.bytes[entry.at + 12 : end] + bytes(12)
        struct.pack_into(self.order + "H", self.bytes, start, count - 1)
        self.main, self.next_at = self.directory(start)

    def add_text(self, tag: int, text: bytes) -> None:
        """Add a text to the first directory, which moves to the end; nothing else moves."""
        self.bytes += bytes(len(self.bytes) % 2)
        at, value = len(self.bytes), text + b"\0"
        self.bytes += value.ljust(max(4, len(value) + len(value) % 2), b"\0")
        end = len(self.bytes)
        place = value.ljust(4, b"\0") if len(value) <= 4 else struct.pack(self.order + "I", at)
        new = struct.pack(self.order + "HHI", tag, _TEXT, len(value)) + place
        entries = {e.tag: bytes(self.bytes[e.at : e.at + 12]) for e in self.main.values()}
        listed = [entry for _, entry in sorted({**entries, tag: new}.items())]
        self.bytes += struct.pack(self.order + "H", len(listed)) + b"".join(listed) + bytes(4)
        struct.pack_into(self.order + "I", self.bytes, 4, end)

    def _blank(self, start: int, end: int) -> None:
        end = min(end, len(self.bytes))
        if 8 < start < end:
            self.bytes[start:end] = bytes(end - start)
            if end == len(self.bytes):
                del self.bytes[start:]
