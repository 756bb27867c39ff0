"""How long frames are shown, and how often all of them, as formats of animations can say it."""

import itertools
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from spiden_cli.core.files.formats import written_as
from spiden_cli.core.image.animation import Animation
from spiden_cli.errors import OutputError

__all__ = ["Timing", "timing_for", "timing_losses"]

_MILLISECOND = Fraction(1, 1000)
_OF_A_VIEWER = Fraction(1, 10)  # the seconds by which browsers show a frame that has no duration


@dataclass(frozen=True)
class _Limits:
    """What a format holds: seconds of a frame, and of all that end where the last begins; plays."""

    frame: Fraction
    whole: Fraction | None
    plays: int


_LIMITS = {
    "PNG": _Limits(Fraction(65_535), None, 2**31 - 1),  # num_plays is a PNG integer
    "WEBP": _Limits((2**24 - 1) * _MILLISECOND, (2**31 - 1) * _MILLISECOND, 65_535),
    "AVIF": _Limits((2**31 - 1) * _MILLISECOND, None, 2**31 - 1),
}


@dataclass(frozen=True)
class Timing:
    """What is told to an encoder.

    Attributes:
        milliseconds: of each frame; whole, but for PNG.
        plays: how often all of it is shown; 0: for ever.
    """

    milliseconds: list[float] | list[int]
    plays: int


def timing_for(path: Path, animation: Animation) -> Timing:
    """Return what a file says of an animation's time, as near as its format can.

    Raises:
        OutputError: the suffix isn't supported, or all of it takes longer than the format holds.
    """
    name = written_as(path).name
    limits = _LIMITS[name]
    unsaid = _OF_A_VIEWER if name == "AVIF" else Fraction(0)
    seconds = [min(duration or unsaid, limits.frame) for duration in animation.durations]
    if limits.whole is not None and sum(seconds) > limits.whole:
        raise OutputError(
            f"can't write {path}: {name} holds animations of up to {_told(limits.whole)}; choose "
            ".png, or .avif"
        )
    plays = min(animation.plays, limits.plays)
    if name == "PNG":
        return Timing([float(duration / _MILLISECOND) for duration in seconds], plays)
    ends = itertools.accumulate(seconds)  # rounded, so that the sums are as near as can be
    whole = itertools.pairwise((0, *(round(end / _MILLISECOND) for end in ends)))
    return Timing([end - begin for begin, end in whole], plays)


def timing_losses(path: Path, animation: Animation) -> tuple[str, ...]:
    """What a file can't hold of the durations, a short sentence each.

    Raises:
        OutputError: as for `timing_for`.
    """
    timing_for(path, animation)
    name, lost = written_as(path).name, []
    limits = _LIMITS[name]
    if name != "PNG" and any(duration % _MILLISECOND for duration in animation.durations):
        lost.append(f"{name} holds whole milliseconds: durations are rounded, their sum stays")
    if name == "AVIF" and 0 in animation.durations:
        lost.append("AVIF leaves no duration to the viewer: frames without one get 0.1 s")
    if max(animation.durations) > limits.frame:
        lost.append(f"{name} shows a frame for up to {_told(limits.frame)}: longer ones are cut")
    if animation.plays > limits.plays:
        lost.append(f"{name} is played up to {limits.plays} times, not {animation.plays}")
    return tuple(lost)


def _told(seconds: Fraction) -> str:
    hours = float(seconds / 3600)
    return f"{hours:.1f} hours" if hours < 48 else f"{hours / 24:.0f} days"
