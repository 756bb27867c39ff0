"""Load a network of NIR in sinabs 3.1, which wants nir 1.0.4: pip install sinabs nir nirtorch.

Its own reader lets neurons fire several times a timestep, and keeps potentials above -1.
"""

import nir
import nirtorch
import torch
from running import convolution, main
from sinabs.activation import SingleSpike
from sinabs.layers import IAFSqueeze
from torch import nn


def neurons(node: nir.IF) -> nn.Module:
    """Return neurons that fire once a timestep and may go below zero."""
    made: nn.Module = IAFSqueeze(
        batch_size=1, spike_threshold=torch.tensor(1.0), spike_fn=SingleSpike, min_v_mem=None
    )
    return made


def load(graph: nir.NIRGraph) -> nn.Module:
    """Return the network."""
    module: nn.Module = nirtorch.nir_to_torch(graph, {nir.Conv2d: convolution, nir.IF: neurons})
    return module


if __name__ == "__main__":
    main(load)
