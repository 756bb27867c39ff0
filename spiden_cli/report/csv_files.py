"""Records as CSV, for a spreadsheet or another program."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write a line for each record, below the names of the first one's fields.

    A number that isn't finite leaves its cell empty. A file name that isn't UTF-8 keeps its bytes.

    Raises:
        OutputError: the file can't be written.
    """
    from spiden_cli.core.atomic import atomic_path
    from spiden_cli.core.strict_json import plain

    with (
        atomic_path(path) as temporary,
        temporary.open("w", newline="", encoding="utf-8", errors="surrogateescape") as stream,
    ):
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(plain(row) for row in rows)
