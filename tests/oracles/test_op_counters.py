"""Counts and prices against spikingjelly's operation counters.

Where both count the same thing, they agree to the last operation; where they don't, the test says
what each counts.
"""

from dataclasses import replace

import pytest
import torch
from torch import nn

from spiden_cli.core.energy.constants import load_constants
from spiden_cli.core.energy.counts import Passes, dense_counts, spiking_counts
from spiden_cli.core.energy.layer_counts import LayerCounts, Operations
from spiden_cli.core.energy.lemaire import LemaireModel
from spiden_cli.core.energy.model import INT32
from spiden_cli.core.engine.dense import DenseEngine
from spiden_cli.core.network.config import NetworkConfig
from spiden_cli.core.network.denoiser import Denoiser
from spiden_cli.core.network.folding import fold
from spiden_cli.core.network.graph import ConvolutionShape

op_counter = pytest.importorskip(
    "spikingjelly.activation_based.op_counter",
    reason="THE OPERATION COUNT IS NOT CROSS-CHECKED: pip install spikingjelly==2.0.0",
    exc_type=ImportError,
)

HEIGHT, WIDTH, SIGMA = 9, 13, 25.0
SHORTCUTS = NetworkConfig(width=4, layers=6, shortcuts=True, unshuffle=2, noise_map=True)
CONFIGS = {
    "shortcuts": SHORTCUTS,
    "plain": NetworkConfig(width=4, layers=5),
    "lif": replace(SHORTCUTS, neuron="lif"),
    "populations": replace(SHORTCUTS, population=3, inner_population=2),
    "unet": replace(SHORTCUTS, family="unet", layers=10),
}


def make(config: NetworkConfig) -> Denoiser:
    torch.manual_seed(5)
    network = Denoiser(config)
    for _ in range(3):
        network(torch.rand(4, 1, 12, 12), SIGMA, 2)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("log_threshold"):
                parameter -= 1.5
    return network.eval()


@pytest.fixture(params=CONFIGS)
def network(request):
    return make(CONFIGS[request.param])


@pytest.fixture
def noisy():
    return torch.rand((1, HEIGHT, WIDTH), generator=torch.Generator().manual_seed(2))


def counted(counter, network, noisy, timesteps):
    """Run the folded network under a counter of spikingjelly; return its counts by layer."""
    folded = fold(network)
    with torch.no_grad(), op_counter.DispatchCounterMode([counter]):
        folded(noisy[None], SIGMA, timesteps)
    prefix = f"{type(folded).__name__}."
    return {
        scope.removeprefix(prefix): sum(numbers.values())
        for scope, numbers in counter.get_counts().items()
    }


def measured(network, noisy, timesteps):
    spikes = DenseEngine(network).run(noisy.numpy(), SIGMA, timesteps).activity
    return spiking_counts(network.config, HEIGHT, WIDTH, timesteps, Passes(1, spikes))


@pytest.mark.parametrize("timesteps", [1, 2, 5])
def test_accumulates_are_its_synaptic_operations(network, noisy, timesteps):
    """Both add a weight for each spike at each synapse within the image: the same number."""
    theirs = counted(op_counter.SynOpCounter(), network, noisy, timesteps)
    ours = measured(network, noisy, timesteps)
    assert sum(layer.operations.accumulates for layer in ours) > 1000
    for layer in ours:
        assert layer.operations.accumulates == theirs.get(layer.shape.name, 0)


@pytest.mark.parametrize("timesteps", [1, 5])
def test_its_macs_are_the_encoder_with_the_taps_beyond_the_border(network, noisy, timesteps):
    """Both see multiply-accumulates in the encoder alone, and once: its input has no time.

    spikingjelly counts nine taps at every position, also those that meet the zero padding; here
    they are left out, of a CNN as of a spiking network. The difference is exactly those taps.
    """
    theirs = counted(op_counter.MACCounter(), network, noisy, timesteps)
    encoder, *others = measured(network, noisy, timesteps)
    shape = encoder.shape
    beyond = 9 * shape.height * shape.width - shape.taps
    padded = beyond * shape.channels_in * shape.channels_out
    assert encoder.operations.macs + padded == theirs["encoder"]
    assert all(layer.operations.macs == 0 for layer in others)
    assert all(theirs.get(layer.shape.name, 0) == 0 for layer in others)


def test_a_cnn_differs_by_the_border_alone(noisy):
    twin = make(SHORTCUTS.twin())
    theirs = counted(op_counter.MACCounter(), twin, noisy, 1)
    for layer in dense_counts(twin.config, HEIGHT, WIDTH, 1):
        shape = layer.shape
        beyond = 9 * shape.height * shape.width - shape.taps
        padded = beyond * shape.channels_in * shape.channels_out
        assert layer.operations.macs + padded == theirs[shape.name]


def test_its_additions_know_neither_biases_nor_neurons(noisy):
    """The ACCounter counts what torch dispatches as an addition, so two kinds don't compare.

    A bias is an argument of the convolution, which it takes as free: we count T of them for each
    output. And it sees neurons by the tensor operations that they happen to be written in: an
    addition of two tensors counts one operation per element, or per spike where both are binary.
    What is left, the accumulates, is the same.
    """
    network = make(SHORTCUTS)
    theirs = counted(op_counter.ACCounter(), network, noisy, 4)
    for layer in measured(network, noisy, 4):
        name, operations = layer.shape.name, layer.operations
        assert theirs.get(name, 0) == operations.accumulates
        if layer.spike_driven:
            assert operations.biases == 4 * layer.shape.outputs > 0


class Spiking(nn.Module):
    """One convolution and its IF neurons, of spikingjelly."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        from spikingjelly.activation_based import layer, neuron

        super().__init__()
        self.conv = layer.Conv2d(channels_in, channels_out, 3, padding=1, step_mode="m")
        self.neurons = neuron.IFNode(v_reset=None, step_mode="m")

    def forward(self, spikes: torch.Tensor) -> torch.Tensor:
        return self.neurons(self.conv(spikes))


@pytest.mark.parametrize(("channels_in", "channels_out", "side"), [(3, 5, 8), (16, 24, 33)])
def test_lemaire_prices_a_spiking_layer_as_it_does(channels_in, channels_out, side):
    """No spike touches the border here, for it counts nine taps wherever a spike is.

    Terms agree to rounding, but for the weights: it holds kernel and biases in one memory, we in
    one each, as the paper does by the authors' code. So there the accesses are compared.
    """
    timesteps = 3
    torch.manual_seed(0)
    model = Spiking(channels_in, channels_out)
    spikes = torch.zeros(timesteps, 1, channels_in, side, side)
    spikes[..., 1:-1, 1:-1] = (torch.rand(spikes[..., 1:-1, 1:-1].shape) < 0.3).float()
    profiler = op_counter.LemaireEnergyProfiler()
    profiler.bind_model(model)
    with torch.no_grad(), profiler:
        fired = model(spikes)
    report = profiler.get_report()

    shape = ConvolutionShape("conv", channels_in, channels_out, side, side)
    incoming, steps = int(spikes.sum()), timesteps * shape.outputs
    operations = Operations(
        accumulates=incoming * 9 * channels_out,
        biases=steps,
        integrations=steps,
        comparisons=steps,
        resets=int(fired.sum()),
        spikes_in=incoming,
        spikes_out=int(fired.sum()),
        neurons=steps,
    )
    assert operations.spikes_out > 0
    terms = LemaireModel(load_constants().lemaire).energy(
        LayerCounts(shape, 1, operations, spike_driven=True, spiking=True), INT32
    )
    theirs = {name: value * 1e-12 for name, value in report.breakdown_pj.items()}
    assert terms["operations"] == pytest.approx(theirs["ops_pj"])
    assert terms["addressing"] == pytest.approx(theirs["addressing_pj"])
    assert terms["potentials"] == pytest.approx(theirs["potential_pj"])
    assert terms["inputs"] + terms["outputs"] == pytest.approx(theirs["inout_pj"])
    assert report.counts["read_params_bytes"] == 4 * (operations.accumulates + operations.biases)


def test_lemaire_prices_a_layer_of_a_cnn_as_it_does():
    torch.manual_seed(0)
    conv = nn.Conv2d(6, 10, 3, padding=1)
    profiler = op_counter.LemaireEnergyProfiler()
    profiler.bind_model(conv)
    with torch.no_grad(), profiler:
        conv(torch.rand(1, 6, 20, 30) + 0.1)
    report = profiler.get_report()
    shape = ConvolutionShape("conv", 6, 10, 20, 30)
    everywhere = shape.outputs * 9 * 6  # taps beyond the border included, as it counts them
    operations = Operations(macs=everywhere, biases=shape.outputs, comparisons=shape.outputs)
    terms = LemaireModel(load_constants().lemaire).energy(
        LayerCounts(shape, 1, operations, spike_driven=False, spiking=False), INT32
    )
    theirs = {name: value * 1e-12 for name, value in report.breakdown_pj.items()}
    assert terms["operations"] == pytest.approx(theirs["ops_pj"])
    assert terms["addressing"] == pytest.approx(theirs["addressing_pj"])
    assert terms["inputs"] + terms["outputs"] == pytest.approx(theirs["inout_pj"])
    assert report.counts["read_params_bytes"] == 4 * (everywhere + shape.outputs)


@pytest.mark.parametrize("size", [0, 100, 8192, 20000, 2**15, 10**5, 2**20, 10**7])
def test_memories_cost_what_it_says(size):
    theirs = 4 * op_counter.LemaireEnergyCostConfig().memory_cost_pj(size)
    assert LemaireModel(load_constants().lemaire).access(size / 4, 32) == pytest.approx(theirs)
