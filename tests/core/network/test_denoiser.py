"""The whole network: binary spikes inside, any T at run time, any size of image."""

from collections import defaultdict

import pytest
import torch

from spiden_cli.core.network.presets import PRESETS
from spiden_cli.errors import InputError


@pytest.mark.parametrize("timesteps", [1, 3])
@pytest.mark.parametrize("neuron", ["if", "lif"])
@pytest.mark.parametrize("name", PRESETS)
def test_every_inner_convolution_receives_zeros_and_ones(make, name, neuron, timesteps):
    network = make(name, neuron=neuron, layers=8)
    seen = {}

    def look(module, inputs):
        seen[names[module]] = inputs[0]

    convolutions = {n: m for n, m in network.named_modules() if isinstance(m, torch.nn.Conv2d)}
    names = {module: name for name, module in convolutions.items()}
    for module in names:
        module.register_forward_pre_hook(look)
    network(torch.rand(2, 1, 12, 14), 25.0, timesteps)
    assert seen.keys() == convolutions.keys()
    assert len(seen.pop("encoder.conv")) == 2  # the current is constant: drawn once, not T times
    for name_, spikes in seen.items():
        assert len(spikes) == 2 * timesteps
        assert set(spikes.unique().tolist()) == {0.0, 1.0}, name_


def test_recording_is_of_the_same_convolutions_in_the_order_of_the_data(make):
    network, records = make("tiny-if"), defaultdict(list)

    def observe(name, spikes):
        records[name].append(tuple(spikes.shape))

    network(torch.rand(1, 1, 12, 14), 25.0, 2, observe=observe)
    network(torch.rand(1, 1, 12, 14), 25.0, 3, observe=observe)
    names = [f"blocks.{block}.conv{conv}" for block in (0, 1) for conv in (1, 2)]
    assert list(records) == [*names, "readout"]
    population = network.config.population
    *inner, last = records.values()
    assert all(shapes == [(2, 5, 6, 7), (3, 5, 6, 7)] for shapes in inner)
    assert last == [(2, 5 * population, 6, 7), (3, 5 * population, 6, 7)]
    network(torch.rand(1, 1, 12, 14), 25.0, 2)
    assert len(records["readout"]) == 2  # nobody observes


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("neuron", ["if", "lif", "relu"])
@pytest.mark.parametrize("size", [(12, 12), (13, 16), (15, 17)])
def test_any_size_and_any_t_give_an_image_like_the_noisy_one(make, name, neuron, size):
    network = make(name, neuron=neuron, image_channels=3)
    noisy = torch.rand(2, 3, *size)
    outputs = [network(noisy, 25.0, timesteps) for timesteps in (1, 2, 7)]
    assert all(output.shape == noisy.shape and output.isfinite().all() for output in outputs)
    alike = torch.equal(outputs[0], outputs[1])
    assert alike == (neuron == "relu")  # the twin ignores T


@pytest.mark.parametrize("timesteps", [0, -1])
def test_no_timestep_is_refused(make, timesteps):
    with pytest.raises(InputError, match="at least 1"):
        make("tiny-if")(torch.rand(1, 1, 12, 12), 25.0, timesteps)


@pytest.mark.parametrize("name", ["base", "dncnn17"])
def test_images_of_a_batch_do_not_mix(make, name):
    network = make(name).double()
    noisy, sigma = torch.rand(3, 1, 13, 11, dtype=torch.float64), torch.tensor([5.0, 25.0, 50.0])
    together = network(noisy, sigma, 3)
    alone = [network(noisy[[i]], float(sigma[i]), 3) for i in range(3)]
    torch.testing.assert_close(together, torch.cat(alone))


def test_the_noise_level_is_an_input_of_those_that_map_it_alone(make):
    noisy = torch.rand(1, 1, 12, 12)
    assert not torch.equal(make("base")(noisy, 10.0), make("base")(noisy, 50.0))
    assert torch.equal(make("dncnn17")(noisy, 10.0), make("dncnn17")(noisy, 50.0))


def test_channels_last_gives_the_same_image(make):
    network, noisy = make("base").double(), torch.rand(1, 1, 14, 14, dtype=torch.float64)
    expected = network(noisy, 25.0, 3)
    network.to(memory_format=torch.channels_last)
    output = network(noisy.contiguous(memory_format=torch.channels_last), 25.0, 3)
    torch.testing.assert_close(output, expected)


@pytest.mark.parametrize(("name", "unit"), [("dncnn17", 1.0), ("base-if", 50 / 255)])
def test_the_readout_is_averaged_over_time_and_subtracted(make, name, unit):
    network, noisy = make(name), torch.rand(1, 1, 12, 12)
    drawn = []
    network.readout.register_forward_hook(lambda *args: drawn.append(args[2]))
    output = network(noisy, 50.0, 4)
    (steps,) = drawn
    assert len(steps) == 4
    noise = torch.pixel_shuffle(steps.mean(0, keepdim=True), network.config.unshuffle)
    torch.testing.assert_close(output, noisy - unit * noise)


def test_no_neuron_sees_more_than_one_layer_of_spikes_per_step(make):
    # Step t of T is the same whatever follows it: causal, so T may be chosen as one runs.
    network, noisy = make("tiny-if"), torch.rand(1, 1, 12, 12)
    records = defaultdict(list)
    for timesteps in (2, 5):
        network(
            noisy, 25.0, timesteps, observe=lambda *spikes: records[spikes[0]].append(spikes[1])
        )
    for few, many in records.values():
        assert torch.equal(few, many[:2])


@pytest.mark.parametrize("name", PRESETS)
def test_the_twin_has_the_same_topology(make, name):
    single = {"population": 1, "inner_population": 1}
    spiking, twin = (
        {
            parameter: tensor.shape
            for parameter, tensor in make(name, neuron=neuron, **single).state_dict().items()
            if not parameter.endswith("log_threshold")
        }
        for neuron in ("if", "relu")
    )
    assert spiking == twin


def test_autocast_leaves_currents_and_image_in_float32(make):
    network, noisy = make("tiny-if").train(), torch.rand(1, 1, 12, 12)
    currents = []
    for block in ("0", "1"):  # the first layer of a block reads the stream of currents
        neurons = network.get_submodule(f"blocks.{block}.neurons1")
        neurons.register_forward_hook(lambda *args: currents.append(args[1][0].dtype))
    with torch.autocast("cpu", torch.bfloat16):
        assert network(noisy, 25.0, 2).dtype == torch.float32
    assert currents == [torch.float32] * 2


@pytest.mark.parametrize("name", PRESETS)
def test_receptive_field(make, name):
    # As wide as stated and no wider. A pixel of a middle position changes the noise (the twin's,
    # through which changes pass whole) at most `receptive_field` pixels away, and so far somewhere.
    network = make(name, neuron="relu", layers=4).double()
    reach, step = network.graph.receptive_field, network.graph.grid
    middle = network.graph.margin + step
    side = 2 * middle + step
    image = torch.rand(1, 1, side, side, dtype=torch.float64, requires_grad=True)
    farthest = 0
    for row in range(middle, middle + step):
        (gradient,) = torch.autograd.grad(network(image, 25.0)[0, 0, row, middle], image)
        rows = gradient[0, 0].any(1).nonzero()
        farthest = max(farthest, row - int(rows.min()), int(rows.max()) - row)
    assert farthest == reach
