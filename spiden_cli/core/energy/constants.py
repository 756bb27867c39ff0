"""The constants of the energy models: one table, in `constants.toml`, with the source of each."""

import math
import tomllib
from dataclasses import dataclass, fields
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from spiden_cli.core.regular_file import read_regular
from spiden_cli.errors import InputError

LARGEST_FILE = 2**14
"""In bytes, of a user's constants: five times as many as the table that ships."""
MOST_DOTS = 20
"""On a line that is no comment: each makes a table in a table, and the parser's time is quadratic
in their depth. A section on one line has up to 12."""


@dataclass(frozen=True)
class OperationsConstants:
    """Prices in pJ; `constants.toml` describes each."""

    fp32_add_pj: float
    fp32_multiply_pj: float
    int32_add_pj: float
    int32_multiply_pj: float
    int8_add_pj: float
    int8_multiply_pj: float
    comparison_in_additions: float


@dataclass(frozen=True)
class LemaireConstants:
    """Prices in pJ; `constants.toml` describes each."""

    int32_add_pj: float
    int32_multiply_pj: float
    int8_add_pj: float
    int8_multiply_pj: float
    sram_8kib_pj: float
    sram_32kib_pj: float
    sram_1mib_pj: float
    sram_pj_per_byte_above_1mib: float
    fifo_messages: float
    message_bits: float
    int8_potential_bits: float


@dataclass(frozen=True)
class MovementConstants:
    """Prices in pJ; `constants.toml` describes each."""

    accumulate_pj: float
    compare_pj: float
    subtract_pj: float
    multiply_8x8_pj: float
    fp32_accumulate_pj: float
    fp32_multiply_pj: float
    sparse_move_pj_per_bit_hop: float
    dense_move_pj_per_bit_hop: float
    spike_bits: float
    messages_per_synapse: float
    hops: float
    weight_read_pj_per_bit: float


@dataclass(frozen=True)
class Constants:
    """The constants of all models.

    Attributes:
        operations: of the model of that name.
        lemaire: of the model of that name.
        movement: of the model of that name.
    """

    operations: OperationsConstants
    lemaire: LemaireConstants
    movement: MovementConstants


def constants_toml() -> str:
    """Return the table of constants as it ships, comments and all."""
    return (files("spiden_cli.core.energy") / "constants.toml").read_text(encoding="utf-8")


def load_constants(path: Path | None = None) -> Constants:
    """Return the constants, with those of a TOML file in place of whole sections.

    Args:
        path: a file with some of the sections of `constants_toml`, each complete; None for none.

    Raises:
        InputError: the file can't be read or is not TOML, or a section or constant in it is
            unknown, missing, negative or not a number.
    """
    tables = tomllib.loads(constants_toml())
    if path is not None:
        theirs = _read(path)
        unknown = sorted(theirs.keys() - tables.keys())
        if unknown:
            raise InputError(f"{path}: unknown section {unknown[0]!r}: use {', '.join(tables)}")
        tables |= theirs
    return Constants(
        _section(OperationsConstants, "operations", tables, path),
        _section(LemaireConstants, "lemaire", tables, path),
        _section(MovementConstants, "movement", tables, path),
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        text = read_regular(path, LARGEST_FILE).decode("utf-8")
        for line in text.splitlines():
            if line.count(".") > MOST_DOTS and not line.lstrip().startswith("#"):
                raise InputError(f"{path}: a line has more dots than a table of constants needs")
        return tomllib.loads(text)
    except OSError as error:
        raise InputError(f"can't read the constants {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # TOMLDecodeError, a number of 5000 digits, ...
        raise InputError(f"{path} is not a TOML file: {error}") from None


Section = TypeVar("Section", OperationsConstants, LemaireConstants, MovementConstants)


def _section(kind: type[Section], name: str, tables: dict[str, Any], path: Path | None) -> Section:
    table, expected = tables[name], [field.name for field in fields(kind)]
    if not isinstance(table, dict):
        raise InputError(f"{path}: {name} must be a section: [{name}]")
    if unknown := sorted(table.keys() - set(expected)):
        raise InputError(f"{path}: unknown constant {name}.{unknown[0]}")
    if missing := [key for key in expected if key not in table]:
        raise InputError(
            f"{path}: missing constant {name}.{missing[0]}: a section must be complete; "
            "`spiden energy --print-constants` shows it"
        )
    for key, value in table.items():
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not math.isfinite(value) or value < 0:
            raise InputError(f"{path}: {name}.{key} must be a number of at least 0, not {value!r}")
    return kind(**{key: float(value) for key, value in table.items()})
