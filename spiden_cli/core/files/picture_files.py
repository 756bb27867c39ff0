"""Read and write picture files: PNG, JPEG, TIFF, BMP, WebP, AVIF, JPEG 2000, PNM and TGA.

GIF is read only: its 256 colours would undo the denoising.

The format of a file that is read is told by its first bytes, of one that is written by its suffix.
A picture keeps its depth, transparency, colours and metadata; `losses` says what a target can't
hold, `stripped` leaves metadata out.
"""

from pathlib import Path

from spiden_cli.core.atomic import atomic_path
from spiden_cli.core.files.camera_raw import check_signature
from spiden_cli.core.files.colour import fitted_colours
from spiden_cli.core.files.decoding import Header
from spiden_cli.core.files.foreign import LONGEST_SIGN, check_foreign
from spiden_cli.core.files.metadata import fitted_metadata, stripped
from spiden_cli.core.files.pillow_reader import header_with_pillow, read_with_pillow
from spiden_cli.core.files.pillow_writer import (
    ALPHA_FORMATS,
    DEEP_FORMATS,
    can_write_avif,
    encode_with_pillow,
    has_quality,
)
from spiden_cli.core.files.white_level import range_of
from spiden_cli.core.image.picture import MAXIMUM_PIXELS, MINIMUM_SIDE, Picture, Range, Resolution
from spiden_cli.errors import InputError, OutputError

__all__ = [
    "MAXIMUM_PIXELS",
    "MINIMUM_SIDE",
    "SUFFIXES",
    "Header",
    "Picture",
    "Resolution",
    "check_output",
    "check_quality",
    "losses",
    "output_format",
    "read_header",
    "read_picture",
    "stripped",
    "suffix_by_content",
    "supported_depth",
    "write_picture",
]

_FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
    ".webp": "WEBP",
    ".avif": "AVIF",
    ".jp2": "JPEG2000",
    ".tga": "TGA",
    ".ppm": "PNM",
    ".pgm": "PNM",
    ".pnm": "PNM",
}
SUFFIXES = tuple(_FORMATS)
"""Suffixes, in lower case, of the files that are found in folders and can be written."""

_MAXIMUM_SIDE = {"JPEG": 65_500, "WEBP": 16_383}  # libjpeg's and libwebp's own limits
_TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_JPEG2000_SIGNATURES = (b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51")
_NETPBM_SIGNATURES = {b"P1", b"P2", b"P3", b"P4", b"P5", b"P6", b"P7", b"Pf", b"PF"}
_SUFFIX_BY_START = {
    b"\xff\xd8": ".jpg",
    b"BM": ".bmp",
    b"\x93NUMPY": ".npy",
    **dict.fromkeys(_TIFF_SIGNATURES, ".tif"),
    **dict.fromkeys(_JPEG2000_SIGNATURES, ".jp2"),
    b"P2": ".pgm",
    b"P3": ".ppm",
    b"P5": ".pgm",
    b"P6": ".ppm",
}


def read_picture(path: str | Path) -> Picture:
    """Read one picture, turned upright, in its own depth (8 or 16 bits per channel).

    The white level of 16-bit pixels is what the file states, else the largest value of the bits
    that they need; `with_white` sets another.

    Palettes are expanded, 1-bit becomes grey, CMYK becomes RGB, a transparent colour becomes alpha;
    `Picture.notes` says what couldn't be carried over.

    Raises:
        InputError: missing, unreadable, no picture, camera raw, damaged, a stack or an animation,
            smaller than `MINIMUM_SIDE` or larger than `MAXIMUM_PIXELS`, or float pixels.
    """
    path = Path(path)
    head = _first_bytes(path)
    check_signature(path, head)
    check_foreign(path, head)
    if head[:4] in _TIFF_SIGNATURES:
        from spiden_cli.core.files.tiff_reader import read_tiff  # tifffile is slow to import

        return read_tiff(path)
    if head.startswith(_JPEG2000_SIGNATURES):
        from spiden_cli.core.files.jpeg2000_format import read_jpeg2000

        return read_jpeg2000(path)
    if head[:2] in _NETPBM_SIGNATURES:
        from spiden_cli.core.files.netpbm_format import read_netpbm

        return read_netpbm(path)
    return read_with_pillow(path)


def read_header(path: str | Path) -> Header:
    """Read the size of a picture, before it is turned upright, and whether it is in colour.

    Nothing is decoded, but for a palette, whose pixels say whether all its colours are grey, and
    for JPEG 2000 and PNM.

    Raises:
        InputError: missing, unreadable, no picture, or a damaged header.
    """
    path = Path(path)
    head = _first_bytes(path)
    check_signature(path, head)
    check_foreign(path, head)
    header = None
    if head[:4] in _TIFF_SIGNATURES:
        from spiden_cli.core.files.tiff_reader import tiff_header

        header = tiff_header(path)
    elif not (head.startswith(_JPEG2000_SIGNATURES) or head[:2] in _NETPBM_SIGNATURES):
        header = header_with_pillow(path)
    if header is not None:
        return header
    picture = read_picture(path)
    return Header(picture.width, picture.height, picture.is_colour)


def _first_bytes(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise InputError(f"{path}: a folder, not a picture")
        if path.exists() and not path.is_file():  # a pipe or a device could block for ever
            raise InputError(f"{path}: not a regular file")
        with path.open("rb") as stream:
            head = stream.read(LONGEST_SIGN)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    if not head:
        raise InputError(f"{path}: an empty file")
    return head


def _unreadable(path: Path, error: OSError | ValueError) -> InputError:
    return InputError(f"can't read {path}: {getattr(error, 'strerror', None) or error}")


def suffix_by_content(path: Path) -> str:
    """Return the suffix for a picture's own format, told by its first bytes; .png for others.

    Raises:
        InputError: missing or unreadable.
    """
    head = _first_bytes(path)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return ".webp"
    if head[4:12] == b"ftypavif":
        return ".avif"
    return next((s for start, s in _SUFFIX_BY_START.items() if head.startswith(start)), ".png")


def supported_depth(path: str | Path, picture: Picture) -> int:
    """Bits per channel that `picture` will have in a file named `path`: its own, or 8.

    Raises:
        OutputError: the suffix isn't supported.
    """
    return picture.depth if output_format(Path(path)) in DEEP_FORMATS else 8


def losses(path: str | Path, picture: Picture) -> tuple[str, ...]:
    """What `write_picture(path, picture)` would lose, one short sentence each; empty if nothing.

    Raises:
        OutputError: the suffix isn't supported.
    """
    name = output_format(Path(path))
    levels, rounded = picture.levels, supported_depth(path, picture) < picture.depth
    full = levels == Range.full(picture.pixels.dtype)
    found = {
        f"{name} holds 8 bits per channel: 16-bit values are rounded": rounded and full,
        f"{name} holds 8 bits per channel: "
        f"values from {levels.black:g} to {levels.white:g} are scaled to 0 to 255": (
            rounded and not full
        ),
        f"{name} can't state the white level {levels.white:g}": (
            name == "PNG" and picture.depth == 16 and not _guessed_again(picture)
        ),
        f"{name} can't hold transparency: it is dropped": (
            picture.alpha is not None and name not in ALPHA_FORMATS
        ),
    }
    sentences = [sentence for sentence, lost in found.items() if lost]
    _, words = fitted_metadata(picture.metadata, name)
    _, colours = fitted_colours(picture, name)
    return (*sentences, *words, *colours)


def _guessed_again(picture: Picture) -> bool:
    """True if a reader that is told nothing finds the same range."""
    guessed, _ = range_of(picture.pixels, None)
    return picture.levels == (guessed or Range.full(picture.pixels.dtype))


def check_output(path: str | Path, width: int = 1, height: int = 1) -> None:
    """Check the suffix of an output before any work is done, and the size of its picture if known.

    Raises:
        OutputError: the suffix isn't supported, or the picture is too large for the format.
    """
    name, side = output_format(Path(path)), max(width, height)
    if name == "AVIF" and not can_write_avif():
        raise OutputError(f"can't write {path}: AVIF needs Pillow 11.3 or newer: update it")
    if side > _MAXIMUM_SIDE.get(name, side):
        raise OutputError(
            f"can't write {path}: {name} holds at most {_MAXIMUM_SIDE[name]} pixels a side; "
            "choose .png or .tiff"
        )


def check_quality(path: str | Path, quality: int | None) -> None:
    """Check a quality before any work is done.

    Raises:
        InputError: it isn't 1 to 100, or the format has none.
        OutputError: the suffix isn't supported.
    """
    name = output_format(Path(path))
    if quality is None:
        return
    if not 1 <= quality <= 100:
        raise InputError(f"quality goes from 1 to 100, not {quality}")
    if not has_quality(name):
        raise InputError(f"{name} is lossless and has no quality: leave it out, or choose .jpg")


def write_picture(
    path: str | Path, picture: Picture, quality: int | None = None, replace: bool = True
) -> None:
    """Write `picture` whole or not at all, in the format that the suffix names.

    PNG and TIFF (deflate) keep 16 bits and their scale, and TIFF states the range; other formats
    hold 8, to which 16-bit values are rounded: black becomes 0 and white 255. Ask `losses` first to
    tell the user.

    Args:
        path: the file.
        picture: of any kind.
        quality: 1 to 100, of JPEG and WebP. None: a picture that was read from a JPEG is written
            with that file's own quantisation and subsampling, one from a lossy WebP at 90; others
            become JPEG of quality 95 (4:4:4) and lossless WebP.
        replace: whether a file of that name is replaced.

    Raises:
        InputError: a quality for a format that has none, or beyond 1 to 100.
        OutputError: unsupported suffix, a picture too large for the format, a folder that is
            missing or not writable, a full disk, or a file that is there and isn't to be replaced
            or can't be. No file is left behind.
    """
    path = Path(path)
    check_output(path, picture.width, picture.height)
    check_quality(path, quality)
    # Encoded in memory first: encoders that write to the file themselves hide a full disk.
    encoded = _encode(picture, output_format(path), quality)
    with atomic_path(path, replace) as temporary:
        temporary.write_bytes(encoded)


def _encode(picture: Picture, name: str, quality: int | None) -> bytes:
    if name == "TIFF":
        from spiden_cli.core.files.tiff_writer import encode_tiff

        return encode_tiff(picture)
    if name == "PNM":
        from spiden_cli.core.files.netpbm_format import encode_netpbm

        return encode_netpbm(picture)
    if name == "JPEG2000":
        from spiden_cli.core.files.jpeg2000_format import encode_jpeg2000

        return encode_jpeg2000(picture)
    return encode_with_pillow(picture, name, quality)


def output_format(path: Path) -> str:
    """Return the format of a file that is to be written, by its suffix, as Pillow calls it.

    Raises:
        OutputError: the suffix isn't supported.
    """
    try:
        return _FORMATS[path.suffix.lower()]
    except KeyError:
        raise OutputError(
            f"can't write {path}: the suffix must be one of {', '.join(SUFFIXES)}"
        ) from None
