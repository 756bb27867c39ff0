"""Read TIFF: the one picture of a file, its pixels, and what its tags say of them.

Pixels of 8 and 16 bits stay what they are; those of other types, measurements, become floats.

tifffile's is the microscopist's TIFF: full depth, pixel size, description. See `tiff_pages` for
which directory is read, `tiff_pixels` for how.
"""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import ExifTags

from spiden_cli.core.files import exif, exif_tiff, iptc, xmp
from spiden_cli.core.files.colour import profile_for
from spiden_cli.core.files.decoding import Header, check_size, decoding, plausible, split_alpha
from spiden_cli.core.files.inks import full_range, plates_of
from spiden_cli.core.files.orientation import upright
from spiden_cli.core.files.stacks.ome_xml import for_new_file
from spiden_cli.core.files.tiff_claims import check_tiff_claim
from spiden_cli.core.files.tiff_pages import check_kind, picture_page
from spiden_cli.core.files.tiff_pixels import decode, is_lab, positive, zero_is_white
from spiden_cli.core.files.tiff_tags import CREDENTIALS, LAYERS, RESOURCES, carried_tags, is_look_up
from spiden_cli.core.files.white_level import range_of, stated_in_tiff
from spiden_cli.core.image.metadata import ColourTags, Encoding, Metadata
from spiden_cli.core.image.picture import Picture, Pixels, Range, Resolution, Unit
from spiden_cli.core.image.showing import show
from spiden_cli.core.image.values import Plane
from spiden_cli.errors import InputError

__all__ = ["read_tiff", "tiff_header"]

# tifffile reports trouble on its logger besides raising; nobody asked for those lines on stderr.
logging.getLogger("tifffile").addHandler(logging.NullHandler())

_WHITE_POINT, _PRIMARIES, _TRANSFER = 318, 319, 301
_DOT_RANGE = 336
_RESOLUTION_UNITS: dict[int, Unit] = {1: "none", 2: "inch", 3: "centimetre"}


def read_tiff(path: Path) -> Picture:
    """Read a single-picture TIFF or BigTIFF, upright, in its own depth.

    Raises:
        InputError: damaged, camera raw, a stack, a kind of pixel other than grey, RGB, Lab or CMYK
            (with alpha), too small or too large.
    """
    with decoding(path), tifffile.TiffFile(path) as tiff:
        page = picture_page(path, tiff)
        samples_bytes = page.samplesperpixel * _bytes_in_memory(page.bitspersample)
        check_size(path, page.imagewidth, page.imagelength, samples_bytes)
        check_kind(path, page)
        check_tiff_claim(path, page)
        stored, notes = decode(path, page)
        orientation = _orientation(page)
        samples = upright(stored, orientation)
        if page.photometric == tifffile.PHOTOMETRIC.SEPARATED:
            seen, alpha = _in_inks(path, page, samples)
        else:
            pixels, alpha = split_alpha(samples)
            seen = _seen(path, page, pixels)
        block, warned = _exif(path, page, orientation)
        description, damaged = _description(page)
        cmyk = seen.black_plate is not None
        return replace(
            seen,
            alpha=alpha,
            metadata=Metadata(
                exif=block,
                xmp=_xmp(page, orientation),
                iptc=_iptc(page),
                description=description,
                tiff=carried_tags(page, _is_kept(page, seen.pixels)),
            ),
            icc_profile=profile_for(seen.pixels, page.iccprofile, cmyk),
            colour_tags=_colour_tags(page),
            encoding=_encoding(page, seen),
            resolution=_resolution(page, orientation),
            notes=(*notes, *seen.notes),
            lost=(*_left_behind(tiff, page), *warned, *damaged),
        )


def _in_inks(path: Path, page: tifffile.TiffPage, samples: Plane) -> tuple[Picture, Pixels | None]:
    """Upright CMYK, and its alpha."""
    if samples.dtype not in (np.uint8, np.uint16):
        raise InputError(f"{path}: CMYK of {samples.dtype} can't be read; save it in 8 or 16 bits")
    alpha = np.ascontiguousarray(samples[..., 4]) if samples.shape[2] == 5 else None
    inks, notes = full_range(samples[..., :4], _dot_range(page))
    pixels, plate = plates_of(inks)
    return Picture(pixels, black_plate=plate, notes=notes), alpha


def _dot_range(page: tifffile.TiffPage) -> tuple[float, ...]:
    """The values of no ink and of all of it (TIFF 6.0, section 16), a pair, or one for each ink."""
    tag = page.tags.get(_DOT_RANGE)
    value: Any = () if tag is None else tag.value
    values = np.atleast_1d(list(value) if isinstance(value, bytes) else np.asarray(value))
    return tuple(float(value) for value in values) if values.dtype.kind in "iuf" else ()


def _seen(path: Path, page: tifffile.TiffPage, pixels: Plane) -> Picture:
    """Upright pixels with their black and white."""
    if pixels.dtype not in (np.uint8, np.uint16):
        return show(pixels, str(path))
    stated = Range.full(pixels.dtype) if is_lab(page) else stated_in_tiff(page)
    levels = range_of(pixels, stated)
    if zero_is_white(page) and not _is_kept(page, pixels):
        pixels = positive(pixels, levels.range)
    return Picture(pixels, range=levels.range, notes=levels.notes, white_guess=levels.guess)


def _bytes_in_memory(bits: int) -> int:
    """Of a sample; those of more than 16 bits are held as floats, too."""
    return max(1, bits // 8) + (4 if bits > 16 else 0)


def _is_kept(page: tifffile.TiffPage, pixels: Plane) -> bool:
    """Return whether values stay as they are stored, and the way in which they are shown as well.

    Measurements do: white for 0 is one of the ways to show them.
    """
    measured = pixels.dtype not in (np.uint8, np.uint16)
    return is_look_up(page) or (measured and zero_is_white(page))


def _encoding(page: tifffile.TiffPage, seen: Picture) -> Encoding | None:
    """Return that a picture was turned positive, so that its file can be a negative again."""
    negative = page.photometric == tifffile.PHOTOMETRIC.MINISWHITE
    turned = negative and not _is_kept(page, seen.pixels)
    return Encoding("TIFF", white_is_zero=True) if turned else None


def _description(page: tifffile.TiffPage) -> tuple[str | None, list[str]]:
    """The description, and what is lost if it can't be carried over."""
    if not page.is_ome:
        return page.description or None, []
    try:
        for_new_file(page.description, 1)
    except InputError:
        return None, ["damaged OME metadata isn't kept"]
    return page.description, []


def _left_behind(tiff: tifffile.TiffFile, page: tifffile.TiffPage) -> list[str]:
    """What a file holds besides the picture, for the user to be told."""
    left = []
    if len(tiff.pages) > 1 or page.subifds or page.offset != tiff.pages.first.offset:
        left.append("thumbnails, masks and reduced copies besides the picture aren't kept")
    if LAYERS in page.tags:
        left.append("Photoshop's layers aren't kept")
    if any(number in iptc.PHOTOSHOP_PATHS for number in _resources(page)):
        left.append("Photoshop's paths aren't kept")
    if CREDENTIALS in page.tags:
        left.append("content credentials (C2PA) aren't kept")
    if _TRANSFER in page.tags:
        left.append("the curve of its values (TransferFunction) isn't kept")
    return left


def tiff_header(path: Path) -> Header | None:
    """Read the header of a TIFF file; None where it doesn't tell the colour.

    Raises:
        InputError: damaged, or without a picture that can be read.
    """
    with decoding(path), tifffile.TiffFile(path) as tiff:
        page = picture_page(path, tiff)
        if page.photometric == tifffile.PHOTOMETRIC.PALETTE and not is_look_up(page):
            return None
        colours = page.samplesperpixel - len(page.extrasamples)
        return Header(page.imagewidth, page.imagelength, colours > 1)


def _orientation(page: tifffile.TiffPage) -> int:
    tag = page.tags.get(ExifTags.Base.Orientation)
    return int(tag.value) if tag is not None and tag.value in range(1, 9) else 1


def _exif(path: Path, page: tifffile.TiffPage, orientation: int) -> tuple[bytes | None, list[str]]:
    """The tags that TIFF and EXIF share, with directories of camera and place; what is lost."""
    if page.parent.is_bigtiff and page.parent.byteorder == ">":  # Pillow takes it for a plain TIFF
        tags = (*exif_tiff.TEXT_TAGS, *exif_tiff.OTHER_TAGS)
        lost = any(tag in page.tags for tag in tags)
        return None, ["EXIF metadata of a big-endian BigTIFF isn't kept"] if lost else []
    with path.open("rb") as stream:
        try:
            block, damaged = exif_tiff.from_tiff(stream, page.offset, orientation)
        except exif_tiff.UNREADABLE:
            return None, [exif.DAMAGED]
    return block, [f"{damaged} damaged EXIF entries aren't kept"] if damaged else []


def _xmp(page: tifffile.TiffPage, orientation: int) -> bytes | None:
    packet = _bytes(page, xmp.TIFF_TAG)
    return xmp.true_of_upright(packet, orientation >= 5) if packet else None


def _iptc(page: tifffile.TiffPage) -> bytes | None:
    stream = iptc.as_stream(_bytes(page, iptc.TIFF_TAG))
    return stream or iptc.as_stream(_resources(page).get(iptc.PHOTOSHOP_RESOURCE))


def _resources(page: tifffile.TiffPage) -> dict[int, bytes]:
    """Photoshop's image resources."""
    return iptc.resources_of(_bytes(page, RESOURCES) or b"")


def _bytes(page: tifffile.TiffPage, code: int) -> bytes | None:
    """The bytes of a tag, whatever type its writer gave it (IPTC is often made of numbers)."""
    tag = page.tags.get(code)
    if tag is None:
        return None
    stream = page.parent.filehandle
    stream.seek(tag.valueoffset)
    content = stream.read(tag.valuebytecount)
    return bytes(content) or None


def _colour_tags(page: tifffile.TiffPage) -> ColourTags | None:
    """WhitePoint and PrimaryChromaticities (TIFF 6.0, section 20)."""
    white, primaries = (_ratios(page, code) for code in (_WHITE_POINT, _PRIMARIES))
    if len(white) != 2 or len(primaries) != 6:
        return None
    first, *others = (round(value * 100_000) for value in (*white, *primaries))
    a, b, c, d, e, f, g = others
    return ColourTags(chromaticities=(first, a, b, c, d, e, f, g))


def _ratios(page: tifffile.TiffPage, code: int) -> list[float]:
    tag = page.tags.get(code)
    values: Any = tag.value if tag is not None else ()
    if not isinstance(values, tuple) or 0 in values[1::2]:
        return []
    ratios = [top / bottom for top, bottom in zip(values[::2], values[1::2], strict=True)]
    return ratios if all(0 <= ratio <= 1 for ratio in ratios) else []


def _resolution(page: tifffile.TiffPage, orientation: int) -> Resolution | None:
    horizontal, vertical = (page.tags.get(f"{axis}Resolution") for axis in "XY")
    if horizontal is None or vertical is None or 0 in (horizontal.value[1], vertical.value[1]):
        return None
    x, y = (tag.value[0] / tag.value[1] for tag in (horizontal, vertical))
    unit = page.tags.get("ResolutionUnit")
    name = _RESOLUTION_UNITS.get(int(unit.value) if unit else 2, "none")
    if not plausible(x, y):
        return None
    resolution = Resolution(x, y, name)
    return resolution.turned() if orientation >= 5 else resolution
