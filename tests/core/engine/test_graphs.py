"""Networks of any graph: the engines agree spike for spike, and no tile shows."""

import numpy as np
from graph_strategies import ALL, graphs
from hypothesis import given, settings
from hypothesis import strategies as st
from small_networks import SIGMA, exact, picture

from spiden_cli.core.engine.activity import sum_activities
from spiden_cli.core.engine.dense import DenseEngine
from spiden_cli.core.engine.event.engine import EventEngine
from spiden_cli.core.engine.reference import ReferenceEngine
from spiden_cli.core.engine.tiling import tiles

sizes = st.tuples(st.integers(8, 45), st.integers(8, 75))


def network_and_picture(drawn, size, seed):
    config, graph = drawn
    return exact(config, seed, graph, parts=8), picture(config, *size, seed)


@settings(max_examples=60)
@given(graphs(), sizes, st.integers(1, 4), st.integers(1, 3), st.integers(0, 1000))
def test_the_event_engine_sends_the_spikes_of_the_dense_one(drawn, size, timesteps, threads, seed):
    network, noisy = network_and_picture(drawn, size, seed)
    expected = DenseEngine(network).run(noisy, SIGMA, timesteps)
    found = EventEngine(network, threads).run(noisy, SIGMA, timesteps)
    assert found.activity == expected.activity
    np.testing.assert_allclose(found.denoised, expected.denoised, rtol=1e-5, atol=1e-5)


@settings(max_examples=25)
@given(graphs(ALL), sizes, st.integers(1, 3), st.integers(0, 1000))
def test_the_dense_engine_sends_those_of_the_reference(drawn, size, timesteps, seed):
    network, noisy = network_and_picture(drawn, size, seed)
    expected = ReferenceEngine(network, np.float32).run(noisy, SIGMA, timesteps)
    found = DenseEngine(network).run(noisy, SIGMA, timesteps)
    assert found.activity == expected.activity
    np.testing.assert_allclose(found.denoised, expected.denoised, rtol=1e-5, atol=1e-5)


@settings(max_examples=12)
@given(graphs(ALL), st.tuples(st.integers(16, 50), st.integers(16, 50)), st.integers(0, 9))
def test_a_tile_is_the_picture_seen_through_a_window(drawn, tile, seed):
    network, noisy = network_and_picture(drawn, (60, 76), seed)
    engine = DenseEngine(network)
    whole = engine.run(noisy, SIGMA, 2)
    denoised, activities = np.full_like(whole.denoised, np.nan), []
    for part in tiles(60, 76, network.graph, tile):
        result = engine.run(np.ascontiguousarray(noisy[:, *part.source]), SIGMA, 2, part.inside)
        denoised[:, *part.target] = result.denoised[:, *part.inside]
        activities.append(result.activity)
    np.testing.assert_allclose(denoised, whole.denoised, rtol=1e-5, atol=1e-5)
    assert sum_activities(activities) == whole.activity
