"""Where weights come from, in words that can be published: no folder of a machine in them."""

import re
from collections.abc import Sequence
from pathlib import Path

from spiden_cli.core.training.run_folder import WEIGHTS
from spiden_cli.core.weights import read_info


def describe_run(
    preset: str,
    data: Sequence[str],
    images: int,
    command: str,
    start: Path | None,
    teacher: Path | None,
    teacher_weight: float,
    processes: int = 1,
) -> dict[str, str]:
    """Return the notes on a new run that its weights carry.

    Args:
        preset: where the network's shape came from.
        data: names or folders of the training images.
        images: how many those are.
        command: the command line that runs.
        start: weights to start from.
        teacher: weights to learn from.
        teacher_weight: the teacher's share of the loss.
        processes: how many train it.

    Raises:
        WeightsError: a weights file can't be read.
    """
    notes = {
        "preset": preset,
        "data": ", ".join(map(last_part, data)),
        "images": str(images),
        "command": without_folders(command),
        "start": "random weights" if start is None else _name(start),
    }
    if teacher is not None:
        notes["teacher"] = f"{teacher_weight:g} of {_name(teacher)}"
    if processes > 1:
        notes["processes"] = str(processes)
    return notes


def last_part(path: str) -> str:
    """Return the last part of a path in any system's notation; of text without one, the text."""
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1]


def without_folders(text: str) -> str:
    """Reduce each path in a text, as `/a/b`, `--option=/a/b`, `-o/a/b` or `'~/a b'`, to its end."""
    return re.sub(r"'[^']*'|[^\s'()]+", lambda word: _without_folders(word[0]), text)


def _without_folders(word: str) -> str:
    quote = "'" if word.startswith("'") else ""
    body = word.strip("'")
    option = re.match(r"--[\w-]+=|-[A-Za-z](?=[^-])", body) if body.startswith("-") else None
    prefix = option[0] if option else ""
    value = body[len(prefix) :]
    return f"{quote}{prefix}{last_part(value)}{quote}"


def _name(path: Path) -> str:
    """Return what weights are known as: of a run's weights its folder, else the file's name."""
    read_info(path)
    return path.resolve().parent.name if path.name == WEIGHTS else path.stem
