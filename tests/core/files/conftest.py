"""Pictures of every kind that must survive a file, and an EXIF block with everything in it."""

from collections.abc import Callable

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms

from spiden_cli.core.files.picture_files import Picture


@pytest.fixture
def picture(colour_pixels: np.ndarray) -> Callable[..., Picture]:
    """Make a picture of the given kind with distinct values in every bit."""

    def make(depth: int = 8, *, colour: bool = True, alpha: bool = False) -> Picture:
        samples = np.dstack([colour_pixels, colour_pixels[::-1, ::-1, 0]])
        if depth == 16:
            low = np.random.default_rng(1).integers(0, 256, samples.shape, dtype=np.uint16)
            samples = samples.astype(np.uint16) * 256 + low
        pixels = samples[..., :3] if colour else samples[..., 1]
        return Picture(np.ascontiguousarray(pixels), samples[..., 3].copy() if alpha else None)

    return make


@pytest.fixture(scope="session")
def srgb() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.fixture
def camera_exif() -> Image.Exif:
    """Orientation 6 (a quarter turn), camera, owner, exposure, place, 37 x 31 as stored."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Make] = "Kamera"
    exif[ExifTags.Base.Artist] = "A. Photographer"
    directory = exif.get_ifd(ExifTags.IFD.Exif)
    directory[ExifTags.Base.ExposureTime] = 0.01
    directory[ExifTags.Base.ExifImageWidth] = 37
    directory[ExifTags.Base.ExifImageHeight] = 31
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
    return exif
