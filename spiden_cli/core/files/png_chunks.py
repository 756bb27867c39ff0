"""PNG's chunks: what they say of a picture, and how to add such chunks to an encoded one.

Pillow doesn't read cICP, mDCV and cLLI, and writes no gAMA and cHRM. A chunk is its length, its
name of four letters, its body, and a checksum of name and body (PNG specification, third edition,
section 5.3).
"""

import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from spiden_cli.core.image.metadata import ColourTags

__all__ = [
    "SIGNATURE",
    "Chunk",
    "as_bytes",
    "colour_chunks",
    "colour_tags",
    "head_chunks",
    "with_chunks",
]

Chunk = tuple[bytes, bytes]
"""Name and body."""

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER_END = 33  # the signature and IHDR
_LONGEST_BODY = 100  # of the chunks that are wanted here
_LENGTHS = {b"cICP": {4}, b"sRGB": {1}, b"gAMA": {4}, b"cHRM": {32}, b"mDCV": {24}, b"cLLI": {8},
            b"sBIT": {1, 2, 3, 4}}  # fmt: skip


def head_chunks(stream: BinaryIO) -> dict[bytes, bytes]:
    """The small chunks in front of the pixels that tell of colour and depth, by name.

    Those of a wrong length or checksum are left out.

    Args:
        stream: the file; its position changes.
    """
    return {
        name: body
        for name, body in _chunks_before_pixels(stream)
        if name in _LENGTHS and len(body) in _LENGTHS[name]
    }


def _chunks_before_pixels(stream: BinaryIO) -> Iterator[Chunk]:
    stream.seek(len(SIGNATURE))
    while len(head := stream.read(8)) == 8 and head[4:] != b"IDAT":
        length, name = int.from_bytes(head[:4], "big"), head[4:]
        if length > _LONGEST_BODY:
            stream.seek(length + 4, 1)
            continue
        body, checksum = stream.read(length), stream.read(4)
        if zlib.crc32(name + body).to_bytes(4, "big") == checksum:
            yield name, body


def colour_tags(chunks: dict[bytes, bytes]) -> ColourTags | None:
    """What chunks say of colour; None if nothing."""
    cicp, chromaticities = chunks.get(b"cICP"), chunks.get(b"cHRM")
    gamma, intent = chunks.get(b"gAMA"), chunks.get(b"sRGB")
    tags = ColourTags(
        cicp=struct.unpack("4B", cicp) if cicp else None,
        srgb_intent=intent[0] if intent else None,
        gamma=int.from_bytes(gamma, "big") if gamma else None,
        chromaticities=struct.unpack(">8I", chromaticities) if chromaticities else None,
        mastering=chunks.get(b"mDCV") or None,
        light_level=chunks.get(b"cLLI") or None,
    )
    return None if tags == ColourTags() else tags


def colour_chunks(tags: ColourTags | None) -> list[Chunk]:
    """The chunks that say what `tags` say."""
    if tags is None:
        return []
    chunks: list[Chunk] = []
    if tags.cicp is not None:
        chunks.append((b"cICP", bytes(tags.cicp)))
    if tags.srgb_intent is not None:
        chunks.append((b"sRGB", bytes([tags.srgb_intent])))
    if tags.gamma is not None:
        chunks.append((b"gAMA", struct.pack(">I", tags.gamma)))
    if tags.chromaticities is not None:
        chunks.append((b"cHRM", struct.pack(">8I", *tags.chromaticities)))
    if tags.mastering is not None:
        chunks.append((b"mDCV", tags.mastering))
    if tags.light_level is not None:
        chunks.append((b"cLLI", tags.light_level))
    return chunks


def with_chunks(encoded: bytes, chunks: Iterable[Chunk]) -> bytes:
    """An encoded PNG with more chunks, right behind its header."""
    return encoded[:_HEADER_END] + as_bytes(chunks) + encoded[_HEADER_END:]


def as_bytes(chunks: Iterable[Chunk]) -> bytes:
    """Chunks as they stand in a file."""
    return b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )
