"""The best threshold really is the best, and the known special cases come out."""

import numpy as np
import pytest
from analysis_strategies import formulas, neurons, sample_of
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import lambertw

from spiden_cli.core.analysis.conversion import closed_form, simulate
from spiden_cli.core.analysis.distributions import LAPLACE_SCALE, Gaussian, Laplace, Sample
from spiden_cli.core.analysis.staircase import Neuron
from spiden_cli.core.analysis.sweep import curve, least_error, sweep
from spiden_cli.errors import InputError

few_timesteps = st.integers(1, 8)
large_samples = sample_of(20_000)


def slack(x):
    # A sample's error jumps a little at each of its values; a step of the search may hold a few.
    return 1e-5 if isinstance(x, Sample) else 1e-9


@settings(max_examples=15)
@given(large_samples | formulas, neurons, few_timesteps)
def test_no_threshold_has_less_error(x, neuron, timesteps):
    best = least_error(x, neuron, timesteps)
    others = curve(x, neuron, timesteps, np.linspace(0.02, 2 * x.reach, 700))
    assert best.mse <= min(c.mse for c in others) + slack(x)


@settings(max_examples=15)
@given(large_samples | formulas, neurons, few_timesteps, st.floats(0, 0.99))
def test_no_sparse_enough_threshold_has_less_error(x, neuron, timesteps, sparsity):
    best = least_error(x, neuron, timesteps, sparsity)
    assert best.sparsity >= sparsity
    others = curve(x, neuron, timesteps, np.geomspace(0.02, 3 * best.threshold, 700))
    assert best.mse <= min(c.mse for c in others if c.sparsity >= sparsity) + slack(x)


def test_the_best_jump_of_a_sample_is_found():
    """A case that a grid of 400 thresholds, and a search around the best of them, missed."""
    x = Sample(np.random.default_rng(71150355).gumbel(-0.3, 1.3, 20_000))
    best = least_error(x, Neuron(0.0), 1, 0.5)
    others = curve(x, Neuron(0.0), 1, np.geomspace(0.02, 3 * best.threshold, 20_000))
    assert best.mse <= min(c.mse for c in others if c.sparsity >= 0.5)


def test_silence_may_be_the_least_error():
    """One step, a high initial potential: whatever fires is rounded up to four times its size."""
    x = Sample(np.random.default_rng(0).gumbel(-0.3, 1.3, 20_000))
    best = least_error(x, Neuron(0.75), 1, 0.875)
    assert best.silent == 1
    assert best.mse == pytest.approx(best.signal)
    weighted = least_error(x, Neuron(0.984375, weighted=True), 4, 0.875)
    assert weighted.silent == 1
    assert weighted.mse == pytest.approx(weighted.signal)


@settings(max_examples=15)
@given(formulas, few_timesteps, st.floats(0, 0.9), st.floats(0, 0.9))
def test_more_sparsity_costs_error(x, timesteps, one, other):
    less, more = sorted((one, other))
    assert (
        least_error(x, Neuron(), timesteps, less).mse
        <= least_error(x, Neuron(), timesteps, more).mse + 1e-9
    )


@pytest.mark.parametrize("x", [Gaussian(), Gaussian(0.7), Laplace(), Laplace(-0.5)])
@pytest.mark.parametrize(
    ("neuron", "most"),
    [
        (Neuron(0.0), 16),
        (Neuron(0.5), 16),
        (Neuron(0.0, weighted=True), 7),
        (Neuron(0.5, weighted=True), 7),
    ],
)
def test_more_timesteps_serve_the_best_threshold(x, neuron, most):
    errors = [least_error(x, neuron, timesteps).mse for timesteps in range(1, most + 1)]
    assert (np.diff(errors) < 0).all()


@pytest.mark.parametrize("x", [Gaussian(), Gaussian(0.7), Laplace(), Laplace(-0.5)])
@pytest.mark.parametrize(
    ("neuron", "timesteps"),
    [(Neuron(), 1), (Neuron(), 2), (Neuron(), 4), (Neuron(), 8), (Neuron(weighted=True), 3)],
)
def test_the_best_threshold_leaves_no_gain_to_find(x, neuron, timesteps):
    # phi = 1/2: d MSE / d theta = 2 / theta (E[q^2] - E[q y]), since edges add nothing.
    best = least_error(x, neuron, timesteps)
    points = x.points(400_000)
    level = best.threshold / neuron.levels(timesteps)
    q = level * np.clip(np.floor(0.5 + points / level), 0, neuron.highest(timesteps))
    y = points.clip(min=0)
    assert (q * y).mean() / (q**2).mean() == pytest.approx(1, abs=1e-3)
    assert best.mse == pytest.approx(best.signal - (q**2).mean(), rel=3e-3)


def test_one_timestep_has_a_known_optimum():
    # T = 1: theta is the mean of what fires, E[x | x >= theta / 2].
    mills = brentq(lambda t: t - stats.norm.pdf(t / 2) / stats.norm.sf(t / 2), 0.5, 3)
    assert least_error(Gaussian(), Neuron(), 1).threshold == pytest.approx(mills, abs=1e-6)
    assert least_error(Laplace(), Neuron(), 1).threshold == pytest.approx(2**0.5, abs=1e-6)


@pytest.mark.parametrize("timesteps", [4, 8, 16])
def test_many_timesteps_approach_lamberts_threshold(timesteps):
    approximate = LAPLACE_SCALE * lambertw(12 * timesteps**2).real
    assert least_error(Laplace(), Neuron(), timesteps).threshold == pytest.approx(
        approximate, rel=0.05 / timesteps
    )


@pytest.mark.parametrize("timesteps", [1, 2, 4, 8])
def test_it_is_half_of_a_symmetric_uniform_quantiser(timesteps):
    # Max, "Quantizing for minimum distortion" (1960): uniform, 2 T + 1 levels, Gaussian.
    best = least_error(Gaussian(), Neuron(), timesteps)
    step = best.threshold / timesteps

    def distortion(step):
        def squared_error(v):
            level = step * np.clip(np.rint(v / step), -timesteps, timesteps)
            return (v - level) ** 2 * stats.norm.pdf(v)

        cuts = step * (np.arange(-timesteps, timesteps) + 0.5)
        return quad(squared_error, -12, 12, points=cuts, limit=400)[0]

    assert distortion(step) == pytest.approx(2 * best.mse, rel=1e-6)
    assert distortion(step) <= min(distortion(0.99 * step), distortion(1.01 * step))


@pytest.mark.parametrize(
    ("x", "weighted", "decibels"),
    [(Gaussian(), False, 4.0), (Laplace(), False, 3.3), (Gaussian(), True, 4.8)],
)
def test_rounding_down_costs_what_the_analysis_says(x, weighted, decibels):
    """At T = 4, each initial potential at its own best threshold."""
    half, none = (least_error(x, Neuron(phi, weighted=weighted), 4) for phi in (0.5, 0.0))
    assert half.sqnr - none.sqnr == pytest.approx(decibels, abs=0.06)


def test_a_sweep_holds_what_was_asked_for():
    calls = []
    found = sweep(
        Laplace(), Neuron(), 4, [3, 1, 2, 2], sparsity=0.95, learnt=1.7,
        on_progress=lambda: calls.append(1),
    )  # fmt: skip
    assert [point.closed.threshold for point in found.points] == [1, 2, 3]
    assert found.best.closed == least_error(Laplace(), Neuron(), 4)
    assert found.sparse.closed.sparsity >= 0.95
    assert found.learnt.closed == closed_form(Laplace(), Neuron(), 4, 1.7)
    assert found.learnt.simulated == simulate(Laplace(), Neuron(), 4, 1.7)
    assert len(calls) == 6
    np.testing.assert_allclose(found.edges, found.simulated_edges, atol=1e-12)


@pytest.mark.parametrize("sparsity", [-0.1, 1.0, 2.0, float("nan")])
def test_a_sparsity_that_cannot_be_is_refused(sparsity):
    with pytest.raises(InputError, match="sparsity"):
        least_error(Gaussian(), Neuron(), 4, sparsity)
