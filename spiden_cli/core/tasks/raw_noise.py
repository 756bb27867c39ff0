"""The noise of a camera raw file, estimated where demosaicing hasn't changed it.

Demosaicing spreads noise over neighbours and draws it into lines along what it takes for edges. A
developed picture with strong noise is then taken for one with little, or for one with white noise
(docs/files.md has figures). Developed at half size, in which each pixel has its own four of the
sensor, the noise is white, and as strong as it is.
"""

from dataclasses import replace
from pathlib import Path

from spiden_cli.core.files.camera_raw import read_half_size
from spiden_cli.core.noise.blind import NoiseEstimate, estimate_noise
from spiden_cli.errors import InputError

__all__ = ["estimate_raw_noise"]

_AFTER_DEMOSAICING = 0.83
"""Level at full size over that at half size: interpolated colours are means of noisy ones.
Between 0.79 and 0.87 for LibRaw's AHD at sensor noise of ISO 800 and above."""


def estimate_raw_noise(path: Path) -> NoiseEstimate | None:
    """Estimate the noise that a raw file has once it is developed at full size.

    Returns:
        Coarse noise; None for a sensor without a mosaic, and for a picture too small.

    Raises:
        InputError: the file can't be read.
    """
    half = read_half_size(path)
    if half is None:
        return None
    try:
        found = estimate_noise(half)
    except InputError:  # too small
        return None
    level, sigma = (_AFTER_DEMOSAICING * value for value in (found.level, found.sigma))
    return replace(found, level=level, sigma=sigma, is_white=False)
