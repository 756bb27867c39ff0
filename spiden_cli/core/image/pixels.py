"""Stored pixels (H, W) or (H, W, 3), and planes (C, H, W) from black 0 to white 1."""

import numpy as np
import numpy.typing as npt

from spiden_cli.core.image.picture import Pixels, Range, full_range

__all__ = ["Planes", "to_pixels", "to_unit"]

Planes = npt.NDArray[np.float32]


def to_unit(pixels: Pixels, extent: Range | None = None) -> Planes:
    """Scale pixels to [0, 1].

    Args:
        pixels: (H, W) grey or (H, W, 3) RGB.
        extent: black and white; None: all that the type holds.

    Returns:
        (1, H, W) or (3, H, W) float32, contiguous.
    """
    black_white = full_range(pixels.dtype) if extent is None else extent
    planes = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    values = np.ascontiguousarray(planes, dtype=np.float32)
    return (values - np.float32(black_white.black)) / np.float32(black_white.span)


def to_pixels(planes: Planes, dtype: npt.DTypeLike, extent: Range | None = None) -> Pixels:
    """Clip to [0, 1] and round to the nearest stored value, ties to even (IEEE 754, `np.rint`).

    The inverse of `to_unit`. Floats are neither clipped nor rounded.

    Args:
        planes: (1, H, W) or (3, H, W); NaN is refused.
        dtype: uint8, uint16 or float32.
        extent: black and white; None: all that the type holds.

    Returns:
        (H, W) or (H, W, 3) of `dtype`.

    Raises:
        ValueError: NaN, another shape or another dtype. That is a fault of the caller.
    """
    kind = np.dtype(dtype)
    if kind not in (np.uint8, np.uint16, np.float32):
        raise ValueError(f"pixels are uint8, uint16 or float32, not {kind}")
    if planes.ndim != 3 or planes.shape[0] not in (1, 3):
        raise ValueError(f"expected (1, H, W) or (3, H, W), got {planes.shape}")
    if np.isnan(planes).any():
        raise ValueError("the planes have NaN values")
    black_white = full_range(kind) if extent is None else extent
    values = planes if kind.kind == "f" else planes.clip(0.0, 1.0)
    values = values * np.float32(black_white.span) + np.float32(black_white.black)
    stored = (values if kind.kind == "f" else np.rint(values)).astype(kind)
    return stored[0] if len(stored) == 1 else np.ascontiguousarray(stored.transpose(1, 2, 0))
