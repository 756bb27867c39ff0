"""Tell stacks from pictures, and open them."""

from pathlib import Path

from spiden_cli.core.files.contents import first_bytes
from spiden_cli.core.files.formats import begun_as
from spiden_cli.core.files.stacks.source import StackSource
from spiden_cli.core.files.stacks.zarr_store import ZARR_SIGNS
from spiden_cli.errors import InputError

__all__ = ["is_stack", "is_zarr", "open_stack"]


def is_stack(path: Path) -> bool:
    """Return whether a file has several planes, or channels that are no colours.

    False of what can't be read at all: reading it as a picture says why.

    Raises:
        InputError: a damaged TIFF.
    """
    if is_zarr(path):
        return True
    try:
        found = begun_as(first_bytes(path))
    except InputError:
        return False
    match None if found is None else found.name:
        case "TIFF":
            from spiden_cli.core.files.stacks.tiff import is_tiff_stack

            return is_tiff_stack(path)
        case "NumPy":
            from spiden_cli.core.files.stacks.npy import is_npy_stack

            return is_npy_stack(path)
    return False


def open_stack(path: Path, axes: str | None = None) -> StackSource:
    """Open a stack, or a single plane as one.

    Args:
        path: a TIFF, a `.npy` file or the folder of an OME-Zarr.
        axes: a letter for each dimension; None: what the file says.

    Raises:
        InputError: of another kind, damaged, or its axes aren't known.
    """
    if is_zarr(path):
        from spiden_cli.core.files.stacks.zarr_folder import ZarrSource

        return ZarrSource(path, axes)
    found = begun_as(first_bytes(path))
    if found is not None:
        found.check_available(path)
    match None if found is None else found.name:
        case "TIFF":
            from spiden_cli.core.files.stacks.tiff import TiffSource

            return TiffSource(path, axes)
        case "NumPy":
            from spiden_cli.core.files.stacks.npy import NpySource

            return NpySource(path, axes)
    raise InputError(f"{path}: a single picture has no axes: leave out --axes and --average-frames")


def is_zarr(path: Path) -> bool:
    """Return whether a folder is a Zarr group or array."""
    return path.is_dir() and any((path / sign).is_file() for sign in ZARR_SIGNS)
