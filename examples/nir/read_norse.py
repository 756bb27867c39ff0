"""Load a network of NIR in Norse 1.1: pip install norse nir nirtorch.

Its own reader resets to zero, and its IF neurons have no other reset; the function is there.
"""

import nir
import nirtorch
import torch
from norse.torch.functional.heaviside import heaviside
from norse.torch.functional.reset import reset_subtract
from running import convolution, main
from torch import Tensor, nn


class Neurons(nn.Module):
    """IF neurons with a threshold of 1 that is subtracted."""

    def __init__(self) -> None:
        super().__init__()
        self.potential: Tensor | None = None

    def forward(self, current: Tensor) -> Tensor:
        """Advance by one timestep."""
        start = torch.zeros_like(current) if self.potential is None else self.potential
        charged, one = start + current, torch.ones(())
        spikes: Tensor = torch.where(charged == one, one, heaviside(charged - one))
        self.potential = reset_subtract(spikes, charged, torch.zeros(()), one)
        return spikes


def load(graph: nir.NIRGraph) -> nn.Module:
    """Return the network."""
    module: nn.Module = nirtorch.nir_to_torch(
        graph, {nir.Conv2d: convolution, nir.IF: lambda node: Neurons()}
    )
    return module


if __name__ == "__main__":
    main(load)
