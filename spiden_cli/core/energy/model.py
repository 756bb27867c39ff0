"""What every energy model is: counts of one layer in, joules out, by what they are spent on."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

from spiden_cli.core.energy.layer_counts import LayerCounts

PICOJOULE = 1e-12


class Precision(NamedTuple):
    """How a network's numbers are held.

    Attributes:
        name: as reports show it.
        weight_bits: bits of a weight.
        activation_bits: bits of a value that passes from layer to layer; spikes have one.
        floating: whether numbers are float32.
        wide_sums: whether 8-bit products are summed in 32 bits.
    """

    name: str
    weight_bits: int
    activation_bits: int
    floating: bool = False
    wide_sums: bool = False


FP32 = Precision("fp32", 32, 32, floating=True)
INT32 = Precision("int32", 32, 32)
INT8 = Precision("int8", 8, 8)
INT8_WIDE = Precision("int8/32", 8, 8, wide_sums=True)


def quantised(bits: int) -> Precision:
    """Return the format of a CNN of 8-bit weights and activations of that many bits."""
    return Precision(f"{bits}-bit", 8, bits)


Joules = Mapping[str, float]
"""By what it is spent on; the sum is the energy of the layer."""


class EnergyModel(Protocol):
    """A pure function from the counts of a layer to joules.

    Attributes:
        name: as reports show it.
        formats: the formats that a spiking network is priced in.
    """

    name: str
    formats: tuple[Precision, ...]

    def energy(self, layer: LayerCounts, precision: Precision) -> Joules:
        """Return what a layer spends, in joules, over all its passes.

        Args:
            layer: its counts; they say whether it belongs to a spiking network.
            precision: how the network's numbers are held.
        """
        ...


def spent(model: EnergyModel, layers: Iterable[LayerCounts], precision: Precision) -> float:
    """Return the energy of all layers in joules."""
    return sum(sum(model.energy(layer, precision).values()) for layer in layers)


def break_even(
    model: EnergyModel, layers: Iterable[LayerCounts], precision: Precision, dense: float
) -> float:
    """Return how many spikes per neuron and inference cost as much as a CNN.

    Under each model the energy is affine in the number of spikes, so two points give the line:
    no spike at all, and one spike of each neuron.

    Args:
        model: the energy model.
        layers: layers of a spiking network.
        precision: the format of the spiking network.
        dense: energy of the CNN in joules.

    Returns:
        Negative where the spiking network costs more without any spike; infinite where spikes
        cost nothing.
    """
    layers = list(layers)
    static = spent(model, (layer.silent() for layer in layers), precision)
    slope = spent(model, (layer.firing_once() for layer in layers), precision) - static
    return (dense - static) / slope if slope > 0 else float("inf")
