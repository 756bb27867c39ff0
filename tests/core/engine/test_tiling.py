"""Tiles: each pixel once, and no output pixel sees where they meet."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spiden_cli.core.engine.dense import DenseEngine
from spiden_cli.core.engine.tiling import tiles
from spiden_cli.core.network.presets import PRESETS, preset
from spiden_cli.core.tasks.denoising import denoise_tensor


@given(
    st.sampled_from(list(PRESETS)),
    st.integers(1, 200),
    st.integers(1, 200),
    st.tuples(st.integers(1, 120), st.integers(1, 120)),
)
def test_tiles_cover_every_pixel_once_and_lie_on_the_grid(name, height, width, tile):
    config = preset(name)
    covered = torch.zeros(height, width, dtype=torch.int)
    image = torch.arange(height * width).view(height, width)
    for part in tiles(height, width, config, tile):
        covered[part.target] += 1
        assert torch.equal(image[part.source][part.inside], image[part.target])
        for axis in (0, 1):
            assert part.source[axis].start % config.unshuffle == 0
    assert (covered == 1).all()


@pytest.mark.parametrize("neuron", ["if", "lif", "relu"])
@pytest.mark.parametrize("name", PRESETS)
def test_in_tiles_or_whole_is_the_same(make, name, neuron):
    network = make(name, neuron=neuron, layers=4).double()  # no rounding flips a spike
    engine = DenseEngine(network, torch.device("cpu"))
    noisy = torch.rand(1, 43, 38, dtype=torch.float64)
    whole, tiled = (denoise_tensor(engine, noisy, 25.0, 3, tile) for tile in ((512, 512), (13, 17)))
    torch.testing.assert_close(tiled.denoised, whole.denoised)
    for layer, activity in whole.activity.items():
        assert tiled.activity[layer].spikes > activity.spikes  # margins are work that is done
