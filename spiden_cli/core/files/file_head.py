"""What stands around the pixels of a PNG, WebP or AVIF, read once for all who ask.

Pillow tells no more of it than it needs itself: neither which chunks there are, nor the bits of an
AVIF. Pixels are passed over, wherever they stand, and so it doesn't matter how long a profile in
front of them is.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from spiden_cli.core.files.png_chunks import Chunk, read_chunks

__all__ = ["Head", "head_of"]

_DESCRIBING = (b"meta", b"moov")  # boxes of AVIF
_LONGEST_BOX, _MOST_BOXES = 2**24, 10_000
_FRAMES = (b"VP8L", b"VP8 ")
_FRAME, _FRAME_HEAD = b"ANMF", 16  # of an animated WebP, in front of its chunks
_RIFF_HEAD, _MOST_CHUNKS = 12, 100_000
_AV1C = re.compile(rb"av1C(.{4})", re.DOTALL)  # AV1-ISOBMFF, 2.3.3
_HIGH_DEPTH, _TWELVE_BITS = 0x40, 0x20


@dataclass(frozen=True)
class Head:
    """Names and contents of the parts of a file that aren't pixels; empty of other formats."""

    chunks: tuple[Chunk, ...] = ()
    """Of a PNG; see `read_chunks`."""
    names: tuple[bytes, ...] = ()
    """Of the chunks of a WebP, in order; those in its first frame are among them."""
    boxes: bytes = field(default=b"", repr=False)
    """Of an AVIF, those that describe it, one behind the other."""

    @property
    def bits(self) -> int:
        """Of a channel of an AVIF: 8, 10 or 12."""
        found = _AV1C.search(self.boxes)
        if not found or not found[1][2] & _HIGH_DEPTH:
            return 8
        return 12 if found[1][2] & _TWELVE_BITS else 10

    @property
    def is_lossless(self) -> bool:
        """Whether the first pixels of a WebP are VP8L (RFC 9649, sections 2.6 and 2.7)."""
        return next((name for name in self.names if name in _FRAMES), None) == b"VP8L"


def head_of(path: Path, format: str | None) -> Head:
    """Read what stands around the pixels.

    Args:
        path: the file.
        format: its format, as Pillow calls it.

    Raises:
        OSError: the file can't be read.
    """
    if format not in ("PNG", "WEBP", "AVIF"):
        return Head()
    with path.open("rb") as stream:
        if format == "PNG":
            return Head(chunks=read_chunks(stream))
        if format == "WEBP":
            return Head(names=tuple(_webp_names(stream)))
        return Head(boxes=b"".join(_described(stream)))


def _described(stream: BinaryIO) -> Iterator[bytes]:
    """The boxes of an AVIF that are small, whole (ISO 14496-12, section 4.2)."""
    at, end = 0, stream.seek(0, os.SEEK_END)
    for _ in range(_MOST_BOXES):
        if at + 8 > end:
            return
        stream.seek(at)
        head = stream.read(16)
        length, name = int.from_bytes(head[:4], "big"), head[4:8]
        if length == 1:
            length = int.from_bytes(head[8:], "big")
        length = length or end - at
        if length < 8:
            return
        if name in _DESCRIBING and length <= _LONGEST_BOX:
            stream.seek(at)
            yield stream.read(length)
        at += length


def _webp_names(stream: BinaryIO) -> Iterator[bytes]:
    stream.seek(_RIFF_HEAD)
    in_frame = False
    for _ in range(_MOST_CHUNKS):
        head = stream.read(8)
        if len(head) < 8:
            return
        name, length = head[:4], int.from_bytes(head[4:], "little")
        yield name
        if name == _FRAME and not in_frame:
            in_frame = True
            stream.seek(_FRAME_HEAD, 1)
        else:
            stream.seek(length + length % 2, 1)
