"""Pixels and planes: (H, W) or (H, W, 3) stored values <-> (C, H, W) float32 from black 0 to white 1."""

import numpy as np
import numpy.typing as npt

from spiden_cli.core.image.picture import Pixels, Range

Planes = npt.NDArray[np.float32]


def to_unit(pixels: Pixels, extent: Range) -> Planes:
    planes = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    values = np.ascontiguousarray(planes, dtype=np.float32)
    return (values - np.float32(extent.black)) / np.float32(extent.white - extent.black)


def to_pixels(planes: Planes, dtype: npt.DTypeLike, extent: Range | None = None) -> Pixels:
    dtype = np.dtype(dtype)
    if np.isnan(planes).any():
        raise ValueError("the planes have NaN values")
    peak = np.float32(np.iinfo(dtype).max if extent is None else extent.white)
    values = np.rint(planes.clip(0.0, 1.0) * peak).astype(dtype)
    return values[0] if len(values) == 1 else np.ascontiguousarray(values.transpose(1, 2, 0))
