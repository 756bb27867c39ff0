"""Tiles: each pixel once, and no output pixel sees where they meet."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiden_cli.core.engine.dense import DenseEngine
from spiden_cli.core.engine.tiling import tiles
from spiden_cli.core.network.families import graph_of
from spiden_cli.core.network.presets import PRESETS, preset
from spiden_cli.core.tasks.denoising import denoise_planes


@given(
    st.sampled_from(list(PRESETS)),
    st.integers(1, 200),
    st.integers(1, 200),
    st.tuples(st.integers(1, 120), st.integers(1, 120)),
)
def test_tiles_cover_every_pixel_once_and_lie_on_the_grid(name, height, width, tile):
    graph = graph_of(preset(name))
    covered = np.zeros((height, width), int)
    image = np.arange(height * width).reshape(height, width)
    for part in tiles(height, width, graph, tile):
        covered[part.target] += 1
        assert np.array_equal(image[part.source][part.inside], image[part.target])
        for axis in (0, 1):
            assert part.source[axis].start % graph.grid == 0
    assert (covered == 1).all()


@pytest.mark.parametrize("neuron", ["if", "lif", "relu"])
@pytest.mark.parametrize("name", PRESETS)
def test_in_tiles_or_whole_is_the_same(make, name, neuron):
    network = make(name, neuron=neuron, layers=4).double()  # no rounding flips a spike
    engine = DenseEngine(network)
    noisy = np.random.default_rng(0).random((1, 43, 38))
    whole, tiled = (denoise_planes(engine, noisy, 25.0, 3, tile) for tile in ((512, 512), (13, 17)))
    np.testing.assert_allclose(tiled.denoised, whole.denoised, rtol=1e-7, atol=1e-7)
    assert tiled.activity == whole.activity  # each tile's margin is another tile's work
    assert bool(whole.activity) == engine.config.spiking
