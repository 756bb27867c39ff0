"""Which of a TIFF's directories is the picture, and whether its kind of pixel can be denoised.

"The first page is the picture" isn't true: NewSubfileType marks pages as reduced copies or masks
(TIFF 6.0, section 8), and SubIFDs hold pictures that no chain of pages shows.
"""

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import tifffile

from spiden_cli.core.files.decoding import decoding
from spiden_cli.core.image.values import check_type
from spiden_cli.errors import InputError

__all__ = [
    "PLAIN",
    "check_complete",
    "check_kind",
    "check_other_files",
    "declared",
    "described",
    "is_camera_raw",
    "is_from_sensor",
    "picture_page",
    "planes_of",
]

PLAIN = {
    tifffile.PHOTOMETRIC.MINISBLACK,
    tifffile.PHOTOMETRIC.MINISWHITE,
    tifffile.PHOTOMETRIC.RGB,
}
_SENSOR = {tifffile.PHOTOMETRIC.CFA, tifffile.PHOTOMETRIC.LINEAR_RAW}
_SENSOR_COMPRESSIONS = {32767, 32769, 32770, 32772, 34713, 65000}  # Sony, Epson, Samsung, Nikon
_DNG_VERSION = 50706
_INK_SET, _CMYK = 332, 1
_MOST_LOOKED_AT = 64  # pages: with more of them a file is a stack, of which each takes time
_OTHER_FILE = "FileName"
_MOST_SUBIFDS = 32  # of one page; a raw file has 1 to 4


def is_camera_raw(path: Path) -> bool:
    """Return whether a TIFF is a camera raw file; see `is_from_sensor`.

    Raises:
        InputError: damaged.
    """
    with decoding(path), tifffile.TiffFile(path) as tiff:
        return is_from_sensor(tiff)


def is_from_sensor(tiff: tifffile.TiffFile) -> bool:
    """Return whether a TIFF is a camera raw file, of DNG or a like kind.

    Such a file has its preview in front; the sensor's values, one colour a pixel, are in a later
    directory or in a SubIFD (TIFF/EP, ISO 12234-2; DNG specification 1.7, chapter 2).
    """
    pages, inner = _pages(tiff)
    return any(_from_sensor(page) for page in (*pages, *inner))


def planes_of(tiff: tifffile.TiffFile) -> int:
    """Return how many pictures of full size a file has, past thumbnails, pyramids and masks.

    Some stacks have one directory for all their planes, and say in words how many there are; others
    have planes in other files.
    """
    whole, first = _whole_pages(tiff), tiff.pages.first
    count = max(1, len(whole) + max(0, len(tiff.pages) - _MOST_LOOKED_AT))
    if tiff.is_imagej or tiff.is_shaped or tiff.is_stk or tiff.is_ome:
        count = max(count, tiff.series[0].size // max(first.size, 1))
    return max(count, first.imagedepth, declared(tiff))


def declared(tiff: tifffile.TiffFile) -> int:
    """Return how many planes ImageJ says that there are; 0 where it doesn't say."""
    words = tiff.imagej_metadata if tiff.is_imagej else None
    if not words:
        return 0
    channels = int(words.get("channels", 1))
    if channels == tiff.pages.first.samplesperpixel:
        channels = 1  # the colours of each plane
    return channels * int(words.get("slices", 1)) * int(words.get("frames", 1))


def check_other_files(path: Path, tiff: tifffile.TiffFile) -> None:
    """Refuse a file whose OME metadata have planes in files that aren't beside it.

    tifffile opens whatever is named there: files of other folders, which whoever made this one may
    want to see in its result, or pipes, which never end.

    Raises:
        InputError: they do.
    """
    words = tiff.ome_metadata if tiff.is_ome else None
    if not words or _OTHER_FILE not in words:
        return
    root = ElementTree.fromstring(words)
    named = [(str(element.text), name) for element in root.iter()
             if (name := element.attrib.get(_OTHER_FILE))]  # fmt: skip
    own = root.attrib.get("UUID") or next((identity for identity, _ in named), None)
    for name in {name for identity, name in named if identity != own}:
        if not _is_plain(name):
            raise InputError(f"{path}: its OME metadata name a file of another folder: {name}")
        other = path.with_name(name)
        if other.exists() and not other.is_file():
            raise InputError(f"{path}: its OME metadata name {name}, which is no regular file")


def _is_plain(name: str) -> bool:
    return not {"/", "\\", "\0"} & {*name} and name not in (".", "..")


def check_complete(path: Path, tiff: tifffile.TiffFile) -> None:
    """Refuse a file whose last page points to one behind the end of the file.

    Raises:
        InputError: it does.
    """
    if tiff.is_stk:  # whose planes have no pages
        return
    stream, size = tiff.filehandle, tiff.tiff.offsetsize
    stream.seek(tiff.pages.next_page_offset or 0)
    following = stream.read(size)
    if len(following) < size or any(following):
        raise InputError(f"{path}: pages are cut off at its end; get a fresh copy")


def _whole_pages(tiff: tifffile.TiffFile) -> list[tifffile.TiffPage]:
    """The pages of full size; an inner one is a level of a pyramid unless it is marked as none."""
    pages, inner = _pages(tiff)
    whole = [page for page in pages if _is_whole(page)] or [p for p in inner if _is_whole(p)]
    return pages if not whole and len(pages) == 1 else whole  # all that there is


def picture_page(path: Path, tiff: tifffile.TiffFile) -> tifffile.TiffPage:
    """The directory of the one picture in a file, past thumbnails, pyramid levels and masks.

    Raises:
        InputError: a stack, or none but reduced copies.
    """
    check_other_files(path, tiff)
    whole = _whole_pages(tiff)
    check_complete(path, tiff)
    if not whole:
        raise InputError(
            f"{path}: only reduced copies of a picture, no full-size one; "
            "export the picture as a TIFF of its own"
        )
    if (count := planes_of(tiff)) > 1:
        raise InputError(
            f"{path}: a stack of {count} pictures; only single pictures are read here: `spiden "
            "denoise` and `denoise_stack` take stacks"
        )
    return whole[0]


def _pages(tiff: tifffile.TiffFile) -> tuple[list[tifffile.TiffPage], list[tifffile.TiffPage]]:
    """The first pages of a file, and those in their SubIFDs."""
    # A slice sees directories that point in a circle, which a loop would follow for ever.
    pages = [tiff.pages.first, *(page.aspage() for page in tiff.pages[1:_MOST_LOOKED_AT])]
    return pages, [page for outer in pages for page in _inner(outer)]


def _inner(page: tifffile.TiffPage) -> Iterator[tifffile.TiffPage]:
    """The pages in the SubIFDs of a page."""
    if page.subifds and page.pages is not None:
        for i, inner in enumerate(page.pages):
            if i == _MOST_SUBIFDS:
                return
            yield inner.aspage()


def _from_sensor(page: tifffile.TiffPage) -> bool:
    return (
        page.photometric in _SENSOR
        or page.compression in _SENSOR_COMPRESSIONS
        or _DNG_VERSION in page.tags
    )


def _is_whole(page: tifffile.TiffPage) -> bool:
    return not (page.is_reduced or page.is_mask)


def check_kind(path: Path, page: tifffile.TiffPage) -> None:
    """Refuse pixels that have no faithful form as grey or RGB.

    Raises:
        InputError: complex or unknown numbers, transparency of other than 8 or 16 bits, other
            channels, or other inks.
    """
    if page.dtype is None:
        raise InputError(f"{path}: pixels of unknown kind can't be read; save them as numbers")
    if page.dtype.kind != "b":
        check_type(page.dtype, str(path))
    if page.extrasamples and (page.dtype.kind not in "ub" or page.dtype.itemsize > 2):
        raise InputError(
            f"{path}: {page.dtype} pixels with transparency can't be read; save them without"
        )
    planes, extra = page.samplesperpixel, len(page.extrasamples)
    colours = planes - extra
    known_alpha = extra == 1 and (page.extrasamples[0] or colours == 3)
    grey_or_rgb = page.photometric not in PLAIN or colours in (1, 3)
    if page.photometric == tifffile.PHOTOMETRIC.PALETTE:
        grey_or_rgb = colours == 1 and (page.bitspersample <= 8 or not extra)
    if page.photometric == tifffile.PHOTOMETRIC.SEPARATED:
        _check_inks(path, page)
    if extra > 1 or (extra == 1 and not known_alpha) or not grey_or_rgb:
        raise InputError(
            f"{path}: {planes} channels that are neither grey nor RGB (with alpha); "
            "save each channel as a picture of its own"
        )


def _check_inks(path: Path, page: tifffile.TiffPage) -> None:
    """Refuse other inks than cyan, magenta, yellow and black (TIFF 6.0, section 16)."""
    inks, others = page.samplesperpixel - len(page.extrasamples), page.tags.get(_INK_SET)
    if inks != 4 or (others is not None and others.value != _CMYK):
        raise InputError(
            f"{path}: of pictures in inks only CMYK is read; convert it to CMYK or RGB first"
        )


def described(page: tifffile.TiffPage) -> str:
    """The kind of pixels and compression of a page, in words."""
    pixels = f"{page.bitspersample}-bit {_name(tifffile.PHOTOMETRIC, page.photometric)}"
    if page.compression == tifffile.COMPRESSION.NONE:
        return f"uncompressed {pixels}"
    return f"{pixels} with {_name(tifffile.COMPRESSION, page.compression)} compression"


def _name(kind: type[tifffile.COMPRESSION] | type[tifffile.PHOTOMETRIC], code: int) -> str:
    try:
        return kind(code).name
    except ValueError:
        return f"unknown ({code})"
