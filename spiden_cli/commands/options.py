"""Options that several commands share, and how their text becomes values."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spiden_cli.errors import InputError

if TYPE_CHECKING:
    import torch

Device = Annotated[
    str, typer.Option(help="Where to compute: auto, cpu, cuda, cuda:1, mps.", metavar="NAME")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
DataDir = Annotated[
    Path | None,
    typer.Option(
        help="Folder that holds set12/, bsd68/ and so on.", metavar="DIR", show_default=False
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(help="CPU threads; by default all cores.", min=1, show_default=False),
]


def counts(text: str, what: str) -> list[int]:
    """Read "1,2,4,8": whole numbers of at least 1.

    Raises:
        InputError: a part is no such number.
    """
    try:
        values = [int(part) for part in text.split(",")]
    except ValueError:
        raise InputError(f"{what} must be whole numbers, as in 1,2,4; not {text!r}") from None
    if min(values) < 1:
        raise InputError(f"{what} must be at least 1, not {min(values)}")
    return values


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


def torch_device(name: str) -> "torch.device":
    """Return the device of that name; "auto" takes a GPU where there is one.

    Raises:
        InputError: there is no such device here.
    """
    import torch

    if name == "auto":
        found = torch.accelerator.current_accelerator()
        return found if found is not None and torch.accelerator.is_available() else _cpu()
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError):
        raise InputError(f"no device {name!r} here: use auto, or cpu") from None
    return device


def _cpu() -> "torch.device":
    import torch

    return torch.device("cpu")


def use_threads(count: int | None) -> None:
    """Let torch use that many CPU threads."""
    import torch

    if count is not None:
        torch.set_num_threads(count)
