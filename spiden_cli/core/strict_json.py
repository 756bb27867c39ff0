"""JSON that every reader accepts: Python's own writes `Infinity` and `NaN`, which JSON lacks.

And JSON that a stranger may have written: each value is asked for as what it must be.
"""

import dataclasses
import json
import math
from typing import Any, TypeVar

__all__ = ["dumps", "loads", "made_of", "number", "plain", "text_by_name", "whole"]

Kind = TypeVar("Kind")


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


def loads(text: str) -> dict[str, Any]:
    """Read an object.

    Raises:
        ValueError: it isn't JSON, nested too deeply, or not an object.
    """
    try:
        record = json.loads(text, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(record, dict):
        raise ValueError("it is not a JSON object")
    return record


def made_of(kind: type[Kind], record: dict[str, Any]) -> Kind:
    """Return a dataclass with the settings of a record; one that it lacks has its default.

    Raises:
        ValueError: the record has a setting that the class has not.
    """
    names = {setting.name for setting in dataclasses.fields(kind)}  # type: ignore[arg-type]
    if unknown := sorted(record.keys() - names):
        raise ValueError(f"unknown setting {unknown[0]!r}")
    return kind(**record)


def whole(value: Any, what: str, least: int = 0, most: int = 2**63 - 1) -> int:  # noqa: ANN401
    """Return a value that must be a whole number.

    Raises:
        ValueError: it isn't, or out of range.
    """
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"{what} must be a whole number from {least} to {most}")
    return value


def number(value: Any, what: str, least: float = 0.0, most: float = 1e300) -> float:  # noqa: ANN401
    """Return a value that must be a finite number.

    Raises:
        ValueError: it isn't, or out of range.
    """
    if type(value) not in (int, float) or not least <= value <= most:
        raise ValueError(f"{what} must be a number from {least:g} to {most:g}")
    return float(value)


def text_by_name(value: Any, what: str) -> dict[str, str]:  # noqa: ANN401
    """Return a value that must be an object of texts.

    Raises:
        ValueError: it isn't.
    """
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise ValueError(f"{what} must be text by name")
    return value


def _no_number(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
