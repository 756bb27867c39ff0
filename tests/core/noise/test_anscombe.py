"""The Anscombe transform against simulation, and its inverse against the definition."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from spiden_cli.core.noise.anscombe import Anscombe
from spiden_cli.core.noise.model import PoissonGaussian

GAINS, OFFSETS = st.floats(1e-3, 1e3), st.floats(-1e3, 1e3)
READ_NOISES = st.floats(0, 20)  # in counts


def transform(gain: float = 1.0, offset: float = 0.0, read: float = 0.0) -> Anscombe:
    return Anscombe(PoissonGaussian(gain, offset, read * gain))


def drawn(noise: PoissonGaussian, counts: float, size: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (
        noise.gain * rng.poisson(counts, size)
        + noise.offset
        + rng.normal(0, 1, size) * noise.read_noise
    )


@pytest.mark.parametrize("read", [0, 0.5, 1, 3, 20])
@pytest.mark.parametrize("counts", [0, 0.3, 1, 5, 20, 149, 151, 5000])
def test_the_mean_is_that_of_simulated_counts(counts, read):
    found = transform(2.5, 100, read)
    transformed = found.forward(drawn(found.noise, counts, 400_000))
    error = 5 * transformed.std() / np.sqrt(400_000) + 2e-4 + 1e-4 * transformed.mean()
    assert found.mean(np.array(counts)) == pytest.approx(transformed.mean(), abs=error)


@given(counts=st.floats(3, 1e5), read=READ_NOISES, gain=GAINS, offset=OFFSETS)
def test_noise_has_a_deviation_of_one(counts, read, gain, offset):
    found = transform(gain, offset, read)
    transformed = found.forward(drawn(found.noise, counts, 40_000))
    assert transformed.std() == pytest.approx(1, abs=0.06)


@given(counts=st.floats(0, 1e6), read=READ_NOISES, gain=GAINS, offset=OFFSETS)
@settings(max_examples=40)
@example(counts=0.0, read=0.0, gain=1.0, offset=0.0)
@example(counts=150.0, read=0.0, gain=1.0, offset=0.0)
@example(counts=0.01, read=20.0, gain=1.0, offset=0.0)
def test_the_inverse_takes_the_mean_back(counts, read, gain, offset):
    found = transform(gain, offset, read)
    back = found.inverse(found.mean(np.array([counts])))
    # float32 holds a transform of 2 sqrt(x + s^2) to 1e-7 of it.
    exactness = gain * (1e-3 + 1e-5 * counts + 1e-6 * read**2) + 1e-6 * abs(offset)
    assert back[0] == pytest.approx(gain * counts + offset, abs=exactness)


@given(read=READ_NOISES, gain=GAINS, offset=OFFSETS, seed=st.integers(0, 99))
@settings(max_examples=30)
def test_the_inverse_never_falls_and_stays_above_the_offset(read, gain, offset, seed):
    means = np.sort(np.random.default_rng(seed).uniform(-5, 100, 300))
    values = transform(gain, offset, read).inverse(means)
    assert values.dtype == np.float32
    assert (np.diff(values) >= -1e-5 * np.abs(values[1:])).all()
    assert values.min() == pytest.approx(offset, abs=1e-6 * (abs(offset) + gain * (1 + read**2)))


def test_without_read_noise_it_is_the_closed_form_of_the_paper():
    # Makitalo and Foi 2011, "A Closed-Form Approximation of the Exact Unbiased Inverse of the
    # Anscombe Variance-Stabilizing Transformation", eq. 6: within 0.02 counts.
    means = np.linspace(2, 60, 200)
    root = np.sqrt(3 / 2)
    closed = means**2 / 4 + root / (4 * means) - 11 / (8 * means**2)
    closed += 5 * root / (8 * means**3) - 1 / 8
    np.testing.assert_allclose(transform().inverse(means), closed, atol=0.02)


def test_the_algebraic_inverse_would_be_biased():
    found = transform()
    means = found.forward(drawn(found.noise, 2, 400_000)).mean(keepdims=True)
    assert found.inverse(means)[0] == pytest.approx(2, abs=0.02)
    assert (means[0] / 2) ** 2 - 3 / 8 < 1.8


def test_only_gain_and_variance_matter_where_there_is_light():
    # A line of variance over mean is all that one picture tells; many offsets lie on it.
    seen, other = PoissonGaussian(2, 100, 2), PoissonGaussian(2, 98, 0)
    values = np.linspace(120, 5000, 200)
    np.testing.assert_allclose(
        Anscombe(seen).forward(values), Anscombe(other).forward(values), rtol=1e-6
    )
    means = Anscombe(seen).mean((values - 100) / 2)
    np.testing.assert_allclose(Anscombe(other).inverse(means), values, rtol=2e-4)


@pytest.mark.parametrize("shape", [(1,), (3,), (2, 3, 4)])
def test_any_shape(shape):
    values = np.full(shape, 12, np.uint16)
    found = transform(2, 2, 1)
    assert found.inverse(found.forward(values)).shape == shape


@given(
    gain=st.floats(0.1, 50), offset=st.floats(-100, 1000), read_noise=st.floats(0, 20),
    counts=st.floats(0, 1e5),
)  # fmt: skip
def test_the_inverse_takes_expected_values_back(gain, offset, read_noise, counts):
    noise = PoissonGaussian(gain, offset, read_noise)
    transform = Anscombe(noise)
    expected = transform.expected(np.array([gain * counts + offset]))
    assert expected[0] == pytest.approx(float(transform.mean(np.array([counts]))[0]), rel=1e-4)
    back = float(transform.inverse(expected)[0])
    # The mean D is float32, and x is D^2 / 4 less the read noise's variance: of much read noise and
    # little light only the difference is left.
    rounding = 4e-7 * read_noise**2 / gain
    assert back == pytest.approx(
        gain * counts + offset, rel=1e-4, abs=1e-3 * (gain + abs(offset)) + rounding
    )
