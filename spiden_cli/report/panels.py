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

    from spiden_cli.core.image.views import Cutout

    Values = NDArray[np.float32]

SIDE = 480  # of the place of a picture, in pixels of the page
GAP, EDGE, LEADING = 20, 28, 8
TITLE, TEXT = 32, 22  # sizes of letters; a page is 2000 pixels wide, and shown at 1500 or so
BAR = 20
INK, PALE, PAPER, MARK = "#1a1a1a", "#5a5a5a", "#ffffff", "#ffd400"
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


class _Places(NamedTuple):
    """Where rows of the page begin, from above, and the size of the overviews."""

    facts: int
    wholes: int
    caption: int
    parts: int
    bars: int
    height: int
    size: tuple[int, int]


def draw_page(
    heading: str, panels: Sequence[Panel], size: tuple[int, int], cutout: "Cutout"
) -> "Image":
    """Draw panels side by side.

    Args:
        heading: a line above them.
        panels: from left to right.
        size: rows and columns of the picture that all of them show.
        cutout: the part of it that is enlarged; if that is all of it, it is left out.
    """
    from PIL import Image, ImageDraw

    places = _places(panels, size, cutout)
    width = 2 * EDGE + len(panels) * SIDE + (len(panels) - 1) * GAP
    page = Image.new("RGB", (width, places.height), PAPER)
    pen = ImageDraw.Draw(page)
    _write(pen, (EDGE, EDGE), heading, TEXT, PALE, width - 2 * EDGE)
    for index, panel in enumerate(panels):
        left = EDGE + index * (SIDE + GAP)
        _write(pen, (left, places.facts), panel.title, TITLE, INK, SIDE)
        for line, fact in enumerate(panel.facts):
            below = places.facts + TITLE + LEADING + line * (TEXT + LEADING)
            _write(pen, (left, below), fact, TEXT, PALE, SIDE)
        scale = places.size[0] / size[0]
        at = left, places.wholes
        page.paste(_image(panel, panel.whole, places.size, enlarged=scale > 1), at)
        if places.parts:
            _mark(pen, at, scale, cutout)
            zoom = SIDE // cutout.side
            shown = _image(panel, panel.part, (cutout.side * zoom,) * 2, enlarged=True)
            page.paste(shown, (left, places.parts))
        if panel.heat is not None:
            _colour_bar(page, pen, left, places.bars, panel.heat)
    if places.parts:
        zoom = SIDE // cutout.side
        text = f"marked part, {cutout.side} x {cutout.side} pixels, enlarged {zoom} times"
        _write(pen, (EDGE, places.caption), text, TEXT, PALE, width)
    return page


def _places(panels: Sequence[Panel], size: tuple[int, int], cutout: "Cutout") -> _Places:
    longest = max(size)
    scale = SIDE // longest if longest <= SIDE else SIDE / longest
    shown = max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
    facts = EDGE + TEXT + 2 * LEADING
    lines = max(len(panel.facts) for panel in panels)
    wholes = facts + TITLE + 2 * LEADING + lines * (TEXT + LEADING)
    caption = wholes + shown[0] + GAP
    parts = caption + TEXT + 2 * LEADING
    bars = parts + SIDE // cutout.side * cutout.side + GAP
    if size == (cutout.side, cutout.side):
        caption, parts, bars = 0, 0, caption
    heat = any(panel.heat is not None for panel in panels)
    height = (bars + BAR + LEADING + TEXT if heat else bars - GAP) + EDGE
    return _Places(facts, wholes, caption, parts, bars, height, shown)


def _image(panel: Panel, values: "Values", size: tuple[int, int], enlarged: bool) -> "Image":
    """Fit grey levels into rows and columns of the page, pixels as squares where there is room."""
    import numpy as np
    from PIL import Image

    method = Image.Resampling.NEAREST if enlarged else Image.Resampling.LANCZOS
    planes = [
        np.asarray(Image.fromarray(plane).resize((size[1], size[0]), method))
        for plane in np.ascontiguousarray(values.transpose(2, 0, 1))
    ]
    levels = np.rint(np.clip(np.stack(planes, -1), 0, 255)).astype(np.uint8)
    if panel.heat is not None:
        return Image.fromarray(_heat_colours()[levels[..., 0]])
    return Image.fromarray(np.broadcast_to(levels, (*levels.shape[:2], 3)).copy())


def _heat_colours() -> "NDArray[np.uint8]":
    """Return the colour of each level from 0 to 255, (256, 3)."""
    import numpy as np

    steps = np.array([[int(code[at : at + 2], 16) for at in (1, 3, 5)] for code in HEAT])
    at = np.linspace(0, len(steps) - 1, 256)
    channels = [np.interp(at, range(len(steps)), channel) for channel in steps.T]
    colours: NDArray[np.uint8] = np.rint(np.stack(channels, -1)).astype(np.uint8)
    return colours


def _mark(pen: "ImageDraw", at: tuple[int, int], scale: float, cutout: "Cutout") -> None:
    left, top = (round(a + scale * b) for a, b in zip(at, (cutout.left, cutout.top), strict=True))
    side = max(3, round(scale * cutout.side))
    pen.rectangle((left - 1, top - 1, left + side, top + side), outline=INK, width=5)
    pen.rectangle((left, top, left + side - 1, top + side - 1), outline=MARK, width=3)


def _colour_bar(
    page: "Image", pen: "ImageDraw", left: int, top: int, ends: tuple[float, float]
) -> None:
    import numpy as np
    from PIL import Image

    ramp = _heat_colours()[np.linspace(0, 255, SIDE).astype(int)]
    page.paste(Image.fromarray(np.tile(ramp, (BAR, 1, 1))), (left, top))
    for share, anchor in ((0.0, "la"), (0.5, "ma"), (1.0, "ra")):
        place = left + round(share * SIDE), top + BAR + LEADING
        pen.text(place, f"{(1 - share) * ends[0] + share * ends[1]:.3g}", PALE, _font(TEXT), anchor)


def _write(
    pen: "ImageDraw", at: tuple[int, int], text: str, size: int, colour: str, width: int
) -> None:
    """Write a line, cut short where it would be wider than `width`."""
    font, shown = _font(size), visible(text)
    while len(shown) > 1 and pen.textlength(shown, font) > width:
        shown = f"{shown[:-2]}\N{HORIZONTAL ELLIPSIS}"
    pen.text(at, shown, colour, font)


def _font(size: int) -> "FreeTypeFont | ImageFont":
    from PIL import ImageFont

    return ImageFont.load_default(size)
