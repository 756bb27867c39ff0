"""PNG's chunks: what they say of a picture, and how to add such chunks to an encoded one.

Pillow doesn't read cICP, mDCV and cLLI, and writes no gAMA and cHRM. A chunk is its length, its
name of four letters, its body, and a checksum of name and body (PNG specification, third edition,
section 5.3).
"""

import struct
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import BinaryIO

from spiden_cli.core.image.metadata import ColourTags, PngTags

__all__ = [
    "SIGNATURE",
    "Chunk",
    "as_bytes",
    "colour_chunks",
    "colour_tags",
    "head_chunks",
    "png_tag_chunks",
    "png_tags",
    "read_chunks",
    "unkept_chunks",
    "with_chunks",
]

Chunk = tuple[bytes, bytes]
"""Name and body."""

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER_END = 33  # the signature and IHDR
_LONGEST_BODY = 100  # of the chunks that are wanted here
_LENGTHS = {b"cICP": {4}, b"sRGB": {1}, b"gAMA": {4}, b"cHRM": {32}, b"mDCV": {24}, b"cLLI": {8},
            b"sBIT": {1, 2, 3, 4}, b"bKGD": {1, 2, 6}, b"oFFs": {9}, b"sTER": {1},
            b"sCAL": range(4, _LONGEST_BODY)}  # fmt: skip
_TRUE_OF_ANY = (b"oFFs", b"sCAL", b"sTER")
_PIXELS = (b"IDAT", b"fdAT")
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_KNOWN = frozenset((
    *_LENGTHS, *_PIXELS, *_TEXTS, b"IHDR", b"PLTE", b"IEND", b"tRNS", b"iCCP", b"pHYs", b"eXIf",
    b"acTL", b"fcTL", b"iDOT",  # the last is Apple's, and tells where pixels are
))  # fmt: skip
"""Names of chunks that are kept, or are about how pixels are stored."""
_WORDS = {
    b"caBX": "content credentials (C2PA)",
    b"hIST": "the histogram of its palette (hIST)",
    b"sPLT": "suggested palettes (sPLT)",
    b"tIME": "the time of its last change (tIME)",
}
_LONGEST_READ = 2**16
_MOST_CHUNKS = 100_000
_LOWER = 0x20  # bit of a letter: in the first, optional; in the fourth, true of any pixels


def read_chunks(stream: BinaryIO) -> tuple[Chunk, ...]:
    """Read a PNG but for its pixels: all its chunks in order.

    Bodies of pixels and those longer than 64 KB are left out, b"". Those of a wrong checksum are
    left out as a whole.

    Args:
        stream: the file; its position changes.
    """
    stream.seek(len(SIGNATURE))
    chunks: list[Chunk] = []
    while len(head := stream.read(8)) == 8 and len(chunks) < _MOST_CHUNKS:
        length, name = int.from_bytes(head[:4], "big"), head[4:]
        if not name.isalpha():
            break
        if name in _PIXELS or length > _LONGEST_READ:
            stream.seek(length + 4, 1)
            chunks.append((name, b""))
            continue
        body, checksum = stream.read(length), stream.read(4)
        if zlib.crc32(name + body).to_bytes(4, "big") == checksum:
            chunks.append((name, body))
    return tuple(chunks)


def head_chunks(chunks: Iterable[Chunk]) -> dict[bytes, bytes]:
    """The chunks in front of the pixels that tell of colour, depth and place, by name.

    Those of a wrong length are left out. Programs' own that are true of any pixels (PNG
    specification, section 5.4: safe to copy) are among them.

    Args:
        chunks: as `read_chunks` returns them.
    """
    told = {}
    for name, body in chunks:
        if name in _PIXELS:
            break
        if (name in _LENGTHS and len(body) in _LENGTHS[name]) or (body and _is_true_of_any(name)):
            told[name] = body
    return told


def _is_true_of_any(name: bytes) -> bool:
    return bool(name not in _KNOWN and name[0] & _LOWER and name[3] & _LOWER)


def unkept_chunks(chunks: Sequence[Chunk]) -> tuple[list[str], list[str]]:
    """What isn't kept of a PNG, in words, and keywords of which more than one text is there.

    Args:
        chunks: as `read_chunks` returns them.
    """
    kept = head_chunks(chunks)
    names = [name for name, _ in chunks if name not in _KNOWN and name not in kept]
    lost = [_WORDS.get(name, f"the chunk {name.decode('latin-1')}") for name in names]
    keywords = Counter(body.partition(b"\0")[0] for name, body in chunks if name in _TEXTS and body)
    several = [word.decode("latin-1") for word, count in keywords.items() if count > 1]
    return list(dict.fromkeys(lost)), several


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


def png_tags(chunks: dict[bytes, bytes], palette: Sequence[int], scale: int) -> PngTags | None:
    """What only PNG says; None if nothing.

    Args:
        chunks: as `head_chunks` returns them.
        palette: red, green and blue of each of its colours; () without a palette.
        scale: what makes samples of those of the file, which may have 1, 2 or 4 bits.
    """
    body = chunks.get(b"bKGD", b"")
    background = tuple(
        scale * value for value in struct.unpack(f">{len(body) // 2}H", body[len(body) % 2 :])
    )
    if len(body) == 1:
        background = tuple(palette[3 * body[0] : 3 * body[0] + 3])
    others = (name for name in chunks if name in _TRUE_OF_ANY or name not in _LENGTHS)
    tags = PngTags(background, tuple((name, chunks[name]) for name in others))
    return None if tags == PngTags() else tags


def png_tag_chunks(tags: PngTags | None, colour: bool) -> list[Chunk]:
    """The chunks that say what `tags` say.

    Args:
        tags: of the picture.
        colour: whether its file is in colour.
    """
    if tags is None:
        return []
    background = tags.background
    if colour and len(background) == 1:
        background *= 3
    if not colour and len(set(background)) == 1:
        background = background[:1]
    if len(background) != (3 if colour else 1):
        return list(tags.chunks)
    return [(b"bKGD", struct.pack(f">{len(background)}H", *background)), *tags.chunks]


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
