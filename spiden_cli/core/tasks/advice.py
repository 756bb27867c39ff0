"""What to tell a user of a result that is not what was hoped for: why, and what to try."""

from typing import TYPE_CHECKING

from spiden_cli.core.noise.model import Noise, Uniform
from spiden_cli.core.noise.photon_transfer import CountsEstimate
from spiden_cli.core.tasks.adjustment import MOST_STRENGTH, Adjustment

if TYPE_CHECKING:
    from spiden_cli.core.weights import WeightsInfo

LITTLE = 0.5
"""Root mean square in 8-bit units below which nobody sees that something was removed."""

_LOW = 2.0
"""Level in 8-bit units at which a network that does its work removes little."""
_TRY = 10.0


def no_gain(estimate: object) -> str | None:
    """Say that noise was to be that of counts, and doesn't grow with brightness as theirs does."""
    if not isinstance(estimate, CountsEstimate) or estimate.noise is not None:
        return None
    return (
        "no gain was found, since the noise doesn't grow with brightness: it was taken for noise "
        f"of one level, {estimate.level:.3g}; --gain sets one"
    )


def too_little(
    removed: float,
    noise: Noise,
    estimated: bool,
    adjustment: Adjustment,
    strengths: tuple[float, float],
) -> str | None:
    """Say that little or nothing was removed, why, and what to try; None where enough was.

    Args:
        removed: root mean square of what was removed, in 8-bit units of what the network saw.
        noise: what the picture was taken to hold.
        estimated: whether that was estimated.
        adjustment: what the user changed.
        strengths: for luminance and chroma, as they were used.
    """
    if removed >= LITTLE:
        return None
    what = "nothing was removed"
    if removed:
        what = f"little was removed (about {removed:.1g} of 255 levels)"
    why, hint = _reason(removed, noise, estimated, adjustment, strengths)
    return f"{what}, because {why}; {hint}"


def _reason(
    removed: float,
    noise: Noise,
    estimated: bool,
    adjustment: Adjustment,
    strengths: tuple[float, float],
) -> tuple[str, str]:
    level = noise.sigma if isinstance(noise, Uniform) else None
    strongest = max(strengths)
    if strongest == 0:
        return "the strength is 0", "try --strength 1"
    if level == 0:
        if estimated:
            return "no noise was found in it", f"try --sigma {_TRY:g} to denoise it all the same"
        return "the noise level given is 0", "leave --sigma out to have the level estimated"
    if removed >= LITTLE * (1 - adjustment.detail):  # more would have been, with less of it
        return f"the detail is {adjustment.detail:g}", "try --detail 0.3"
    if removed >= LITTLE * strongest:
        return f"the strength is {strongest:g}", "try --strength 1"
    if level is None:
        return "the picture looks clean to the model at this level", "try a higher one"
    told = level * strongest
    if told >= _LOW:
        return (
            f"the picture looks clean to the model at sigma {told:.3g}",
            f"try {_stronger(level, strongest)}",
        )
    if estimated:
        more = "" if strongest == MOST_STRENGTH else f"--strength {MOST_STRENGTH:g}, or "
        return "hardly any noise was found in it", f"try {more}--sigma {_TRY:g}"
    return (
        f"the noise level given is {level:.3g}",
        f"try --sigma {_TRY:g}, or leave it out to have the level estimated",
    )


def _stronger(level: float, strength: float) -> str:
    if strength < MOST_STRENGTH:
        return f"--strength {MOST_STRENGTH:g}"
    return f"--sigma {min(2 * level * strength, 255):.3g}"


def doubts(noise: Noise, strengths: tuple[float, float], info: "WeightsInfo") -> list[str]:
    """Say why the levels that a model was told ask too much of it.

    Args:
        noise: what the picture was taken to hold.
        strengths: of luminance and chroma.
        info: of the model.
    """
    if not isinstance(noise, Uniform) or noise.sigma == 0:
        return []
    told = dict.fromkeys(min(noise.sigma * strength, 255.0) for strength in strengths if strength)
    return [doubt for level in told if (doubt := info.doubt(level)) is not None]
