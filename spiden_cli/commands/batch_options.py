"""The options of `spiden denoise` that many pictures have: folders, processes, watching, a log."""

from pathlib import Path
from typing import Annotated

import typer

RUN = "Many pictures"
MOST_JOBS = 256

Recursive = Annotated[
    bool,
    typer.Option(
        "--recursive",
        "-r",
        help="Subfolders too; under --output they are made again.",
        rich_help_panel=RUN,
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        "-j",
        help="Pictures at once, each in a process with its share of threads and memory; by default "
        "1, or with --scheduler local one for each core.",
        metavar="N",
        min=1,
        max=MOST_JOBS,
        show_default=False,
        rich_help_panel=RUN,
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        help="Send the work to a Dask cluster, by the address of its scheduler, such as "
        "tcp://HOST:8786; local starts one on this machine.",
        metavar="ADDRESS|local",
        show_default=False,
        rich_help_panel=RUN,
    ),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run", help="Say what would be read and written; do nothing.", rich_help_panel=RUN
    ),
]
Watch = Annotated[
    Path | None,
    typer.Option(
        help="Denoise what is in a folder and what appears there, until Ctrl-C.",
        metavar="FOLDER",
        show_default=False,
        rich_help_panel=RUN,
    ),
]
Log = Annotated[
    Path | None,
    typer.Option(
        help="Add a line of JSON for each picture to a file, as it is done.",
        metavar="FILE",
        show_default=False,
        rich_help_panel=RUN,
    ),
]
