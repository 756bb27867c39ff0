"""The conversion error: closed form against simulation, integration and what must be true."""

from itertools import pairwise

import numpy as np
import pytest
from analysis_strategies import (
    equal_neurons,
    formulas,
    if_neurons,
    neurons,
    potentials,
    samples,
    thresholds,
    timesteps,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad

from spiden_cli.core.analysis.conversion import Conversion, closed_form, decibels, simulate
from spiden_cli.core.analysis.distributions import Gaussian, Laplace, RectifiedGaussian, Sample
from spiden_cli.core.analysis.staircase import Neuron, edges, respond
from spiden_cli.errors import InputError

FIELDS = ("signal", "rounding", "clipping", "affine", "rate", "silent")


def numbers(conversion: Conversion) -> list[float]:
    return [getattr(conversion, name) for name in FIELDS]


@settings(max_examples=40)
@given(formulas, neurons, timesteps, thresholds)
def test_closed_form_is_what_the_neurons_do(x, neuron, timesteps, threshold):
    closed = closed_form(x, neuron, timesteps, threshold)
    simulated = simulate(x, neuron, timesteps, threshold, points=50_000)
    # Equally likely points cut the tail off: they miss about a thousandth of E[y^2].
    np.testing.assert_allclose(numbers(closed), numbers(simulated), rtol=1e-3, atol=3e-4)
    jumps = np.abs(neuron.spikes_won(timesteps)).sum() / timesteps  # each may be half a point off
    assert closed.rate == pytest.approx(simulated.rate, abs=2e-5 * jumps)


@given(samples, neurons, timesteps, thresholds)
def test_on_a_sample_the_two_are_the_same_numbers(x, neuron, timesteps, threshold):
    closed = closed_form(x, neuron, timesteps, threshold)
    np.testing.assert_allclose(numbers(closed), numbers(simulate(x, neuron, timesteps, threshold)),
                               atol=1e-10)  # fmt: skip


@settings(max_examples=25)
@given(st.floats(-1, 1), neurons, st.integers(1, 6), st.floats(0.3, 5))
def test_closed_form_is_the_integral(mean, neuron, timesteps, threshold):
    density = stats.norm(mean, 1).pdf
    rises = threshold * edges(neuron, timesteps)

    def squared_error(y):
        q = threshold * np.searchsorted(rises, y, side="right") / neuron.levels(timesteps)
        return (q - max(0, y)) ** 2 * density(y)

    cuts = [0, *rises, threshold, mean + 12]
    total = sum(quad(squared_error, low, high)[0] for low, high in pairwise(cuts) if high > low)
    assert closed_form(Gaussian(mean), neuron, timesteps, threshold).mse == pytest.approx(
        total, abs=1e-8
    )


@given(samples, neurons, timesteps, thresholds)
def test_rounding_and_clipping_are_the_whole_error(x, neuron, timesteps, threshold):
    currents = x.values / threshold
    q = respond(currents, neuron, timesteps).level / neuron.levels(timesteps)
    y, highest = currents.clip(min=0), neuron.highest(timesteps) / neuron.levels(timesteps)
    rounding, clipping = q - y.clip(max=highest), y.clip(max=highest) - y
    assert (rounding * clipping == 0).all()  # never both: so the mean squares add up
    whole = threshold**2 * ((q - y) ** 2).mean()
    assert closed_form(x, neuron, timesteps, threshold).mse == pytest.approx(whole, abs=1e-10)


@given(samples | formulas, equal_neurons, timesteps, thresholds, st.floats(1, 3))
def test_a_higher_threshold_fires_less(x, neuron, timesteps, threshold, factor):
    low = closed_form(x, neuron, timesteps, threshold)
    high = closed_form(x, neuron, timesteps, factor * threshold)
    assert high.rate <= low.rate + 1e-12


@given(samples | formulas, neurons, timesteps, thresholds, st.floats(1, 3))
def test_a_higher_threshold_clips_less_and_is_silent_more(x, neuron, timesteps, threshold, factor):
    low = closed_form(x, neuron, timesteps, threshold)
    high = closed_form(x, neuron, timesteps, factor * threshold)
    assert high.silent >= low.silent - 1e-12
    assert high.clipping <= low.clipping + 1e-12


@given(samples | formulas, potentials, st.booleans(), timesteps, thresholds)
def test_half_a_level_of_initial_potential_is_best(x, initial, weighted, timesteps, threshold):
    half, other = (
        closed_form(x, Neuron(phi, weighted=weighted), timesteps, threshold)
        for phi in (0.5, initial)
    )
    assert half.mse <= other.mse + 1e-12


@given(samples | formulas, st.booleans(), timesteps, thresholds)
def test_rounding_stays_within_half_a_level_or_a_whole_one(x, weighted, timesteps, threshold):
    nearest, down = (Neuron(phi, weighted=weighted) for phi in (0.5, 0.0))
    level = threshold / nearest.levels(timesteps)
    assert closed_form(x, nearest, timesteps, threshold).rounding <= level**2 / 4 + 1e-12
    assert closed_form(x, down, timesteps, threshold).rounding <= level**2 + 1e-12


@given(samples | formulas, if_neurons, st.floats(0.3, 0.99), timesteps, thresholds)
def test_a_leak_never_fires_more(x, neuron, leak, timesteps, threshold):
    leaky = Neuron(neuron.initial, leak)
    assert (
        closed_form(x, leaky, timesteps, threshold).rate
        <= closed_form(x, neuron, timesteps, threshold).rate + 1e-12
    )


@given(st.floats(-2, 2), neurons, timesteps, thresholds)
def test_rectifying_before_changes_nothing(mean, neuron, timesteps, threshold):
    np.testing.assert_allclose(
        numbers(closed_form(RectifiedGaussian(mean), neuron, timesteps, threshold)),
        numbers(closed_form(Gaussian(mean), neuron, timesteps, threshold)),
        atol=1e-12,
    )


@given(samples, neurons, timesteps, thresholds)
def test_the_affine_read_out_is_linear_regression(x, neuron, timesteps, threshold):
    level = respond(x.values / threshold, neuron, timesteps).level
    q = threshold * level / neuron.levels(timesteps)
    y = x.values.clip(min=0)
    design = np.stack([np.ones_like(q), q], axis=1)
    best = design @ np.linalg.lstsq(design, y, rcond=None)[0]
    conversion = closed_form(x, neuron, timesteps, threshold)
    assert conversion.affine == pytest.approx(((best - y) ** 2).mean(), abs=1e-9)
    assert conversion.affine <= conversion.mse + 1e-12


@given(st.sampled_from([Gaussian(), Laplace()]), st.integers(8, 64))
def test_fine_levels_err_as_uniform_noise_does(x, timesteps):
    # rounding -> theta^2 / (12 T^2) P(0 < x < theta): Bennett's approximation.
    threshold = 3.0
    inside = float(-np.diff(x.tail(np.array([0.0, threshold])).probability)[0])
    approximate = threshold**2 / (12 * timesteps**2) * inside
    closed = closed_form(x, Neuron(0.5), timesteps, threshold)
    assert closed.rounding == pytest.approx(approximate, rel=0.1)
    floor = closed_form(x, Neuron(0.0), timesteps, threshold)
    assert floor.rounding == pytest.approx(4 * approximate, rel=0.2)


def test_a_value_worked_by_hand():
    # theta = 2, T = 2: x = -1, 0.4, 0.6, 3 become 0, 0, 1, 2.
    values = np.array([-1.0, 0.4, 0.6, 3.0])
    x = Sample(values)
    unit = values.std()
    found = closed_form(x, Neuron(), 2, 2 / unit)
    assert found.signal * unit**2 == pytest.approx((0.16 + 0.36 + 9) / 4)
    assert found.rounding * unit**2 == pytest.approx((0.16 + 0.16) / 4)
    assert found.clipping * unit**2 == pytest.approx(1 / 4)
    assert found.rate == pytest.approx(3 / 8)
    assert found.silent == pytest.approx(2 / 4)
    assert found.spikes == pytest.approx(3 / 4)
    assert found.sparsity == pytest.approx(5 / 8)
    assert found.sqnr == pytest.approx(10 * np.log10(9.52 / 1.32))


@pytest.mark.parametrize("threshold", [0.0, -1.0, float("inf"), float("nan")])
def test_a_threshold_that_cannot_be_is_refused(threshold):
    for convert in (closed_form, simulate):
        with pytest.raises(InputError, match="threshold must be positive"):
            convert(Gaussian(), Neuron(), 4, threshold)


def test_decibels():
    assert decibels(1, 0.1) == pytest.approx(10)
    assert decibels(1, 0) == float("inf")
