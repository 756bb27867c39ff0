"""Options that several commands share, and how their text becomes values."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from spiden_cli.errors import InputError

if TYPE_CHECKING:
    from spiden_cli.core.image.region import Region

MOST_THREADS = 256

MODEL, MACHINE = "Model", "Machine"  # groups of options in the help

SHOW_HELP = (
    "Draw before and after in the terminal: in pixels where it can (kitty, iTerm2, sixels; with "
    "spiden[show]), else in half blocks."
)

Value = TypeVar("Value")

Device = Annotated[
    str,
    typer.Option(
        help="Where to compute: auto, cpu, cuda, cuda:1, mps, xpu.", metavar="NAME",
        rich_help_panel=MACHINE,
    ),
]  # fmt: skip
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace files that are there; never one that is read.")
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        help="Folder that holds set12/, bsd68/ and so on.", metavar="DIR", show_default=False
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        help="CPU threads; by default all cores.", min=1, max=MOST_THREADS, show_default=False,
        rich_help_panel=MACHINE,
    ),
]  # fmt: skip
Show = Annotated[bool, typer.Option("--show", help=SHOW_HELP)]
MaxMemory = Annotated[
    str | None,
    typer.Option(
        help="Memory that a picture may take, such as 4G or 500M: a larger one is refused before "
        "the work; by default four fifths of what is free.",
        metavar="SIZE", show_default=False, rich_help_panel=MACHINE,
    ),
]  # fmt: skip
Seed = Annotated[int, typer.Option(help="Seed of all randomness.", min=0, max=2**63 - 1)]


def listed(text: str, read: Callable[[str], Value]) -> list[Value]:
    """Read a list with commas, blanks allowed around them, each value once.

    Args:
        text: "15, 25".
        read: what makes a value of a part of it, or refuses it.
    """
    return list(dict.fromkeys(read(part.strip()) for part in text.split(",")))


def counts(text: str, what: str, most: int | None = None) -> list[int]:
    """Read "1,2,4,8": whole numbers of at least 1.

    Args:
        text: the numbers; one that comes twice stays twice.
        what: they count, for messages.
        most: the largest that may be; None: that of timesteps.

    Raises:
        InputError: a part is no such number.
    """
    from spiden_cli.core.network.config import MOST_TIMESTEPS

    try:
        values = [int(part) for part in text.split(",")]
    except ValueError:
        raise InputError(f"{what} must be whole numbers, as in 1,2,4; not {text!r}") from None
    limit = MOST_TIMESTEPS if most is None else most
    for value in values:
        if not 1 <= value <= limit:
            raise InputError(f"the number of {what} must be 1 to {limit}, not {value}")
    return values


def model_names(text: str) -> list[str]:
    """Read "base, tiny" as names or files, each once; the name of a file may hold commas.

    Raises:
        InputError: a name is empty.
    """
    names = [text] if Path(text).is_file() else listed(text, str)
    if not all(names):
        raise InputError(f"a model's name is missing in {text!r}: give names with commas")
    return names


def one_sigma(text: str) -> float:
    """Read "25", a noise level in 8-bit units.

    Raises:
        InputError: the text is no number from 0 to 255.
    """
    try:
        level = float(text)
    except ValueError:
        level = -1.0
    if not 0 <= level <= 255:
        raise InputError(f"sigma must be a number from 0 to 255, in 8-bit units; not {text!r}")
    return level


def read_region(text: str, option: str) -> "Region":
    """Read "100,50,400,300", a part of a picture: left, top, width and height in pixels.

    Args:
        text: the numbers.
        option: that they were given with, for messages.

    Raises:
        InputError: the text is no such part.
    """
    from spiden_cli.core.image.region import Region

    numbers = re.fullmatch(r"\s*(\d{1,9})" + r"\s*,\s*(\d{1,9})" * 3 + r"\s*", text)
    if not numbers or 0 in (int(numbers[3]), int(numbers[4])):
        raise InputError(
            f"{option} takes X,Y,W,H: left, top, width and height of a part in pixels, as in "
            f"100,50,400,300; not {text!r}"
        )
    return Region(*(int(number) for number in numbers.groups()))


def was_given(context: typer.Context, name: str) -> bool:
    """Return whether an option was given on the command line, by the name of its parameter."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def one_of(option: str, given: str, known: Sequence[str]) -> None:
    """Refuse a word that an option doesn't know.

    Raises:
        InputError: it is none of those known.
    """
    if given not in known:
        raise InputError(f"{option} must be {' or '.join(known)}, not {given!r}")


def sigma_range(text: str) -> tuple[float, float]:
    """Read "25" or "0:55" as the lowest and highest noise level, in 8-bit units.

    Raises:
        InputError: the text is neither.
    """
    parts = text.split(":")
    try:
        low, high = float(parts[0]), float(parts[-1])
    except ValueError:
        low, high = 1.0, 0.0
    if len(parts) > 2 or not 0 <= low <= high <= 255:
        raise InputError(f"sigma must be a level such as 25, or a range such as 0:55; not {text!r}")
    return low, high


def seconds(text: str) -> float:
    """Read a time such as 90, 90s, 9m or 1.5h, in seconds.

    Raises:
        InputError: the text is no time.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text.strip())
    if not match or float(match[1]) == 0:
        raise InputError(f"a time must look like 90s, 9m or 1.5h; not {text!r}")
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]


def memory_size(text: str) -> int:
    """Read a size of memory such as 4G, 1.5GB or 500M, in bytes.

    Raises:
        InputError: the text is no size.
    """
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)\s*([KMGT])i?B?", text.strip(), re.IGNORECASE)
    if not match or float(match[1]) == 0:
        raise InputError(f"a size of memory must look like 4G or 500M; not {text!r}")
    return int(float(match[1]) * 1000 ** (1 + "KMGT".index(match[2].upper())))


def check_data_dir(data_dir: Path | None, datasets: Sequence[str]) -> None:
    """Refuse a folder of data sets where it would be ignored.

    Args:
        data_dir: what was given.
        datasets: names or folders.

    Raises:
        InputError: none of the data sets is looked for by name.
    """
    from spiden_cli.core.data.datasets import dataset_names

    if data_dir is not None and not set(datasets) & set(dataset_names()):
        raise InputError(
            "--data-dir is where data sets are looked for by name: leave it out, or name one of "
            f"{', '.join(dataset_names())}"
        )


def use_threads(count: int | None) -> None:
    """Let torch use that many CPU threads."""
    import torch

    if count is not None:
        torch.set_num_threads(count)
