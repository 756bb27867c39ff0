"""What became of each of many pictures: a table, a line that sums up, records, and a log."""

import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from rich.table import Table

from spiden_cli.core.urls import shown_path  # noqa: TID253 - imports nothing
from spiden_cli.errors import OutputError, SpidenError
from spiden_cli.report.console import data, elided, fail, print_json
from spiden_cli.report.denoising import DenoiseReport
from spiden_cli.report.denoising_sheet import print_sheet
from spiden_cli.report.numbers import quantity
from spiden_cli.report.stacks import StackReport

if TYPE_CHECKING:
    from spiden_cli.core.tasks.settings import Files

Status = Literal["denoised", "failed", "skipped", "exists", "not done", "planned"]

WIDTH = 80
_NAME_WIDTH = (12, 40)  # narrowest and widest column of names
_WORDS: dict[Status, str] = {"exists": "there already"}
_MOST_FAILURES = 20  # on the screen; a record has them all


@dataclass(frozen=True)
class Outcome:
    """What became of one picture.

    Attributes:
        files: what was, or would have been, read and written.
        status: in a word.
        report: the numbers, of one that was denoised.
        error: why it failed.
        incomplete: whether a part of the picture was missing, and it was done all the same.
    """

    files: "Files"
    status: Status
    report: DenoiseReport | StackReport | None = None
    error: SpidenError | None = None
    incomplete: bool = False

    def of(self, files: "Files") -> "Outcome":
        """Return the same of the same picture, whose files were called otherwise."""
        report = None if self.report is None else self.report.of_files(files)
        return replace(self, files=files, report=report)

    def as_json(self) -> dict[str, Any]:
        """Return the record that `--json` prints and `--log` adds."""
        if self.report is not None:
            missing = {"incomplete": True} if self.incomplete else {}
            return {"status": self.status, **self.report.as_json(), **missing}
        drawing = self.files.drawing
        record: dict[str, Any] = {
            "status": self.status,
            "source": shown_path(self.files.name),
            "output": shown_path(self.files.target),
            "comparison": None if drawing is None else str(drawing),
        }
        if self.error is not None:
            record |= {"error": str(self.error), "exit_code": self.error.exit_code}
        if self.status == "planned":
            record["replaces"] = self.files.target.exists()
        return record


def print_outcomes(outcomes: Sequence[Outcome], seconds: float) -> None:
    """Print what was done: a few lines for one picture, a table and a sum for several.

    Args:
        outcomes: of all pictures.
        seconds: that all took together.
    """
    reports = [outcome.report for outcome in outcomes if outcome.report is not None]
    if len(outcomes) == len(reports) == 1:
        print_sheet(reports[0])
        return
    if reports:
        data.print(_table(reports))
    data.print(summary(outcomes, seconds))


def print_plan(outcomes: Sequence[Outcome], as_json: bool) -> None:
    """Print what would be read and written."""
    if as_json:
        print_json([outcome.as_json() for outcome in outcomes])
        return
    room = (WIDTH - len(" -> ") - len("  replaces it")) // 2
    for outcome in outcomes:
        files = outcome.files
        what = "  replaces it" if files.target.exists() else ""
        if outcome.status != "planned":
            what = "  is there"
        paths = (shown_path(path) for path in (files.source, files.target))
        source, target = (elided(path, room) for path in paths)
        data.print(f"{source} -> {target}{what}", soft_wrap=True)
    planned = sum(outcome.status == "planned" for outcome in outcomes)
    left = len(outcomes) - planned
    others = f", {left} there already" if left else ""
    data.print(f"{_pictures(planned)} to denoise{others}; nothing was done")


def print_failures(outcomes: Sequence[Outcome]) -> None:
    """Say which pictures failed, and why; all of them lie behind, so that this comes last."""
    from spiden_cli.core.preflight import refusal_to_replace

    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    for outcome in failed[:_MOST_FAILURES]:
        fail(str(outcome.error))
    if len(failed) > _MOST_FAILURES:
        fail(f"{len(failed) - _MOST_FAILURES} more failed: --json and --log list all of them")
    existing = [outcome.files.target for outcome in outcomes if outcome.status == "exists"]
    if existing:
        fail(str(refusal_to_replace(existing, skippable=True)))
    if not_done := len(failed) + len(existing):
        fail(f"{not_done} of {len(outcomes)} pictures were not denoised")


@dataclass
class Totals:
    """What became of many pictures, summed up.

    Attributes:
        counts: pictures by what became of them.
        pixels: of those that were denoised.
    """

    counts: Counter[Status] = field(default_factory=Counter)
    pixels: int = 0

    def add(self, outcome: Outcome) -> None:
        """Count a picture."""
        self.counts[outcome.status] += 1
        if outcome.report is not None:
            self.pixels += outcome.report.pixels

    def line(self, seconds: float, with_speed: bool = True) -> str:
        """Return a line that sums up: pictures, megapixels, time, and what wasn't done."""
        done = self.counts["denoised"]
        speed = f" ({done / seconds:.3g} pictures/s)" if with_speed and done > 1 else ""
        parts = [_pictures(done), f"{self.pixels / 1e6:.3g} megapixels", f"{seconds:.1f} s{speed}"]
        others: tuple[Status, ...] = ("skipped", "exists", "failed", "not done")
        parts += [
            f"{self.counts[status]} {_WORDS.get(status, status)}"
            for status in others
            if self.counts[status]
        ]
        return ", ".join(parts)


def summary(outcomes: Sequence[Outcome], seconds: float) -> str:
    """Return a line that sums up what became of pictures."""
    totals = Totals()
    for outcome in outcomes:
        totals.add(outcome)
    return totals.line(seconds)


def _pictures(count: int) -> str:
    return "1 picture" if count == 1 else f"{count} pictures"


def _table(reports: Sequence[DenoiseReport | StackReport]) -> Table:
    measured = any(report.psnr is not None for report in reports)
    columns = ("size", "sigma", "removed", "rate", "SynOps", "time")
    if measured:  # they take the place of what the records have as well
        columns = ("size", "sigma", "time", "noisy dB", "PSNR dB", "SSIM")
    rows = [_row(report) for report in reports]
    taken = sum(2 + max(len(column), *(len(row[column]) for row in rows)) for column in columns)
    low, high = _NAME_WIDTH
    width = max(low, min(high, WIDTH - taken))
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("picture", no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    names = Counter(report.source.name for report in reports)
    for report, row in zip(reports, rows, strict=True):
        source = report.source
        alike = names[source.name] > 1  # as in a tree of folders
        name = f"{source.parent.name}/{source.name}" if alike else source.name
        table.add_row(elided(name, width), *(row[column] for column in columns))
    return table


def _row(report: DenoiseReport | StackReport) -> dict[str, str]:
    about = "~" if report.sigma_estimated else ""
    level = "-" if report.sigma is None else f"{about}{report.sigma:.1f}"
    row = {
        "size": report.size,
        "sigma": level,
        "removed": f"{report.removed:.2g}",
        "rate": f"{report.firing_rate:.3f}" if report.spiking else "-",
        "SynOps": quantity(report.synaptic_operations) if report.spiking else "-",
        "time": f"{report.seconds:.2f} s",
    }
    scores = {"noisy dB": report.noisy_psnr, "PSNR dB": report.psnr, "SSIM": report.ssim}
    return row | {name: "-" if s is None else f"{s:.4g}" for name, s in scores.items()}


LOG_BEGINNING = b'{"time": "'
"""How a log begins, which tells it from other files."""


class Log(Protocol):
    """Adds what became of a picture to a file."""

    def __call__(self, outcome: Outcome) -> None:
        """Add a line."""


@contextmanager
def logging_to(path: Path | None) -> Iterator[Log]:
    """Add a line of JSON to a file for each outcome, at once: a run that is killed loses none.

    Args:
        path: the file; lines that it has stay. None to log nothing.

    Raises:
        OutputError: it can't be written.
    """
    from spiden_cli.core.strict_json import dumps

    if path is None:
        yield lambda outcome: None
        return
    try:
        stream = path.open("ab+", buffering=0)  # every line is written at once
    except OSError as error:
        raise _unwritable(path, error) from error
    with stream:
        end = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, end - 1))
        cut_off = end > 0 and stream.read() != b"\n"  # the last line, as by a power failure

        def log(outcome: Outcome) -> None:
            nonlocal cut_off
            when = time.strftime("%Y-%m-%dT%H:%M:%S%z")
            line = dumps({"time": when, **outcome.as_json()}) + "\n"
            try:
                stream.write(("\n" if cut_off else "").encode() + line.encode())
            except OSError as error:
                raise _unwritable(path, error) from error
            cut_off = False

        yield log


def _unwritable(path: Path, error: OSError) -> OutputError:
    return OutputError(f"can't write {path}: {error.strerror}")
