"""The model `lemaire`: operations, every access to a memory, and the computing of addresses.

E. Lemaire, L. Cordone, A. Castagnetti, P.-E. Novac, J. Courtois and B. Miramond, "An analytical
estimation of spiking neural networks energy efficiency", ICONIP 2022, arXiv 2210.13107. No value
is reused: a CNN reads an input and a weight for each multiply-accumulate (eqs. 3 and 6.1); a
spiking layer reads a weight, and reads and writes a potential, for each spike at each synapse
(eqs. 7, 9, 14). An access costs more, the larger the memory. Equation numbers are those that the
authors' code quotes (LEAT-EDGE/qualia-plugin-snn); the paper's own text was not at hand.

Where this network has what the paper's have not (border-aware counts, an encoder that works once,
a stream of currents along membrane shortcuts, narrow words), docs/energy.md gives the choice.
"""

from itertools import pairwise

from spiden_cli.core.energy.constants import LemaireConstants
from spiden_cli.core.energy.layer_counts import LayerCounts
from spiden_cli.core.energy.model import INT8, INT32, PICOJOULE, Joules, Precision
from spiden_cli.core.energy.operations import product_share

KIB = 1024


class LemaireModel:
    """Operations, memory accesses and addressing.

    Args:
        constants: prices of operations and memories.
    """

    name = "lemaire"
    formats: tuple[Precision, ...] = (INT32, INT8)

    def __init__(self, constants: LemaireConstants) -> None:
        self.constants = constants

    def energy(self, layer: LayerCounts, precision: Precision) -> Joules:
        """Return the energy of a layer; see `EnergyModel.energy`.

        float32 is priced as int32: arithmetic is a small share.
        """
        if layer.spike_driven:
            terms = self._spike_driven(layer, precision)
        else:
            terms = self._real_valued(layer, precision)
        if layer.spiking:
            terms["potentials"] += self._currents(layer, precision)
            terms["outputs"] += layer.operations.spikes_out * self.message  # eq. 13
        return {name: value * PICOJOULE for name, value in terms.items()}

    def access(self, words: float, bits: float) -> float:
        """Return the price in pJ of one access to a memory of that many words.

        Piecewise linear in the size in bytes; a word of fewer than 32 bits costs its share. The
        piece above 1 MiB has a slope of its own.
        """
        c = self.constants
        size = words * bits / 8
        points = (
            (0.0, 0.0), (8 * KIB, c.sram_8kib_pj), (32 * KIB, c.sram_32kib_pj),
            (1024 * KIB, c.sram_1mib_pj),
        )  # fmt: skip
        price = c.sram_1mib_pj + c.sram_pj_per_byte_above_1mib * (size - 1024 * KIB)
        for (left, low), (right, high) in pairwise(points):
            if size <= right:
                price = low + (high - low) * (size - left) / (right - left)
                break
        return price * bits / 32

    @property
    def message(self) -> float:
        """Price in pJ of writing a spike to a FIFO, or of reading it."""
        return self.access(self.constants.fifo_messages, self.constants.message_bits)

    def potential_bits(self, precision: Precision) -> float:
        """Return the width of a membrane potential."""
        return 32.0 if precision.weight_bits > 8 else self.constants.int8_potential_bits

    def _real_valued(self, layer: LayerCounts, precision: Precision) -> dict[str, float]:
        """The encoder, or a layer of a CNN."""
        shape, operations = layer.shape, layer.operations
        inputs = self.access(shape.inputs, precision.activation_bits)
        # An encoder leaves a current, as wide as a potential; it is read at each timestep.
        bits = self.potential_bits(precision) if layer.spiking else precision.activation_bits
        outputs = self.access(shape.outputs, bits)
        return {
            "operations": self._arithmetic(layer, precision),
            "weights": operations.macs * self.access(shape.weights, precision.weight_bits)
            + operations.biases * self.access(shape.channels_out, precision.weight_bits),
            "inputs": operations.macs * inputs + operations.subtractions * outputs,
            "outputs": shape.outputs * layer.passes * outputs,
            "potentials": 0.0 if layer.spiking else operations.shortcuts * outputs,
            "addressing": self.constants.int32_add_pj
            * layer.passes
            * (shape.inputs + shape.outputs + shape.kernel**2 * shape.channels_out),
        }

    def _spike_driven(self, layer: LayerCounts, precision: Precision) -> dict[str, float]:
        """A convolution that is driven by spikes: event by event."""
        shape, operations, c = layer.shape, layer.operations, self.constants
        potential = self.access(shape.outputs, self.potential_bits(precision))
        # What a neuron's own potential doubles is part of the pass that compares it.
        doubled = max(0, operations.doublings - operations.neurons)
        last = operations.neurons == 0  # the read-out writes its result; it sends no spikes
        image = shape.outputs * layer.passes * self.access(shape.outputs, precision.activation_bits)
        return {
            "operations": self._arithmetic(layer, precision),
            "weights": operations.accumulates * self.access(shape.weights, precision.weight_bits)
            + operations.biases * self.access(shape.channels_out, precision.weight_bits),
            "inputs": operations.spikes_in * self.message + (image if last else 0.0),
            "outputs": image if last else 0.0,
            # eqs. 9 and 14: reads and writes, for each event, each bias, and each doubling.
            "potentials": 2 * (operations.accumulates + operations.biases + doubled) * potential,
            "addressing": 2 * operations.spikes_in * (c.int32_multiply_pj + c.int32_add_pj)
            + operations.accumulates * c.int32_add_pj,  # eqs. 16.2 and 16.3
        }

    def _currents(self, layer: LayerCounts, precision: Precision) -> float:
        """Accesses where a current is kept in a memory of its own, in pJ.

        Where a convolution drives neurons directly, one to a channel, its events land on their
        potentials, and the pass over the biases is the pass over the neurons. After an encoder or a
        shortcut, and where several neurons share a channel's current, which events then add to,
        each neuron reads a current at each timestep, then reads and writes its own potential. The
        encoder's current is copied, word by word, to the stream that shortcuts add to. Weighted
        neurons read their current once, and pass over their potentials at each timestep, wherever
        it comes from.
        """
        operations = layer.operations
        bits = self.potential_bits(precision)
        stream = self.access(layer.shape.outputs, bits)
        potentials = self.access(layer.shape.outputs * layer.population, bits)
        own = operations.currents or operations.doublings
        kept = 2 * operations.neurons * potentials if own else 0.0
        return operations.currents * stream + kept + 2 * operations.copies * stream

    def _arithmetic(self, layer: LayerCounts, precision: Precision) -> float:
        """Eqs. 1.1 to 1.4, in pJ. A comparison is free, in a neuron as in a ReLU."""
        c, operations = self.constants, layer.operations
        if precision.weight_bits > 8:
            add, multiply = c.int32_add_pj, c.int32_multiply_pj
        else:
            add, multiply = c.int8_add_pj, c.int8_multiply_pj * product_share(precision)
        adds = operations.accumulates + operations.biases + operations.subtractions
        adds += operations.resets + operations.shortcuts + operations.doublings
        if operations.currents:
            adds += operations.integrations
        multiplies = operations.leaks + operations.scalings
        return operations.macs * (add + multiply) + adds * add + multiplies * multiply
