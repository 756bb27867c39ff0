"""Suffixes of what is written: pictures have one, stacks may have others, or two."""

from collections.abc import Iterable
from pathlib import Path

from spiden_cli.core.files.picture_files import SUFFIXES, check_output, check_quality
from spiden_cli.errors import InputError

__all__ = ["FOR_STACKS", "check_qualities", "check_target", "stem_of", "suffix_of_result"]

FOR_STACKS = (".npy", ".zarr")
"""Suffixes with which stacks are written, and pictures never."""

_STACK_TARGETS = {".npy": ".npy", ".zarr": ".zarr", ".stk": ".tif", ".lsm": ".tif"}
"""Suffix of a stack -> that of what it becomes."""
_DOUBLE_SUFFIXES = (".ome.tiff", ".ome.tif", ".ome.zarr")


def check_target(path: Path) -> None:
    """Refuse a suffix that neither pictures nor stacks are written with."""
    if path.suffix.lower() not in FOR_STACKS:
        check_output(path)


def stem_of(path: Path) -> str:
    """Return a name without its suffix, which for OME's files is a double one."""
    ends = (end for end in _DOUBLE_SUFFIXES if path.name.lower().endswith(end))
    double = next(ends, None)
    return path.stem if double is None else path.name[: -len(double)]


def suffix_of_result(path: Path) -> str:
    """Return the suffix of what is made of a file: its own, or one that can be written."""
    suffix = path.name[len(stem_of(path)) :]
    if suffix.lower() in (*SUFFIXES, *_DOUBLE_SUFFIXES):
        return suffix
    return _STACK_TARGETS.get(suffix.lower(), ".png")


def check_qualities(targets: Iterable[Path], quality: int | None) -> None:
    """Check a quality for all outputs before any work is done.

    Raises:
        InputError: it isn't 1 to 100, or a format has none.
    """
    for target in targets:
        if target.suffix.lower() not in FOR_STACKS:
            check_quality(target, quality)
        elif quality is not None:
            raise InputError(f"{target.name} has no quality: leave out --quality")
