"""Networks of IF neurons as NIR: two readers, which spiden didn't write, find the same spikes."""

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_networks import SIGMA, exact, picture, shrunk

from spiden_cli.core.exchange.nir_graph import write_nir
from spiden_cli.core.exchange.recording import record
from spiden_cli.core.exchange.timing import network_input, noise_subtracted
from spiden_cli.errors import InputError

nir = pytest.importorskip("nir", reason="NIR IS NOT TRIED: pip install nir")
EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "nir"
READERS = ("spikingjelly", "snntorch")
MISSING = (
    "A READER OF NIR IS NOT TRIED: pip install --no-deps spikingjelly snntorch nirtorch loguru"
)
NETWORKS = [("base-if", {}), ("tiny-if", {"population": 3}), ("dncnn17", {"learn_initial": True})]


@pytest.fixture
def reader(monkeypatch):
    """Import one of the scripts that load a file, and what runs it."""
    monkeypatch.syspath_prepend(str(EXAMPLES))

    def found(name: str):
        pytest.importorskip("nirtorch", reason=MISSING)
        pytest.importorskip(name, reason=MISSING)
        return importlib.import_module(f"read_{name}"), importlib.import_module("running")

    return found


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("library", READERS)
@pytest.mark.parametrize(("name", "changes"), NETWORKS)
def test_a_reader_finds_the_same_spikes(tmp_path, reader, library, name, changes):
    script, running = reader(library)
    config = shrunk(name, **changes)
    network, noisy, steps = exact(config, seed=2), picture(config, 16, 24), 4
    write_nir(tmp_path / "network.nir", network, 16, 24, steps)
    graph = nir.read(tmp_path / "network.nir")
    found = running.run(script.load(graph), graph, network_input(noisy, SIGMA, config, steps))
    recording = record(network, noisy, SIGMA, steps)
    layers = running.layers_of(graph)
    assert list(layers) == list(recording.layers)
    for layer, members in layers.items():
        spikes = np.concatenate([found.spikes[member] for member in members], axis=1)
        np.testing.assert_array_equal(spikes, recording.layers[layer].spikes, layer)
        assert 0 < spikes.mean() < 1
    np.testing.assert_allclose(found.drawn.mean(0), recording.drawn, rtol=0, atol=1e-5)
    denoised = noise_subtracted(noisy, found.drawn, SIGMA, config)
    assert denoised.shape == noisy.shape
    assert np.abs(denoised - noisy).max() > 0


def test_a_picture_that_is_too_small_for_a_file_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    running = importlib.import_module("running")
    write_nir(tmp_path / "n.nir", exact(shrunk("base-if"), seed=1), 32, 48, 4)
    Image.new("L", (40, 32)).save(tmp_path / "small.png")
    monkeypatch.setattr(
        sys, "argv", ["read", f"{tmp_path}/n.nir", f"--picture={tmp_path}/small.png"]
    )
    with pytest.raises(SystemExit, match="2"):
        running.main(lambda graph: None)
    assert "small.png is smaller than 48 x 32 pixels" in capsys.readouterr().err


def test_the_file_says_what_it_is_and_is_in_order(tmp_path):
    network = exact(shrunk("base-if"), seed=1)
    write_nir(tmp_path / "n.nir", network, 32, 16, 4)
    graph = nir.read(tmp_path / "n.nir")
    told = {k: v.decode() if isinstance(v, bytes) else v for k, v in graph.metadata.items()}
    assert (told["reset"], told["timesteps"]) == ("subtract", "4")
    assert json.loads(told["picture"]) == {"height": 32, "width": 16}
    names = list(graph.nodes)
    assert names == sorted(names)
    assert all(names.index(source) < names.index(target) for source, target in graph.edges)
    kinds = {type(node).__name__ for node in graph.nodes.values()}
    assert kinds == {"Input", "Conv2d", "IF", "Output"}
    for node in graph.nodes.values():
        if isinstance(node, nir.IF):
            assert (node.v_threshold == 1).all()
            assert (node.r == 1).all()
        if isinstance(node, nir.Conv2d):
            assert node.groups == 1
    ends = [source for source, target in graph.edges if target == names[-1]]
    assert len(ends) == 1  # what ends in an Output isn't added everywhere


@pytest.mark.parametrize(
    ("name", "changes", "size", "words"),
    [
        ("base", {}, (16, 16), "weighted spikes"),
        ("tiny-if", {"neuron": "lif"}, (16, 16), "leaky"),
        ("tiny-if", {"neuron": "relu"}, (16, 16), "CNN"),
        ("unet", {}, (16, 16), "shuffle"),
        ("tiny-if", {}, (15, 16), "multiples of 2"),
        ("tiny-if", {}, (0, 16), "multiples of 2"),
    ],
)
def test_what_nir_can_not_hold_is_refused(tmp_path, name, changes, size, words):
    network = exact(shrunk(name, **changes), seed=1)
    with pytest.raises(InputError, match=words):
        write_nir(tmp_path / "n.nir", network, *size, 4)
    assert not any(tmp_path.iterdir())


def test_a_picture_that_does_not_fit_is_refused():
    config = shrunk("tiny-if")
    for shape in ((1, 15, 16), (3, 16, 16)):
        with pytest.raises(InputError, match="multiples"):
            network_input(np.zeros(shape, np.float32), SIGMA, config, 2)
