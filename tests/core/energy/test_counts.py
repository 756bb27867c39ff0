"""The counts, against a machine that does every operation one by one and counts as it goes."""

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
import torch

from spiden_cli.core.energy.counts import (
    Operations,
    by_layer,
    dense_counts,
    spiking_counts,
    total,
)
from spiden_cli.core.energy.measurement import Observer
from spiden_cli.core.engine.dense import DenseEngine
from spiden_cli.core.network.config import NetworkConfig
from spiden_cli.core.network.denoiser import Denoiser
from spiden_cli.core.network.encoding import encode, pad_to_multiple
from spiden_cli.core.network.folding import fold

SIGMA = 25.0
SHORTCUTS = NetworkConfig(width=3, layers=6, shortcuts=True, unshuffle=2, noise_map=True)
NETWORKS = {
    "shortcuts": SHORTCUTS,
    "plain": NetworkConfig(width=3, layers=5),
    "lif": replace(SHORTCUTS, neuron="lif"),
    "colour": replace(SHORTCUTS, image_channels=3),
    "populations": replace(SHORTCUTS, population=3, inner_population=2),
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


class Machine:
    """A folded network as scalar operations, in float64; `counted` says how many there were."""

    def __init__(self, network: Denoiser, timesteps: int) -> None:
        self.network, self.config, self.timesteps = fold(network), network.config, timesteps
        self.counted: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))

    def run(self, noisy: torch.Tensor) -> np.ndarray:
        config, network = self.config, self.network
        padded = pad_to_multiple(noisy[None], config.unshuffle)
        encoded = encode(padded, torch.tensor([SIGMA]), config)[0].double().numpy()
        constant = self._dense("encoder", network.encoder, encoded)
        self.potentials: dict[str, np.ndarray] = {}
        total_drawn = None
        for _ in range(self.timesteps):
            current, driver = constant, "encoder"
            for index, block in enumerate(network.blocks):
                if config.shortcuts:
                    name1, name2 = f"blocks.{index}.conv1", f"blocks.{index}.conv2"
                    inner = self._events(
                        name1, block.conv1, self._fire(driver, block.neurons1, current)
                    )
                    update = self._events(
                        name2, block.conv2, self._fire(name1, block.neurons2, inner)
                    )
                    current = self._add(name2, "shortcuts", current, update)
                    driver = name2
                else:
                    spikes = self._fire(driver, block.neurons, current)
                    driver = f"blocks.{index}.conv"
                    current = self._events(driver, block.conv, spikes)
            drawn = self._events(
                "readout", network.readout, self._fire(driver, network.neurons, current)
            )
            if total_drawn is None:
                total_drawn = drawn
            else:
                total_drawn = self._add("readout", "averages", total_drawn, drawn)
        noise = total_drawn
        if config.noise_map or self.timesteps > 1:
            factor = (SIGMA / 255 if config.noise_map else 1.0) / self.timesteps
            noise = np.empty_like(total_drawn)
            for place, value in np.ndenumerate(total_drawn):
                noise[place] = value * factor
                self.counted["readout"]["scalings"] += 1
        noise = torch.nn.functional.pixel_shuffle(torch.from_numpy(noise), config.unshuffle)
        clean = self._add("readout", "subtractions", padded[0].double().numpy(), -noise.numpy())
        return clean[:, : noisy.shape[1], : noisy.shape[2]]

    def _add(self, name: str, what: str, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        result = np.empty_like(left)
        for place, value in np.ndenumerate(left):
            result[place] = value + right[place]
            self.counted[name][what] += 1
        return result

    def _dense(self, name: str, conv: torch.nn.Conv2d, values: np.ndarray) -> np.ndarray:
        return self._convolve(name, conv, values, "macs", skip_zeros=False)

    def _events(self, name: str, conv: torch.nn.Conv2d, spikes: np.ndarray) -> np.ndarray:
        self.counted[name]["spikes_in"] += int(spikes.sum())
        return self._convolve(name, conv, spikes, "accumulates", skip_zeros=True)

    def _convolve(
        self, name: str, conv: torch.nn.Conv2d, values: np.ndarray, what: str, skip_zeros: bool
    ) -> np.ndarray:
        kernel, bias = conv.weight.double().numpy(), conv.bias.double().numpy()
        _, height, width = values.shape
        result = np.zeros((len(kernel), height, width))
        for (channel, row, column), value in np.ndenumerate(values):
            if skip_zeros and value == 0:
                continue
            for out, down, right in np.ndindex(len(kernel), 3, 3):
                y, x = row + 1 - down, column + 1 - right
                if 0 <= y < height and 0 <= x < width:
                    result[out, y, x] += value * kernel[out, channel, down, right]
                    self.counted[name][what] += 1
        for out, y, x in np.ndindex(*result.shape):
            result[out, y, x] += bias[out]
            self.counted[name]["biases"] += 1
        return result

    def _fire(self, driver: str, neurons: torch.nn.Module, current: np.ndarray) -> np.ndarray:
        """Update the neurons that `driver` drives; each of a population reads the current."""
        current = np.tile(current, (neurons.population, 1, 1))
        theta = neurons.threshold.double().numpy()[:, 0, 0]
        leak = neurons.leak.double().numpy()[:, 0, 0] if self.config.neuron == "lif" else None
        if driver not in self.potentials:
            start = neurons.initial_potential.double().numpy() * theta[:, None, None]
            self.potentials[driver] = np.broadcast_to(start, current.shape).copy()
        potentials, counted = self.potentials[driver], self.counted[driver]
        spikes = np.zeros_like(current)
        for place, value in np.ndenumerate(current):
            if leak is not None:
                potentials[place] *= leak[place[0]]
                counted["leaks"] += 1
            potentials[place] += value
            counted["integrations"] += 1
            counted["comparisons"] += 1
            if potentials[place] >= theta[place[0]]:
                potentials[place] -= theta[place[0]]
                counted["resets"] += 1
                spikes[place] = 1
        return spikes


ARITHMETIC = (
    "macs", "accumulates", "biases", "integrations", "leaks", "comparisons", "resets", "shortcuts",
    "averages", "scalings", "subtractions", "spikes_in",
)  # fmt: skip


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("timesteps", [1, 3])
def test_counts_are_those_of_one_operation_at_a_time(kind, timesteps):
    network = make(NETWORKS[kind])
    channels = network.config.image_channels
    noisy = torch.rand((channels, 5, 7), generator=torch.Generator().manual_seed(9))
    observer = Observer(DenseEngine(network, torch.device("cpu")))
    denoised = observer.run(noisy, SIGMA, timesteps).denoised
    counts = spiking_counts(network.config, 5, 7, timesteps, observer.seen[5, 7])
    machine = Machine(network, timesteps)
    assert machine.run(noisy) == pytest.approx(denoised.double().numpy(), abs=1e-5)
    assert sum(layer.operations.spikes_in for layer in counts) > 20
    for layer in counts:
        mine = {what: getattr(layer.operations, what) for what in ARITHMETIC}
        theirs = machine.counted[layer.shape.name]
        assert mine == {what: theirs[what] for what in ARITHMETIC}, layer.shape.name


def test_silent_neurons_never_fired():
    network = make(SHORTCUTS)
    noisy = torch.rand((1, 6, 8), generator=torch.Generator().manual_seed(9))
    observer = Observer(DenseEngine(network, torch.device("cpu")))
    observer.run(noisy, SIGMA, 4)
    seen: dict[str, int] = {}
    folded = fold(network)
    for name, layer in folded.spike_driven():
        layer.register_forward_pre_hook(
            lambda _, inputs, name=name: seen.update({name: int((inputs[0].sum(0) == 0).sum())})
        )
    folded(noisy[None], SIGMA, 4)
    silent = {name: layer.silent for name, layer in observer.seen[6, 8].spikes.items()}
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
    operations = total(dense_counts(SHORTCUTS.twin(), 8, 8, 1))
    for what in ("accumulates", "integrations", "resets", "averages", "spikes_in", "spikes_out"):
        assert getattr(operations, what) == 0


def test_operations_add_up():
    counts = dense_counts(SHORTCUTS.twin(), 8, 8, 1) + dense_counts(SHORTCUTS.twin(), 8, 8, 2)
    whole = dense_counts(SHORTCUTS.twin(), 8, 8, 3)
    assert total(counts) == total(whole)
    assert list(by_layer(counts)) == [layer.shape.name for layer in whole]
    assert Operations(macs=1) + Operations(biases=2) == Operations(macs=1, biases=2)


@pytest.mark.parametrize("kind", ["shortcuts", "plain"])
def test_currents_are_kept_where_events_cannot_land_on_a_potential(kind):
    """After the encoder, which works once, and along the stream that shortcuts add to."""
    config, timesteps = NETWORKS[kind], 3
    network = make(config)
    observer = Observer(DenseEngine(network, torch.device("cpu")))
    observer.run(torch.rand(1, 6, 8), SIGMA, timesteps)
    for layer in spiking_counts(config, 6, 8, timesteps, observer.seen[6, 8]):
        name, words = layer.shape.name, layer.shape.outputs
        expected = 0
        if name == "encoder":
            expected = 2 if kind == "shortcuts" else 1  # for its neurons; for the shortcuts
        elif name.endswith("conv2"):
            expected = 1
        assert layer.operations.currents == expected * timesteps * words
