"""What noise a picture holds: its kind and its strength."""

import dataclasses
import re
from typing import TypeAlias

import numpy as np

from spiden_cli.core.image.picture import Picture
from spiden_cli.core.noise.blind import NoiseEstimate, estimate_noise
from spiden_cli.core.noise.model import Gaussian, Noise, Unknown, UnknownCounts, found_noise
from spiden_cli.core.noise.photon_transfer import CountsEstimate, estimate_counts
from spiden_cli.errors import InputError

__all__ = ["Dyes", "Estimate", "counts_of_dyes", "estimated", "is_of_camera", "noise_of"]

_COUNTING = re.compile(r"(photon|single)[\s_-]*counting", re.IGNORECASE)

Estimate: TypeAlias = NoiseEstimate | CountsEstimate
Dyes: TypeAlias = tuple[CountsEstimate | None, ...]
"""What was found of each colour; of one without noise, None."""


def estimated(wanted: Noise, picture: Picture) -> Estimate | None:
    """Estimate what is unknown of the noise.

    Counts are looked for in grey pictures: what made a photograph of colours has mixed them.

    Args:
        wanted: what is known of it.
        picture: the noisy picture.

    Returns:
        None if nothing is unknown.

    Raises:
        InputError: the picture is too small to tell.
    """
    if isinstance(wanted, UnknownCounts):
        return _counts(picture, wanted)
    if not isinstance(wanted, Unknown):
        return None
    if not (wanted.white or picture.is_colour) and (counts := _evident_counts(picture)):
        return counts
    found = estimate_noise(picture.pixels, picture.levels)
    if not wanted.white:
        return found
    return dataclasses.replace(found, level=found.white, sigma=found.white, is_white=True)


def noise_of(estimate: Estimate, picture: Picture, for_camera: bool) -> Noise:
    """Return the noise that was found, as a network should be told of it; see `found_noise`."""
    if isinstance(estimate, NoiseEstimate):
        return found_noise(estimate, for_camera)
    if estimate.noise is not None:
        return estimate.noise
    return Gaussian(min(255.0, 255 * estimate.level / picture.levels.span))


def is_of_camera(estimate: Estimate | None) -> bool:
    """Return whether the noise that was found is coarse, as a camera's is."""
    return isinstance(estimate, NoiseEstimate) and not estimate.is_white


def counts_of_dyes(picture: Picture) -> Dyes:
    """Return the counts that each colour holds of its own, as dyes do.

    A camera has interpolated its colours and put them through a curve, and no counts are left. A
    colour of one value, as where there are only two dyes, may be beside them.

    Args:
        picture: any; of 8 bits it is a photograph.

    Returns:
        What `estimated` finds of each colour, None for one of one value; nothing where the colours
        are a photograph's.
    """
    if not picture.is_colour or picture.pixels.dtype.itemsize == 1:
        return ()
    found: list[CountsEstimate | None] = []
    for number in range(picture.channels):
        plane = picture.channel(number)
        if not np.ptp(plane.pixels):
            found.append(None)
        elif (counts := _evident_counts(plane)) is not None:
            found.append(counts)
        else:
            return ()
    return tuple(found) if any(found) else ()


def _counts(picture: Picture, known: UnknownCounts, only_evident: bool = False) -> CountsEstimate:
    """Estimate the noise of counts in the units of the file, which pixels may be shifted from."""
    if known.offset is not None:
        known = dataclasses.replace(known, offset=known.offset - picture.base)
    found = estimate_counts(picture.pixels, picture.levels, known, only_evident)
    return found.moved(picture.base)


def _evident_counts(picture: Picture) -> CountsEstimate | None:
    said = says_counts(picture)
    try:
        found = _counts(picture, UnknownCounts(), only_evident=not said)
    except InputError:  # too small to tell
        return None
    return found if found.evident or (said and found.noise is not None) else None


def says_counts(picture: Picture) -> bool:
    """Return whether the file says that its detector counts photons, as OME-XML and others do."""
    metadata = picture.metadata
    words = (metadata.description, metadata.comment, *(text for _, text in metadata.texts))
    return any(_COUNTING.search(text) for text in words if text)
