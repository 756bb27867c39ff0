"""The same spiking network in other frameworks, and other denoisers, for benchmarks/inference.py.

Both frameworks get our folded weights, channels-last tensors and no gradient, and run the encoder
once; each neuron layer's thresholds are scaled to one, since their nodes take a single threshold.
"""

import numpy as np
import torch
from torch import Tensor

import spiden_cli as spiden
from spiden_cli.core.engine.engine import Pass
from spiden_cli.core.image.pixels import Planes
from spiden_cli.core.network.encoding import encode, subtract_noise
from spiden_cli.core.network.execution import execute
from spiden_cli.core.network.graph import Convolution, Neurons
from spiden_cli.core.neuron.layer import IFLayer, repeat_channels


class _Rival:
    """A spiking network whose neurons another framework runs."""

    passes = 1
    tile = (512, 512)

    def __init__(self, network: spiden.Denoiser) -> None:
        self.config, self.graph = network.config, network.graph
        self.network = spiden.fold(network)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @torch.inference_mode()
    def run(
        self, noisy: Planes, level: float, timesteps: int, window: object = None,
        on_spikes: object = None,
    ) -> Pass:  # fmt: skip
        """Denoise one image; see `Engine.run`."""
        image, sigma = torch.from_numpy(noisy)[None], torch.tensor([float(level)])
        encoded = encode(image, sigma, self.config, self.graph.grid)
        encoded = encoded.contiguous(memory_format=torch.channels_last)
        drawn = self._drawn(encoded, timesteps)
        return Pass(subtract_noise(image, drawn, sigma, self.config)[0].numpy(), {})

    def convolve(self, node: Convolution, x: Tensor) -> Tensor:
        """See `execution.Layers`."""
        driven: Tensor = self.network.get_submodule(node.name)(x)
        return driven

    def _drawn(self, encoded: Tensor, timesteps: int) -> Tensor:
        raise NotImplementedError

    def _driven(self, node: Neurons, current: Tensor) -> tuple[IFLayer, Tensor]:
        """Return a layer, and the current of its neurons in units of their thresholds."""
        layer = self.network.get_submodule(node.name)
        assert isinstance(layer, IFLayer)
        return layer, repeat_channels(current, layer.population) / layer.threshold


class SpikingJelly(_Rival):
    """spikingjelly: multi-step mode, torch backend; convolutions run over all timesteps at once."""

    name = "spikingjelly"

    def __init__(self, network: spiden.Denoiser) -> None:
        from spikingjelly.activation_based import neuron

        super().__init__(network)
        self.node = neuron.IFNode(1.0, v_reset=None, step_mode="m")  # backend: torch

    def fire(self, node: Neurons, current: Tensor, timesteps: int) -> Tensor:
        """See `execution.Layers`."""
        layer, driven = self._driven(node, current)
        self.node.v = layer.initial_potential.expand(driven[: len(driven) // timesteps].shape)
        spikes: Tensor = self.node(driven.unflatten(0, (timesteps, -1))).flatten(0, 1)
        return spikes

    def _drawn(self, encoded: Tensor, timesteps: int) -> Tensor:
        return execute(self.graph, self, encoded, timesteps, timesteps)


class SnnTorch(_Rival):
    """snntorch: a loop over the timesteps around the whole network, as its users write it."""

    name = "snntorch"

    def __init__(self, network: spiden.Denoiser) -> None:
        import snntorch

        super().__init__(network)
        # Without a delay, a neuron still above its threshold after a reset loses a spike.
        self.node = snntorch.Leaky(
            beta=1.0, threshold=1.0, reset_mechanism="subtract", reset_delay=True
        )

    def convolve(self, node: Convolution, x: Tensor) -> Tensor:
        """See `execution.Layers`: what reads the image is constant, and computed once."""
        if self.graph.spike_driven(node):
            return super().convolve(node, x)
        if node.name not in self.constant:
            self.constant[node.name] = super().convolve(node, x)
        return self.constant[node.name]

    def fire(self, node: Neurons, current: Tensor, timesteps: int) -> Tensor:
        """See `execution.Layers`."""
        layer, driven = self._driven(node, current)
        before = self.potentials.get(node.name)
        before = layer.initial_potential.expand_as(driven) if before is None else before
        spikes: Tensor
        spikes, self.potentials[node.name] = self.node(driven, before)
        return spikes

    def _drawn(self, encoded: Tensor, timesteps: int) -> Tensor:
        self.constant: dict[str, Tensor] = {}
        self.potentials: dict[str, Tensor] = {}
        steps = [execute(self.graph, self, encoded, 1, 1) for _ in range(timesteps)]
        return torch.stack(steps).mean(0)


class BM3D:
    """BM3D (Dabov et al. 2007), the authors' package; its licence is for non-commercial use."""

    name = "BM3D"

    def __init__(self) -> None:
        from bm3d import bm3d

        self.bm3d = bm3d

    def denoise(self, noisy: Planes, sigma: float) -> Planes:
        """Denoise a grey image (1, H, W)."""
        denoised: Planes = np.asarray(self.bm3d(noisy[0], sigma / 255), np.float32)[None]
        return denoised
