"""The model `operations`: arithmetic alone, each operation at its price in 45 nm silicon.

    E = n_mac (E_mul + E_add) + n_add E_add + n_mul E_mul + n_cmp E_cmp

with the prices of Horowitz, "Computing's energy problem (and what we can do about it)", ISSCC
2014. With 4.6 pJ per multiply-accumulate and 0.9 pJ per accumulate it is what most papers on
spiking networks report; they leave out the neurons, which are counted here. It knows no memory,
where most of the energy of a real chip goes, so it is the kindest model to spikes.
"""

from spiden_cli.core.energy.constants import OperationsConstants
from spiden_cli.core.energy.layer_counts import LayerCounts
from spiden_cli.core.energy.model import (
    FP32,
    INT8,
    INT8_WIDE,
    INT32,
    PICOJOULE,
    Joules,
    Precision,
)


class OperationsModel:
    """Arithmetic alone.

    Args:
        constants: prices of the operations.
    """

    name = "operations"
    formats: tuple[Precision, ...] = (FP32, INT32, INT8, INT8_WIDE)

    def __init__(self, constants: OperationsConstants) -> None:
        self.constants = constants

    def energy(self, layer: LayerCounts, precision: Precision) -> Joules:
        """Return the energy of a layer; see `EnergyModel.energy`."""
        add, multiply = (price * PICOJOULE for price in self._prices(precision))
        operations = layer.operations
        compare = add * self.constants.comparison_in_additions
        neurons = operations.neuron_additions * add + operations.comparisons * compare
        return {
            "multiply-accumulates": operations.macs * (multiply + add),
            "accumulates": operations.accumulates * add,
            "biases": operations.biases * add,
            "neurons": neurons + operations.leaks * multiply,
            "image": operations.scalings * multiply + operations.subtractions * add,
        }

    def _prices(self, precision: Precision) -> tuple[float, float]:
        """Return the price of an addition and of a multiplication, in pJ."""
        c = self.constants
        if precision.floating:
            return c.fp32_add_pj, c.fp32_multiply_pj
        if precision.weight_bits > 8:
            return c.int32_add_pj, c.int32_multiply_pj
        add = c.int32_add_pj if precision.wide_sums else c.int8_add_pj
        return add, c.int8_multiply_pj * product_share(precision)


def product_share(precision: Precision) -> float:
    """Return the size of a multiplier of that format over one of 8 x 8 bits.

    An array multiplier has a cell for each pair of bits. Of that kind are Horowitz's 8 and 32
    bits too: 0.2 pJ * 16 = 3.2 pJ stands against his 3.1 pJ.
    """
    return precision.weight_bits * precision.activation_bits / 64
