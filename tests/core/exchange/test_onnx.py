"""Networks as ONNX, run by onnxruntime: what the dense engine computes."""

from dataclasses import replace

import numpy as np
import pytest
from small_networks import SIGMA, SPIKING, exact, picture, shrunk

from spiden_cli.core.bundled import find_weights
from spiden_cli.core.engine.dense import DenseEngine
from spiden_cli.core.exchange.onnx_graph import onnx_model
from spiden_cli.core.weights import load_folded
from spiden_cli.errors import InputError

onnx = pytest.importorskip("onnx", reason="ONNX IS NOT TRIED: pip install onnx")
runtime = pytest.importorskip("onnxruntime", reason="ONNX IS NOT RUN: pip install onnxruntime")

NETWORKS = [
    *SPIKING,
    ("base-colour", {"image_channels": 3}),
    ("base", {"neuron": "relu", "image_channels": 3}),
]


def session(network, timesteps):
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    content = onnx_model(network, timesteps).SerializeToString()
    return runtime.InferenceSession(content, options)


def made(name, changes, seed):
    network = exact(shrunk(name, **changes), seed)
    return network if network.config.spiking else replace(network, neurons={})


@pytest.mark.parametrize(("name", "changes"), NETWORKS)
@pytest.mark.parametrize("timesteps", [1, 4])
def test_a_batch_of_any_size_is_what_the_engine_computes(name, changes, timesteps):
    network = made(name, changes, seed=7)
    engine, ready = DenseEngine(network), session(network, timesteps)
    for height, width in ((16, 24), (32, 8)):
        images = [picture(network.config, height, width, seed) for seed in (0, 1)]
        levels = np.array([SIGMA, 16], np.float32)
        (found,) = ready.run(None, {"noisy": np.stack(images), "sigma": levels})
        for image, level, result in zip(images, levels, found, strict=True):
            expected = engine.run(image, float(level), timesteps).denoised
            # Exact sums, but for the read-out's mean and its scale.
            np.testing.assert_allclose(result, expected, rtol=0, atol=1e-6)
            assert np.abs(expected - image).max() > 0.01


@pytest.mark.parametrize("name", ["tiny", "tiny-cnn"])
def test_a_trained_model_gives_the_same_picture(name, data_dir):
    from PIL import Image

    network, _ = load_folded(find_weights(name))
    clean = np.asarray(Image.open(data_dir / "set12" / "01.png"), np.float32)[None, :96, :96]
    noisy = (clean + np.random.default_rng(0).normal(0, 25, clean.shape)) / 255
    noisy = noisy.astype(np.float32)
    (found,) = session(network, 4).run(
        None, {"noisy": noisy[None], "sigma": np.array([25], np.float32)}
    )
    expected = DenseEngine(network).run(noisy, 25.0, 4).denoised
    errors = [np.mean((255 * image - clean) ** 2) for image in (found[0], expected)]
    assert abs(10 * np.log10(errors[0] / errors[1])) < 0.005
    assert errors[0] < 0.3 * np.mean((255 * noisy - clean) ** 2)


def test_the_file_says_how_sides_must_be():
    network = exact(shrunk("base"), 1)
    facts = {entry.key: entry.value for entry in onnx_model(network, 3).metadata_props}
    assert (facts["neuron"], facts["timesteps"]) == ("weighted", "3")
    assert facts["grid"] == str(network.graph.grid)


def test_timesteps_out_of_range_are_refused():
    with pytest.raises(InputError, match="1 to 64"):
        onnx_model(exact(shrunk("tiny"), 1), 65)
