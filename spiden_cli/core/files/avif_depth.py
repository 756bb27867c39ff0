"""AVIF of 10 and 12 bits, of which Pillow decodes 8: in full through imagecodecs (libavif)."""

from pathlib import Path

import numpy as np

from spiden_cli.core.image.picture import Pixels

__all__ = ["decode_avif"]


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
