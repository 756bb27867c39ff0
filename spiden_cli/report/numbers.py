"""Numbers as people read them, and as JSON may hold them."""

import math


def quantity(value: float) -> str:
    """Write a count with a metric prefix: 12.3 M."""
    for factor, prefix in ((1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k")):
        if abs(value) >= factor:
            return f"{value / factor:.3g}{prefix}"
    return f"{value:.3g}"


def finite(value: float | None) -> float | None:
    """Return the number, or None where there is none: JSON knows neither NaN nor infinity."""
    return value if value is not None and math.isfinite(value) else None
