"""What a picture file says besides pixels: its words, its colours, and how it was compressed."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["ColourTags", "Encoding", "Metadata", "PngTags", "TiffTags"]

Subsampling: TypeAlias = Literal["4:4:4", "4:2:2", "4:2:0"]


@dataclass(frozen=True)
class Metadata:
    """What is said about a picture; nothing here changes how its pixels are to be shown.

    Blocks are kept byte for byte as the file has them, but for what would be untrue of upright,
    denoised pixels: orientation, sizes after a quarter turn, thumbnails.
    """

    exif: bytes | None = None
    """b"Exif\\0\\0" and a TIFF structure (CIPA DC-008); orientation 1, no thumbnail."""
    xmp: bytes | None = None
    """An XMP packet (ISO 16684-1), UTF-8."""
    xmp_extension: bytes | None = None
    """More of the packet, which a JPEG keeps apart; RDF of its own."""
    iptc: bytes | None = None
    """An IPTC-IIM data stream, from its first 0x1C."""
    comment: str | None = None
    """The comment of a JPEG or GIF."""
    description: str | None = None
    """TIFF's ImageDescription (ImageJ and OME keep their own metadata in it)."""
    texts: tuple[tuple[str, str], ...] = ()
    """PNG's text chunks, as (keyword, text)."""
    tiff: "TiffTags | None" = None
    """What only TIFF has a place for."""
    png: "PngTags | None" = None
    """What only PNG has a place for."""
    gain_map: bytes | None = None
    """A JPEG of its own, by which HDR screens brighten the picture (ISO 21496-1, Ultra HDR)."""


@dataclass(frozen=True, eq=False)  # arrays have no single truth of equality
class TiffTags:
    """What TIFF alone says of a picture: how its values are shown, and tags of programs."""

    shown_as: str = ""
    """"palette" or "miniswhite", a way to show values that changes none; "" is black to white."""
    colormap: npt.NDArray[np.uint16] | None = None
    """(3, N) red, green and blue of each value of a palette."""
    tags: tuple[tuple[int, int, int, bytes], ...] = ()
    """Code, type, number of values and little-endian content of private tags."""


@dataclass(frozen=True)
class PngTags:
    """What PNG alone says of a picture."""

    background: tuple[int, ...] = ()
    """One value of grey, or red, green and blue, in the samples of the picture; () if unsaid."""
    chunks: tuple[tuple[bytes, bytes], ...] = ()
    """Name and body of chunks that are true of any pixels: place on a page, size in metres."""


@dataclass(frozen=True)
class ColourTags:
    """How colours are told without an ICC profile (PNG specification, third edition, 11.3.2).

    Where there are several, the first in this order counts, an ICC profile between `cicp` and
    `srgb_intent`.
    """

    cicp: tuple[int, int, int, int] | None = None
    """Primaries, transfer function, matrix, full range: code points of ITU-T H.273."""
    srgb_intent: int | None = None
    """sRGB, to be shown with this rendering intent, 0 to 3."""
    gamma: int | None = None
    """100000 times the exponent that encoded the samples: 45455 is 1 / 2.2, 100000 is linear."""
    chromaticities: tuple[int, int, int, int, int, int, int, int] | None = None
    """100000 times x and y of white, red, green and blue."""
    mastering: bytes | None = None
    """The body of PNG's mDCV: the display that an HDR picture was made on."""
    light_level: bytes | None = None
    """The body of PNG's cLLI: how bright an HDR picture is."""


@dataclass(frozen=True)
class Encoding:
    """How a file stored its pixels, so that a file of the same format can store them alike."""

    name: str
    """The format, as Pillow calls it: "JPEG", "WEBP", ..."""
    lossless: bool = False
    bits: int | None = None
    """Of a sample, where there are 9 to 15 and the format says that the largest value is white."""
    tables: tuple[tuple[int, ...], ...] = ()
    """JPEG's quantisation tables, 64 whole numbers each in rows: luma, then chroma."""
    subsampling: Subsampling | None = None
    """JPEG's chroma subsampling; None where it is another one, or the picture is grey."""
    progressive: bool = False
    stores_rgb: bool = False
    """Whether a JPEG stores red, green and blue, not luma and chroma."""
    white_is_zero: bool = False
    """Whether a TIFF counted from white (MINISWHITE): `pixels` count from black all the same."""
