"""What every energy model is: counts of one layer in, joules out, by what they are spent on."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

from spiden_cli.core.energy.counts import LayerCounts

PICOJOULE = 1e-12


class Format(NamedTuple):
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


FP32 = Format("fp32", 32, 32, floating=True)
INT32 = Format("int32", 32, 32)
INT8 = Format("int8", 8, 8)
INT8_WIDE = Format("int8/32", 8, 8, wide_sums=True)


def quantised(bits: int) -> Format:
    """Return the format of a CNN of 8-bit weights and activations of that many bits."""
    return Format(f"{bits}-bit", 8, bits)


Joules = Mapping[str, float]
"""By what it is spent on; the sum is the energy of the layer."""


class EnergyModel(Protocol):
    """A pure function from the counts of a layer to joules.

    Attributes:
        name: as reports show it.
        formats: the formats that a spiking network is priced in.
    """

    name: str
    formats: tuple[Format, ...]

    def energy(self, layer: LayerCounts, number: Format) -> Joules:
        """Return what a layer spends, in joules, over all its passes.

        Args:
            layer: its counts; they say whether it belongs to a spiking network.
            number: how the network's numbers are held.
        """
        ...


def spent(model: EnergyModel, layers: Iterable[LayerCounts], number: Format) -> float:
    """Return the energy of all layers in joules."""
    return sum(sum(model.energy(layer, number).values()) for layer in layers)


def break_even(
    model: EnergyModel, layers: Iterable[LayerCounts], number: Format, dense: float
) -> float:
    """Return how many spikes per neuron and inference cost as much as a CNN.

    Under each model the energy is affine in the number of spikes, so two points give the line:
    no spike at all, and one spike of each neuron.

    Args:
        model: the energy model.
        layers: layers of a spiking network.
        number: the format of the spiking network.
        dense: energy of the CNN in joules.

    Returns:
        Negative where the spiking network costs more without any spike; infinite where spikes
        cost nothing.
    """
    layers = list(layers)
    static = spent(model, (layer.silent() for layer in layers), number)
    slope = spent(model, (layer.firing_once() for layer in layers), number) - static
    return (dense - static) / slope if slope > 0 else float("inf")
