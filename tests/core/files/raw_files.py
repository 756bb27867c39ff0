"""Synthetic camera raw files: what a sensor with a Bayer mosaic saw, as a DNG that LibRaw reads."""

from pathlib import Path
from typing import Any

import numpy as np
import tifffile

BLACK, WHITE = 512, 16383
NEUTRAL = (0.5, 1.0, 0.65)
"""What the camera sees of white: its white balance divides by it."""

# From XYZ to the camera's own colours: of the Canon EOS 5D Mark II, by Adobe's DNG Converter.
_COLOUR_MATRIX = (0.4716, 0.0603, -0.083, -0.7798, 1.5474, 0.248, -0.1496, 0.1937, 0.6651)


def mosaic_of(scene: np.ndarray, shot: float = 0, read: float = 0, seed: int = 0) -> np.ndarray:
    """Sensor values (H, W) uint16, red at the top left, of linear light (H, W, 3), white 1.

    A value x has the variance shot x + read.
    """
    light = np.clip(scene, 0, 1) * NEUTRAL
    values = light[..., 1].copy()
    values[0::2, 0::2], values[1::2, 1::2] = light[0::2, 0::2, 0], light[1::2, 1::2, 2]
    noise = np.random.default_rng(seed).normal(size=values.shape)
    values += noise * np.sqrt(shot * values + read)
    values[:4, :4] = 1  # LibRaw takes the brightest value for white where that is nearly full
    return np.rint(BLACK + values * (WHITE - BLACK)).clip(0, WHITE).astype(np.uint16)


def write_dng(path: Path, mosaic: np.ndarray, orientation: int = 1, preview: bool = False) -> None:
    """Write sensor values as an uncompressed DNG, behind a preview or alone."""
    tags: list[Any] = [
        (50706, 1, 4, bytes((1, 4, 0, 0)), True),  # DNGVersion
        (50708, 2, 0, "Synthetic", True),  # UniqueCameraModel
        (271, 2, 0, "Kamera", True),
        (272, 2, 0, "Synthetic", True),
        (315, 2, 0, "A. Photographer", True),
        (274, 3, 1, orientation, True),
        (50721, 10, 9, _ratios(_COLOUR_MATRIX), True),
        (50728, 5, 3, _ratios(NEUTRAL), True),  # AsShotNeutral
        (50778, 3, 1, 21, True),  # D65
    ]
    sensor: list[Any] = [
        (33421, 3, 2, (2, 2), True),  # CFARepeatPatternDim
        (33422, 1, 4, bytes((0, 1, 1, 2)), True),  # CFAPattern
        (50714, 3, 1, BLACK, True),
        (50717, 4, 1, WHITE, True),
    ]
    options: Any = {"metadata": None, "software": False}
    with tifffile.TiffWriter(path, byteorder="<") as writer:
        if preview:
            grey = np.full((32, 48, 3), 128, np.uint8)
            writer.write(
                grey, photometric="rgb", subfiletype=1, subifds=1, extratags=tags, **options
            )
            tags = []
        writer.write(mosaic, photometric="cfa", extratags=[*tags, *sensor], **options)


def _ratios(values: tuple[float, ...]) -> tuple[int, ...]:
    return tuple(n for value in values for n in (round(value * 10_000), 10_000))
