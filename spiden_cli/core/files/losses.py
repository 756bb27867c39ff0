"""What a picture loses in a file of another format, for the user to be told before the work."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from spiden_cli.core.files.colour import fitted_colours
from spiden_cli.core.files.formats import Format, written_as
from spiden_cli.core.files.inks import HOLDERS
from spiden_cli.core.files.metadata import fitted_metadata
from spiden_cli.core.files.white_level import range_of
from spiden_cli.core.image.metadata import Metadata, PngTags
from spiden_cli.core.image.picture import Picture, Range
from spiden_cli.core.image.pixels import in_16_bits

__all__ = ["deepest", "in_full_range", "losses", "supported_depth"]

_FULL_RANGE = ("PNG", "TIFF", "JPEG2000")
"""Formats of which viewers take 65535 for white, whatever else a file says."""
_HOLD_ASPECT = ("PNG", "JPEG", "TIFF", "NumPy")


def supported_depth(path: str | Path, picture: Picture) -> int:
    """Bits per channel that `picture` will have in a file named `path`: its own, or 8.

    Raises:
        OutputError: the suffix isn't supported.
    """
    return min(picture.depth, deepest(written_as(Path(path)), picture))


def deepest(format: Format, picture: Picture) -> int:
    """Most bits per channel that a format gets of a picture: a HEIC of 12 bits keeps these.

    Args:
        format: of the file that is written.
        picture: of any kind.
    """
    own = picture.encoding
    if format.name == "HEIF" and own is not None and own.name == "HEIF":
        return max(format.depth, own.bits or 0)
    return format.depth


def in_full_range(picture: Picture, name: str) -> Picture:
    """Return a picture as a format shows it that has no 9 to 15 bits, where it was read in such.

    Its own format calls the largest value of these bits white; in 16 bits that would be nearly
    black. Measurements, and pictures of 16 bits that use fewer of them, keep their values.

    Args:
        picture: of any kind.
        name: the format, as Pillow calls it.
    """
    bits = None if picture.encoding is None else picture.encoding.bits
    has_own = name not in _FULL_RANGE and (name != "JPEGXL" or picture.alpha is None)
    if bits is None or has_own or picture.is_measured:
        return picture
    return in_16_bits(picture) if picture.levels == Range(0.0, float(2**bits - 1)) else picture


def losses(path: str | Path, picture: Picture) -> tuple[str, ...]:
    """What `write_picture(path, picture)` would lose, one short sentence each; empty if nothing.

    Raises:
        OutputError: the suffix isn't supported.
    """
    format = written_as(Path(path))
    name = format.name
    picture = in_full_range(picture, name)
    if picture.black_plate is not None and name not in HOLDERS:
        as_rgb = replace(picture, black_plate=None, icc_profile=None)
        return (f"{name} can't hold CMYK: it is converted to RGB", *losses(path, as_rgb))
    depth = deepest(format, picture)
    levels, most = picture.levels, 2**depth - 1
    rounded = depth < picture.depth and (levels.black > 0 or levels.white > most)
    rounded = rounded and not picture.is_measured
    full = levels == Range.full(picture.pixels.dtype)
    extent = picture.extent
    found = {
        f"{name} holds no {picture.dtype}: values from {extent.black:.6g} to {extent.white:.6g} "
        f"are scaled to 0 to {2 ** min(format.depth, 16) - 1}, and cut beyond": (
            picture.is_measured and not format.any_type
        ),
        "a NumPy file holds values alone: colours, resolution and words aren't kept": (
            name == "NumPy" and _says_more(picture)
        ),
        f"PFM holds 32-bit floats: {picture.dtype} values are rounded": (
            name == "PFM" and not np.can_cast(picture.dtype, np.float32)
        ),
        f"{name} holds {depth} bits per channel: 16-bit values are rounded": rounded and full,
        f"{name} holds {depth} bits per channel: "
        f"values from {levels.black:g} to {levels.white:g} are scaled to 0 to {most}": (
            rounded and not full
        ),
        f"{name} can't state the white level {levels.white:g}": (
            name == "PNG" and picture.depth == 16 and not _guessed_again(picture)
        ),
        f"{name} can't hold that pixels aren't square: that is dropped": (
            picture.resolution is not None
            and picture.resolution.is_aspect
            and name not in _HOLD_ASPECT
        ),
        f"{name} can't hold transparency: it is dropped": (
            picture.alpha is not None and not format.alpha
        ),
    }
    sentences = [sentence for sentence, lost in found.items() if lost]
    if name == "NumPy":
        return tuple(sentences)
    _, words = fitted_metadata(_told(picture), name)
    _, colours = fitted_colours(picture, name)
    return (*sentences, *words, *colours)


def _told(picture: Picture) -> Metadata:
    """What is said about a picture, but for a background that nothing lets through."""
    metadata = picture.metadata
    if picture.alpha is not None or metadata.png is None:
        return metadata
    seen = replace(metadata.png, background=())
    return replace(metadata, png=None if seen == PngTags() else seen)


def _says_more(picture: Picture) -> bool:
    """Whether anything is known of a picture besides its values."""
    said = (picture.icc_profile, picture.colour_tags, picture.resolution)
    return picture.metadata != Metadata() or any(part is not None for part in said)


def _guessed_again(picture: Picture) -> bool:
    """True if a reader that is told nothing finds the same range."""
    guessed = range_of(picture.pixels, None).range
    return picture.levels == (guessed or Range.full(picture.pixels.dtype))
