"""Tail moments against numerical integration, and of samples against their definition."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad

from spiden_cli.core.analysis.distributions import (
    LAPLACE_SCALE,
    Gaussian,
    Laplace,
    RectifiedGaussian,
    Sample,
    distribution_named,
)
from spiden_cli.errors import InputError

means = st.floats(-2, 2)
points = st.floats(-3, 6)


def law_of(x):
    if isinstance(x, Laplace):
        return stats.laplace(x.mean, LAPLACE_SCALE)
    return stats.norm(x.mean, 1)


def integrate(law, at, power):
    far = law.mean() + 40
    kink = [law.mean()] if at < law.mean() else None
    return quad(lambda v: (v - at) ** power * law.pdf(v), at, far, points=kink, limit=200)[0]


@settings(max_examples=40)
@given(st.sampled_from([Gaussian, Laplace]), means, points)
def test_moments_are_the_integrals(kind, mean, at):
    x = kind(mean)
    expected = [integrate(law_of(x), at, power) for power in range(3)]
    np.testing.assert_allclose(x.tail(np.array(at)), expected, rtol=1e-7, atol=1e-12)


@settings(max_examples=40)
@given(means, points)
def test_a_rectified_gaussian_is_an_atom_and_a_gaussian(mean, at):
    law = stats.norm(mean, 1)
    expected = [integrate(law, max(at, 0), 0), 0.0, 0.0]
    for power in (1, 2):
        expected[power] = quad(
            lambda v, p=power: (v - at) ** p * law.pdf(v), max(at, 0), mean + 40
        )[0]
    if at <= 0:
        atom = law.cdf(0)
        expected = [value + atom * (-at) ** power for power, value in enumerate(expected)]
    np.testing.assert_allclose(RectifiedGaussian(mean).tail(np.array(at)), expected, atol=1e-7)


@given(st.sampled_from([Gaussian, Laplace]), means)
def test_points_are_quantiles(kind, mean):
    x = kind(mean)
    np.testing.assert_allclose(
        x.points(101), law_of(x).ppf((np.arange(101) + 0.5) / 101), atol=1e-9
    )
    np.testing.assert_allclose(x.points(100_000).std(), 1, rtol=2e-3)


@given(st.sampled_from([Gaussian, Laplace, RectifiedGaussian]), means)
def test_nothing_lies_beyond_the_reach(kind, mean):
    x = kind(mean)
    assert x.tail(np.array(x.reach)).probability < 1e-14


@given(st.integers(0, 2**32 - 1), st.integers(2, 60), points)
def test_a_sample_is_its_own_distribution(seed, size, at):
    values = np.random.default_rng(seed).normal(0.5, 3, size).round(1) + 4  # with ties
    values[-1] = 4.0  # a positive one
    values[0] += 1e-3  # but never all the same
    x = Sample(values)
    values = values / values.std()
    above = np.maximum(values - at, 0)
    expected = [(values >= at).mean(), above.mean(), (above**2).mean()]
    np.testing.assert_allclose(x.tail(np.array(at)), expected, atol=1e-9)
    assert x.deviation > 0
    np.testing.assert_allclose(x.values.std(), 1)


def test_a_value_on_the_point_counts():
    x = Sample(np.array([-1.0, 1.0]))
    assert x.tail(np.array(1.0)).probability == 0.5
    assert x.tail(np.array(np.nextafter(1.0, 2))).probability == 0


def test_points_of_a_sample():
    values = np.random.default_rng(0).normal(size=1000)
    x = Sample(values)
    assert len(x.points(5000)) == 1000
    thinned = x.points(100)
    assert len(thinned) == 100
    assert abs(thinned.mean() - x.values.mean()) < 0.02


@pytest.mark.parametrize("values", [[], [3.0, 3.0], [-2.0, -1.0, 0.0]])
def test_a_sample_without_signal_is_refused(values):
    with pytest.raises(InputError, match=r"never get a positive current|all get the same"):
        Sample(np.array(values))


def test_names_and_means_are_checked():
    assert distribution_named("laplace", 0.5) == Laplace(0.5)
    with pytest.raises(InputError, match="choose one of gaussian, laplace, rectified-gaussian"):
        distribution_named("cauchy")
    for mean in (float("nan"), float("inf"), -3.1, 10.1):
        with pytest.raises(InputError, match="the mean"):
            distribution_named("gaussian", mean)
