"""Two streams: data goes to stdout, talk goes to stderr.

Nothing that is printed is markup: a file may be named `[bold]` or `:smile:`. Style comes from
`Text` and from tables alone.

What can't be printed undoes no work: a reader that has left ends nothing, a full disk under stdout
is an error that says what was written, and talk that nobody can hear is not missed.
"""

import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NoReturn

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from spiden_cli.errors import OutputError

if TYPE_CHECKING:
    from pathlib import Path

_MOST_NAMES = 20
_LONGEST_ERROR = 4000

# C0 and C1 controls, line separators, what turns the direction of text, and half characters, which
# stand for the bytes of a file name that isn't UTF-8.
_INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    r"""Return text on one line, control characters escaped: a name can't move the cursor."""
    return _INVISIBLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def elided(text: str, width: int) -> str:
    """Return text made visible that is at most so wide, cut in the middle: its end tells most.

    Args:
        text: such as the name of a file.
        width: in columns of the terminal; a wide character takes two.
    """
    shown = visible(text)
    if cell_len(shown) <= width:
        return shown
    half = (width - 1) // 2
    end = shown[-1:]
    while cell_len(shown[-len(end) - 1 :]) <= half:
        end = shown[-len(end) - 1 :]
    begin = ""
    while cell_len(shown[: len(begin) + 1]) <= width - 1 - cell_len(end):
        begin = shown[: len(begin) + 1]
    return f"{begin}…{end}"


class _Console(Console):
    """Prints strings as they are; whoever wants several lines in a cell gives `Text`."""

    def render_str(self, text: str, **options: Any) -> Text:  # noqa: ANN401
        return super().render_str(visible(text), **options)

    def on_broken_pipe(self) -> NoReturn:
        raise BrokenPipeError


class _Data(_Console):
    def print(self, *objects: Any, **options: Any) -> None:  # noqa: ANN401
        with _printing():
            super().print(*objects, **options)


class _Talk(_Console):
    def print(self, *objects: Any, **options: Any) -> None:  # noqa: ANN401
        with suppress(OSError, ValueError):  # a full disk or a closed stream
            super().print(*objects, **options)


data = _Data(highlight=False, markup=False, emoji=False)
talk = _Talk(highlight=False, markup=False, emoji=False, stderr=True)


@contextmanager
def _printing() -> Iterator[None]:
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        forget_stdout()
    except OSError as error:
        forget_stdout()
        raise OutputError(f"can't print the result: {error.strerror or error}") from error


def forget_stdout() -> None:
    """Print to nowhere from here on: the end of the process then has nothing to complain of."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


@contextmanager
def reporting_on(files: "Sequence[Path]") -> Iterator[None]:
    """Print inside this context what was done; if that fails, the error names what was written.

    Raises:
        OutputError: the report can't be printed.
    """
    try:
        yield
    except OutputError as error:
        names = ", ".join(str(file) for file in files[:_MOST_NAMES])
        more = f" and {len(files) - _MOST_NAMES} more" if len(files) > _MOST_NAMES else ""
        raise OutputError(f"{error}; the work is done, and written: {names}{more}") from error


def titled(title: str, rest: str = "") -> Text:
    """Return a line that begins with a bold title."""
    return Text.assemble((visible(title), "bold"), visible(rest))


def note(message: str) -> None:
    """Say something in passing."""
    talk.print(Text(visible(message), style="dim"), soft_wrap=True)


def warn(message: str) -> None:
    """Say something that the user should act on."""
    talk.print(Text.assemble(("warning:", "yellow"), " ", visible(message)), soft_wrap=True)


def hush() -> None:
    """Say nothing in passing from now on but errors: another process talks."""
    talk.quiet = True


def fail(message: str) -> None:
    """Say in one line why there is no result; a name in it may be as long as a file."""
    talk.quiet = False
    shown = message if len(message) <= _LONGEST_ERROR else f"{message[:_LONGEST_ERROR]} ..."
    talk.print(Text.assemble(("error:", "bold red"), " ", visible(shown)), soft_wrap=True)


def print_json(record: Any) -> None:  # noqa: ANN401
    """Print a result for another program to read; what isn't finite becomes null."""
    from spiden_cli.core.strict_json import dumps

    with _printing():
        print(dumps(record, indent=2))  # noqa: T201


def print_json_line(record: Any) -> None:  # noqa: ANN401
    """Print a result on one line, at once: one of many that come over time."""
    from spiden_cli.core.strict_json import dumps

    with _printing():
        print(dumps(record))  # noqa: T201
