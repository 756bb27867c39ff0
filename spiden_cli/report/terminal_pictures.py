"""Pictures drawn in the terminal, side by side: all of each, and a part pixel by pixel.

Kitty's protocol and sixels (iTerm2, WezTerm, xterm and many more) come from textual-image, a small
library on rich and Pillow that asks the terminal what it can; it is an extra, `spiden[show]`.
Without it, and elsewhere, each character shows two pixels as a half block.
"""

import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.color import Color
from rich.segment import Segment, Segments
from rich.style import Style

from spiden_cli.report.console import data, note, visible
from spiden_cli.report.panels import ELLIPSIS, Panel, fitted, image_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    from spiden_cli.core.image.picture import Picture
    from spiden_cli.core.image.region import Region

    Values = NDArray[np.float32]

HALF_BLOCK = "\N{UPPER HALF BLOCK}"
LEAST_WIDTH = 30  # characters of a picture; with more beside one another nothing is seen
GAP = 2  # characters between two
CELL = 10, 20  # pixels of a character where a terminal draws pixels; it scales if it has others
SEEN = 120  # pixels a side of the part, at most
BACKGROUND = (0, 0, 0)

Choose = Callable[[int], "Region"]
"""Chooses the part that is shown closely, of at most so many pixels a side."""


class _View(NamedTuple):
    label: str
    whole: "Values"
    part: "Values"


def show(pictures: "Mapping[str, Picture]", choose: Choose) -> None:
    """Draw pictures of one size in the terminal; if the output is none, say so and do nothing.

    Args:
        pictures: by what they are called.
        choose: the part that is shown closely.
    """
    why = _why_not()
    if why is not None:
        note(f"--show draws in a terminal, and {why}: nothing is drawn")
        return
    from spiden_cli.core.image.views import look, look_closely

    renderer = _graphics()
    count = min(len(pictures), max(1, (data.width + GAP) // (LEAST_WIDTH + GAP)))
    columns = (data.width + GAP) // count - GAP
    side = columns * (CELL[0] if renderer else 1)
    first = next(iter(pictures.values()))
    part = choose(min(SEEN, side))
    views = [
        _View(name, look(picture, side), look_closely(picture, part))
        for name, picture in pictures.items()
    ]
    for start in range(0, len(views), count):
        row = views[start : start + count]
        data.print((" " * GAP).join(_fit(view.label, columns) for view in row), soft_wrap=True)
        _draw(
            [view.whole for view in row], fitted((first.height, first.width), side), side, renderer
        )
        data.print(f"part {part}, pixel by pixel", style="dim")
        _draw([view.part for view in row], fitted((part.height, part.width), side), side, renderer)


def _why_not() -> str | None:
    """Return why nothing can be drawn."""
    if not (sys.stdout.isatty() and data.is_terminal):
        return "stdout is none"
    if data.is_dumb_terminal or data.color_system is None or data.no_color:
        return "this one has no colours"
    return None


def _graphics() -> Callable[..., Any] | None:
    """Return what draws pixels in this terminal; None where it can't, or the library is missing."""
    if not (sys.__stdin__ and sys.__stdin__.isatty()):  # it is asked there what it can
        return None
    logging.getLogger("textual_image").addHandler(logging.NullHandler())
    try:
        from textual_image import renderable
    except Exception:  # not installed, or at odds with a terminal: half blocks do in any
        return None
    draws: Any = renderable.Image
    if draws not in (renderable.SixelImage, renderable.TGPImage):
        return None
    try:
        columns, rows = os.get_terminal_size(sys.__stdin__.fileno())
    except OSError:
        return None
    return draws if rows and columns else None  # of no size, it can't be told that of a character


def _draw(
    values: "Sequence[Values]", size: tuple[int, int], side: int,
    renderer: Callable[..., Any] | None,
) -> None:  # fmt: skip
    """Draw pictures beside one another.

    Args:
        values: (H, W, C) of each, grey levels 0 to 255.
        size: rows and columns of pixels that each takes.
        side: columns of pixels of its place.
        renderer: draws pixels; None: half blocks do.
    """
    from PIL import Image

    wide, tall = CELL if renderer else (1, 2)
    height = size[0] + -size[0] % tall
    gap = GAP * wide
    canvas = Image.new("RGB", (len(values) * (side + gap) - gap, height), BACKGROUND)
    for index, levels in enumerate(values):
        enlarged = size[0] >= levels.shape[0]
        canvas.paste(image_of(Panel("", (), levels, levels), levels, size, enlarged),
                     (index * (side + gap), 0))  # fmt: skip
    if renderer is None:
        data.print(Segments(_half_blocks(canvas)), end="")
    else:
        data.print(renderer(canvas, width=canvas.width // wide, height=height // tall))


def _half_blocks(image: "Image") -> Iterator[Segment]:
    """Yield two rows of pixels as one of characters: the upper in front, the lower behind."""
    import numpy as np

    pixels = np.asarray(image)
    for upper, lower in zip(pixels[::2], pixels[1::2], strict=True):
        for above, below in zip(upper.tolist(), lower.tolist(), strict=True):
            yield Segment(HALF_BLOCK, Style(color=Color.from_rgb(*above),
                                            bgcolor=Color.from_rgb(*below)))  # fmt: skip
        yield Segment.line()


def _fit(text: str, width: int) -> str:
    """Return a text of exactly so many columns, its middle left out where it is longer."""
    shown = visible(text)
    kept = len(shown)
    while cell_len(shown) > width and kept > 1:
        kept -= 1
        whole = visible(text)
        shown = f"{whole[: (kept + 1) // 2]}{ELLIPSIS}{whole[len(whole) - kept // 2 :]}"
    return set_cell_size(shown, width)
