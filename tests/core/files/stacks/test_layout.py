"""Axes of stacks."""

import pytest

from spiden_cli.core.files.stacks.layout import layout_of, unknown_axes
from spiden_cli.errors import InputError


def test_planes_come_last_in_any_order_of_axes():
    layout = layout_of("CYXT", (2, 30, 40, 5), "x")
    assert (layout.axes, layout.shape, layout.count) == ("CTYX", (2, 5, 30, 40), 10)
    assert [layout.number(index) for index in layout.indices()] == list(range(10))
    assert layout.channel((1, 3)) == 1
    assert layout.without("T").axes == "CYX"


@pytest.mark.parametrize(
    ("axes", "shape", "says"),
    [
        ("ZYX", (30, 40), "3 axes (ZYX) for 2 dimensions (30 x 40)"),
        ("YX", (3, 30, 40), "--axes ZYX"),
        ("ZYY", (3, 30, 40), "each letter once"),
        ("ZTC", (3, 30, 40), "need Y and X"),
        ("Z-X", (3, 30, 40), "need Y and X"),
        ("ZYX", (0, 30, 40), "an empty stack"),
        ("YXZ", (3, 30, 40), "too small"),
        ("YX", (30_000, 30_000), "above the limit"),
    ],
)
def test_axes_that_do_not_match_are_refused_in_one_line(axes, shape, says):
    with pytest.raises(InputError) as caught:
        layout_of(axes, shape, "scan.npy")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("shape", "example"),
    [
        ((5, 30, 40), "ZYX"),
        ((2, 5, 30, 40), "TZYX"),
        ((30, 40, 3), "YXS"),
        ((30, 40, 5), "YXC"),
        ((4, 30, 40, 3), "ZYXS"),
        ((2, 4, 30, 40, 4), "TZYXS"),
        ((4, 30, 40, 6), "ZYXC"),
        ((1, 1, 1, 1, 30, 40), "ATZCYX"),
    ],
)
def test_where_nothing_tells_the_axes_an_example_is_shown_that_can_be_used(shape, example):
    assert f"--axes {example}" in str(unknown_axes(shape, "scan.npy"))
    assert layout_of(example, shape, "scan.npy").count >= 1


def test_axes_that_are_known_are_in_the_example():
    said = str(unknown_axes((3, 30, 40, 3), "scan.tif", "QYXS"))
    assert "--axes ZYXS (Z slices; TYXS frames" in said
    assert "--axes TZYX (or" in str(unknown_axes((30, 40, 9, 8), "scan.tif", "QQYX"))
