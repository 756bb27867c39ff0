"""Configurations: what can't be built is refused with a line that names it."""

from dataclasses import replace

import pytest

from spiden_cli.core.network import config
from spiden_cli.core.network.config import NetworkConfig
from spiden_cli.core.network.denoiser import Denoiser
from spiden_cli.core.network.presets import PRESETS, preset
from spiden_cli.core.neuron import surrogate
from spiden_cli.errors import InputError


def test_an_unknown_preset_lists_those_that_exist():
    with pytest.raises(InputError) as refused:
        preset("huge")
    assert all(name in str(refused.value) for name in ["'huge'", *PRESETS])


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"neuron": "adder"}, "adder"),
        ({"image_channels": 2}, "image channels"),
        ({"layers": 2}, "2 layers"),
        ({"width": 0}, "channels"),
        ({"width": 2000}, "channels"),
        ({"layers": 1000}, "layers"),
        ({"unshuffle": 0}, "unshuffle"),
        ({"threshold": 0.0}, "threshold"),
        ({"threshold": float("nan")}, "threshold"),
        ({"threshold": float("inf")}, "threshold"),
        ({"initial_potential": -0.5}, "initial potential"),
        ({"initial_potential": float("nan")}, "initial potential"),
        ({"width": 8.5}, "width"),
        ({"width": "8"}, "width"),
        ({"noise_map": 5}, "noise_map"),
        ({"surrogate": None}, "surrogate"),
        ({"surrogate": "guess"}, "unknown surrogate gradient 'guess'"),
    ],
)
def test_a_shape_that_can_not_be_built_is_named(changes, named):
    with pytest.raises(InputError, match=named):
        NetworkConfig(**changes)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"layers": 9, "shortcuts": True}, "9 layers: an even number"),
        ({"layers": 8, "family": "unet"}, "8 layers: a U-Net needs 10, 12"),
        ({"layers": 11, "family": "unet"}, "11 layers: a U-Net needs 10, 12"),
        ({"family": "os"}, "unknown family of networks 'os': choose one of branched, chain, unet"),
        ({"family": "../chain"}, "unknown family"),
        ({"family": "chain.graph"}, "unknown family"),
    ],
)
def test_numbers_that_make_no_network_of_the_family_are_refused(changes, named):
    with pytest.raises(InputError, match=named):
        Denoiser(NetworkConfig(**changes))


def test_every_surrogate_can_be_named():
    assert tuple(surrogate.SURROGATES) == config.SURROGATES


def test_whole_numbers_do_for_a_threshold():
    assert NetworkConfig(threshold=2).threshold == 2


def test_a_twin_differs_in_its_neurons_alone():
    base = preset("base")
    assert (base.spiking, base.twin().spiking) == (True, False)
    populations = {"population": base.population, "inner_population": base.inner_population}
    assert replace(base.twin(), neuron=base.neuron, **populations) == base


def test_weighted_spikes_have_no_initial_potential_to_learn():
    with pytest.raises(InputError, match="take IF neurons"):
        replace(preset("base"), learn_initial=True)
    assert replace(preset("base"), learn_initial=True, neuron="if").learn_initial
