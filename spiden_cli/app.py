"""The command line: its commands, and the only place where an error becomes a line and a code."""

import functools
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import typer

from spiden_cli import __version__
from spiden_cli.commands.analyze import analyze
from spiden_cli.commands.denoise import denoise
from spiden_cli.commands.energy import energy
from spiden_cli.commands.evaluate import evaluate
from spiden_cli.commands.models import models
from spiden_cli.commands.train import train
from spiden_cli.errors import SpidenError
from spiden_cli.report.console import fail

INTERRUPTED = 128 + signal.SIGINT

app = typer.Typer(
    name="spiden",
    help="Denoise images with a deep spiking neural network; train it, test it, count its energy.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _reported(command: Callable[..., None]) -> Callable[..., None]:
    """Turn spiden's errors and Ctrl-C into one line and an exit code."""

    @functools.wraps(command)
    def run(*arguments: Any, **options: Any) -> None:  # noqa: ANN401
        try:
            command(*arguments, **options)
        except SpidenError as error:
            fail(str(error))
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt:
            fail("interrupted")
            raise typer.Exit(INTERRUPTED) from None

    return run


for _command in (denoise, evaluate, energy, analyze, models, train):
    app.command()(_reported(_command))


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"spiden {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version and leave."
    ),
) -> None:
    pass


def main() -> None:
    """Run the command line; leave with the exit code of the error, if there was one."""
    try:
        app(prog_name="spiden")
    except BrokenPipeError:  # the reader of a pipe, such as `head`, has left
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
