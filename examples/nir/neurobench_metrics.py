"""Run NeuroBench's harness on a spiking network, and hold its metrics to spiden's own counts.

    pip install neurobench nir nirtorch
    python examples/nir/neurobench_metrics.py docs/images/noisy.png --model base-if --size 64

NeuroBench (Yik et al. 2025) looks at the neurons of snnTorch, into which the network is loaded by
way of NIR. It is one picture, T timesteps; Effective_ACs are weights added because a spike came in.
Effective_MACs and Dense count, besides the first convolution at every timestep, the 1 x 1
convolutions that stand for thresholds and initial potentials in NIR.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import snntorch
import torch
from neurobench.benchmarks import Benchmark
from neurobench.metrics.workload import ActivationSparsity, MembraneUpdates, SynapticOperations
from neurobench.models import TorchModel
from read_snntorch import load
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import spiden_cli as spiden
from spiden_cli.core.engine.activity import mean_firing_rate, synaptic_operations
from spiden_cli.core.exchange.nir_graph import nir_graph
from spiden_cli.core.exchange.timing import network_input
from spiden_cli.core.network.folding import FoldedNetwork, folded


class OverTime(nn.Module):
    """A network that is called once a timestep, as one that is called with all of them."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: Tensor) -> Tensor:
        """Map (1, T, C', H', W') to the mean of what comes out."""
        sent = [self.network(step) for step in inputs.unbind(1)]
        return torch.stack([part[0] if isinstance(part, tuple) else part for part in sent]).mean(0)


def measure(network: FoldedNetwork, noisy: np.ndarray, sigma: float, steps: int) -> dict[str, Any]:
    """Return NeuroBench's metrics of a network of IF neurons on one picture (C, H, W)."""
    loaded = load(nir_graph(network, *noisy.shape[1:], steps))
    inputs = torch.from_numpy(network_input(noisy, sigma, network.config, steps))[None]
    data = DataLoader(TensorDataset(inputs, torch.zeros(1)))
    metrics = [ActivationSparsity, MembraneUpdates, SynapticOperations]
    model = TorchModel(OverTime(loaded))
    model.add_activation_module(snntorch.SpikingNeuron)  # else it finds no neurons: 0.0 everywhere
    benchmark = Benchmark(model, data, [], [], [[], metrics])
    with torch.no_grad():
        found: dict[str, Any] = benchmark.run(quiet=True)
    return found


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser()
    parser.add_argument("picture", type=Path)
    parser.add_argument("--model", default="base-if")
    parser.add_argument("--sigma", type=float, default=25.0)
    parser.add_argument("--size", type=int, default=64, help="side of the part that is looked at")
    options = parser.parse_args()
    denoiser, info = spiden.load_weights(spiden.find_weights(options.model))
    network, steps = folded(denoiser), info.timesteps[0]
    pixels = np.atleast_3d(spiden.read_picture(options.picture).pixels)
    cut = pixels[: options.size, : options.size, : network.config.image_channels]
    noisy = np.moveaxis(cut, -1, 0).astype(np.float32) / 255
    print(json.dumps(measure(network, noisy, options.sigma, steps), indent=2))
    activity = spiden.DenseEngine(network).run(noisy, options.sigma, steps).activity
    neurons = sum(layer.slots for layer in activity.values())
    print(f"spiden: sparsity {1 - mean_firing_rate(activity):.10f}, accumulates "
          f"{synaptic_operations(activity)}, neurons times timesteps {neurons}")  # fmt: skip


if __name__ == "__main__":
    main()
