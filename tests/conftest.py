"""What tests everywhere need: the real data sets, and one small picture of an awkward size."""

import os
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

_BESIDE_REPOSITORY = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder with set12/, bsd68/, cbsd68/, ...: $SPIDEN_DATA, or ../shared/data."""
    folder = Path(os.environ.get("SPIDEN_DATA") or _BESIDE_REPOSITORY)
    if not (folder / "set12" / "01.png").is_file():
        pytest.skip(f"no image data at {folder}; set SPIDEN_DATA to the folder that holds set12/")
    return folder


@pytest.fixture(scope="session")
def colour_pixels() -> np.ndarray:
    """A natural-looking picture, (31, 37, 3) uint8: odd and not square, so that nothing hides.

    Noise with a 1/f-like spectrum (the statistics of natural images) and one sharp edge.
    """
    generator = np.random.default_rng(2023)
    octaves = [
        gaussian_filter(generator.normal(size=(31, 37, 3)), (scale, scale, 0)) * scale**1.5
        for scale in (0.5, 1, 2, 4, 8)
    ]
    scene = np.sum(octaves, axis=0)
    scene[10:22, 14:30] += 1.5
    scene = (scene - scene.min()) / np.ptp(scene)
    return np.rint(20 + 215 * scene).astype(np.uint8)


@pytest.fixture(scope="session")
def grey_pixels(colour_pixels: np.ndarray) -> np.ndarray:
    """The green channel of `colour_pixels`, (31, 37) uint8."""
    return np.ascontiguousarray(colour_pixels[..., 1])
