"""What all figures share: their looks, and the file they end in, PNG or SVG by its suffix."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spiden_cli.errors import InputError, OutputError
from spiden_cli.report.console import visible

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg")
STYLE: Any = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e3e3e3",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "legend.edgecolor": "none",
    "legend.framealpha": 0.85,
    "lines.linewidth": 1.6,
    "svg.hashsalt": "spiden",  # the same data give the same file
}


def check_plot(path: Path) -> None:
    """Check, before any work is done, that a figure can be written there.

    Raises:
        InputError: matplotlib is missing.
        OutputError: the suffix isn't supported.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise OutputError(f"can't write {path}: a plot's suffix must be {' or '.join(SUFFIXES)}")
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise InputError("--plot needs a package: pip install 'spiden[plots]'") from None


@contextmanager
def drawing(path: Path, width: float, height: float) -> Iterator["Figure"]:
    """Give an empty figure to draw in, and write it at the end.

    Args:
        path: PNG or SVG file.
        width: in inches.
        height: in inches.

    Raises:
        OutputError: the file can't be written.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    from spiden_cli.core.atomic import atomic_path

    with rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")  # a box stands for it
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure
        metadata = {"Date": None} if path.suffix.lower() == ".svg" else {"Software": None}
        with atomic_path(path) as temporary:
            figure.savefig(temporary, dpi=150, metadata=metadata)


def literal(text: str) -> str:
    """Return text that matplotlib draws as it is: no formula, none left out of a legend."""
    shown = visible(text).replace("$", r"\$")
    return f" {shown}" if shown.startswith("_") else shown


def shades(count: int) -> list[Any]:
    """Return colours from dark to light, for what is ordered."""
    from matplotlib import colormaps

    return [colormaps["viridis"](0.85 * index / max(1, count - 1)) for index in range(count)]
