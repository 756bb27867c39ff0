"""The options that say what the noise is, beside its level: above all that of photon counts."""

from typing import TYPE_CHECKING, Annotated

import typer

from spiden_cli.commands.options import one_sigma
from spiden_cli.errors import InputError

if TYPE_CHECKING:
    from spiden_cli.core.noise.model import Noise

COUNTS = "Photon counts"
KINDS = ("auto", "white", "poisson-gaussian")
HOT_PIXELS = ("auto", "off")

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
        help="Standard deviation of what reading adds, in the file's values, not electrons; by "
        "default estimated.",
        metavar="VALUE",
        show_default=False,
        rich_help_panel=COUNTS,
    ),
]
HotPixels = Annotated[
    str,
    typer.Option(
        help="auto: in photon counts, stuck pixels are replaced by their neighbours, and offsets "
        "of whole rows or columns removed. off: neither.",
        metavar="|".join(HOT_PIXELS),
        rich_help_panel=COUNTS,
    ),
]


def read_noise(
    sigma: str, kind: str, gain: float | None, offset: float | None, read: float | None
) -> "Noise | float | None":
    """Return the noise that the options ask for; None where all of it is to be estimated.

    Args:
        sigma: "auto", or a level.
        kind: of `KINDS`.
        gain: as given; None if it wasn't.
        offset: likewise.
        read: likewise, the read noise.

    Raises:
        InputError: an option can't be used, or two of them not together.
    """
    from spiden_cli.core.noise.model import Gaussian, Unknown, UnknownCounts

    if kind not in KINDS:
        raise InputError(f"unknown noise {kind!r}: --noise is one of {', '.join(KINDS)}")
    given = {"--gain": gain, "--offset": offset, "--read-noise": read}
    named = [name for name, value in given.items() if value is not None]
    counts = kind == "poisson-gaussian" or bool(named)
    if kind == "white" and named:
        raise InputError(
            f"{named[0]} is for --noise poisson-gaussian, not white: leave out one of the two"
        )
    if sigma != "auto" and counts:
        other = named[0] if named else "--noise poisson-gaussian"
        raise InputError(
            f"--sigma is one level for all pixels, and with {other} the level grows with "
            "brightness: leave out one of the two"
        )
    if counts:
        return UnknownCounts(gain, offset, read)
    level = None if sigma == "auto" else one_sigma(sigma)
    if kind == "white":
        return Unknown(white=True) if level is None else Gaussian(level)
    return level


def repairs(hot_pixels: str) -> bool:
    """Return whether stuck pixels are to be looked for.

    Raises:
        InputError: the word is unknown.
    """
    if hot_pixels not in HOT_PIXELS:
        raise InputError(f"--hot-pixels must be {' or '.join(HOT_PIXELS)}, not {hot_pixels!r}")
    return hot_pixels == "auto"
