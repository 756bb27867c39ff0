"""The planes of a stack as they are to be denoised: which channel each part is of, and means."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from spiden_cli.core.files.stacks.layout import Index, Layout
from spiden_cli.core.files.stacks.source import PartialSource, StackSource
from spiden_cli.core.image.picture import Picture, Range
from spiden_cli.core.image.plane_view import Ends, PlaneView
from spiden_cli.core.image.showing import (
    check_ends,
    range_of_values,
    sampled_values,
    show,
    show_view,
)
from spiden_cli.core.image.values import Plane
from spiden_cli.core.memory import beyond_memory
from spiden_cli.core.tasks.stack_result import StackSettings
from spiden_cli.errors import InputError

__all__ = ["Part", "Reader", "planned_layout"]

_MOST_MEASURED = 8
STEP, LARGE = 1024, 1536
"""Pixels a side that are read at once of planes that aren't held; below the latter they may be."""
_TO_FILL = 40
"""Bytes of each value, while holes are filled: where the nearest numbers are, and copies."""
_COLOURS = (3, 4)  # samples of a colour plane, without and with alpha


def planned_layout(source: StackSource, settings: StackSettings) -> Layout:
    """The layout of what denoising will give.

    Raises:
        InputError: frames are to be averaged, and there are none.
    """
    if not settings.average:
        return source.layout
    if "T" not in source.layout.lead:
        raise InputError(
            f"{source.path}: no axis T to average over: its axes are {source.layout.axes}; "
            "--axes names them, as in TYX"
        )
    return source.layout.without("T")


class Part(NamedTuple):
    """What goes through a network at once: a plane, or one sample of it.

    Attributes:
        key: which of the channels that have a noise level.
        place: of the part in the plane.
        colour: whether it is red, green and blue.
    """

    key: int
    place: tuple[Any, ...]
    colour: bool


@dataclass(frozen=True)
class Reader:
    """The planes of the result before they are denoised: of the source, or means over frames.

    Attributes:
        source: the noisy stack.
        settings: how it is denoised.
        layout: of the result.
        apart: whether large planes are looked at through views, and never held as a whole.
    """

    source: StackSource
    settings: StackSettings
    layout: Layout
    apart: bool = False

    @property
    def frames(self) -> int:
        """How many frames a plane is the mean of."""
        return self.source.layout.length("T") if self.settings.average else 1

    def read(self, index: Index) -> Plane:
        """Read a plane; a mean over frames is float64, of what is finite."""
        if not self.settings.average:
            return self.source.read(index)
        places = dict(zip(self.layout.lead, index, strict=True))
        total, counts = np.zeros(self.layout.plane), np.zeros(self.layout.plane, np.int32)
        for frame in range(self.frames):
            of_source = tuple((places | {"T": frame})[axis] for axis in self.source.layout.lead)
            plane = self.source.read(of_source)
            finite = np.isfinite(plane)
            np.add(total, plane, out=total, where=finite)
            counts += finite
        with np.errstate(invalid="ignore"):
            return np.asarray(total / counts)

    def view(self, index: Index) -> PlaneView | None:
        """Return a view of a plane; None where it has to be read as a whole, or may as well be."""
        source = self.source
        if not (self.apart and isinstance(source, PartialSource)) or self.settings.average:
            return None
        if self.layout.pixels <= LARGE**2:
            return None
        tall, wide = (chunk * math.ceil(STEP / chunk) for chunk in source.chunk)
        read = partial(source.part, index)
        return PlaneView(self.layout.plane, source.dtype, (tall, wide), read)

    def read_with_holes(self, index: Index) -> Plane:
        """Read all of a plane that has holes, which are filled by what lies anywhere around them.

        Raises:
            InputError: it is damaged, or takes more memory than may be used.
        """
        needed = math.prod(self.layout.plane) * (_TO_FILL + self.source.dtype.itemsize)
        if refused := beyond_memory(needed):
            raise InputError(
                f"{self.source.path}: a plane has places without a number (NaN, infinity), and is "
                f"therefore held as a whole, which takes up to {refused}"
            )
        return self.read(index)

    def parts(self, index: Index) -> Iterator[Part]:
        """The parts of a plane, each with the channel that it is of."""
        channel, plane = self.layout.channel(index), self.layout.plane
        if len(plane) == 2:
            yield Part(channel, (), False)
        elif plane[2] in _COLOURS and self.source.colour and not self.settings.independent:
            yield Part(channel, (..., slice(0, 3)), True)
        else:
            for sample in range(plane[2]):
                yield Part(channel * plane[2] + sample, (..., sample), False)

    def extent(self, chosen: Sequence[tuple[Index, Part]]) -> Range:
        """Black and white of a channel, by what some of its planes hold; see `measured`."""
        samples = []
        for index, part in chosen:
            view = self.view(index)
            plane: Any = self.read(index)[part.place] if view is None else view.sample(part.place)
            samples.append(sampled_values(plane))
        return range_of_values(samples, self.source.dtype)

    def picture(self, plane: Plane, extent: Range) -> Picture:
        """A plane, or a part of one, as a picture; bytes have black and white of their own."""
        if plane.dtype == np.uint8:
            return Picture(np.ascontiguousarray(plane))
        return show(plane, str(self.source.path), extent)

    def seen(self, view: PlaneView, ends: Ends, extent: Range) -> Picture:
        """A plane without holes, or a part of one, as a picture whose pixels are a view.

        Args:
            view: of it.
            ends: of its values.
            extent: black and white.

        Raises:
            InputError: its values are beyond what can be denoised.
        """
        check_ends(ends, self.source.dtype, str(self.source.path), extent)
        return self.shown_view(view, extent)

    def shown_view(self, view: PlaneView, extent: Range) -> Picture:
        """The same, where it is known that it can be denoised."""
        if view.dtype == np.uint8:
            pixels: Any = view
            return Picture(pixels)
        return show_view(view, extent)

    def measured(self) -> dict[int, list[tuple[Index, Part]]]:
        """Which planes are looked at for each channel, spread evenly over all."""
        by_channel: dict[int, list[Index]] = {}
        for index in self.layout.indices():
            by_channel.setdefault(self.layout.channel(index), []).append(index)
        found: dict[int, list[tuple[Index, Part]]] = {}
        for indices in by_channel.values():
            at = np.linspace(0, len(indices) - 1, min(_MOST_MEASURED, len(indices)))
            for number in np.rint(at).astype(int):
                for part in self.parts(indices[number]):
                    found.setdefault(part.key, []).append((indices[number], part))
        return found
