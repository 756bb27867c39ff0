"""The options that say what the noise is: its level, or gain, offset and read noise of counts."""

from typing import TYPE_CHECKING, Annotated

import typer

from spiden_cli.commands.denoise_options import STRENGTH
from spiden_cli.commands.options import one_of, one_sigma
from spiden_cli.errors import InputError

if TYPE_CHECKING:
    from spiden_cli.core.noise.model import Noise

COUNTS = "Photon counts"
KINDS = ("auto", "white", "poisson-gaussian")
UNITS = ("8-bit", "file")
HOT_PIXELS = ("auto", "off")

SigmaUnit = Annotated[
    str,
    typer.Option(
        help="Unit of --sigma: 8-bit, 1/255 of what lies between black and white, or file, the "
        "file's own values.",
        metavar="|".join(UNITS),
        rich_help_panel=STRENGTH,
    ),
]
Kind = Annotated[
    str,
    typer.Option(
        "--noise",
        help="auto finds out. poisson-gaussian: photon counts, whose noise grows with brightness, "
        "and read noise. white: of one level.",
        metavar="KIND",
        rich_help_panel=COUNTS,
    ),
]
Gain = Annotated[
    float | None,
    typer.Option(
        help="What one photon adds to a pixel; by default estimated.",
        metavar="VALUE",
        show_default=False,
        rich_help_panel=COUNTS,
    ),
]
Offset = Annotated[
    float | None,
    typer.Option(
        help="The pixel of no photon; by default estimated.",
        metavar="VALUE",
        show_default=False,
        rich_help_panel=COUNTS,
    ),
]
ReadNoise = Annotated[
    float | None,
    typer.Option(
        help="Standard deviation of what reading adds, in the file's values, not in electrons; "
        "by default estimated.",
        metavar="VALUE",
        show_default=False,
        rich_help_panel=COUNTS,
    ),
]
HotPixels = Annotated[
    str,
    typer.Option(
        help="auto: in photon counts, stuck pixels and faulty lines are replaced by their "
        "neighbours, and offsets of whole rows or columns taken off. off: neither.",
        metavar="|".join(HOT_PIXELS),
        rich_help_panel=COUNTS,
    ),
]


def repairs(hot_pixels: str) -> bool:
    """Return whether stuck pixels are to be looked for.

    Raises:
        InputError: the word is unknown.
    """
    one_of("--hot-pixels", hot_pixels, HOT_PIXELS)
    return hot_pixels == "auto"


def chosen_noise(
    sigma: str,
    unit: str,
    kind: str,
    gain: float | None,
    offset: float | None,
    read: float | None,
) -> "Noise | None":
    """Return the noise that the options ask for; None where all of it is to be estimated.

    Args:
        sigma: "auto", or a level.
        unit: of `UNITS`.
        kind: of `KINDS`.
        gain: as given; None if it wasn't.
        offset: likewise.
        read: likewise, the read noise.

    Raises:
        InputError: an option can't be used, or two of them not together.
    """
    given = {"--gain": gain, "--offset": offset, "--read-noise": read}
    named = [name for name, value in given.items() if value is not None]
    if kind not in KINDS:
        raise InputError(f"unknown noise {kind!r}: --noise is one of {', '.join(KINDS)}")
    if kind == "white" and named:
        raise InputError(
            f"{named[0]} is for --noise poisson-gaussian, not white: leave out one of the two"
        )
    counts = kind == "poisson-gaussian" or bool(named)
    if sigma != "auto" and counts:
        other = named[0] if named else "--noise poisson-gaussian"
        raise InputError(
            f"--sigma is one level for all pixels, and with {other} the level grows with "
            "brightness: leave out one of the two"
        )
    level = _level(sigma, unit)
    from spiden_cli.core.noise.model import Gaussian, InPixelUnits, Uniform, Unknown, UnknownCounts

    if counts:
        return UnknownCounts(gain, offset, read)
    if level is None:
        return Unknown(white=True) if kind == "white" else None
    if unit == "file":
        return InPixelUnits(level, is_white=kind == "white")
    return Gaussian(level) if kind == "white" else Uniform(level)


def _level(sigma: str, unit: str) -> float | None:
    """Return the level in its unit; None to estimate it."""
    one_of("--sigma-unit", unit, UNITS)
    if unit == "8-bit":
        return None if sigma == "auto" else one_sigma(sigma)
    if sigma == "auto":
        raise InputError("--sigma-unit file is of a level: give one with --sigma, or leave it out")
    try:
        level = float(sigma)
    except ValueError:
        level = -1.0
    if not 0 <= level < float("inf"):
        raise InputError(f"sigma must be a number from 0 on, in the file's values; not {sigma!r}")
    return level
