"""What tests of the core share: small networks."""

from collections.abc import Callable

import pytest
import torch
from small_networks import shrunk

from spiden_cli.core.network.denoiser import Denoiser

Make = Callable[..., Denoiser]


@pytest.fixture
def make() -> Make:
    """Build a preset, shrunk, in evaluation mode: make("base", neuron="lif", layers=8).

    Its statistics are not those of a fresh network, and many of its neurons fire.
    """

    def make(name: str, seed: int = 0, **changes: object) -> Denoiser:
        torch.manual_seed(seed)
        network = Denoiser(shrunk(name, **changes))
        for _, layer in network.conv_norms():
            norm = layer.norm
            torch.nn.init.normal_(norm.running_mean, std=0.3)
            torch.nn.init.uniform_(norm.running_var, 0.5, 2.0)
            torch.nn.init.uniform_(norm.weight, 0.5, 1.5)
            torch.nn.init.normal_(norm.bias, std=0.3)
        for name_, parameter in network.named_parameters():
            if name_.endswith("log_threshold"):  # below the currents' spread: many spikes
                torch.nn.init.uniform_(parameter, -1.0, 0.5)
        return network.eval()

    return make
