"""The counts, against a machine that does every operation one by one and counts as it goes."""

from collections import defaultdict
from dataclasses import fields, replace
from typing import NamedTuple

import numpy as np
import pytest
import torch
from graph_strategies import ALL, graphs
from hypothesis import given, settings
from hypothesis import strategies as st
from small_networks import SIGMA, exact, picture

from spiden_cli.core.energy import counts
from spiden_cli.core.energy.counts import Passes, dense_counts, spiking_counts
from spiden_cli.core.energy.layer_counts import LayerCounts, Operations, by_layer, total_operations
from spiden_cli.core.engine.dense import DenseEngine
from spiden_cli.core.network.config import NetworkConfig
from spiden_cli.core.network.denoiser import Denoiser
from spiden_cli.core.network.families import graph_of
from spiden_cli.core.network.folding import FoldedNetwork, fold, folded
from spiden_cli.core.network.graph import (
    Add,
    Concatenate,
    Convolution,
    Neurons,
    Node,
    Shuffle,
    Unshuffle,
)

SHORTCUTS = NetworkConfig(width=3, layers=6, shortcuts=True, unshuffle=2, noise_map=True)
NETWORKS = {
    "shortcuts": SHORTCUTS,
    "plain": NetworkConfig(width=3, layers=5),
    "lif": replace(SHORTCUTS, neuron="lif"),
    "colour": replace(SHORTCUTS, image_channels=3),
    "populations": replace(SHORTCUTS, population=3, inner_population=2),
    "weighted": replace(SHORTCUTS, neuron="weighted", population=3, inner_population=2),
    "branched": replace(SHORTCUTS, neuron="weighted", family="branched"),
    "unet": NetworkConfig(family="unet", width=2, layers=10, population=2),
    "unet of two by two pixels": NetworkConfig(
        family="unet", width=2, layers=10, unshuffle=2, noise_map=True, inner_population=2
    ),
}


def make(config: NetworkConfig) -> Denoiser:
    torch.manual_seed(3)
    network = Denoiser(config)
    for _ in range(3):
        network(torch.rand(4, config.image_channels, 12, 12), SIGMA, 2)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("log_threshold"):
                parameter -= 1.5
    return network.eval()


class Current(NamedTuple):
    """A value on its way through the machine.

    Attributes:
        values: (C, H, W).
        driver: the last convolution that had a part in it; it is charged with what follows.
        direct: whether it is the very sum that the events of `driver` add to.
    """

    values: np.ndarray
    driver: str
    direct: bool = False


class Machine:
    """A folded network as scalar operations, in float64; `counted` says how many there were.

    It walks the graph once for each timestep, except for what the image drives, which is constant.
    """

    def __init__(self, network: FoldedNetwork, timesteps: int) -> None:
        self.network, self.config, self.graph = network, network.config, network.graph
        self.timesteps = timesteps
        self.counted: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self.potentials: dict[str, np.ndarray] = {}
        self.entered: dict[str, np.ndarray] = {}  # spikes so far, by convolution

    def run(self, noisy: np.ndarray) -> np.ndarray:
        graph, config = self.graph, self.config
        (height, width), scale = noisy.shape[1:], graph.nodes[0].scale
        below, right = -height % graph.grid, -width % graph.grid
        padded = np.pad(noisy.astype(float), ((0, 0), (0, below), (0, right)), "reflect")
        image = moved(padded, scale, down=True)
        if config.noise_map:
            image = np.concatenate([image, np.full_like(image[:1], SIGMA / 64)])
        constant = {
            node.name: Current(self._convolve(node, image, "macs"), node.name)
            for node in graph.of_type(Convolution)
            if graph[node.inputs[0]].kind == "image"
        }
        drawn, driver = self._drawn(constant)
        if config.noise_map or self.timesteps > 1:
            factor = SIGMA / 255 if config.noise_map else 1.0
            for place, value in np.ndenumerate(drawn):
                drawn[place] = value * factor
                self.counted[driver]["scalings"] += 1
        noise = moved(drawn, scale)
        for name, spikes in self.entered.items():
            self.counted[name]["silent_in"] = int((spikes == 0).sum())
        clean = self._add(driver, "subtractions", padded, -noise)
        return clean[:, :height, :width]

    def _drawn(self, constant: dict[str, Current]) -> tuple[np.ndarray, str]:
        """Return what the read-out draws, and the convolution that it comes from."""
        graph, drawn = self.graph, None
        for _ in range(self.timesteps):
            values = dict(constant)
            for node in graph.nodes[1:-1]:
                if node.name not in constant:
                    values[node.name] = self._step(node, [values[name] for name in node.inputs])
            last = values[graph.nodes[-1].inputs[0]]
            if drawn is None:
                drawn = last.values
            else:
                drawn = self._add(last.driver, "averages", drawn, last.values)
            self._copy_constants(constant)
        return drawn / self.timesteps, last.driver  # the division is part of the scaling

    def _step(self, node: Node, inputs: list[Current]) -> Current:
        first = inputs[0]
        if isinstance(node, Neurons):
            return Current(self._fire(node, first), first.driver)
        if isinstance(node, Convolution):
            self.counted[node.name]["spikes_in"] += int(first.values.sum())
            before = self.entered.get(node.name, 0)
            self.entered[node.name] = before + first.values
            return Current(self._convolve(node, first.values, "accumulates"), node.name, True)
        order = [other.name for other in self.graph.nodes]
        driver = max((current.driver for current in inputs), key=order.index)
        if isinstance(node, Add):
            total = first.values
            for current in inputs[1:]:
                total = self._add(driver, "shortcuts", total, current.values)
            return Current(total, driver)
        if isinstance(node, Concatenate):
            return Current(np.concatenate([current.values for current in inputs]), driver)
        assert isinstance(node, (Shuffle, Unshuffle))
        down = isinstance(node, Unshuffle)
        return Current(moved(first.values, node.factor, down), driver)

    def _copy_constants(self, constant: dict[str, Current]) -> None:
        """Sums are made in a copy of a constant current, which is needed again."""
        for name, current in constant.items():
            if any(name in node.inputs for node in self.graph.of_type(Add)):
                self.counted[name]["copies"] += current.values.size

    def _add(self, name: str, what: str, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        result = np.empty_like(left)
        for place, value in np.ndenumerate(left):
            result[place] = value + right[place]
            self.counted[name][what] += 1
        return result

    def _convolve(self, node: Convolution, values: np.ndarray, what: str) -> np.ndarray:
        """Multiply by all values ("macs"), or add a weight for each that is not zero."""
        result = self._nothing(node, values)
        self._send(node, values, what, result)
        return self._biased(node, result)

    def _nothing(self, node: Convolution, values: np.ndarray) -> np.ndarray:
        height, width = (-(-side // node.stride) for side in values.shape[-2:])
        return np.zeros((node.channels, height, width))

    def _send(self, node: Convolution, values: np.ndarray, what: str, result: np.ndarray) -> None:
        kernel = self.network.convolutions[node.name].kernel.astype(float)
        stride, near = node.stride, node.kernel // 2
        for (channel, row, column), value in np.ndenumerate(values):
            if what == "accumulates" and value == 0:
                continue
            for out, down, right in np.ndindex(len(kernel), node.kernel, node.kernel):
                (y, off_y), (x, off_x) = (
                    divmod(place + near - tap, stride)
                    for place, tap in ((row, down), (column, right))
                )
                if off_y == off_x == 0 and 0 <= y < result.shape[1] and 0 <= x < result.shape[2]:
                    result[out, y, x] += value * kernel[out, channel, down, right]
                    self.counted[node.name][what] += 1

    def _biased(self, node: Convolution, result: np.ndarray) -> np.ndarray:
        bias = self.network.convolutions[node.name].bias.astype(float)
        for out, y, x in np.ndindex(*result.shape):
            result[out, y, x] += bias[out]
            self.counted[node.name]["biases"] += 1
        return result

    def _fire(self, node: Neurons, source: Current) -> np.ndarray:
        """Update a layer of neurons; each of a population reads the current."""
        current = np.tile(source.values, (node.population, 1, 1))
        theta, initial, leak = (part.astype(float) for part in self.network.neurons[node.name])
        if node.name not in self.potentials:
            start = (initial * theta)[:, None, None]
            self.potentials[node.name] = np.broadcast_to(start, current.shape).copy()
        potentials, counted = self.potentials[node.name], self.counted[source.driver]
        spikes = np.zeros_like(current)
        for place, value in np.ndenumerate(current):
            counted["neurons"] += 1
            if not source.direct or node.population > 1:  # it lies in a memory of its own
                counted["currents"] += 1
            if self.config.neuron == "lif":
                potentials[place] *= leak[place[0]]
                counted["leaks"] += 1
            potentials[place] += value
            counted["integrations"] += 1
            counted["comparisons"] += 1
            if potentials[place] >= theta[place[0]]:
                potentials[place] -= theta[place[0]]
                counted["resets"] += 1
                counted["spikes_out"] += 1
                spikes[place] = 1
        return spikes


class WeightedMachine(Machine):
    """The same for weighted spikes: layer by layer, and in each timestep by timestep."""

    def _drawn(self, constant: dict[str, Current]) -> tuple[np.ndarray, str]:
        values = dict(constant)
        for node in self.graph.nodes[1:-1]:
            if node.name not in constant:
                values[node.name] = self._step(node, [values[name] for name in node.inputs])
        self._copy_constants(constant)
        last = values[self.graph.nodes[-1].inputs[0]]
        return last.values, last.driver

    def _step(self, node: Node, inputs: list[Current]) -> Current:
        if not isinstance(node, Convolution):
            return super()._step(node, inputs)
        (planes, *_), counted = inputs[0], self.counted[node.name]
        self.entered[node.name] = planes.sum(0)
        counted["spikes_in"] += int(planes.sum())
        result = self._nothing(node, planes)
        for t, plane in enumerate(planes):
            if t > 0:
                for place in np.ndindex(*result.shape):
                    result[place] *= 2
                    counted["doublings"] += 1
            self._send(node, plane, "accumulates", result)
        result /= 2**self.timesteps  # the unit of the sum
        return Current(self._biased(node, result), node.name, True)

    def _fire(self, node: Neurons, source: Current) -> np.ndarray:
        current = np.tile(source.values, (node.population, 1, 1))
        theta, initial, _ = (part.astype(float) for part in self.network.neurons[node.name])
        counted = self.counted[source.driver]
        spikes = np.zeros((self.timesteps, *current.shape))
        for place, value in np.ndenumerate(current):
            channel = place[0]
            if not source.direct or node.population > 1:
                counted["currents"] += 1
            potential = value + initial[channel] * theta[channel] / 2**self.timesteps
            counted["integrations"] += 1
            for t in range(self.timesteps):
                potential *= 2
                counted["neurons"] += 1
                counted["doublings"] += 1
                counted["comparisons"] += 1
                if potential >= theta[channel]:
                    potential -= theta[channel]
                    counted["resets"] += 1
                    counted["spikes_out"] += 1
                    spikes[t][place] = 1
        return spikes


def moved(values: np.ndarray, factor: int, down: bool = False) -> np.ndarray:
    """Move channels to squares of positions, or back."""
    move = torch.nn.functional.pixel_unshuffle if down else torch.nn.functional.pixel_shuffle
    return move(torch.from_numpy(values), factor).numpy()


EVERYTHING = [field.name for field in fields(Operations)]


def compare(network: FoldedNetwork, noisy: np.ndarray, timesteps: int) -> list[LayerCounts]:
    """Hold counts and output to those of the machine."""
    height, width = noisy.shape[1:]
    denoised, spikes = DenseEngine(network).run(noisy, SIGMA, timesteps)
    counts = spiking_counts(network.config, height, width, timesteps, Passes(1, spikes))
    machine = (WeightedMachine if network.config.weighted else Machine)(network, timesteps)
    assert machine.run(noisy) == pytest.approx(denoised.astype(float), rel=1e-5, abs=1e-5)
    assert {layer.shape.name for layer in counts} == machine.counted.keys()
    for layer in counts:
        mine = {what: getattr(layer.operations, what) for what in EVERYTHING}
        theirs = machine.counted[layer.shape.name]
        assert mine == {what: theirs[what] for what in EVERYTHING}, layer.shape.name
    return counts


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("timesteps", [1, 3])
def test_counts_are_those_of_one_operation_at_a_time(kind, timesteps):
    network = folded(make(NETWORKS[kind]))
    counts = compare(network, picture(network.config, 5, 7), timesteps)
    assert sum(layer.operations.spikes_in for layer in counts) > 20


@settings(max_examples=25)
@given(
    graphs(ALL, channels=(1, 2, 3)), st.sampled_from(["if", "weighted"]), st.integers(1, 3),
    st.integers(0, 1000),
)  # fmt: skip
def test_counts_of_any_graph(drawn, neuron, timesteps, seed):
    config, graph = drawn
    config = replace(config, neuron=neuron)
    network = exact(config, seed, graph, parts=8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counts, "graph_of", lambda config: graph)
        compare(network, picture(config, 8, 9, seed), timesteps)


def test_silent_neurons_never_fired():
    network = make(SHORTCUTS)
    noisy = torch.rand((1, 6, 8), generator=torch.Generator().manual_seed(9))
    activity = DenseEngine(network).run(noisy.numpy(), SIGMA, 4).activity
    seen: dict[str, int] = {}

    def observe(name: str, spikes: torch.Tensor) -> None:
        seen[name] = int((spikes.sum(0) == 0).sum())

    fold(network)(noisy[None], SIGMA, 4, observe=observe)
    silent = {name: layer.silent for name, layer in activity.items()}
    assert silent == seen
    assert 0 < sum(silent.values()) < 5 * 3 * 12


@pytest.mark.parametrize("config", [SHORTCUTS.twin(), NETWORKS["plain"].twin()])
def test_a_cnn_multiplies_for_each_tap_within_the_image(config):
    for layer in dense_counts(config, 5, 7, passes=3):
        shape = layer.shape
        ones = torch.ones(1, shape.channels_in, shape.height, shape.width)
        kernel = torch.ones(shape.channels_out, shape.channels_in, 3, 3)
        products = torch.nn.functional.conv2d(ones, kernel, padding=1).sum()
        assert layer.operations.macs == 3 * int(products)
        assert layer.operations.biases == 3 * shape.outputs


def test_a_cnn_has_no_spikes_and_no_time():
    operations = total_operations(dense_counts(SHORTCUTS.twin(), 8, 8, 1))
    for what in ("accumulates", "integrations", "resets", "averages", "spikes_in", "spikes_out"):
        assert getattr(operations, what) == 0


def test_operations_add_up():
    counts = dense_counts(SHORTCUTS.twin(), 8, 8, 1) + dense_counts(SHORTCUTS.twin(), 8, 8, 2)
    whole = dense_counts(SHORTCUTS.twin(), 8, 8, 3)
    assert total_operations(counts) == total_operations(whole)
    assert list(by_layer(counts)) == [layer.shape.name for layer in whole]
    assert Operations(macs=1) + Operations(biases=2) == Operations(macs=1, biases=2)


@pytest.mark.parametrize("kind", ["shortcuts", "plain", "unet"])
def test_currents_are_kept_where_events_cannot_land_on_a_potential(kind):
    """After the encoder, which works once, and along the stream that shortcuts and skips add to."""
    config, timesteps = NETWORKS[kind], 3
    network = make(config)
    noisy = picture(config, 6, 8)
    spikes = DenseEngine(network).run(noisy, SIGMA, timesteps).activity
    for layer in spiking_counts(config, 6, 8, timesteps, Passes(1, spikes)):
        name, words = layer.shape.name, layer.shape.outputs
        kept = name in ("encoder", "to_fine.conv") or name.endswith("conv2")
        population = config.population if drives_the_last(config, name) else 1
        assert layer.operations.currents == kept * population * timesteps * words
        copied = name == "encoder" and kind != "plain"  # for the shortcuts
        assert layer.operations.copies == copied * timesteps * words


def drives_the_last(config: NetworkConfig, name: str) -> bool:
    *_, last, _ = graph_of(config).of_type(Convolution)
    return name == last.name
