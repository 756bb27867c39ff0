"""A part of a picture: inside, and large enough."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiden_cli.core.image.region import Region
from spiden_cli.errors import InputError

SIDES = st.integers(-3, 40)


@given(SIDES, SIDES, SIDES, SIDES)
def test_a_region_is_let_through_only_if_all_of_its_pixels_are_there(left, top, width, height):
    region = Region(left, top, width, height)
    inside = left >= 0 and top >= 0 and width > 0 and height > 0
    if inside and left + width <= 30 and top + height <= 20:
        region.check(30, 20)
        assert np.zeros((20, 30))[region.window].shape == (height, width)
    else:
        with pytest.raises(InputError, match=r"too small|beyond the picture, which has 30 x 20"):
            region.check(30, 20)


def test_a_region_may_have_to_be_larger():
    Region(0, 0, 8, 8).check(30, 20, 8)
    with pytest.raises(InputError, match="7 x 9 pixels is too small: give it at least 8 x 8"):
        Region(0, 0, 7, 9).check(30, 20, 8)
