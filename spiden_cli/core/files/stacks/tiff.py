"""Read stacks of TIFF: ImageJ, OME, MetaMorph, LSM, and plain pages, one plane at a time.

tifffile knows the dialects and says which axes a file has. Values are read as they are stored: a
look-up table (ImageJ's colours, its inverted one) is how a program shows them, and changes none.
"""

import json
import math
from pathlib import Path

import numpy as np
import tifffile

from spiden_cli.core.files.decoding import decoding
from spiden_cli.core.files.stacks.album import ALBUM_AXIS, as_one_series, is_album
from spiden_cli.core.files.stacks.layout import UNKNOWN, Index, Layout, layout_of, unknown_axes
from spiden_cli.core.files.tiff_pages import (
    check_complete,
    check_other_files,
    declared,
    described,
    is_from_sensor,
    planes_of,
)
from spiden_cli.core.image.values import Plane, check_type
from spiden_cli.errors import InputError

__all__ = ["TiffSource", "is_tiff_stack", "samples_are_planes"]

_PALETTE = tifffile.PHOTOMETRIC.PALETTE
_RGB = {tifffile.PHOTOMETRIC.RGB, tifffile.PHOTOMETRIC.YCBCR}
_GREY = {tifffile.PHOTOMETRIC.MINISBLACK, tifffile.PHOTOMETRIC.MINISWHITE}


def is_tiff_stack(path: Path) -> bool:
    """Return whether a TIFF file has several planes, or channels that are no colours.

    Raises:
        InputError: it is damaged.
    """
    with decoding(path), tifffile.TiffFile(path) as tiff:
        check_other_files(path, tiff)
        first = tiff.pages.first
        if is_from_sensor(tiff):
            return False
        return samples_are_planes(first) or _samples_are_channels(first) or planes_of(tiff) > 1


def samples_are_planes(page: tifffile.TiffPage) -> bool:
    """Whether the "colours" of a page are a stack that tifffile wrote without being told.

    It takes three or four planes for RGB with or without alpha where nobody says what they are.
    Three may be, and stay colours; four with a shape and no axes are not believed.
    """
    if not page.is_shaped or page.planarconfig != tifffile.PLANARCONFIG.SEPARATE:
        return False
    return page.samplesperpixel > 3 and "axes" not in _shaped_words(page)


def _samples_are_channels(page: tifffile.TiffPage) -> bool:
    """Whether the samples of a page are neither grey nor RGB with transparency."""
    extra = len(page.extrasamples)
    if page.photometric in _GREY:
        known = page.samplesperpixel == 1 + extra and (
            extra == 0 or tuple(page.extrasamples) > (0,)
        )
        return extra > 1 or not known
    return page.photometric == tifffile.PHOTOMETRIC.RGB and extra > 1


def _shaped_words(page: tifffile.TiffPage) -> dict[str, object]:
    """What tifffile wrote of a page's shape; {} if it is damaged."""
    try:
        words = json.loads(page.shaped_description or "{}")
    except ValueError:
        return {}
    return words if isinstance(words, dict) else {}


class TiffSource:
    """A TIFF file as a stack.

    Args:
        path: the file.
        axes: a letter for each dimension; None: what the file says.

    Attributes:
        tiff: the open file, for those who write one like it.
        series: the one series of pictures in it.
        pages: for each page in the order of the planes, its TIFF page; a single one where all
            planes follow each other without pages of their own.
        within: shape of what a page holds besides a plane; () nearly always.
        colour: whether samples are red, green and blue.
        album: whether planes are pages, each a picture of its own; see `is_album`. Those of one bit
            are read as bytes.
        told: whether the file itself says what its axes are.
        skipped: whether there are thumbnails or masks, which are no planes.

    Raises:
        InputError: damaged, of several sizes, of a type that is no brightness, or its axes aren't
            known.
    """

    def __init__(self, path: Path, axes: str | None) -> None:
        self.path, self.notes, self.album = path, tuple[str, ...](), False
        with decoding(path):
            self.tiff = tifffile.TiffFile(path)
            try:
                check_other_files(path, self.tiff)
                self._open(axes)
            except BaseException:
                self.tiff.close()
                raise

    def _open(self, axes: str | None) -> None:
        self.series, self.skipped = _only_series(self.path, self.tiff)
        self.pages = list(self.series.pages._pages)  # virtual ones stay virtual
        self.key = self.series.keyframe
        self.kind = _kind(self.tiff)
        if self.series.dtype is None:
            raise InputError(f"{self.path}: pixels of unknown kind can't be read")
        self.dtype = np.dtype(self.series.dtype).newbyteorder("=")
        lut = self.key.photometric == _PALETTE
        if not (lut or self.key.photometric in _RGB | _GREY):
            raise InputError(
                f"{self.path}: planes of this kind ({described(self.key)}) have no brightness to "
                "denoise; save them as grey or RGB"
            )
        self.colour = self.key.photometric in _RGB
        if lut and not (self.tiff.is_imagej or self.tiff.is_ome):
            raise InputError(
                f"{self.path}: pages of a palette, whose numbers are no brightness; save them as "
                "grey or RGB"
            )
        self.told = axes is None
        self._name_axes(axes)
        if self.album and self.dtype == np.bool_:
            self.dtype = np.dtype(np.uint8)
        check_type(self.dtype, str(self.path))
        pages, planes = len(self.pages), self.layout.count
        self.within = self.layout.lengths[len(self.layout.lengths) - self._inner :]
        self._virtual = pages == 1 and planes > math.prod(self.within)
        if None in self.pages:
            raise InputError(
                f"{self.path}: some of its planes are missing: it is cut off, or they are in other "
                "files, which must lie in the same folder"
            )
        check_complete(self.path, self.tiff)
        if planes < declared(self.tiff):
            raise InputError(f"{self.path}: planes are cut off at its end; get a fresh copy")
        if self._virtual and self._ends_early(planes // math.prod(self.within)):
            raise InputError(f"{self.path}: it claims {planes} planes, more than the file can hold")
        if not self._virtual and pages * math.prod(self.within) != planes:
            raise InputError(f"{self.path}: {pages} pages for {planes} planes: it is incomplete")

    def _ends_early(self, pages: int) -> bool:
        """Return whether what would be pages, one after the other, doesn't fit into the file."""
        first = self.key.dataoffsets[0] if self.key.dataoffsets else 0
        return first + pages * self.key.nbytes > self.tiff.filehandle.size

    def _name_axes(self, axes: str | None) -> None:
        """Find the axes, and how many of them are inside a page."""
        shape, known = tuple(self.series.shape), str(self.series.axes)
        self._planar = known.endswith("SYX")  # colours one after the other
        if self._planar and (self.key.photometric not in _RGB or samples_are_planes(self.key)):
            known, self._planar = f"{known[:-3]}{'Q' if self.tiff.is_shaped else 'C'}YX", False
        elif self._planar:
            known, shape = known[:-3] + "YXS", (*shape[:-3], *shape[-2:], shape[-3])
            if self.key.is_shaped and "axes" not in _shaped_words(self.key):
                self.notes += (
                    "three planes that the file calls red, green and blue; if they aren't colours, "
                    "give --channels independent",
                )
        if self.tiff.is_stk and "I" in known:
            known = known.replace("I", "Z")
            self.notes += ("the file doesn't say whether its planes are of depth or time: Z",)
        if axes is None and is_album(self.tiff, self.series, known):
            self.album, known = True, ALBUM_AXIS + known[1:]
            self.notes += (
                f"{shape[0]} pages, each denoised as a picture of its own; if they are a stack, "
                f"name its axes, as in --axes Z{known[1:]}",
            )
        given = known if axes is None else axes.upper()
        if axes is None and set(known) & set(UNKNOWN):
            raise unknown_axes(shape, str(self.path), known)
        self.layout: Layout = layout_of(given, shape, str(self.path))
        if self.layout.axes != given:
            raise InputError(
                f"{self.path}: pages of a TIFF are YX, or YXS in colour: --axes must end so, not "
                f"as in {given}"
            )
        page = len(self.key.shape)
        self._inner = max(0, page - len(self.layout.plane))

    def __enter__(self) -> "TiffSource":
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.tiff.close()

    def read(self, index: Index) -> Plane:
        """Read one plane, as it is stored.

        Raises:
            InputError: it is damaged or cut off.
        """
        within = math.prod(self.within)
        page, part = divmod(self.layout.number(index), within)
        with decoding(self.path):
            samples = self._stored(page) if self._virtual else self._decoded(page)
        plane = samples.reshape(within, *samples.shape[self._inner :])[part]
        return np.moveaxis(plane, 0, -1) if self._planar else plane

    def _decoded(self, number: int) -> Plane:
        page = self.pages[number]
        if page is None:
            raise self._cut(number)
        missing = len(page.databytecounts) < math.prod(self.key.chunked)
        ends = max(map(sum, zip(page.dataoffsets, page.databytecounts, strict=False)), default=0)
        if missing or 0 in page.databytecounts or ends > page.parent.filehandle.size:
            raise self._cut(number)
        samples = np.asarray(page.asarray())
        return samples.astype(np.uint8) * 255 if samples.dtype == np.bool_ else samples

    def _stored(self, number: int) -> Plane:
        """Read what follows the only page: MetaMorph, and ImageJ above 4 GB."""
        if not self.key.is_contiguous:
            raise InputError(f"{self.path}: compressed planes without pages can't be told apart")
        stream = self.tiff.filehandle
        stream.seek(self.key.dataoffsets[0] + number * self.key.nbytes)
        content = stream.read(self.key.nbytes)
        if len(content) < self.key.nbytes:
            raise self._cut(number)
        stored = np.frombuffer(content, self.dtype.newbyteorder(self.tiff.byteorder))
        return stored.astype(self.dtype).reshape(self.key.shape)

    def _cut(self, number: int) -> InputError:
        return InputError(
            f"{self.path}: plane {number + 1} of {self.layout.count} is cut off; get a fresh copy"
        )


def _only_series(path: Path, tiff: tifffile.TiffFile) -> tuple[tifffile.TiffPageSeries, bool]:
    """Find the series of full-size pictures, and whether anything else is in the file."""
    if tiff.is_ome and "BinaryOnly" in (tiff.ome_metadata or "")[:4096]:
        raise InputError(
            f"{path}: its OME metadata is in a companion file; open that with Bio-Formats, and "
            "save it as one OME-TIFF"
        )
    found = list(tiff.series)
    whole = [one for one in found if not (one.keyframe.is_reduced or one.keyframe.is_mask)]
    whole = whole or found
    if not whole:
        raise InputError(f"{path}: an empty stack: there is nothing to denoise")
    if len(whole) > 1 and (album := as_one_series(whole)) is not None:
        return album, len(found) > len(whole)
    if len(whole) > 1:
        sizes = ", ".join(" x ".join(map(str, one.shape)) for one in whole[:3])
        raise InputError(
            f"{path}: {len(whole)} pictures or stacks of different kinds ({sizes}); save each as a "
            "file of its own"
        )
    return whole[0], len(found) > len(whole)


def _kind(tiff: tifffile.TiffFile) -> str:
    if tiff.is_ome:
        return "OME-TIFF"
    if tiff.is_imagej:
        return "ImageJ TIFF"
    if tiff.is_stk:
        return "MetaMorph stack"
    return "LSM" if tiff.is_lsm else "TIFF"
