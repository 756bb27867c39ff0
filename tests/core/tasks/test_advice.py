"""What a user is told when little was removed: the cause, and an option that helps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiden_cli.core.noise.model import Gaussian, NoiseMap
from spiden_cli.core.tasks.adjustment import Adjustment
from spiden_cli.core.tasks.advice import LITTLE, too_little

MAP = NoiseMap(np.zeros((2, 2), np.float32))


def told(removed, noise, estimated, **changes):
    hand = Adjustment(**changes)
    noise = noise if isinstance(noise, NoiseMap) else Gaussian(noise)
    return too_little(removed, noise, estimated, hand, hand.strengths(colour=True))


@pytest.mark.parametrize(
    ("removed", "noise", "estimated", "changes", "why", "hint"),
    [
        (0.0, 9.0, True, {"strength": 0}, "the strength is 0", "--strength 1"),
        (0.0, 0.0, True, {}, "no noise was found", "--sigma 10"),
        (0.0, 0.0, False, {}, "the noise level given is 0", "leave --sigma out"),
        (0.3, 1.2, True, {}, "hardly any noise was found", "--strength 2, or --sigma 10"),
        (0.3, 1.2, True, {"strength": 2}, "clean to the model at sigma 2.4", "--sigma 4.8"),
        (0.2, 0.9, False, {}, "the noise level given is 0.9", "--sigma 10"),
        (0.3, 10.0, True, {}, "looks clean to the model at sigma 10", "--strength 2"),
        (0.3, 10.0, False, {"strength": 2}, "at sigma 20", "--sigma 40"),
        (0.1, 10.0, True, {"detail": 0.9}, "the detail is 0.9", "--detail 0.3"),
        (0.2, 10.0, True, {"strength": 0.1}, "the strength is 0.1", "--strength 1"),
        (0.2, MAP, False, {}, "clean to the model", "higher"),
    ],
)
def test_the_cause_and_what_to_try(removed, noise, estimated, changes, why, hint):
    said = told(removed, noise, estimated, **changes)
    assert why in said
    assert hint in said.partition(";")[2]
    assert said.startswith("little was removed (about 0." if removed else "nothing was removed")


@given(st.floats(LITTLE, 255), st.floats(0, 255), st.booleans(), st.floats(0, 2), st.floats(0, 1))
def test_no_alarm_where_enough_was_removed(removed, level, estimated, strength, detail):
    assert told(removed, level, estimated, strength=strength, detail=detail) is None


@given(st.floats(0, 0.49), st.floats(0, 255), st.booleans(), st.floats(0, 2), st.floats(0, 1))
def test_always_a_hint_where_little_was(removed, level, estimated, strength, detail):
    said = told(removed, level, estimated, strength=strength, detail=detail)
    assert "; try " in said or "; leave " in said
