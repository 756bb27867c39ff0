"""Layers with any number of spikes, for the properties of the energy models."""

from hypothesis import strategies as st

from spiden_cli.core.energy.counts import Passes, spiking_counts
from spiden_cli.core.energy.layer_counts import LayerCounts
from spiden_cli.core.energy.measurement import Measurement
from spiden_cli.core.engine.activity import LayerActivity
from spiden_cli.core.network.config import NetworkConfig
from spiden_cli.core.network.families import graph_of

CONFIG = NetworkConfig(width=8, layers=6, shortcuts=True, unshuffle=2, noise_map=True)
UNET = NetworkConfig(family="unet", width=8, layers=10, unshuffle=2, noise_map=True)
SIDE = 24


def network(
    per_neuron: float, timesteps: int = 4, config: NetworkConfig = CONFIG
) -> list[LayerCounts]:
    """A network each of whose neurons sends that many spikes in an inference (on average)."""
    return spiking_counts(config, SIDE, SIDE, timesteps, passes(per_neuron, timesteps, config))


def passes(per_neuron: float, timesteps: int = 4, config: NetworkConfig = CONFIG) -> Passes:
    spikes = {}
    for shape in graph_of(config).convolutions(SIDE, SIDE)[1:]:
        count = round(per_neuron * shape.inputs)
        spikes[shape.name] = LayerActivity(
            spikes=count,
            neurons=shape.inputs,
            channels=shape.inputs // shape.population,
            slots=shape.inputs * timesteps,
            silent=max(0, shape.inputs - count),
            synaptic_operations=round(per_neuron * shape.dense_operations),
            dense_operations=shape.dense_operations,
        )
    return Passes(1, spikes)


def measurement(
    per_neuron: float, timesteps: int = 4, config: NetworkConfig = CONFIG
) -> Measurement:
    seen = {(SIDE, SIDE): passes(per_neuron, timesteps, config)}
    return Measurement(config, 25.0, timesteps, 30.0, 20.0, {(SIDE, SIDE): 1}, seen)


rates = st.floats(0, 4)
steps = st.integers(1, 16)
