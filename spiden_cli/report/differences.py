"""How two pictures differ, drawn: amplified, about mid-grey."""

from typing import TYPE_CHECKING

from spiden_cli.report.panels import Panel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Values = NDArray[np.float32]

AMPLIFICATIONS = (50, 20, 10, 5, 2, 1)
PLAIN_DEVIATION = 40  # grey levels that a difference deviates by, at most, once amplified


def amplification(deviation: float) -> int:
    """Return by how much to amplify a difference, so that it is plain to see, and not cut.

    Args:
        deviation: root mean square, in 8-bit units.
    """
    fits = (f for f in AMPLIFICATIONS if f * max(deviation, 1e-9) <= PLAIN_DEVIATION)
    return next(fits, 1)


def amplified(one: "Values", other: "Values", factor: int) -> "Values":
    """Return the difference of two pictures as grey levels, mid-grey where it is zero."""
    return (one - other) * factor + 127.5


def difference_panel(
    title: str,
    deviation: float,
    factor: int,
    wholes: "tuple[Values, Values]",
    parts: "tuple[Values, Values]",
    minus: str | None = None,
) -> Panel:
    """Return the first of two pictures minus the second, as a panel.

    Args:
        title: what it is.
        deviation: root mean square of the difference, in 8-bit units.
        factor: to amplify it by.
        wholes: overviews of both, (H, W, C).
        parts: cut-outs of both, likewise.
        minus: what the second picture is called, where the title doesn't say it.
    """
    whole, part = (amplified(one, other, factor) for one, other in (wholes, parts))
    times = f"amplified {factor} times" if factor > 1 else "not amplified"
    size = f"{deviation:.2g}" if deviation < 100 else f"{deviation:.0f}"
    facts = (
        *(() if minus is None else (f"minus {minus}",)),
        f"{times}; mid-grey is zero",
        f"{size} of 255 levels (root mean square)",
    )
    return Panel(title, facts, whole, part)
