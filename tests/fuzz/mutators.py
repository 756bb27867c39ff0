"""Mutations that know what they mutate: most damaged bytes are refused by a checksum at the gate,
so that whoever wants to get further must mend it.

`mutated(kind, content, random)` returns other content of a kind of file; the same random numbers
give the same content.
"""

import json
import re
import struct
import zlib
from collections.abc import Callable
from random import Random
from typing import Any

from worded_mutators import WORDED_MUTATORS

EXTREMES = (
    0,
    1,
    2,
    7,
    0x7F,
    0x80,
    0xFF,
    0x100,
    0x7FFF,
    0xFFFF,
    0x10000,
    2**31 - 1,
    2**31,
    2**32 - 1,
)
WORDS: tuple[Any, ...] = (
    None, True, -1, 0, 1, 2.5, 1e308, -1e-300, 10**30, 64, 65, "", "a", "\x1b[31m\n", "nan", [], {},
    [[]], {"a": 1}, [1, "2"], "9" * 300,
)  # fmt: skip


def mutated(kind: str, content: bytes, random: Random) -> bytes:
    """Return mutated content; one to three mutations, structured and blind."""
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        structured = STRUCTURED.get(kind, blind)
        mutate = structured if random.random() < 0.75 else blind
        try:
            content = mutate(content, random)
        except Exception:  # what was mutated before is no such file any more
            content = blind(content, random)
    return content


def blind(content: bytes, random: Random) -> bytes:
    """Flip, set, cut, insert, remove, repeat: without a notion of what it is."""
    if not content:
        return random.randbytes(8)
    data, at = bytearray(content), random.randrange(len(content))
    length = random.choice((1, 2, 4, 16, 100))
    action = random.randrange(7)
    if action == 0:
        data[at] ^= 1 << random.randrange(8)
    elif action == 1:
        data[at : at + 4] = random.choice(EXTREMES).to_bytes(4, random.choice(("big", "little")))
    elif action == 2:
        return content[:at]
    elif action == 3:
        data[at:at] = random.randbytes(length)
    elif action == 4:
        del data[at : at + length]
    elif action == 5:
        data[at:at] = data[at : at + length] * random.choice((1, 2, 50))
    else:
        data[at : at + length] = random.randbytes(length)
    return bytes(data)


def png(content: bytes, random: Random) -> bytes:
    """Other headers, chunks in another order, shorter or longer pixels; checksums are right."""
    chunks, at = [], 8
    while at + 8 <= len(content):
        length = int.from_bytes(content[at : at + 4], "big")
        chunks.append([content[at + 4 : at + 8], content[at + 8 : at + 8 + length]])
        at += length + 12
    chosen = random.randrange(len(chunks))
    action = random.randrange(6)
    if action == 0 and len(chunks[0][1]) == 13:
        header = bytearray(chunks[0][1])
        field = random.choice((0, 4, 8, 9, 10, 11, 12))
        if field < 8:
            size = random.choice((0, 1, 31, 33, 20_000, 1_048_610, *EXTREMES))
            header[field : field + 4] = (size % 2**32).to_bytes(4, "big")
        else:
            header[field] = random.choice((0, 1, 2, 3, 4, 6, 8, 16, 255))
        chunks[0][1] = bytes(header)
    elif action == 1:
        chunks.insert(random.randrange(len(chunks)), list(chunks[chosen]))
    elif action == 2:
        del chunks[chosen]
    elif action == 3:
        chunks[chosen][1] = blind(chunks[chosen][1], random)
    elif action == 4:
        name = random.choice(
            (b"tRNS", b"sBIT", b"gAMA", b"iCCP", b"eXIf", b"acTL", b"zTXt", b"iTXt")
        )
        chunks.insert(1, [name, random.randbytes(random.choice((0, 1, 4, 30)))])
    else:
        pixels = zlib.decompress(b"".join(body for name, body in chunks if name == b"IDAT"))
        first = next(i for i, (name, _) in enumerate(chunks) if name == b"IDAT")
        chunks = [chunk for chunk in chunks if chunk[0] != b"IDAT"]
        chunks.insert(first, [b"IDAT", zlib.compress(blind(pixels, random))])
    packed = (
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )
    return content[:8] + b"".join(packed)


def jpeg(content: bytes, random: Random) -> bytes:
    """Other segments: sizes, tables and scans that don't fit together."""
    places, at = [], 2
    while at + 4 <= len(content) and content[at] == 0xFF:
        length = int.from_bytes(content[at + 2 : at + 4], "big")
        places.append((at, at + 2 + length))
        if content[at + 1] == 0xDA:
            break
        at += 2 + length
    start, end = random.choice(places)
    segment = content[start:end]
    action = random.randrange(4)
    if action == 0:
        segment = b""
    elif action == 1:
        segment *= 2
    elif action == 2:
        body = blind(segment[4:], random)[:65_000]
        segment = segment[:2] + (len(body) + 2).to_bytes(2, "big") + body
    else:
        data = bytearray(segment)
        at = random.randrange(2, len(data))
        data[at : at + 2] = (random.choice(EXTREMES) % 65536).to_bytes(2, "big")
        segment = bytes(data)
    return content[:start] + segment + content[end:]


def tiff(content: bytes, random: Random) -> bytes:
    """Other entries of the first directory: number, type, count and value."""
    order = "<" if content[:2] == b"II" else ">"
    (offset,) = struct.unpack_from(f"{order}I", content, 4)
    (count,) = struct.unpack_from(f"{order}H", content, offset)
    data, entry = bytearray(content), offset + 2 + 12 * random.randrange(count)
    action = random.randrange(5)
    if action == 0:
        struct.pack_into(f"{order}H", data, entry, random.choice((256, 257, 258, 259, 262, 274, 277,
                         278, 284, 317, 322, 325, 338, 339, 330, 34675, 700)))  # fmt: skip
    elif action == 1:
        struct.pack_into(
            f"{order}H", data, entry + 2, random.choice((1, 2, 3, 4, 5, 7, 12, 16, 99))
        )
    elif action == 2:
        struct.pack_into(
            f"{order}I", data, entry + 4, random.choice((0, 1, 2, 100, 2**20, 2**32 - 1))
        )
    elif action == 3:
        value = random.choice((*EXTREMES, *range(10), len(content), len(content) - 1, 34712, 50000))
        struct.pack_into(f"{order}I", data, entry + 8, value)
    else:
        struct.pack_into(
            f"{order}H", data, entry + 8, random.choice((0, 1, 2, 3, 5, 6, 7, 8, 16, 32))
        )
    return bytes(data)


def bmp(content: bytes, random: Random) -> bytes:
    """Another field of the header, or of the runs."""
    data = bytearray(content)
    if random.random() < 0.7:
        at, size = random.choice(
            ((10, 4), (14, 4), (18, 4), (22, 4), (26, 2), (28, 2), (30, 4), (46, 4))
        )
        value = random.choice((*EXTREMES, 3, 4, 16, 24, 32, 34, 5_701_670))
        data[at : at + size] = (value % 2 ** (8 * size)).to_bytes(size, "little")
        return bytes(data)
    return content[:54] + blind(content[54:], random)


def riff(content: bytes, random: Random) -> bytes:
    """Another length or name of a chunk of a WebP."""
    data, places, at = bytearray(content), [4], 12
    while at + 8 <= len(content):
        places.append(at + 4)
        at += 8 + int.from_bytes(content[at + 4 : at + 8], "little")
    at = random.choice(places)
    if random.random() < 0.5:
        data[at : at + 4] = random.choice((*EXTREMES, len(content))).to_bytes(4, "little")
    else:
        data[at + 4 : at + 14] = blind(bytes(data[at + 4 : at + 14]), random)[:10]
    return bytes(data)


def safetensors(content: bytes, random: Random) -> bytes:
    """Another header, whose length is right; or other numbers: infinite, none, negative."""
    length = int.from_bytes(content[:8], "little")
    header, numbers = json.loads(content[8 : 8 + length]), bytearray(content[8 + length :])
    action, names = random.randrange(6), [name for name in header if name != "__metadata__"]
    if action == 0:
        metadata = header["__metadata__"]
        key = random.choice([*metadata])
        try:
            metadata[key] = json.dumps(_other_json(json.loads(metadata[key]), random))
        except ValueError:
            metadata[key] = random.choice(("", "1", "999", "{}", "NaN", "[" * 10_000))
    elif action == 1:
        header = _other_json(header, random)
    elif action == 2:
        del header[random.choice(names)]
    elif action == 3:
        one, other = random.choice(names), random.choice(names)
        header[one], header[other] = header[other], header[one]
    else:
        at = random.randrange(max(1, len(numbers) // 4)) * 4
        value = random.choice((float("nan"), float("inf"), -float("inf"), -1.0, 1e38, 1e-42))
        numbers[at : at + 4] = struct.pack("<f", value)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + bytes(numbers)


def toml(content: bytes, random: Random) -> bytes:
    """Other lines: repeated, nested, of other values."""
    lines = content.decode("utf-8").splitlines()
    at = random.randrange(len(lines))
    action = random.randrange(6)
    if action == 0:
        lines.insert(random.randrange(len(lines)), lines[at])
    elif action == 1:
        del lines[at]
    elif action == 2:
        key = lines[at].split("=")[0]
        lines[at] = f"{key}= {json.dumps(random.choice(WORDS))}"
    elif action == 3:
        lines[at] = "a" + ".b" * random.choice((1, 30, 3000)) + " = 1"
    elif action == 4:
        lines[at] = "x = " + random.choice("[{") * random.choice((1, 100, 5000))
    else:
        lines[at] = f"[{lines[at]}]"
    return "\n".join(lines).encode()


def npy(content: bytes, random: Random) -> bytes:
    """Another description of the values, whose length is right."""
    length = int.from_bytes(content[8:10], "little")
    words, values = content[10 : 10 + length].decode("latin-1"), content[10 + length :]
    old = random.choice(("'|u1'", "'>f4'", "False", "True", "(3, 34, 38)", "(34, 38)", "34", "38"))
    new = random.choice((
        "'|O'", "'|V8'", "'<f8'", "'<c16'", "[('a', '|u1')]", "'<M8[s]'", "'?'", "None", "(34,)",
        "()", "(-34, 38)", "(10**9, 38)", "(1000000000000, 34, 38)", "(0, 34, 38)", "2**70", "True",
        "(" * 300, "'" * 9, "__import__('os')", "34.5",
    ))  # fmt: skip
    text = words.replace(old, new, 1).encode("latin-1")
    return content[:8] + len(text).to_bytes(2, "little") + text + values


def ome(content: bytes, random: Random) -> bytes:
    """Other words of the first page, OME's or ImageJ's, of the same length."""
    start = next(
        at for mark in (b"<?xml", b"ImageJ=", b'{"shape"') if (at := content.find(mark)) > 0
    )
    end = content.index(b"\0", start)
    words = content[start:end].decode("latin-1")
    numbers = list(re.finditer(r"\d+|[XYZCT]{3,5}|<\w+|\w+=", words))
    chosen = random.choice(numbers)
    new = random.choice((
        "0", "-1", "1", "2", "99999999999", "nan", "1e9", "XXXXX", "ZYX", "<Pixels", "<TiffData",
        "SizeZ=", "frames=", "FileName=", "&a;", "\0", "",
    ))  # fmt: skip
    changed = (words[: chosen.start()] + new + words[chosen.end() :]).encode("latin-1")
    return content[:start] + changed[: end - start].ljust(end - start) + content[end:]


def zarr(content: bytes, random: Random) -> bytes:
    """Other values, names and codecs in the metadata."""
    words = json.loads(content)
    if random.random() < 0.3 and "zarr_format" in words:
        packed = random.choice((
            {"id": "pickle"}, {"id": "blosc"}, {"id": "gzip"}, {"id": "delta"}, {"id": []}, "zstd",
            {"name": "sharding_indexed", "configuration": {}}, {"name": "pickle"}, {"name": 1},
        ))  # fmt: skip
        key = random.choice(("compressor", "filters", "codecs"))
        words[key] = packed if key == "compressor" else [packed]
    elif random.random() < 0.3 and "shape" in words:
        sides = random.choice(([0, 34, 38], [10**12, 34, 38], [3, 34], [3, 10**6, 10**6], [-1], []))
        words["shape"] = sides
        if random.random() < 0.5 and "chunks" in words:
            words["chunks"] = sides
    else:
        words = _other_json(words, random)
    return json.dumps(words).encode()


def _other_json(record: Any, random: Random) -> Any:
    """Change a value, a name, or nothing but the order, somewhere in a record."""
    places = [path for path in _places(record) if path]
    if not places:
        return random.choice(WORDS)
    *way, last = random.choice(places)
    inner = record
    for key in way:
        inner = inner[key]
    action = random.randrange(4)
    if action == 0 and isinstance(inner, dict):
        inner[f"{last}_"] = inner.pop(last)
    elif action == 1:
        del inner[last]
    else:
        inner[last] = random.choice(WORDS)
    return record


def _places(record: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    if isinstance(record, dict | list):
        for key in record if isinstance(record, dict) else range(len(record)):
            found += _places(record[key], (*path, key))
    return found


STRUCTURED: dict[str, Callable[[bytes, Random], bytes]] = {
    "png": png, "jpg": jpeg, "tif": tiff, "bmp": bmp, "webp": riff, "weights": safetensors,
    "checkpoint": safetensors, "toml": toml, "npy": npy, "ome": ome, "zarr": zarr,
    **WORDED_MUTATORS,
}  # fmt: skip
