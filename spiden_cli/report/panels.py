"""Pictures side by side on one page: fitted, titled, with a cut-out under each.

Drawn with Pillow, which spiden needs anyway, and not with matplotlib, which may be missing: pixels
have to stay pixels. In a cut-out each becomes a square of whole pixels of the page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from spiden_cli.report.console import visible

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

    from spiden_cli.core.image.region import Region

    Values = NDArray[np.float32]

SIDE = 480  # of the place of a picture, in pixels of the page
NARROW_SIDE, MOST_WIDE = 360, 4  # of more pictures beside one another than that
GAP, EDGE, LEADING = 20, 28, 8
TITLE, TEXT = 32, 22  # sizes of letters; a page is 2000 pixels wide, and shown at 1500 or so
BAR = 20
INK, PALE, PAPER, MARK = "#1a1a1a", "#5a5a5a", "#ffffff", "#ffd400"
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
HEAT = (
    "#000004", "#1b0c41", "#4a0c6b", "#781c6d", "#a52c60", "#cf4446", "#ed6925", "#fb9b06",
    "#f7d13d", "#fcffa4",
)  # fmt: skip
"""Ten steps of matplotlib's inferno, dark to light: even to the eye, in grey print, too."""


@dataclass(frozen=True)
class Panel:
    """One picture, as it is to be shown.

    Attributes:
        title: what it is.
        facts: a line or two about it.
        whole: (H, W, C) overview, grey levels 0 to 255.
        part: (h, w, C) cut-out, likewise; each value a pixel.
        heat: what 0 and 255 stand for in a picture that is to be drawn as a heat map with a colour
            bar; None: it is drawn as it is.
    """

    title: str
    facts: tuple[str, ...]
    whole: "Values"
    part: "Values"
    heat: tuple[float, float] | None = None


Row = Sequence[Panel | None]
"""Panels from left to right; None leaves a place empty."""


class _Places(NamedTuple):
    """Where lines of a row of panels begin, from above, and the sizes of what is in it."""

    facts: int
    wholes: int
    caption: int
    parts: int
    bars: int
    bottom: int
    size: tuple[int, int]
    part_size: tuple[int, int]


def draw_page(
    heading: str, rows: Sequence[Row], size: tuple[int, int], cutout: "Region"
) -> "Image":
    """Draw panels side by side.

    Args:
        heading: a line above them.
        rows: of panels, from above; all of one length.
        size: rows and columns of the picture that all of them show.
        cutout: the part of it that is enlarged; if that is all of it, it is left out.
    """
    from PIL import Image, ImageDraw

    columns = len(rows[0])
    side = SIDE if columns <= MOST_WIDE else NARROW_SIDE
    places, below = [], EDGE + TEXT + 2 * LEADING
    for row in rows:
        places.append(_places(row, size, cutout, below, side))
        below = places[-1].bottom + 2 * GAP
    width = 2 * EDGE + columns * side + (columns - 1) * GAP
    page = Image.new("RGB", (width, places[-1].bottom + EDGE), PAPER)
    pen = ImageDraw.Draw(page)
    _write(pen, (EDGE, EDGE), heading, TEXT, PALE, width - 2 * EDGE)
    for row, place in zip(rows, places, strict=True):
        for index, panel in enumerate(row):
            if panel is not None:
                left = EDGE + index * (side + GAP)
                _draw_panel(page, pen, panel, left, place, side, size, cutout)
        if place.parts:
            first = next(index for index, panel in enumerate(row) if panel is not None)
            at = EDGE + first * (side + GAP), place.caption
            _write(pen, at, _caption(cutout, place), TEXT, PALE, width - EDGE - at[0])
    return page


def _draw_panel(
    page: "Image", pen: "ImageDraw", panel: Panel, left: int, place: _Places, side: int,
    size: tuple[int, int], cutout: "Region",
) -> None:  # fmt: skip
    _write(pen, (left, place.facts), panel.title, TITLE, INK, side)
    for line, fact in enumerate(panel.facts):
        below = place.facts + TITLE + LEADING + line * (TEXT + LEADING)
        _write(pen, (left, below), fact, TEXT, PALE, side)
    scale = place.size[0] / size[0], place.size[1] / size[1]
    page.paste(image_of(panel, panel.whole, place.size, max(scale) > 1), (left, place.wholes))
    if place.parts:
        _mark(pen, (left, place.wholes), scale, cutout)
        enlarged = place.part_size[0] >= cutout.height
        shown = image_of(panel, panel.part, place.part_size, enlarged)
        page.paste(shown, (left, place.parts))
    if panel.heat is not None:
        _colour_bar(page, pen, left, place.bars, panel.heat, side)


def fitted(size: tuple[int, int], side: int) -> tuple[int, int]:
    """Return rows and columns that fit in a square: whole times as large, or smaller.

    Args:
        size: rows and columns of a picture.
        side: of the square.
    """
    longest = max(size)
    scale = side // longest if longest <= side else side / longest
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _places(row: Row, size: tuple[int, int], cutout: "Region", top: int, side: int) -> _Places:
    panels = [panel for panel in row if panel is not None]
    shown, closer = fitted(size, side), fitted((cutout.height, cutout.width), side)
    lines = max(len(panel.facts) for panel in panels)
    wholes = top + TITLE + 2 * LEADING + lines * (TEXT + LEADING)
    caption = wholes + shown[0] + GAP
    parts = caption + TEXT + 2 * LEADING
    bars = parts + closer[0] + GAP
    if size == (cutout.height, cutout.width):
        caption, parts, bars = 0, 0, caption
    heat = any(panel.heat is not None for panel in panels)
    bottom = bars + BAR + LEADING + TEXT if heat else bars - GAP
    return _Places(top, wholes, caption, parts, bars, bottom, shown, closer)


def _caption(cutout: "Region", place: _Places) -> str:
    text = f"marked part, {cutout.width} x {cutout.height} pixels"
    if place.part_size[0] < cutout.height:
        return f"{text}, shown at {place.part_size[0] / cutout.height:.0%}"
    return f"{text}, enlarged {place.part_size[0] // cutout.height} times"


def image_of(panel: Panel, values: "Values", size: tuple[int, int], enlarged: bool) -> "Image":
    """Fit grey levels into rows and columns of a page, pixels as squares where there is room.

    Args:
        panel: whose levels they are.
        values: (H, W, C) grey levels 0 to 255; beyond is cut.
        size: rows and columns to fill.
        enlarged: keep pixels as squares.
    """
    import numpy as np
    from PIL import Image

    method = Image.Resampling.NEAREST if enlarged else Image.Resampling.LANCZOS
    planes = [
        np.asarray(Image.fromarray(plane).resize((size[1], size[0]), method))
        for plane in np.ascontiguousarray(values.transpose(2, 0, 1))
    ]
    levels = np.rint(np.clip(np.stack(planes, -1), 0, 255)).astype(np.uint8)
    if panel.heat is not None:
        return Image.fromarray(heat_colours()[levels[..., 0]])
    return Image.fromarray(np.broadcast_to(levels, (*levels.shape[:2], 3)).copy())


def heat_colours() -> "NDArray[np.uint8]":
    """Return the colour of each level from 0 to 255, (256, 3)."""
    import numpy as np

    steps = np.array([[int(code[at : at + 2], 16) for at in (1, 3, 5)] for code in HEAT])
    at = np.linspace(0, len(steps) - 1, 256)
    channels = [np.interp(at, range(len(steps)), channel) for channel in steps.T]
    colours: NDArray[np.uint8] = np.rint(np.stack(channels, -1)).astype(np.uint8)
    return colours


def _mark(
    pen: "ImageDraw", at: tuple[int, int], scale: tuple[float, float], cutout: "Region"
) -> None:
    left, top = at[0] + round(scale[1] * cutout.left), at[1] + round(scale[0] * cutout.top)
    wide, tall = (max(3, round(s * n)) for s, n in zip(scale[::-1], cutout[2:], strict=True))
    pen.rectangle((left - 1, top - 1, left + wide, top + tall), outline=INK, width=5)
    pen.rectangle((left, top, left + wide - 1, top + tall - 1), outline=MARK, width=3)


def _colour_bar(
    page: "Image", pen: "ImageDraw", left: int, top: int, ends: tuple[float, float], side: int
) -> None:
    import numpy as np
    from PIL import Image

    ramp = heat_colours()[np.linspace(0, 255, side).astype(int)]
    page.paste(Image.fromarray(np.tile(ramp, (BAR, 1, 1))), (left, top))
    for share, anchor in ((0.0, "la"), (0.5, "ma"), (1.0, "ra")):
        place = left + round(share * side), top + BAR + LEADING
        pen.text(place, f"{(1 - share) * ends[0] + share * ends[1]:.3g}", PALE, _font(TEXT), anchor)


def _write(
    pen: "ImageDraw", at: tuple[int, int], text: str, size: int, colour: str, width: int
) -> None:
    """Write a line, its middle left out where it would be wider than `width`: names differ late."""
    font, shown = _font(size), visible(text)
    kept = len(shown)
    while kept > 1 and pen.textlength(shown, font) > width:
        kept -= 1
        whole = visible(text)
        shown = f"{whole[: (kept + 1) // 2]}{ELLIPSIS}{whole[len(whole) - kept // 2 :]}"
    pen.text(at, shown, colour, font)


def _font(size: int) -> "FreeTypeFont | ImageFont":
    from PIL import ImageFont

    return ImageFont.load_default(size)
