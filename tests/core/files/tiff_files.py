"""TIFF files that no library at hand writes: LZW with an orientation, chroma of fewer pixels."""

import struct
import zlib

import numpy as np


def lzw_tiff(samples: np.ndarray, byteorder: str = "<", orientation: int = 1) -> bytes:
    """A TIFF whose one strip is LZW: 9-bit literals with a Clear code often enough (TIFF 6.0).

    Args:
        samples: (H, W) or (H, W, 2..4), uint8 or uint16; 2 and 4 channels have alpha.
        byteorder: "<" or ">".
        orientation: tag 274.
    """
    samples = np.atleast_3d(samples)
    codes = []
    for i, byte in enumerate(samples.astype(samples.dtype.newbyteorder(byteorder)).tobytes()):
        codes += [256, byte] if i % 200 == 0 else [byte]
    bits = "".join(f"{code:09b}" for code in [*codes, 257])
    bits += "0" * (-len(bits) % 8)
    strip = int(bits, 2).to_bytes(len(bits) // 8, "big")
    height, width, channels = samples.shape
    values = {256: (4, [width]), 257: (4, [height])}
    values |= {258: (3, [samples.dtype.itemsize * 8] * channels), 259: (3, [5])}
    values |= {262: (3, [2 if channels > 2 else 1]), 273: (4, [8]), 274: (3, [orientation])}
    values |= {277: (3, [channels]), 278: (4, [height]), 279: (4, [len(strip)])}
    values |= {338: (3, [2])} if channels in (2, 4) else {}
    strip += bytes(len(strip) % 2)
    bits_offset = 8 + len(strip)
    head = (b"II*\0" if byteorder == "<" else b"MM\0*") + struct.pack(
        byteorder + "I", bits_offset + 8
    )
    depths = struct.pack(f"{byteorder}4H", *[samples.dtype.itemsize * 8] * 4)
    entries = b""
    for tag, (kind, numbers) in values.items():
        if kind == 3 and len(numbers) > 2:
            value = struct.pack(byteorder + "I", bits_offset)
        elif kind == 3:
            value = struct.pack(byteorder + "HH", *numbers, *[0] * (2 - len(numbers)))
        else:
            value = struct.pack(byteorder + "I", *numbers)
        entries += struct.pack(byteorder + "HHI", tag, kind, len(numbers)) + value
    return head + strip + depths + struct.pack(byteorder + "H", len(values)) + entries + bytes(4)


def ycbcr_tiff(
    codes: np.ndarray,
    across: int,
    down: int,
    deflate: bool = False,
    rows: int = 16,
    tile: int = 0,
    levels: tuple[int, ...] = (0, 255, 128, 255, 128, 255),
) -> bytes:
    """A TIFF of luma and chroma in data units of `across * down` pixels (TIFF 6.0, section 21).

    Args:
        codes: (H, W, 3), uint8: Y, Cb and Cr; of a unit the first pixel's chroma is stored.
        across: columns that share one chroma.
        down: rows that do.
        deflate: compressed so, else not at all.
        rows: of a strip.
        tile: side of a tile; 0 for strips.
        levels: ReferenceBlackWhite.
    """
    height, width = codes.shape[:2]
    tall, wide = (tile, tile) if tile else (rows, width)
    parts = []
    for top in range(0, height, tall):
        for left in range(0, width, wide):
            part = codes[top : top + tall, left : left + wide]
            y, x = (tall, wide) if tile else part.shape[:2]
            y, x = -(-y // down) * down, -(-x // across) * across
            margins = (0, y - part.shape[0]), (0, x - part.shape[1]), (0, 0)
            part = np.pad(part, margins, "edge")
            luma = part[..., 0].reshape(y // down, down, x // across, across).swapaxes(1, 2)
            luma = luma.reshape(y // down, x // across, down * across)
            unit = np.dstack([luma, part[::down, ::across, 1:]]).tobytes()
            parts.append(zlib.compress(unit) if deflate else unit)
    tags = {256: (4, [width]), 257: (4, [height]), 258: (3, [8, 8, 8])}
    tags |= {259: (3, [8 if deflate else 1]), 262: (3, [6]), 277: (3, [3])}
    places, sizes = (324, 325) if tile else (273, 279)
    tags |= {322: (4, [tile]), 323: (4, [tile])} if tile else {278: (4, [rows])}
    starts = 8 + np.cumsum([0, *(len(part) for part in parts)])
    tags |= {places: (4, starts[:-1].tolist()), sizes: (4, [len(part) for part in parts])}
    tags |= {530: (3, [across, down]), 532: (5, [n for level in levels for n in (level, 1)])}
    strips = b"".join(parts)
    strips += bytes(len(strips) % 2)
    entries, far = b"", b""
    behind = 8 + len(strips) + 2 + 12 * len(tags) + 4
    for tag, (kind, values) in sorted(tags.items()):
        content = struct.pack(f"<{len(values)}{'H' if kind == 3 else 'I'}", *values)
        count = len(values) // (2 if kind == 5 else 1)
        if len(content) > 4:
            content, far = (
                struct.pack("<I", behind + len(far)),
                far + content + bytes(len(content) % 2),
            )
        entries += struct.pack("<HHI", tag, kind, count) + content.ljust(4, b"\0")
    head = b"II*\0" + struct.pack("<I", 8 + len(strips))
    return head + strips + struct.pack("<H", len(tags)) + entries + bytes(4) + far
