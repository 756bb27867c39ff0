"""AVIF of 10 and 12 bits, of which Pillow decodes 8: in full through imagecodecs (libavif)."""

import re
from pathlib import Path

import numpy as np

from spiden_cli.core.image.picture import Pixels

__all__ = ["avif_bits", "decode_avif"]

_AV1C = re.compile(rb"av1C(.{4})", re.DOTALL)  # AV1-ISOBMFF, 2.3.3
_HIGH_DEPTH, _TWELVE_BITS = 0x40, 0x20
_HEAD_LENGTH = 65_536


def avif_bits(path: Path) -> int:
    """Return the bits of a channel: 8, 10 or 12."""
    with path.open("rb") as stream:
        found = _AV1C.search(stream.read(_HEAD_LENGTH))
    if not found or not found[1][2] & _HIGH_DEPTH:
        return 8
    return 12 if found[1][2] & _TWELVE_BITS else 10


def decode_avif(path: Path) -> Pixels:
    """Decode a still of more than 8 bits: (H, W) or (H, W, 2..4), in its own bits, not turned.

    Args:
        path: the file, which Pillow could decode.

    Raises:
        ValueError: it is damaged, or an animation.
    """
    import imagecodecs  # for these alone

    # With the number of a frame libavif's reader in imagecodecs ends the process, in animations.
    samples = np.asarray(imagecodecs.avif_decode(path.read_bytes()))
    if samples.dtype != np.uint16 or samples.ndim > 3:
        raise ValueError("more than one picture")
    return samples
