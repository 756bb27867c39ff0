"""Read and write picture files of all `formats`.

The format of a file that is read is told by its first bytes, of one that is written by its suffix.
A picture keeps its depth, transparency, colours and metadata; `losses` says what a target can't
hold, `stripped` leaves metadata out.
"""

from dataclasses import replace
from pathlib import Path

from spiden_cli.core.atomic import atomic_path
from spiden_cli.core.files.contents import (
    format_of,
    is_camera_raw,
    suffix_by_content,
)
from spiden_cli.core.files.decoding import Header
from spiden_cli.core.files.encoding import encoding
from spiden_cli.core.files.formats import FOLDER_SUFFIXES, WRITTEN_SUFFIXES
from spiden_cli.core.files.inks import CONVERTED, HOLDERS, as_rgb
from spiden_cli.core.files.lenience import INCOMPLETE, is_lenient, passing_over_early_ends
from spiden_cli.core.files.losses import in_full_range, losses, supported_depth
from spiden_cli.core.files.metadata import stripped
from spiden_cli.core.files.output_checks import (
    check_floats,
    check_memory_to_write,
    check_output,
    check_quality,
    output_format,
)
from spiden_cli.core.files.pillow_reader import header_with_pillow, read_with_pillow
from spiden_cli.core.files.pillow_writer import encode_with_pillow
from spiden_cli.core.image.picture import MAXIMUM_PIXELS, MINIMUM_SIDE, Picture, Resolution
from spiden_cli.core.image.pixels import in_16_bits
from spiden_cli.errors import InputError

__all__ = [
    "MAXIMUM_PIXELS",
    "MINIMUM_SIDE",
    "SUFFIXES",
    "Header",
    "Picture",
    "Resolution",
    "check_floats",
    "check_memory_to_write",
    "check_output",
    "check_quality",
    "is_camera_raw",
    "losses",
    "output_format",
    "read_header",
    "read_picture",
    "stripped",
    "suffix_by_content",
    "supported_depth",
    "write_picture",
]

SUFFIXES = tuple(suffix for suffix in WRITTEN_SUFFIXES if suffix not in FOLDER_SUFFIXES)


def read_picture(path: str | Path, inks: bool = False) -> Picture:
    """Read one picture, turned upright, in its own depth (8 or 16 bits per channel).

    Values of other types (TIFF and `.npy` hold floats, signed and wider numbers) become float32 in
    the file's own units; NaN and infinity are filled by what is beside them. `Picture.measured` has
    them in the file's own type. Their black and white are the quantiles 0.1 % and 99.9 %, or 0 and
    1 for floats that lie about between.

    The white level of 16-bit pixels is what the file states, else the largest value of the bits
    that they need; `with_white` sets another.

    Palettes are expanded, 1-bit becomes grey, a transparent colour becomes alpha; `Picture.lost`
    says what couldn't be carried over.

    Args:
        path: the file.
        inks: whether CMYK stays so, with a `black_plate`; else it becomes RGB.

    Raises:
        InputError: missing, unreadable, no picture, camera raw, damaged, a stack or an animation,
            smaller than `MINIMUM_SIDE` or larger than `MAXIMUM_PIXELS`, or of numbers that have no
            order.
    """
    picture = _read_whole_or_part(Path(path))
    if picture.black_plate is None or inks:
        return picture
    converted = as_rgb(picture)
    return replace(converted, notes=(CONVERTED, *converted.notes))


def _read_whole_or_part(path: Path) -> Picture:
    """Read a picture; where a part is missing, and that is asked for, as far as it goes."""
    try:
        return _read(path)
    except InputError as error:
        if not is_lenient():
            raise
        try:
            with passing_over_early_ends():
                picture = _read(path)
        except InputError:  # there is nothing to be had of it
            raise error from None
    return replace(picture, notes=(INCOMPLETE, *picture.notes))


def _read(path: Path) -> Picture:
    match format_of(path).name:
        case "TIFF":
            from spiden_cli.core.files.tiff_reader import read_tiff  # tifffile is slow to import

            return read_tiff(path)
        case "camera raw":
            from spiden_cli.core.files.camera_raw import read_raw

            return read_raw(path)
        case "HEIF":
            from spiden_cli.core.files.heif_format import read_heif

            return read_heif(path)
        case "JPEGXL":
            from spiden_cli.core.files.jpegxl_format import read_jpegxl

            return read_jpegxl(path)
        case "JPEG2000":
            from spiden_cli.core.files.jpeg2000_format import read_jpeg2000

            return read_jpeg2000(path)
        case "PNM" | "PFM":
            from spiden_cli.core.files.netpbm_format import read_netpbm

            return read_netpbm(path)
        case "NumPy":
            from spiden_cli.core.files.npy_format import read_npy

            return read_npy(path)
    return read_with_pillow(path)


def read_header(path: str | Path) -> Header:
    """Read the size of a picture, before it is turned upright, and whether it is in colour.

    Nothing is decoded, but for a palette, whose pixels say whether all its colours are grey, and
    for JPEG 2000 and PNM.

    Raises:
        InputError: missing, unreadable, no picture, or a damaged header.
    """
    path = Path(path)
    header = None
    match format_of(path).name:
        case "TIFF":
            from spiden_cli.core.files.tiff_reader import tiff_header

            header = tiff_header(path)
        case "camera raw":
            from spiden_cli.core.files.camera_raw import raw_header

            return raw_header(path)
        case "HEIF":
            from spiden_cli.core.files.heif_format import heif_header

            return heif_header(path)
        case "JPEG2000" | "JPEGXL" | "PNM" | "PFM" | "NumPy":
            pass
        case _:
            header = header_with_pillow(path)
    if header is not None:
        return header
    picture = read_picture(path)
    return Header(picture.width, picture.height, picture.is_colour)


def write_picture(
    path: str | Path, picture: Picture, quality: int | None = None, replace: bool = True
) -> None:
    """Write `picture` whole or not at all, in the format that the suffix names.

    PNG and TIFF (deflate) keep 16 bits and their scale, and TIFF states the range; but 9 to 15 bits
    of a format that has such depths (HEIC, AVIF, JPEG XL, JPEG 2000, PNM) fill the 16. Other
    formats hold 8, to which 16-bit values are rounded: black becomes 0 and white 255. Measurements
    stay what they are in TIFF, `.npy` and, as 32-bit floats, PFM; elsewhere black to white become
    0 to 65535, or 0 to 255. Ask `losses` first to tell the user.

    Args:
        path: the file.
        picture: of any kind.
        quality: 1 to 100, of JPEG and WebP. None: a picture that was read from a JPEG is written
            with that file's own quantisation and subsampling, one from a lossy WebP at 90; others
            become JPEG of quality 95 (4:4:4) and lossless WebP.
        replace: whether a file of that name is replaced.

    Raises:
        InputError: a quality for a format that has none, or beyond 1 to 100.
        OutputError: unsupported suffix, a picture too large for the format or that its encoder
            refuses, a folder that is missing or not writable, a full disk, or a file that is there
            and isn't to be replaced or can't be. No file is left behind.
    """
    path = Path(path)
    check_output(path, picture.width, picture.height)
    check_quality(path, quality)
    # Encoded in memory first: encoders that write to the file themselves hide a full disk.
    name = output_format(path)
    picture = in_full_range(picture if name in HOLDERS else as_rgb(picture), name)
    with encoding(path, name):
        encoded = _encode(picture, name, quality)
    with atomic_path(path, replace) as temporary:
        temporary.write_bytes(encoded)


def _encode(picture: Picture, name: str, quality: int | None) -> bytes:
    if name == "TIFF":
        from spiden_cli.core.files.tiff_writer import encode_tiff

        return encode_tiff(picture)
    if name == "NumPy":
        from spiden_cli.core.files.npy_format import encode_npy

        return encode_npy(picture)
    if name == "PFM":
        from spiden_cli.core.files.netpbm_format import encode_pfm

        return encode_pfm(picture)
    if picture.is_measured:
        picture = in_16_bits(picture)
    if name == "PNM":
        from spiden_cli.core.files.netpbm_format import encode_netpbm

        return encode_netpbm(picture)
    if name == "HEIF":
        from spiden_cli.core.files.heif_format import encode_heif

        return encode_heif(picture, quality)
    if name == "JPEGXL":
        from spiden_cli.core.files.jpegxl_format import encode_jpegxl

        return encode_jpegxl(picture, quality)
    if name == "JPEG2000":
        from spiden_cli.core.files.jpeg2000_format import encode_jpeg2000

        return encode_jpeg2000(picture)
    return encode_with_pillow(picture, name, quality)
