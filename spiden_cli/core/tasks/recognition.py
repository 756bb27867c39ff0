"""What noise a picture holds: its kind and strength, and what the file did to it."""

import dataclasses

from spiden_cli.core.image.picture import Picture
from spiden_cli.core.noise.blind import NoiseEstimate, estimate_noise
from spiden_cli.core.noise.clipping import Clipping, clipping_of, deviation_after_clipping
from spiden_cli.core.noise.model import Gaussian, Noise, Unknown, UnknownCounts, found_noise
from spiden_cli.core.noise.photon_transfer import CountsEstimate, estimate_counts
from spiden_cli.errors import InputError

__all__ = ["Estimate", "as_clipped", "estimated", "is_of_camera", "noise_of"]

Estimate = NoiseEstimate | CountsEstimate


def estimated(wanted: Noise, picture: Picture) -> Estimate | None:
    """Estimate what is unknown of the noise.

    Counts are looked for in grey pictures: what made a picture of colours has mixed them.

    Args:
        wanted: what is known of it.
        picture: the noisy picture.

    Returns:
        None if nothing is unknown.

    Raises:
        InputError: the picture is too small to tell.
    """
    if isinstance(wanted, UnknownCounts):
        return estimate_counts(picture.pixels, picture.levels, wanted)
    if not isinstance(wanted, Unknown):
        return None
    if not (wanted.white or picture.is_colour) and (counts := _evident_counts(picture)):
        return counts
    found = estimate_noise(picture.pixels, picture.levels)
    if not wanted.white:
        return found
    return dataclasses.replace(found, level=found.white, sigma=found.white, is_white=True)


def noise_of(estimate: Estimate, for_camera: bool) -> Noise:
    """Return the noise that was found, as a network should be told of it; see `found_noise`."""
    if isinstance(estimate, CountsEstimate):
        return estimate.noise
    return found_noise(estimate, for_camera)


def is_of_camera(estimate: Estimate | None) -> bool:
    """Return whether the noise that was found is coarse, as a camera's is."""
    return isinstance(estimate, NoiseEstimate) and not estimate.is_white


def as_clipped(
    noise: Noise, picture: Picture, was_estimated: bool
) -> tuple[Noise, Clipping | None]:
    """Return the noise as it is in the file, which has clipped it, and what is to be undone.

    A level that was estimated is what clipping left; one that was given is what came before. Floats
    hold values beyond black and white, and noise of other kinds isn't known to be the same there.
    """
    if type(noise) is not Gaussian or picture.pixels.dtype.kind == "f":
        return noise, None
    left = noise.sigma if was_estimated else deviation_after_clipping(noise.sigma)
    return Gaussian(left), clipping_of(picture.pixels, picture.levels, left)


def _evident_counts(picture: Picture) -> CountsEstimate | None:
    try:
        found = estimate_counts(picture.pixels, picture.levels)
    except InputError:  # too small to tell
        return None
    return found if found.evident else None
