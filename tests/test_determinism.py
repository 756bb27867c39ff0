"""Each model that ships gives the same bytes for any number of threads and any size of tile."""

from functools import cache

import numpy as np
import pytest
import torch

import spiden_cli as spiden
from spiden_cli.core.bundled import find_weights, model_names
from spiden_cli.core.engine.engine import Engine
from spiden_cli.core.engine.selection import make_engine
from spiden_cli.core.image.picture import Picture
from spiden_cli.core.tasks.denoising import denoise_picture
from spiden_cli.core.weights import load_folded, read_info

ENGINES = ("dense", "event", "event-int16")
CASES = [
    (model, engine)
    for model in model_names()
    for engine in ENGINES
    if engine == "dense" or read_info(find_weights(model)).config.spiking  # a CNN sends no spikes
]


@cache
def network(model):
    return load_folded(find_weights(model))


def denoised(model: str, engine: Engine, tile: tuple[int, int] | None) -> bytes:
    weights, info = network(model)
    channels = () if weights.config.image_channels == 1 else (3,)
    pixels = np.random.default_rng(1).normal(120, 25, (90, 75, *channels)).clip(0, 255)
    picture = Picture(pixels.astype(np.uint8))
    result = denoise_picture(engine, picture, spiden.Gaussian(25.0), info.timesteps[0], tile=tile)
    return result.picture.pixels.tobytes()


@pytest.mark.parametrize(("model", "engine"), CASES)
def test_threads_and_tiles_change_no_byte(model, engine):
    weights, _ = network(model)
    before = torch.get_num_threads()
    results = set()
    try:
        for threads, tile in ((1, None), (2, None), (1, (48, 40)), (3, (64, 75))):
            torch.set_num_threads(threads)
            made = make_engine(engine, weights, "cpu", threads=threads)
            results.add(denoised(model, made, tile))
    finally:
        torch.set_num_threads(before)
    assert len(results) == 1
