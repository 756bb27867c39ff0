"""Numbers as people read them."""


def quantity(value: float) -> str:
    """Write a count with a metric prefix: 12.3 M."""
    for factor, prefix in ((1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k")):
        if abs(value) >= factor:
            return f"{value / factor:.3g}{prefix}"
    return f"{value:.3g}"
