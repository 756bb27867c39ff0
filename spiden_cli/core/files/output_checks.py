"""What is checked of an output before any work is done."""

from pathlib import Path

from spiden_cli.core.files.formats import written_as
from spiden_cli.core.files.needs import to_write
from spiden_cli.core.files.pillow_writer import can_write_avif
from spiden_cli.core.image.picture import Picture
from spiden_cli.core.memory import beyond_memory
from spiden_cli.errors import InputError, OutputError

__all__ = [
    "check_floats",
    "check_memory_to_write",
    "check_output",
    "check_quality",
    "output_format",
]


def check_output(path: str | Path, width: int = 0, height: int = 0) -> None:
    """Check the suffix of an output before any work is done, and the size of its picture if known.

    Raises:
        OutputError: the suffix isn't supported, or the picture is too large for the format.
    """
    format, side = written_as(Path(path)), max(width, height)
    if format.for_stacks and side:
        raise OutputError(f"can't write {path}: only an OME-Zarr becomes one; choose .ome.tif")
    format.check_available(Path(path), reading=False)
    if format.name == "AVIF" and not can_write_avif():
        raise OutputError(f"can't write {path}: AVIF needs Pillow 11.3 or newer: update it")
    if format.longest is not None and side > format.longest:
        raise OutputError(
            f"can't write {path}: {format.name} holds at most {format.longest} pixels a side; "
            "choose .png or .tiff"
        )


def check_memory_to_write(path: str | Path, picture: Picture) -> None:
    """Check before any work is done that a picture of this size can be encoded.

    Raises:
        OutputError: it takes more memory than pictures may, or the suffix isn't supported.
    """
    format, depth = written_as(Path(path)), picture.pixels.dtype.itemsize
    channels = picture.channels + (picture.alpha is not None) + (picture.black_plate is not None)
    kept = depth if format.any_type else min(depth, 1 if format.depth == 8 else 2)
    needed = to_write(format.name, channels * depth, channels * kept)
    if refused := beyond_memory(picture.width * picture.height * needed):
        raise OutputError(
            f"can't write {path}: as {format.name} {picture.width} x {picture.height} pixels take "
            f"up to {refused}; .tiff takes the least"
        )


def check_floats(path: str | Path) -> None:
    """Check before any work is done that an output can hold floats.

    Raises:
        InputError: its format doesn't.
        OutputError: the suffix isn't supported.
    """
    format = written_as(Path(path))
    if not format.any_type:
        raise InputError(
            f"{format.name} holds no floats: give --float an output of .tiff, .npy or .pfm"
        )


def check_quality(path: str | Path, quality: int | None) -> None:
    """Check a quality before any work is done.

    Raises:
        InputError: it isn't 1 to 100, or the format has none.
        OutputError: the suffix isn't supported.
    """
    format = written_as(Path(path))
    if quality is None:
        return
    if not 1 <= quality <= 100:
        raise InputError(f"quality goes from 1 to 100, not {quality}")
    if format.quality is None:
        raise InputError(
            f"{format.name} is lossless and has no quality: leave it out, or choose .jpg"
        )


def output_format(path: Path) -> str:
    """Return the format of a file that is to be written, by its suffix, as Pillow calls it.

    Raises:
        OutputError: the suffix isn't supported.
    """
    return written_as(path).name
