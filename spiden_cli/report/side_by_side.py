"""What `spiden compare` found, as a table, as a record, and as a sheet of pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from spiden_cli.report.console import data, titled
from spiden_cli.report.differences import amplification, difference_panel
from spiden_cli.report.panels import SIDE, Panel, Row, draw_page

if TYPE_CHECKING:
    from PIL.Image import Image

    from spiden_cli.core.image.picture import Picture, Range
    from spiden_cli.core.image.region import Region
    from spiden_cli.core.tasks.comparison import Closeness

SEEN = 120  # pixels a side of the part that is enlarged, unless another is named


@dataclass(frozen=True)
class SideBySide:
    """Pictures of one scene, and how close they come to one of them, or to a reference.

    Attributes:
        pictures: by file, in the order that they were named; all of one size.
        measured: how close each comes to `base`; not of the base itself.
        base: the reference, or without one the first picture.
        reference: the clean picture, if there is one.
        crop: the part that is enlarged.
        crop_given: whether the user named it.
    """

    pictures: "Mapping[Path, Picture]"
    measured: "Mapping[Path, Closeness]"
    base: Path
    reference: "Picture | None"
    crop: "Region"
    crop_given: bool

    @property
    def labels(self) -> dict[Path, str]:
        """What each file is called, the reference too: its name, with folders where names agree."""
        return distinct_labels([*self.pictures, self.base])

    @property
    def base_picture(self) -> "Picture":
        """What the pictures are measured against."""
        return self.pictures[self.base] if self.reference is None else self.reference

    @cached_property
    def shown(self) -> "dict[Path, Picture]":
        """All pictures, the reference first, with black and white by which something is seen."""
        from spiden_cli.core.image.showing import looked_at

        first = {} if self.reference is None else {self.base: self.reference}
        pictures = {**first, **self.pictures}
        alike = looked_at(list(pictures.values()), self.base_picture)
        return dict(zip(pictures, alike, strict=True))

    @property
    def stretched(self) -> "Range | None":
        """Black and white of what is shown, where these aren't the picture's own."""
        shown = self.shown[self.base]
        return None if shown.levels == self.base_picture.levels else shown.extent

    def crop_of(self, side: int) -> "Region":
        """Return the middle of the part that is enlarged, of at most so many pixels a side."""
        left, top, width, height = self.crop
        wide, tall = min(width, side), min(height, side)
        middle = left + (width - wide) // 2, top + (height - tall) // 2
        return self.crop._replace(left=middle[0], top=middle[1], width=wide, height=tall)

    @property
    def factor(self) -> int:
        """By how much differences are amplified: one factor for all, to compare them."""
        most = max(found.difference for found in self.measured.values())
        if self.stretched is not None:
            most *= self.base_picture.levels.span / self.stretched.span
        return amplification(most)

    def as_json(self, sheet: Path | None) -> dict[str, Any]:
        """Return the record that `--json` prints.

        Args:
            sheet: the file that was drawn, if one was.
        """
        base = self.base_picture
        return {
            "width": base.width,
            "height": base.height,
            "colour": base.is_colour,
            "reference": None if self.reference is None else str(self.base),
            "compared_with": str(self.base),
            "pictures": [self._record(path) for path in self.pictures],
            "crop": self.crop._asdict(),
            "crop_chosen": not self.crop_given,
            "amplified": self.factor,
            "sheet": None if sheet is None else str(sheet),
        }

    def _record(self, path: Path) -> dict[str, Any]:
        found = self.measured.get(path)
        return {
            "picture": str(path),
            "depth": self.pictures[path].depth,
            "psnr": None if found is None else found.psnr,
            "ssim": None if found is None else found.ssim,
            "difference": None if found is None else round(found.difference, 4),
            "equal": found is None or found.equal,
        }


def distinct_labels(paths: Sequence[Path]) -> dict[Path, str]:
    """Return for each path its last parts, as many as tell it from the others."""
    labels = {}
    for path in paths:
        others = [other.parts for other in paths if other != path]
        count = 1
        while count < len(path.parts) and any(o[-count:] == path.parts[-count:] for o in others):
            count += 1
        labels[path] = str(Path(*path.parts[-count:]))
    return labels


def print_side_by_side(report: SideBySide, sheet: Path | None) -> None:
    """Print how close the pictures come, and where they are drawn.

    Args:
        report: what was found.
        sheet: the file that was drawn, if one was.
    """
    labels, base = report.labels, report.base_picture
    what = "the reference" if report.reference is not None else "the first"
    data.print(titled(f"compared with {labels[report.base]}", f", {what}"))
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("picture", overflow="fold")
    for name in ("PSNR", "SSIM", "difference"):
        table.add_column(name, justify="right", no_wrap=True)
    for path, found in report.measured.items():
        similar = "-" if found.ssim is None else f"{found.ssim:.4f}"
        decibels = "-" if found.equal else f"{found.psnr:.2f} dB"
        said = "none: equal" if found.equal else f"{found.difference:.2f} of 255"
        table.add_row(labels[path], decibels, similar, said)
    data.print(table)
    sheet_table = Table.grid(padding=(0, 2))
    sheet_table.add_column(style="bold")
    sheet_table.add_column(overflow="fold")
    chosen = "" if report.crop_given else ", where they differ most"
    kind = "colour" if base.is_colour else "grey"
    sheet_table.add_row("size", f"{base.width} x {base.height}, {kind}{_seen(report)}")
    sheet_table.add_row("part", f"--crop {report.crop}{chosen}")
    if sheet is not None:
        sheet_table.add_row("drawn in", str(sheet))
    data.print(sheet_table)


def draw_sheet(report: SideBySide) -> "Image":
    """Draw the pictures side by side: all of each, a part enlarged, and their differences.

    With two pictures and no reference their difference stands beside them; else there is a row of
    differences from the base below.

    Args:
        report: what was found.
    """
    from spiden_cli.core.image.views import look, look_closely

    labels, base = report.labels, report.base_picture
    views = {
        path: (look(picture, SIDE), look_closely(picture, report.crop))
        for path, picture in report.shown.items()
    }
    pictures = [Panel(labels[path], _facts(report, path), *view) for path, view in views.items()]
    differences = [
        None if path not in report.measured else difference_panel(
            labels[path],
            report.measured[path].difference,
            report.factor,
            wholes=(view[0], views[report.base][0]),
            parts=(view[1], views[report.base][1]),
            minus=labels[report.base],
        )
        for path, view in views.items()
    ]  # fmt: skip
    rows: list[Row] = [pictures, differences]
    if len(pictures) == 2:
        rows = [[*pictures, differences[1]]]
    kind = "colour" if base.is_colour else "grey"
    heading = f"{base.width} x {base.height}, {kind}{_seen(report)}"
    return draw_page(heading, rows, (base.height, base.width), report.crop)


def _seen(report: SideBySide) -> str:
    seen = report.stretched
    return "" if seen is None else f"; shown from {seen.black:g} to {seen.white:g}"


def show_side_by_side(report: SideBySide) -> None:
    """Draw the pictures in the terminal, the reference first.

    Args:
        report: what was found.
    """
    from spiden_cli.report.terminal_pictures import show

    labels = report.labels
    pictures = {labels[path]: picture for path, picture in report.shown.items()}
    show(pictures, report.crop_of)


def _facts(report: SideBySide, path: Path) -> tuple[str, ...]:
    found = report.measured.get(path)
    if found is None:
        return (
            "reference" if report.reference is not None else "the others are compared with this",
        )
    if found.equal:
        return ("equal, pixel by pixel",)
    similar = "" if found.ssim is None else f", SSIM {found.ssim:.4f}"
    return (f"PSNR {found.psnr:.2f} dB{similar}",)
