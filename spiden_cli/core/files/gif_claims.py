"""Where the frames of a GIF lie: asked before Pillow, which lets them grow the picture, sees any.

A frame has a place and a size of its own, in 16 bits each. One of a few bytes that claims 65,535 by
65,535 pixels would be filled with the background before it is decoded.
"""

from pathlib import Path
from typing import BinaryIO

from spiden_cli.core.files.claims import LZW, refusal
from spiden_cli.core.files.decoding import check_size
from spiden_cli.core.regular_file import open_regular
from spiden_cli.errors import InputError

__all__ = ["check_gif_frames"]

_EXTENSION, _FRAME = b"!", b","
_HEADER, _DESCRIPTOR = 13, 9  # bytes


def check_gif_frames(path: Path) -> None:
    """Refuse a GIF one of whose frames can't be held by the file, or lies beyond the picture.

    Any other file passes. The first frame may lie beyond, and makes the picture as large as itself,
    as other programs have it. What is damaged otherwise is left to the decoder.

    Raises:
        InputError: there is such a frame, or the picture is too small or too large.
        OSError: the file can't be read.
    """
    with open_regular(path) as stream:
        header = stream.read(_HEADER)
        if len(header) < _HEADER or not header.startswith(b"GIF"):
            return
        width, height = _pair(header, 6)
        _skip_palette(stream, header[10])
        number = 0
        while (frame := _next_frame(stream)) is not None:
            right, bottom = (
                place + side for place, side in zip(_pair(frame, 0), _pair(frame, 4), strict=True)
            )
            if number == 0:
                width, height = max(width, right), max(height, bottom)
                if width * height > LZW * path.stat().st_size:
                    raise refusal(path, width, height)
                check_size(path, width, height)
            elif right > width or bottom > height:
                raise InputError(
                    f"{path}: damaged or incomplete picture (frame {number + 1} reaches beyond its "
                    f"{width} x {height} pixels); get a fresh copy"
                )
            number += 1
            _skip_palette(stream, frame[8])
            stream.read(1)  # bits of the first code
            _skip_blocks(stream)


def _next_frame(stream: BinaryIO) -> bytes | None:
    """Return the next frame's descriptor; None at the end. Passes over what else there is."""
    while kind := stream.read(1):
        if kind == _EXTENSION:
            stream.read(1)
            _skip_blocks(stream)
        elif kind == _FRAME:
            frame = stream.read(_DESCRIPTOR)
            return frame if len(frame) == _DESCRIPTOR else None
        elif kind == b";":
            return None
    return None


def _skip_palette(stream: BinaryIO, flags: int) -> None:
    if flags & 128:
        stream.seek(3 << (flags & 7) + 1, 1)


def _skip_blocks(stream: BinaryIO) -> None:
    while (length := stream.read(1)) not in (b"", b"\0"):
        stream.seek(length[0], 1)


def _pair(content: bytes, at: int) -> tuple[int, int]:
    return (
        int.from_bytes(content[at : at + 2], "little"),
        int.from_bytes(content[at + 2 : at + 4], "little"),
    )
