"""Which engine runs a network: the faster one, and dense where the event engine can't."""

import importlib.util
import sys
from collections.abc import Callable
from contextlib import contextmanager

import numpy as np
import pytest
from small_networks import SIGMA, exact, picture

from spiden_cli.core.engine.dense import DenseEngine
from spiden_cli.core.engine.event.engine import EventEngine
from spiden_cli.core.engine.reference import ReferenceEngine
from spiden_cli.core.engine.selection import BREAK_EVEN_RATE, make_engine, select_engine
from spiden_cli.core.network.building import GraphBuilder
from spiden_cli.core.network.config import NetworkConfig
from spiden_cli.core.network.folding import FoldedNetwork
from spiden_cli.core.network.graph import Node
from spiden_cli.errors import InputError, UnsupportedNodeError

NO_KERNEL: dict[str, tuple[str, Callable[[GraphBuilder, Node, Node], Node]]] = {
    "concatenation": (
        "odd: concatenate", lambda build, image, current: build.concatenate("odd", current, current)
    ),
    "unshuffle": (
        "odd: unshuffle",
        lambda build, image, current: build.shuffle(
            "back", build.unshuffle("odd", current, 2), 2
        ),
    ),
    "kernel 1": (
        "odd: a 1 x 1 kernel of stride 1",
        lambda build, image, current: build.convolution(
            "odd", build.neurons("n", current), 4, kernel=1
        ),
    ),
    "kernel 5": (
        "odd: a 5 x 5 kernel of stride 1",
        lambda build, image, current: build.convolution(
            "odd", build.neurons("n", current), 4, kernel=5
        ),
    ),
    "stride 3": (
        "odd: a 3 x 3 kernel of stride 3",
        lambda build, image, current: build.shuffle(
            "back", build.convolution("odd", build.neurons("n", current), 9, stride=3), 3
        ),
    ),
    "a sum of three": (
        "odd: a sum of more than two currents",
        lambda build, image, current: build.add("odd", current, current, current),
    ),
    "spikes for two": (
        "odd: spikes that enter several convolutions",
        lambda build, image, current: build.add(
            "sum", *(build.convolution(name, build_once(build, current), 4) for name in "ab")
        ),
    ),
    "two encoders": (
        "odd: a second convolution of the image",
        lambda build, image, current: build.add(
            "sum", current, build.convolution("odd", image, 4)
        ),
    ),
    "no spikes": ("a read-out", lambda build, image, current: current),
    "a sum": (
        "a read-out",
        lambda build, image, current: build.add(
            "sum", current, build.convolution("last", build.neurons("n", current), 4)
        ),
    ),
    "a finer resolution": (
        "a read-out",
        lambda build, image, current: build.convolution(
            "down", build.neurons("n", build.shuffle("up", current, 2)), 4, stride=2
        ),
    ),
}  # fmt: skip


def build_once(build: GraphBuilder, current: Node) -> Node:
    """One layer of neurons, however often it is asked for."""
    return build._nodes.get("odd") or build.neurons("odd", current)


@pytest.fixture(params=NO_KERNEL)
def unknown(request) -> tuple[str, FoldedNetwork]:
    """What the event engine says of a network, and the network."""
    config = NetworkConfig(unshuffle=2, width=4)
    build = GraphBuilder()
    image = build.encode(config.encoded_channels, 2)
    problem, extend = NO_KERNEL[request.param]
    current = extend(build, image, build.convolution("encoder", image, 4))
    if request.param not in ("no spikes", "a sum"):
        spikes = build.neurons("neurons", current)
        current = build.convolution("readout", spikes, 4, normalised=False)
    graph = build.read_out(current)
    return problem, exact(config, 0, graph, parts=8)


def test_the_event_engine_names_the_node_that_it_has_no_kernel_for(unknown):
    problem, network = unknown
    with pytest.raises(UnsupportedNodeError, match=f"no kernel for {problem}"):
        EventEngine(network)
    with pytest.raises(UnsupportedNodeError, match=f"no kernel for {problem}"):
        select_engine("event", network)


def test_auto_then_runs_the_dense_engine_and_says_why(unknown):
    problem, network = unknown
    engine, note = select_engine("auto", network, "cpu", firing_rate=0.1)
    assert engine.name == "dense"
    assert note.startswith("running on the dense engine: ")
    assert problem in note
    assert note.isprintable()  # one line
    noisy = picture(network.config, 25, 19, 0)
    expected = ReferenceEngine(network, np.float32).run(noisy, SIGMA, 3)
    found = engine.run(noisy, SIGMA, 3)
    assert found.activity == expected.activity
    np.testing.assert_allclose(found.denoised, expected.denoised, atol=1e-5)


def test_auto_takes_the_faster_one(make):
    spiking, cnn = make("tiny-if"), make("tiny-if", neuron="relu")

    def chosen(network, rate, device="cpu"):
        engine, note = select_engine("auto", network, device, rate)
        assert note is None  # nothing stands in the way of the choice
        return engine.name

    assert chosen(spiking, 0.1) == "event"
    assert chosen(make("unet"), 0.1) == "event"
    assert chosen(spiking, BREAK_EVEN_RATE) == "dense"
    assert chosen(spiking, None) == "dense"
    assert chosen(cnn, None) == "dense"
    assert make_engine("event-int16", spiking).name == "event-int16"
    with pytest.raises(InputError, match="unknown engine 'fast'"):
        make_engine("fast", spiking)


@pytest.mark.parametrize("device", ["cuda", "meta", "cpu:1"])
def test_the_event_engine_takes_no_device(make, device):
    with pytest.raises(InputError, match="leave out device"):
        make_engine("event", make("tiny-if"), device)


@pytest.mark.parametrize("device", ["meta", "fast", "cuda:99", "xla", "hpu", "privateuseone", ""])
def test_a_device_that_is_not_here_is_refused(make, device):
    with pytest.raises(InputError, match=f"no device '{device}' here"):
        make_engine("dense", make("tiny-if"), device)


def test_without_numba_one_is_told_how_to_get_it(make, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "numba" else find(name)
    )
    with pytest.raises(InputError, match=r"pip install 'spiden\[fast\]'"):
        make_engine("event", make("tiny-if"))
    engine, note = select_engine("auto", make("tiny-if"), "cpu", 0.1)
    assert isinstance(engine, DenseEngine)
    assert "pip install 'spiden[fast]'" in note


def test_where_numba_fails_one_is_told_so(make, monkeypatch):
    monkeypatch.setitem(sys.modules, "spiden_cli.core.engine.event.engine", None)
    with pytest.raises(InputError, match="numba, which the event engine needs, doesn't work here"):
        make_engine("event", make("tiny-if"))
    engine, note = select_engine("auto", make("tiny-if"), "cpu", 0.1)
    assert isinstance(engine, DenseEngine)
    assert "numba" in note


@pytest.mark.parametrize(("name", "rate", "waits"), [
    ("dense", 0.1, 0), ("auto", None, 0), ("auto", 0.1, 1), ("event", None, 1),
])  # fmt: skip
def test_one_is_told_while_the_event_engine_may_compile(make, name, rate, waits):
    states = []

    @contextmanager
    def waiting():
        states.append("begun")
        yield
        states.append("done")

    select_engine(name, make("tiny-if"), "cpu", rate, waiting=waiting)
    assert states == ["begun", "done"] * waits
