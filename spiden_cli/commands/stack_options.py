"""The options of `spiden denoise` that stacks of planes have."""

from typing import Annotated

import typer

STACKS = "Stacks and microscopy"

Axes = Annotated[
    str | None,
    typer.Option(
        help="What the dimensions of a stack are, such as TZCYX: X, Y, Z, time T, channel C, "
        "samples of a colour S; by default what the file says.",
        metavar="LETTERS",
        show_default=False,
        rich_help_panel=STACKS,
    ),
]
Channels = Annotated[
    str,
    typer.Option(
        help="independent: red, green and blue are three dyes, and say nothing about each other, "
        "as is found by itself where each holds photon counts; together: they are a photograph. "
        "Channels of ImageJ and OME are independent.",
        metavar="KIND",
        rich_help_panel=STACKS,
    ),
]
LevelPer = Annotated[
    str,
    typer.Option(
        help="Estimate one noise level for each channel, or for each plane.",
        metavar="channel|plane",
        rich_help_panel=STACKS,
    ),
]
AverageFrames = Annotated[
    bool,
    typer.Option(
        "--average-frames",
        help="The frames show the same: take their mean first.",
        rich_help_panel=STACKS,
    ),
]
