"""JSON that every reader accepts: Python's own writes `Infinity` and `NaN`, which JSON lacks."""

import json
import math
from typing import Any

__all__ = ["dumps", "plain"]


def dumps(record: Any, indent: int | None = None) -> str:  # noqa: ANN401
    """Return a record as JSON; a float that isn't finite becomes null.

    Args:
        record: dictionaries, lists, tuples, strings, numbers, booleans and None.
        indent: spaces for each level; None: all on one line.
    """
    return json.dumps(plain(record), allow_nan=False, indent=indent)


def plain(value: Any) -> Any:  # noqa: ANN401
    """Return a record with None in place of each float that isn't finite."""
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
