"""Sums over squares against numpy's and scipy's own, slower ways."""

import numpy as np
import pytest
from scipy.ndimage import uniform_filter

from spiden_cli.core.noise.squares import joined_in, means_around


@pytest.mark.parametrize("shape", [(8, 8), (16, 40), (4, 100)])
def test_squares_are_joined_as_numpy_does(shape):
    values = np.random.default_rng(0).integers(0, 999, (3, *shape)).astype(np.float64)
    squares = values.reshape(3, shape[0] // 4, 4, shape[1] // 4, 4)
    assert np.array_equal(joined_in(np.add, values, 4), squares.sum((2, 4)))
    assert np.array_equal(joined_in(np.minimum, values, 4), squares.min((2, 4)))


@pytest.mark.parametrize(
    ("side", "margin", "shape"), [(4, 2, (8, 24)), (1, 1, (1, 9)), (1, 1, (5, 4))]
)
def test_margins_are_what_a_box_holds_besides_its_square(side, margin, shape):
    """A box filter mirrors the borders in the same way."""
    values, box = np.random.default_rng(1).normal(size=shape), side + 2 * margin
    rows, columns = shape[0] // side, shape[1] // side
    inner = values.reshape(rows, side, columns, side).mean((1, 3))
    whole = uniform_filter(values, box, mode="mirror")[side // 2 :: side, side // 2 :: side]
    expected = (box**2 * whole - side**2 * inner) / (box**2 - side**2)
    np.testing.assert_allclose(means_around(values, inner, margin), expected, atol=1e-12)
