"""Load a network of NIR in snnTorch 1.0: pip install snntorch nir nirtorch.

Its own reader makes leaky neurons of IF nodes, whose state it loses from step to step. Its neurons
fire above the threshold, not at it: a potential that is exactly 1 makes a difference.
"""

import nir
import nirtorch
import snntorch
from running import convolution, main
from torch import nn


def neurons(node: nir.IF) -> nn.Module:
    """Return neurons that don't leak, keep their state and subtract the threshold."""
    return snntorch.Leaky(
        beta=1.0, threshold=1.0, reset_mechanism="subtract", init_hidden=True, reset_delay=True
    )


def load(graph: nir.NIRGraph) -> nn.Module:
    """Return the network."""
    module: nn.Module = nirtorch.nir_to_torch(graph, {nir.Conv2d: convolution, nir.IF: neurons})
    return module


if __name__ == "__main__":
    main(load)
