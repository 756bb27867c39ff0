"""Tell stacks from pictures, and open them."""

from pathlib import Path

from spiden_cli.core.files.foreign import LONGEST_SIGN, check_foreign
from spiden_cli.core.files.stacks.source import StackSource
from spiden_cli.core.files.stacks.zarr_folder import ZarrSource, is_zarr
from spiden_cli.errors import InputError

__all__ = ["is_stack", "open_stack"]

_NPY = b"\x93NUMPY"
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def is_stack(path: Path) -> bool:
    """Whether a file is a measurement or has several planes, and isn't one photograph.

    False of what can't be read at all: reading it as a picture says why.

    Raises:
        InputError: a damaged TIFF.
    """
    head = _head(path)
    if head.startswith(_TIFF):
        from spiden_cli.core.files.stacks.tiff import is_tiff_stack

        return is_tiff_stack(path)
    return head.startswith(_NPY) or is_zarr(path)


def open_stack(path: Path, axes: str | None = None) -> StackSource:
    """Open a stack, or a single plane as one.

    Args:
        path: a TIFF, a `.npy` file or the folder of an OME-Zarr.
        axes: a letter for each dimension; None: what the file says.

    Raises:
        InputError: of another kind, damaged, or its axes aren't known.
    """
    if is_zarr(path):
        return ZarrSource(path, axes)
    head = _head(path)
    if head.startswith(_TIFF):
        from spiden_cli.core.files.stacks.tiff import TiffSource

        return TiffSource(path, axes)
    if head.startswith(_NPY):
        from spiden_cli.core.files.stacks.npy import NpySource

        return NpySource(path, axes)
    if path.is_file():
        with path.open("rb") as stream:
            check_foreign(path, stream.read(LONGEST_SIGN))
    raise InputError(f"{path}: a single picture has no axes to name: leave out --axes")


def _head(path: Path) -> bytes:
    try:
        if not path.is_file():
            return b""
        with path.open("rb") as stream:
            return stream.read(8)
    except (OSError, ValueError):
        return b""
