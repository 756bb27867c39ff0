"""Load a network of NIR in spikingjelly 2.0: pip install spikingjelly nir nirtorch.

Its own reader makes a hard reset of NIR's v_reset, and wants r = 1 / dt.
"""

import nir
from running import main
from spikingjelly.activation_based import neuron
from spikingjelly.activation_based.nir_exchange import import_from_nir
from torch import nn


def load(graph: nir.NIRGraph) -> nn.Module:
    """Return the network, with neurons that subtract the threshold."""
    module: nn.Module = import_from_nir(graph, dt=1.0)
    for part in module.modules():
        if isinstance(part, neuron.IFNode):
            part.v_reset = None
    return module


if __name__ == "__main__":
    main(load)
