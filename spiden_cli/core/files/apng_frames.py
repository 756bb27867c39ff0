"""Compose the frames of an animated PNG as the specification says (PNG, third edition, 11.3.6).

Pillow leaves in place what a frame with the disposal "previous" has blended over the one before,
and doesn't add up transparencies that lie over each other; libpng through imagecodecs likewise. So
each part is given to Pillow as a PNG of its own.
"""

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import numpy.typing as npt
from PIL import Image

from spiden_cli.core.files.png_chunks import SIGNATURE, Chunk, as_bytes

__all__ = ["composed_frames"]

_BACKGROUND, _PREVIOUS = 1, 2  # disposals
_OF_HUNDRED = 100  # what the denominator 0 of a duration means
_KEPT = (b"PLTE", b"tRNS")  # chunks that tell what samples mean
_Canvas = npt.NDArray[np.uint8]


@dataclass
class _Part:
    """What is laid over the frame before."""

    width: int
    height: int
    left: int
    top: int
    seconds: Fraction
    disposal: int
    over: bool
    data: list[bytes] = field(default_factory=list)

    @property
    def window(self) -> tuple[slice, slice]:
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)


def composed_frames(encoded: bytes) -> Iterator[tuple[_Canvas, Fraction]]:
    """Compose each frame: (H, W, 4), and how long it is shown, in seconds.

    Args:
        encoded: an animated PNG of 8 bits or less per channel.

    Raises:
        ValueError: parts are damaged, missing, or reach beyond the frame.
    """
    header, kept, parts = _read(encoded)
    width, height = struct.unpack_from(">II", header)
    canvas = np.zeros((height, width, 4), np.uint8)
    for number, part in enumerate(parts):
        before = canvas.copy() if part.disposal == _PREVIOUS else canvas
        window = part.window
        if part.left + part.width > width or part.top + part.height > height:
            raise ValueError("a frame reaches beyond the picture")
        samples = _decoded(header, kept, part)
        canvas[window] = _over(samples, canvas[window]) if part.over else samples
        yield canvas.copy(), part.seconds
        if part.disposal == _BACKGROUND or (part.disposal == _PREVIOUS and number == 0):
            canvas[window] = 0
        elif part.disposal == _PREVIOUS:
            canvas = before


def _read(encoded: bytes) -> tuple[bytes, list[Chunk], list[_Part]]:
    """The header, the chunks that all parts need, and the parts."""
    header, kept, parts, said = b"", list[Chunk](), list[_Part](), 0
    for name, body in _chunks(encoded):
        if name == b"IHDR":
            header = body
        elif name == b"acTL":
            (said,) = struct.unpack_from(">I", body)
        elif name in _KEPT:
            kept.append((name, body))
        elif name == b"fcTL":
            parts.append(_part(body))
        elif name == b"IDAT" and parts:  # without a part it is a picture for other programs
            parts[0].data.append(body)
        elif name == b"fdAT" and parts:
            parts[-1].data.append(body[4:])  # behind its number
    parts = parts[:said]
    if not header or len(parts) < said:
        raise ValueError(f"{len(parts)} of {said} frames")
    return header, kept, parts


def _part(body: bytes) -> _Part:
    width, height, left, top, count, of, disposal, blend = struct.unpack(">4x4I2H2B", body)
    return _Part(
        width, height, left, top, Fraction(count, of or _OF_HUNDRED), disposal, bool(blend)
    )


def _chunks(encoded: bytes) -> Iterator[Chunk]:
    at = len(SIGNATURE)
    while at + 12 <= len(encoded):
        length, name = struct.unpack_from(">I4s", encoded, at)
        body = encoded[at + 8 : at + 8 + length]
        checksum = encoded[at + 8 + length : at + 12 + length]
        if zlib.crc32(name + body).to_bytes(4, "big") == checksum:
            yield name, body
        elif name[:1].isupper() or name in (b"fcTL", b"fdAT", b"acTL", b"tRNS"):
            raise ValueError(f"a wrong checksum of {name!r}")
        at += 12 + length


def _decoded(header: bytes, kept: list[Chunk], part: _Part) -> _Canvas:
    own = struct.pack(">II", part.width, part.height) + header[8:]
    chunks = [(b"IHDR", own), *kept, (b"IDAT", b"".join(part.data)), (b"IEND", b"")]
    with Image.open(io.BytesIO(SIGNATURE + as_bytes(chunks)), formats=("PNG",)) as image:
        return np.asarray(image.convert("RGBA"))


def _over(samples: _Canvas, below: _Canvas) -> _Canvas:
    """Lay a part over what is there, as sheets of glass."""
    own, under = (plane[..., 3:].astype(np.float32) / 255 for plane in (samples, below))
    alpha = own + under * (1 - own)
    mixed = samples[..., :3] * own + below[..., :3] * (under * (1 - own))
    colours = mixed / np.where(alpha > 0, alpha, 1)
    laid = np.rint(np.concatenate([colours, alpha * 255], axis=2)).astype(np.uint8)
    laid = np.where(samples[..., 3:] == 255, samples, laid)
    return np.where(samples[..., 3:] == 0, below, laid)
