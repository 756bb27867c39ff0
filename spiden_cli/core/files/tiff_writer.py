"""Write TIFF: deflate, the picture's own depth, and all that a TIFF can say of it."""

import io
import math
import struct
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile
from PIL import ExifTags

from spiden_cli.core.files import iptc, xmp
from spiden_cli.core.files.colour import fitted_colours
from spiden_cli.core.files.exif_tiff import (
    OTHER_TAGS,
    TEXT_TAGS,
    UNREADABLE,
    directory_bytes,
    latin_1,
    main_tags,
)
from spiden_cli.core.files.inks import amounts
from spiden_cli.core.files.metadata import fitted_metadata
from spiden_cli.core.files.stacks.ome_xml import for_new_file, is_ome_xml
from spiden_cli.core.files.tiff_pixels import positive
from spiden_cli.core.image.metadata import TiffTags
from spiden_cli.core.image.picture import Picture, Range, Resolution
from spiden_cli.errors import InputError

__all__ = ["encode_tiff"]

_UNIT_CODES = {"none": 1, "inch": 2, "centimetre": 3}
_CHROMATICITIES = ((318, slice(0, 2)), (319, slice(2, 8)))

_SHORT = 3  # a type of tags

Tag = tuple[int, str | int, int, Any, bool]
"""As tifffile takes it: code, type, number of values, values, whether of the first page alone."""


def encode_tiff(picture: Picture) -> bytes:
    """Encode as deflate-compressed TIFF in the picture's own depth, a measurement in its own type.

    Alpha, ICC profile, resolution, description, XMP, IPTC, and EXIF with the directories of camera
    and place are kept. Black and white level are stated as MinSampleValue and MaxSampleValue where
    the picture has them.
    """
    metadata, _ = fitted_metadata(picture.metadata, "TIFF")
    colours, _ = fitted_colours(picture, "TIFF")
    texts, described = _texts(metadata.exif)
    description = _description(picture, metadata.description) or described
    samples: npt.NDArray[Any] = picture.measured
    negative = _is_negative(picture)
    if negative:
        samples = positive(samples, picture.range)
    if picture.black_plate is not None:
        samples = amounts(picture.pixels, picture.black_plate)
    if picture.alpha is not None:
        samples = np.dstack([samples, picture.alpha]).astype(samples.dtype, copy=False)
    directories = _directories(metadata.exif)
    tags: list[Tag] = [*texts, *_range_tags(picture), *_chromaticity_tags(picture, colours.profile)]
    for code, kind, content in ((xmp.TIFF_TAG, 1, metadata.xmp), (iptc.TIFF_TAG, 7, metadata.iptc)):
        if content is not None:
            tags.append((code, kind, len(content), content, True))
    tags += [(pointer - 1, "I", 1, 0, True) for pointer in directories]
    tiff = metadata.tiff or TiffTags()
    tags += [(*tag, True) for tag in tiff.tags]
    shown_as = "rgb" if picture.is_colour else tiff.shown_as or "minisblack"
    shown_as = "miniswhite" if negative else shown_as
    shown_as = "separated" if picture.black_plate is not None else shown_as
    buffer = io.BytesIO()
    unit = picture.resolution.unit if picture.resolution else "none"
    tifffile.imwrite(
        buffer,
        samples,
        byteorder="<",
        photometric=shown_as,
        colormap=tiff.colormap if shown_as == "palette" else None,
        planarconfig="contig" if samples.ndim == 3 else None,
        extrasamples=["unassalpha"] if picture.alpha is not None else None,
        compression="zlib",
        predictor=samples.dtype.kind == "u" and samples.dtype.itemsize <= 2,  # all readers know it
        resolution=_ratios(picture.resolution),
        resolutionunit=_UNIT_CODES[unit] if picture.resolution else None,
        iccprofile=colours.profile,
        description=description,
        metadata=None,
        software=False,
        extratags=tags,
    )
    if metadata.exif is not None:
        _append(buffer, metadata.exif, directories)
    return buffer.getvalue()


def _is_negative(picture: Picture) -> bool:
    """Whether to count from white, as the picture's own file did; not beyond its white."""
    own = picture.encoding
    counted = own is not None and own.white_is_zero and not picture.is_measured
    if not counted or picture.is_colour or picture.black_plate is not None:
        return False
    turned = positive(picture.pixels, picture.range)
    return np.array_equal(positive(turned, picture.range), picture.pixels)


def _description(picture: Picture, text: str | None) -> bytes | None:
    """The description, in which OME's names the new file and no other."""
    if text is None or not is_ome_xml(text):
        return text.encode() if text else None
    try:
        sizes = {"SizeX": picture.width, "SizeY": picture.height}
        return for_new_file(text, 1, sizes).encode()
    except InputError:
        return None


def _texts(block: bytes | None) -> tuple[list[Tag], bytes | None]:
    """What an EXIF block says in its first directory, as tags of the file; its description."""
    try:
        found = main_tags(block) if block else {}
    except UNREADABLE:
        return [], None
    texts = {int(tag): latin_1(found[tag]) for tag in TEXT_TAGS if tag in found}
    described = latin_1(found.get(ExifTags.Base.ImageDescription, ""))
    tags: list[Tag] = [(tag, 2, 0, text, True) for tag, text in texts.items() if text]
    for tag, kind in OTHER_TAGS.items():
        value = found.get(tag)
        if isinstance(value, bytes) and value and kind != _SHORT:
            tags.append((tag, kind, len(value), value, True))
        elif isinstance(value, int) and 0 <= value < 2**16 and kind == _SHORT:
            tags.append((tag, kind, 1, value, True))
    return tags, described or None


def _directories(block: bytes | None) -> list[int]:
    """The pointers of the directories in an EXIF block that can be written."""
    found = []
    for pointer in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
        try:
            if block and directory_bytes(block, pointer, 0):
                found.append(int(pointer))
        except UNREADABLE:
            continue
    return found


def _append(buffer: io.BytesIO, block: bytes, directories: list[int]) -> None:
    """Put directories of an EXIF block behind the picture, and point to them.

    tifffile doesn't write their two pointers, and so was given the unused codes right below theirs.
    """
    buffer.seek(0)
    with tifffile.TiffFile(buffer) as tiff:
        tags = tiff.pages.first.tags
        entries = {pointer: tags[pointer - 1].offset for pointer in directories}
    for pointer, entry in entries.items():
        end = buffer.seek(0, io.SEEK_END)
        buffer.write(bytes(end % 2))
        offset = buffer.tell()
        buffer.write(directory_bytes(block, pointer, offset))
        buffer.seek(entry)
        buffer.write(struct.pack("<H", pointer))
        buffer.seek(entry + 8)
        buffer.write(struct.pack("<I", offset))


def _range_tags(picture: Picture) -> list[Tag]:
    """MinSampleValue and MaxSampleValue, one number a sample; alpha has the full range."""
    if picture.range is None or picture.depth != 16:
        return []
    alpha = [] if picture.alpha is None else [Range.full(picture.alpha.dtype)]
    levels = [picture.range] * picture.channels + alpha
    ends = {
        280: tuple(math.floor(level.black) for level in levels),
        281: tuple(math.ceil(level.white) for level in levels),
    }
    return [(code, "H", len(values), values, True) for code, values in ends.items()]


def _chromaticity_tags(picture: Picture, profile: bytes | None) -> list[Tag]:
    """WhitePoint and PrimaryChromaticities, where no profile says more."""
    values = picture.colour_tags.chromaticities if picture.colour_tags else None
    if values is None or profile is not None:
        return []
    ratios = [(value, 100_000) for value in values]
    return [
        (code, "2I", len(ratios[part]), tuple(n for ratio in ratios[part] for n in ratio), True)
        for code, part in _CHROMATICITIES
    ]


def _ratios(resolution: Resolution | None) -> tuple[tuple[int, int], tuple[int, int]] | None:
    if resolution is None:
        return None
    # Both numbers of a TIFF ratio are 32 bits; plausible values stay far below.
    x, y = (
        Fraction(value).limit_denominator(max(100, min(10**5, int(1e9 / value))))
        for value in (resolution.x, resolution.y)
    )
    return x.as_integer_ratio(), y.as_integer_ratio()
