"""TIFF files that no library at hand writes: LZW of any depth, with an orientation."""

import struct

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
