"""The command line: its commands, and the only place where an error becomes a line and a code."""

import errno
import functools
import os
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import typer
from rich.markup import escape
from typer.core import TyperGroup
from typer.main import get_group

from spiden_cli import __version__
from spiden_cli.commands.analyze import analyze
from spiden_cli.commands.compare import compare
from spiden_cli.commands.denoise import denoise
from spiden_cli.commands.denoise_options import EXAMPLES
from spiden_cli.commands.energy import energy
from spiden_cli.commands.evaluate import evaluate
from spiden_cli.commands.export import export
from spiden_cli.commands.models import models
from spiden_cli.commands.noise import noise
from spiden_cli.commands.serve import serve
from spiden_cli.commands.spikes import spikes
from spiden_cli.commands.train import train
from spiden_cli.errors import (
    TOO_LITTLE_MEMORY,
    InputError,
    OutputError,
    SpidenError,
    is_out_of_memory,
)
from spiden_cli.report.console import fail, forget_stdout

INTERRUPTED = 128 + signal.SIGINT
DEBUG_VARIABLE = "SPIDEN_DEBUG"
UNUSABLE_NAME = (errno.ENAMETOOLONG, errno.ELOOP)
NO_ROOM = (errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC))

app = typer.Typer(
    name="spiden",
    help="Denoise images with a deep spiking neural network; train it, test it, count its energy.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _interruptible(command: Callable[..., None]) -> Callable[..., None]:
    """Say that Ctrl-C has ended a command; typer would end it without a word."""

    @functools.wraps(command)
    def run(*arguments: Any, **options: Any) -> None:  # noqa: ANN401
        try:
            command(*arguments, **options)
        except KeyboardInterrupt:
            fail("interrupted")
            raise typer.Exit(INTERRUPTED) from None

    return run


app.command(epilog=EXAMPLES)(_interruptible(denoise))
for _command in (compare, evaluate, energy, analyze, spikes, noise, models, train, export, serve):
    app.command()(_interruptible(_command))


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
    _open_standard_streams()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a name that the terminal's encoding lacks is no error
            stream.reconfigure(errors="backslashreplace")
    try:
        code = _group()(prog_name="spiden", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of a pipe, such as `head`, has left
        forget_stdout()
        code = 0
    except Exception as error:  # the last net: whatever it is, a user gets a line
        if os.environ.get(DEBUG_VARIABLE, "0") != "0":
            traceback.print_exc()
        code, message = _told(error)
        if message:
            fail(message)
        if isinstance(error, OSError):
            forget_stdout()
    sys.exit(code if isinstance(code, int) else 0)


def _open_standard_streams() -> None:
    """Give a stream that the caller has closed (`>&-`) to the null device.

    Else the first file that is opened would have its number, and be written to by who prints.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            with suppress(OSError):
                os.fstat(number)
                continue
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115


def _group() -> TyperGroup:
    """Return the commands, with help in which `spiden[plots]` is text and not markup."""
    group = get_group(app)
    for command in group.commands.values():
        for parameter in command.params:
            if text := getattr(parameter, "help", None):
                parameter.help = escape(text)  # type: ignore[attr-defined]
    return group


def _told(error: Exception) -> tuple[int, str]:
    """Return the exit code for an error, and a line that says what happened and what to do."""
    if isinstance(error, SpidenError):
        return error.exit_code, str(error)
    if isinstance(error, typer.Abort):
        return INTERRUPTED, "interrupted"
    if hasattr(error, "format_message"):  # of typer: an option or a command that isn't right
        context = getattr(error, "ctx", None)
        help_of = f"; see {context.command_path} --help" if context is not None else ""
        message = error.format_message().strip().rstrip(".")
        return getattr(error, "exit_code", 2), message and f"{message}{help_of}"
    if is_out_of_memory(error):
        return 1, TOO_LITTLE_MEMORY
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        return OutputError.exit_code, f"can't write: {error.strerror}"
    if isinstance(error, OSError) and error.errno in UNUSABLE_NAME and error.filename:
        return InputError.exit_code, f"{error.filename}: {error.strerror}; choose another name"
    reason = (str(error).strip() or "no message").splitlines()[0]
    return 1, (
        f"unexpected {type(error).__name__}: {reason}. This is a fault in spiden: please report it "
        f"to its developers, with the command and what it prints with {DEBUG_VARIABLE}=1"
    )
