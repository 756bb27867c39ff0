"""TIFF through tifffile, whose file is the microscopist's: full depth, pixel size, description.

tifffile without the large `imagecodecs` package doesn't decode LZW, JPEG and a few more; those
files, palettes and print colours go through Pillow (libtiff) instead.
"""

import io
import logging
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile
from PIL import ExifTags, Image, ImageFile, UnidentifiedImageError

from spiden_cli.core.files.decoding import (
    Header,
    check_size,
    decoding,
    plausible,
    profile_for,
    split_alpha,
)
from spiden_cli.core.files.exif import TEXT_TAGS, read_exif, read_tiff_exif, tags_of, upright
from spiden_cli.core.files.pillow_format import read_samples
from spiden_cli.core.files.white_level import range_of, stated_in_tiff
from spiden_cli.core.image.picture import (
    MAXIMUM_PIXELS,
    Picture,
    Pixels,
    Range,
    Resolution,
    Unit,
)
from spiden_cli.errors import InputError

__all__ = ["encode_tiff", "read_tiff", "tiff_header"]

# tifffile reports trouble on its logger besides raising; nobody asked for those lines on stderr.
logging.getLogger("tifffile").addHandler(logging.NullHandler())

_RESOLUTION_UNITS: dict[int, Unit] = {1: "none", 2: "inch", 3: "centimetre"}
_UNIT_CODES = {"none": 1, "inch": 2, "centimetre": 3}
_OWN_DECODERS = {
    tifffile.COMPRESSION.NONE,
    tifffile.COMPRESSION.ADOBE_DEFLATE,
    tifffile.COMPRESSION.DEFLATE,
    tifffile.COMPRESSION.PACKBITS,
    tifffile.COMPRESSION.LZMA,
}
_INK_IS_POSITIVE = tifffile.PHOTOMETRIC.MINISWHITE
_PLAIN = {
    tifffile.PHOTOMETRIC.MINISBLACK,
    tifffile.PHOTOMETRIC.RGB,
    _INK_IS_POSITIVE,
}
_PREMULTIPLIED = tifffile.EXTRASAMPLE.ASSOCALPHA


def read_tiff(path: Path) -> Picture:
    """Read a single-picture TIFF or BigTIFF, upright, in its own depth.

    Raises:
        InputError: damaged, a stack, a kind of pixel other than 8- or 16-bit unsigned grey or RGB
            (with alpha), too small or too large.
    """
    with decoding(path), tifffile.TiffFile(path) as tiff:
        page = tiff.pages.first
        check_size(path, page.imagewidth, page.imagelength)
        _check_single(path, tiff)
        _check_kind(path, page)
        orientation, exif, warned = _exif(path, page)
        if _tifffile_decodes(page):
            _check_complete(path, page)
            samples, notes = _arranged(page), list[str]()
            turn, inverted = orientation, page.photometric == _INK_IS_POSITIVE
        else:
            with _open_in_pillow(path, page) as image:
                samples, notes = read_samples(path, image)
            turn = 1  # Pillow turns a TIFF upright itself, and 8 bits positive, but not 16
            inverted = page.photometric == _INK_IS_POSITIVE and samples.dtype == np.uint16
        samples, more = _straight_alpha(samples, page)
        pixels, alpha = split_alpha(upright(samples, turn))
        range, guessed = range_of(pixels, stated_in_tiff(page))
        if inverted:
            pixels = _positive(pixels, range)
        resolution = _resolution(page)
        return Picture(
            pixels,
            alpha,
            exif=exif,
            icc_profile=profile_for(pixels, page.iccprofile),
            resolution=resolution.turned() if resolution and orientation >= 5 else resolution,
            description=page.description or None,
            notes=tuple(notes + more + warned + _dropped(page) + guessed),
            range=range,
        )


def tiff_header(path: Path) -> Header | None:
    """Read the header of a TIFF file; None where it doesn't tell the colour.

    Raises:
        InputError: damaged.
    """
    with decoding(path), tifffile.TiffFile(path) as tiff:
        page = tiff.pages.first
        if page.photometric == tifffile.PHOTOMETRIC.PALETTE:
            return None
        colours = page.samplesperpixel - len(page.extrasamples)
        return Header(page.imagewidth, page.imagelength, colours > 1)


def _check_single(path: Path, tiff: tifffile.TiffFile) -> None:
    """Refuse stacks: in pages, or in one page of an ImageJ or tifffile series."""
    first = tiff.pages.first
    # A reduced copy of the same picture (thumbnail, pyramid level) is no frame of its own.
    pages = 1 + sum(not page.aspage().is_reduced for page in tiff.pages[1:])
    if tiff.is_imagej or tiff.is_shaped:
        pages = max(pages, tiff.series[0].size // max(first.size, 1))
    if pages > 1 or first.imagedepth > 1:
        raise InputError(
            f"{path}: a stack of {max(pages, first.imagedepth)} pictures; "
            "only single pictures are read: save its slices as separate files"
        )


def _check_kind(path: Path, page: tifffile.TiffPage) -> None:
    if page.dtype is None or page.dtype.kind not in "ub" or page.dtype.itemsize > 2:
        kind = "of unknown kind" if page.dtype is None else str(page.dtype)
        raise InputError(
            f"{path}: {kind} pixels have no fixed white; scale it to 8- or 16-bit unsigned first"
        )
    planes, extra = page.samplesperpixel, len(page.extrasamples)
    colours = planes - extra
    known_alpha = extra == 1 and (page.extrasamples[0] or colours == 3)
    grey_or_rgb = page.photometric not in _PLAIN or colours in (1, 3)
    if extra > 1 or (extra == 1 and not known_alpha) or not grey_or_rgb:
        raise InputError(
            f"{path}: {planes} channels that are neither grey nor RGB (with alpha); "
            "save each channel as a picture of its own"
        )


def _tifffile_decodes(page: tifffile.TiffPage) -> bool:
    return (
        page.photometric in _PLAIN
        and page.compression in _OWN_DECODERS
        and page.bitspersample in (8, 16)
        and page.fillorder == 1
    )


def _check_complete(path: Path, page: tifffile.TiffPage) -> None:
    """Missing strips would be filled with black, silently; tiles may be declared monstrous."""
    missing = len(page.databytecounts) < math.prod(page.chunked) or 0 in page.databytecounts
    if missing or math.prod(page.chunks) > 4 * MAXIMUM_PIXELS:
        raise InputError(f"{path}: damaged or incomplete picture (missing parts); get a fresh copy")


def _arranged(page: tifffile.TiffPage) -> Pixels:
    """(H, W) or (H, W, C) samples from a page whose planes may be stored one after the other."""
    samples = np.asarray(page.asarray())
    if page.axes == "SYX":
        samples = np.moveaxis(samples, 0, -1)
    return samples


def _positive(pixels: Pixels, range: Range | None) -> Pixels:
    """Turn (H, W) pixels of which 0 is white, inside their range: 12 bits stay 12 bits."""
    levels = range or Range.full(pixels.dtype)
    return pixels.dtype.type(math.floor(levels.black + levels.white)) - pixels


def _open_in_pillow(path: Path, page: tifffile.TiffPage) -> ImageFile.ImageFile:
    compression = tifffile.COMPRESSION(page.compression).name
    try:
        image = Image.open(path, formats=("TIFF",))
    except (UnidentifiedImageError, SyntaxError) as error:
        raise InputError(
            f"{path}: this kind of TIFF ({compression} compression) can't be read; "
            "save it uncompressed or with deflate"
        ) from error
    if page.planarconfig == 2 and page.bitspersample == 16:  # Pillow would mix up the planes
        image.close()
        raise InputError(
            f"{path}: 16-bit TIFF in separate planes with {compression} compression can't be read; "
            "save it uncompressed or with deflate"
        )
    return image


def _straight_alpha(samples: Pixels, page: tifffile.TiffPage) -> tuple[Pixels, list[str]]:
    """Divide colours that were stored multiplied by alpha: every other format has them straight."""
    has_alpha = samples.ndim == 3 and samples.shape[2] in (2, 4)
    if not has_alpha or tuple(page.extrasamples) != (_PREMULTIPLIED,):
        return samples, []
    peak = np.iinfo(samples.dtype).max
    alpha = samples[..., -1:].astype(np.float64)
    straight = samples[..., :-1] * (peak / np.maximum(alpha, 1.0))
    colours = np.rint(straight.clip(0, peak)).astype(samples.dtype)
    note = "colours were stored multiplied by alpha; they are written straight"
    return np.concatenate([colours, samples[..., -1:]], axis=2), [note]


def _exif(path: Path, page: tifffile.TiffPage) -> tuple[int, bytes | None, list[str]]:
    """The orientation, the tags that TIFF and EXIF share with the camera's directory, and notes."""
    orientation, exif, notes = _exif_by_pillow(path, page)
    if (tag := page.tags.get(ExifTags.Base.Orientation)) and tag.value in range(1, 9):
        orientation = int(tag.value)  # the pixels must be right where Pillow reads no tag
    return orientation, exif, notes


def _exif_by_pillow(path: Path, page: tifffile.TiffPage) -> tuple[int, bytes | None, list[str]]:
    if page.parent.is_bigtiff and page.parent.byteorder == ">":  # Pillow takes it for a plain TIFF
        lost = any(tag in page.tags for tag in TEXT_TAGS)
        return 1, None, ["EXIF metadata of a big-endian BigTIFF isn't kept"] if lost else []
    try:
        with Image.open(path, formats=("TIFF",)) as image:
            return read_exif(image)
    except (UnidentifiedImageError, SyntaxError):  # pixels that Pillow doesn't know
        with path.open("rb") as stream:
            return read_tiff_exif(stream, page.offset)


def _dropped(page: tifffile.TiffPage) -> list[str]:
    return ["XMP metadata isn't kept"] if ExifTags.Base.XMLPacket in page.tags else []


def _resolution(page: tifffile.TiffPage) -> Resolution | None:
    horizontal, vertical = (page.tags.get(f"{axis}Resolution") for axis in "XY")
    if horizontal is None or vertical is None or 0 in (horizontal.value[1], vertical.value[1]):
        return None
    x, y = (tag.value[0] / tag.value[1] for tag in (horizontal, vertical))
    unit = page.tags.get("ResolutionUnit")
    name = _RESOLUTION_UNITS.get(int(unit.value) if unit else 2, "none")
    return Resolution(x, y, name) if plausible(x, y) else None


def encode_tiff(picture: Picture) -> bytes:
    """Encode as deflate-compressed TIFF in the picture's own depth.

    Alpha, ICC profile, resolution, ImageDescription and the text tags that TIFF shares with EXIF
    (camera, date, artist, copyright) are kept. Black and white level are stated as MinSampleValue
    and MaxSampleValue where the picture has them.
    """
    exif = tags_of(picture.exif)
    texts = {int(tag): str(exif[tag]).rstrip("\0") for tag in TEXT_TAGS if tag in exif}
    description = picture.description or exif.get(ExifTags.Base.ImageDescription)
    samples: npt.NDArray[Any] = picture.pixels
    extra: list[str] | None = None
    if picture.alpha is not None:
        samples = np.dstack([samples, picture.alpha]).astype(samples.dtype, copy=False)
        extra = ["unassalpha"]
    unit = picture.resolution.unit if picture.resolution else "none"
    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer,
        samples,
        photometric="rgb" if picture.is_colour else "minisblack",
        planarconfig="contig" if samples.ndim == 3 else None,
        extrasamples=extra,
        compression="zlib",
        predictor=True,
        resolution=_ratios(picture.resolution),
        resolutionunit=_UNIT_CODES[unit] if picture.resolution else None,
        iccprofile=profile_for(picture.pixels, picture.icc_profile),
        description=str(description).encode() if description else None,
        metadata=None,
        software=False,
        extratags=[
            *((tag, 2, 0, text.encode(), True) for tag, text in texts.items() if text),
            *_range_tags(picture),
        ],
    )
    return buffer.getvalue()


def _range_tags(picture: Picture) -> list[tuple[int, str, int, tuple[int, ...], bool]]:
    """MinSampleValue and MaxSampleValue, one number a sample; alpha has the full range."""
    if picture.range is None or picture.depth == 8:
        return []
    alpha = [] if picture.alpha is None else [Range.full(picture.alpha.dtype)]
    levels = [picture.range] * picture.channels + alpha
    ends = {
        280: tuple(math.floor(level.black) for level in levels),
        281: tuple(math.ceil(level.white) for level in levels),
    }
    return [(code, "H", len(values), values, True) for code, values in ends.items()]


def _ratios(resolution: Resolution | None) -> tuple[tuple[int, int], tuple[int, int]] | None:
    if resolution is None:
        return None
    # Both numbers of a TIFF ratio are 32 bits; plausible values stay far below.
    x, y = (
        Fraction(value).limit_denominator(max(100, min(10**5, int(1e9 / value))))
        for value in (resolution.x, resolution.y)
    )
    return x.as_integer_ratio(), y.as_integer_ratio()
