"""The learning rate: up in a line, down in a cosine."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiden_cli.core.training.config import TrainingConfig
from spiden_cli.core.training.schedule import learning_rate


def test_by_hand():
    config = TrainingConfig(steps=8, warmup=4, learning_rate=1.0)
    rates = [learning_rate(step, config) for step in range(8)]
    assert rates[:5] == [0.25, 0.5, 0.75, 1.0, 1.0]
    assert rates[6] == pytest.approx(0.5)
    assert rates[7] == pytest.approx(0.5 * (1 - 2**-0.5))


@given(st.integers(1, 300), st.integers(0, 400))
def test_rises_to_the_peak_then_falls_and_stays_positive(steps, warmup):
    config = TrainingConfig(steps=steps, warmup=warmup, learning_rate=3e-3)
    rates = [learning_rate(step, config) for step in range(steps)]
    assert all(0 < rate <= 3e-3 * (1 + 1e-12) for rate in rates)
    up, down = rates[:warmup], rates[warmup:]
    assert up == sorted(up)
    assert down == sorted(down, reverse=True)
    if down:
        assert down[0] == 3e-3
        assert rates[-1] <= 3e-3 * (1 if len(down) < 2 else 0.51)
