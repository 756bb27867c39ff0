"""CIE L*a*b* of TIFF to sRGB: image editors save it, and no other format here holds it.

Of light D50, as TIFF 6.0, section 23, and ICC profiles have it. Colours beyond sRGB are cut.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["CONVERTED", "srgb_of_lab"]

CONVERTED = "Lab was converted to RGB of 16 bits"

_D50 = np.array([0.9642, 1.0, 0.8249])
# XYZ of D50 to linear sRGB: IEC 61966-2-1 with the adaptation of Bradford (ICC.1:2022, annex E).
_TO_SRGB = np.array(
    [
        [3.1338561, -1.6168667, -0.4906146],
        [-0.9787684, 1.9161415, 0.0334540],
        [0.0719453, -0.2289914, 1.4052427],
    ]
)
_BEND = 6 / 29


def srgb_of_lab(samples: npt.NDArray[Any], signed: bool) -> npt.NDArray[np.uint16]:
    """Turn Lab to sRGB.

    Args:
        samples: (H, W, 3), uint8 or uint16: L*, a* and b* as they are stored.
        signed: whether a* and b* are signed (CIELAB), or have an offset (ICCLAB).

    Returns:
        (H, W, 3).
    """
    kind = np.dtype(np.int8 if samples.dtype == np.uint8 else np.int16)
    unit, most = 256 if kind == np.int16 else 1, np.iinfo(samples.dtype).max
    pixels = np.empty(samples.shape, np.uint16)
    for row, result in zip(samples, pixels, strict=True):  # row by row: floats take memory
        light = row[:, 0] * (100 / most)
        colours = row[:, 1:]
        a, b = (colours.view(kind) / unit if signed else (colours - (most + 1) / 2) / unit).T
        middle = (light + 16) / 116
        curve = np.stack([middle + a / 500, middle, middle - b / 200], axis=1)
        xyz = np.where(curve > _BEND, curve**3, 3 * _BEND**2 * (curve - 4 / 29)) * _D50
        linear = (xyz @ _TO_SRGB.T).clip(0, 1)
        bent = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
        result[:] = np.rint(bent * 65535)
    return pixels
