"""Whether the folder of an OME-Zarr can be trusted with what it claims: asked before it is read.

Whoever made it chose what its metadata say: where arrays lie, how large they are, how their chunks
are packed. Missing chunks count as background, so that a few bytes may claim any size.
"""

import math
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from spiden_cli.core.memory import beyond_memory
from spiden_cli.errors import InputError

__all__ = [
    "ZARR_SIGNS",
    "ZARR_WORDS",
    "check_arrays",
    "check_words",
    "multiscales",
    "refuse_large_words",
]

ZARR_SIGNS = ("zarr.json", ".zgroup", ".zattrs", ".zarray")
"""Files that tell a Zarr from other folders."""
ZARR_WORDS = (*ZARR_SIGNS, ".zmetadata")
"""Files of JSON, which say how the others are to be read."""
_MOST_WORDS = 64 * 2**20  # bytes of one of these
_MOST_MISSING = 100  # chunks for each that is there
_HELD = 3  # of a chunk: packed, unpacked, and the plane taken from it
_LARGER, _MORE = 2, 2**16  # than its values, and bytes besides, that a packed chunk may be


def refuse_large_words(path: Path, name: str, size: int) -> None:
    """Refuse metadata that are too large to be that.

    Args:
        path: the folder.
        name: of a file in it.
        size: of that file, in bytes.

    Raises:
        InputError: they are.
    """
    if name in ZARR_WORDS and size > _MOST_WORDS:
        raise InputError(f"{path}: its {name} is too large to be read")


def check_words(path: Path, names: Collection[str]) -> None:
    """Refuse a folder that nothing makes a Zarr.

    Args:
        path: the folder.
        names: of the files in it.

    Raises:
        InputError: none of them does.
    """
    if not any(sign in names for sign in ZARR_SIGNS):
        raise InputError(f"{path}: no Zarr, or one that is not finished: it has no metadata")


def check_arrays(
    path: Path, levels: Sequence[str], arrays: Sequence[Any], sizes: Callable[[str], list[int]]
) -> None:
    """Refuse arrays that the files of their chunks can't hold, or that don't fit together.

    Args:
        path: the folder.
        levels: where in it the arrays lie, full size first.
        arrays: of zarr.
        sizes: of the chunks that are there, in bytes, by where the array lies.

    Raises:
        InputError: they don't; or a chunk takes more memory than a picture may.
    """
    full = arrays[0]
    if 0 in full.shape:  # which is told in other words
        return
    for level, array in zip(levels, arrays, strict=True):
        smaller = len(array.shape) == len(full.shape) and all(map(_fits, array.shape, full.shape))
        if not smaller or array.dtype != full.dtype:
            raise InputError(f"{path}: its level {level or '0'} is no reduced copy of the first")
        if refused := beyond_memory(_HELD * math.prod(array.chunks) * array.dtype.itemsize):
            sides = " x ".join(map(str, array.chunks))
            raise InputError(f"{path}: its chunks of {sides} take up to {refused}")
    stored = getattr(full, "shards", None) or full.chunks
    sizes_there = sizes(levels[0])
    claimed = math.prod(-(-side // chunk) for side, chunk in zip(full.shape, stored, strict=True))
    if claimed > _MOST_MISSING * len(sizes_there):
        raise InputError(
            f"{path}: damaged or incomplete (it claims {claimed} chunks, and {len(sizes_there)} "
            "are there); get a fresh copy"
        )
    if max(sizes_there) > _LARGER * math.prod(stored) * full.dtype.itemsize + _MORE:
        raise InputError(f"{path}: damaged (a file is larger than its chunk); get a fresh copy")


def _fits(side: int, full: int) -> bool:
    return 0 < side <= full


def multiscales(path: Path, attributes: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Return the axes, and the paths of the levels, by what OME-NGFF says.

    Raises:
        InputError: it says nothing of an image, or nothing that can be; a level lies outside.
    """
    told = attributes.get("ome", attributes)
    if not isinstance(told, dict):
        raise _damaged(path, "ome")
    if "plate" in told or "well" in told:
        raise InputError(f"{path}: a plate of many images; name one of its fields")
    scales = told.get("multiscales")
    if not scales:
        inner = next((sign.parent for sign in sorted(path.glob("*/.zattrs"))), None)
        inner = inner or next((s.parent for s in sorted(path.glob("*/zarr.json"))), None)
        hint = f"; name the image in it, such as {inner}" if inner is not None else ""
        raise InputError(f"{path}: a Zarr group without the metadata of an image{hint}")
    if not isinstance(scales, list) or not isinstance(scales[0], dict):
        raise _damaged(path, "multiscales")
    said, datasets = scales[0].get("axes", ()), scales[0].get("datasets")
    if not isinstance(said, list | tuple):
        raise _damaged(path, "axes")
    if not isinstance(datasets, list) or not datasets:
        raise _damaged(path, "datasets")
    axes = [str(axis.get("name")) if isinstance(axis, dict) else str(axis) for axis in said]
    levels = [_level(path, dataset) for dataset in datasets]
    return [axis.upper() for axis in axes if len(axis) == 1], levels


def _level(path: Path, dataset: object) -> str:
    level = dataset.get("path") if isinstance(dataset, dict) else None
    if not isinstance(level, str) or "\0" in level:
        raise _damaged(path, "datasets")
    if not (path / level).resolve().is_relative_to(path.resolve()):
        raise InputError(f"{path}: its metadata points outside of the folder ({level})")
    return level


def _damaged(path: Path, what: str) -> InputError:
    return InputError(f"{path}: damaged metadata ({what}); get a fresh copy")
