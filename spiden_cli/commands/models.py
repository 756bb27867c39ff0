"""`spiden models`: what weights ship, and what a weights file says of itself."""

from typing import Annotated

import typer

from spiden_cli.commands.options import AsJson
from spiden_cli.report.console import print_json
from spiden_cli.report.models import ModelReport, print_models


def models(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Bundled names or weights files; by default all that ship.",
            metavar="[NAME|FILE]...", show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """List the bundled models: network, training, held-out PSNR and cost."""
    from spiden_cli.core.bundled import find_weights, model_names
    from spiden_cli.core.weights import read_info

    reports = [
        ModelReport(name, find_weights(name), read_info(find_weights(name)))
        for name in names or model_names()
    ]
    if as_json:
        print_json([report.as_json() for report in reports])
    else:
        print_models(reports)
