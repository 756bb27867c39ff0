"""The options for files that a report is written to: figures and a table."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer

Plot = Annotated[
    list[Path] | None,
    typer.Option(
        help="Draw a figure: FILE.png or FILE.svg; repeatable.", metavar="FILE", show_default=False
    ),
]
Csv = Annotated[
    Path | None,
    typer.Option("--csv", help="Write every figure as CSV.", metavar="FILE", show_default=False),
]


def check_report_files(
    plots: Sequence[Path] | None,
    csv: Path | None,
    reads: Iterable[Path | None],
    overwrite: bool,
) -> None:
    """Check, before any work is done, that all files of a report can be written.

    Args:
        plots: figures.
        csv: the table.
        reads: every file that the command reads.
        overwrite: allow files that are there to be replaced.

    Raises:
        InputError: a file that is read would be replaced, two outputs are one file, or matplotlib
            is missing.
        OutputError: a file is there, can't be written there, or its suffix isn't supported.
    """
    from spiden_cli.core.preflight import check_writes
    from spiden_cli.report.figures import check_plot

    for path in plots or ():
        check_plot(path)
    check_writes(reads, [*(plots or ()), csv], overwrite=overwrite)
