"""The model `movement`: moving values between cores, and fetching weights, beside arithmetic.

After Z. Yan, Z. Bai and W.-F. Wong, "Reconsidering the energy efficiency of spiking neural
networks", arXiv 2409.08290. A rate-coded spiking network of T timesteps holds the information of
a quantised CNN with activations of ceil(log2(T + 1)) bits, which is the CNN to compare it with.
A spike needs a message of its own, sparse and addressed, and moving it costs some twelve times as
much as moving a bit of a dense map.

The formulas below follow the structure of that paper as far as third parties report it, not its
text, which was not at hand; what was chosen to fill the gaps is in docs/energy.md.
"""

from spiden_cli.core.energy.constants import MovementConstants
from spiden_cli.core.energy.layer_counts import LayerCounts
from spiden_cli.core.energy.model import FP32, INT8, PICOJOULE, Joules, Precision
from spiden_cli.core.energy.operations import product_share


def equivalent_bits(levels: int) -> int:
    """Return ceil(log2(n + 1)): bits that hold n levels above zero, such as T of a spike count."""
    return levels.bit_length()


class MovementModel:
    """Arithmetic, weight fetches and the movement of activations.

    Args:
        constants: prices of operations, fetches and hops.
    """

    name = "movement"
    formats: tuple[Precision, ...] = (FP32, INT8)

    def __init__(self, constants: MovementConstants) -> None:
        self.constants = constants

    def energy(self, layer: LayerCounts, precision: Precision) -> Joules:
        """Return the energy of a layer; see `EnergyModel.energy`."""
        c, operations = self.constants, layer.operations
        add, multiply = self._prices(precision)
        scale = add / c.accumulate_pj if c.accumulate_pj else 1.0
        arriving, synapses = operations.accumulates, operations.macs
        # A CNN skips the multiplications by zero, but moves and fetches for all of its synapses.
        compute = operations.macs * layer.density * (multiply + add) + arriving * add
        pico = {
            "compute": compute,
            "weights": (synapses + arriving) * precision.weight_bits * c.weight_read_pj_per_bit,
            "movement": c.messages_per_synapse
            * c.hops
            * (
                arriving * c.spike_bits * c.sparse_move_pj_per_bit_hop
                + synapses * precision.activation_bits * c.dense_move_pj_per_bit_hop
            ),
            "neurons": operations.biases * add
            + (operations.neuron_additions - operations.resets) * add
            + operations.resets * c.subtract_pj * scale
            + operations.comparisons * c.compare_pj * scale
            + operations.leaks * multiply,
            "image": operations.scalings * multiply + operations.subtractions * add,
        }
        return {name: value * PICOJOULE for name, value in pico.items()}

    def _prices(self, precision: Precision) -> tuple[float, float]:
        """Return the price of an addition and of a multiplication, in pJ."""
        c = self.constants
        if precision.floating:
            return c.fp32_accumulate_pj, c.fp32_multiply_pj
        return c.accumulate_pj, c.multiply_8x8_pj * product_share(precision)
