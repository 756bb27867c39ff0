"""What runs a network: one image in, one image and its activity out."""

from functools import reduce
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from spiden_cli.core.engine.activity import Activity, layer_activity
from spiden_cli.core.engine.tiling import Shape
from spiden_cli.core.network.denoiser import Denoiser
from spiden_cli.core.network.folding import fold
from spiden_cli.core.network.geometry import layers
from spiden_cli.core.network.presets import NetworkConfig
from spiden_cli.core.network.recording import record_spikes


class Pass(NamedTuple):
    """What came out of one pass.

    Attributes:
        denoised: (C, H, W), not clipped, on the CPU.
        activity: spikes and synaptic operations by layer; empty for a CNN.
    """

    denoised: Tensor
    activity: Activity


class Engine(Protocol):
    """Runs one network, with batch normalisation folded.

    Attributes:
        name: what reports call it.
        config: the shape of the network.
        passes: how often an image goes through the network.
        tile: rows and columns of an image, in pixels, that it does best at once.
    """

    name: str
    config: NetworkConfig
    passes: int
    tile: Shape

    def run(self, noisy: Tensor, sigma: float, timesteps: int) -> Pass:
        """Denoise one image.

        Args:
            noisy: (C, H, W), C the channels of the network, range [0, 1] plus noise.
            sigma: noise level in 8-bit units.
            timesteps: T >= 1.
        """
        ...


class DenseEngine:
    """Torch: dense convolutions over the spikes of all timesteps at once.

    Args:
        network: what to run; it stays as it is.
        device: where to run it.
    """

    name = "dense"
    passes = 1
    tile = (512, 512)

    def __init__(self, network: Denoiser, device: torch.device) -> None:
        self.config = network.config
        self.device = device
        self.network = fold(network).to(device)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @torch.inference_mode()
    def run(self, noisy: Tensor, sigma: float, timesteps: int) -> Pass:
        """Denoise one image; see `Engine.run`."""
        image = noisy.to(self.device)[None].contiguous(memory_format=torch.channels_last)
        if not self.config.spiking:
            return Pass(self.network(image, sigma, timesteps)[0].cpu(), {})
        with record_spikes(self.network, _counted) as records:
            denoised = self.network(image, sigma, timesteps)[0].cpu()
        activity = {}
        for layer in layers(self.config, *noisy.shape[1:])[1:]:
            per_position, silent = records[layer.name][0]
            activity[layer.name] = layer_activity(
                per_position.cpu(), int(silent), layer.channels_in, layer.channels_out, timesteps
            )
        return Pass(denoised, activity)


def _counted(spikes: Tensor) -> tuple[Tensor, Tensor]:
    """Count spikes (T, C, H, W) at once, so that no layer's are kept.

    Returns:
        (H, W): spikes of all channels and timesteps at each position; and the number of silent
        neurons.
    """
    per_neuron = reduce(torch.add, spikes.unbind())  # Tensor.sum takes three times as long
    return per_neuron.sum(0), per_neuron.numel() - per_neuron.count_nonzero()
