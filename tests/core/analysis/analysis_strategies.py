"""Neurons, distributions and samples that the analysis is held to."""

import numpy as np
from hypothesis import strategies as st

from spiden_cli.core.analysis.distributions import Gaussian, Laplace, RectifiedGaussian, Sample
from spiden_cli.core.analysis.staircase import Neuron

timesteps = st.integers(1, 9)
thresholds = st.floats(0.1, 8)
potentials = st.sampled_from([0.0, 0.5]) | st.floats(0, 0.999)
leaks = st.floats(0.3, 0.999)

if_neurons = st.builds(Neuron, potentials)
equal_neurons = if_neurons | st.builds(Neuron, potentials, leaks)  # whose spikes weigh the same
weighted_neurons = st.builds(Neuron, potentials, weighted=st.just(True))
neurons = equal_neurons | weighted_neurons
formulas = st.one_of(
    st.builds(Gaussian, st.floats(-2, 2)),
    st.builds(Laplace, st.floats(-2, 2)),
    st.builds(RectifiedGaussian, st.floats(-2, 2)),
)


def sample_of(size: int) -> st.SearchStrategy[Sample]:
    """Skewed samples, unlike any of the formulas."""
    seeds = st.integers(0, 2**32 - 1)
    return seeds.map(lambda seed: Sample(np.random.default_rng(seed).gumbel(-0.3, 1.3, size)))


samples = sample_of(200)
