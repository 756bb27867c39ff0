"""JSON that every reader accepts: Python's own writes `Infinity` and `NaN`, which are no JSON."""

import json
import math
from typing import Any


def dumps(record: Any) -> str:  # noqa: ANN401
    """Return a record as JSON on one line; a float that isn't finite becomes null.

    Args:
        record: dictionaries, lists, tuples, strings, numbers, booleans and None.
    """
    return json.dumps(_finite(record), allow_nan=False)


def _finite(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
