"""The same spiking network in other frameworks, and other denoisers, for benchmarks/inference.py.

Both frameworks get our folded weights, channels-last tensors and no gradient, and run the encoder
once; each neuron layer's thresholds are scaled to one, since their nodes take a single threshold.
"""

import torch
from torch import Tensor

import spiden_cli as spiden
from spiden_cli.core.engine.engine import Pass
from spiden_cli.core.network.encoding import encode, pad_to_multiple, subtract_noise
from spiden_cli.core.neuron.layer import IFLayer


class _Rival:
    """A spiking network with shortcuts, whose neurons another framework runs."""

    passes = 1
    tile = (512, 512)

    def __init__(self, network: spiden.Denoiser) -> None:
        self.config = network.config
        self.network = spiden.fold(network)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @torch.inference_mode()
    def run(self, noisy: Tensor, sigma: float, timesteps: int) -> Pass:
        """Denoise one image; see `Engine.run`."""
        config, level = self.config, torch.tensor([float(sigma)])
        encoded = encode(pad_to_multiple(noisy[None], config.unshuffle), level, config)
        current = self.network.encoder(encoded.contiguous(memory_format=torch.channels_last))
        drawn = self._drawn(current, timesteps)
        return Pass(subtract_noise(noisy[None], drawn, level, config)[0], {})

    def _drawn(self, current: Tensor, timesteps: int) -> Tensor:
        raise NotImplementedError


class SpikingJelly(_Rival):
    """spikingjelly: multi-step mode, torch backend; convolutions run over all timesteps at once."""

    name = "spikingjelly"

    def __init__(self, network: spiden.Denoiser) -> None:
        from spikingjelly.activation_based import neuron

        super().__init__(network)
        self.node = neuron.IFNode(1.0, v_reset=None, step_mode="m")  # backend: torch

    def _fire(self, layer: IFLayer, current: Tensor, timesteps: int) -> Tensor:
        driven = layer.to_neurons(current) / layer.threshold
        self.node.v = layer.initial_potential.expand(driven[: len(driven) // timesteps].shape)
        return self.node(driven.unflatten(0, (timesteps, -1))).flatten(0, 1)

    def _drawn(self, current: Tensor, timesteps: int) -> Tensor:
        current = torch.cat([current] * timesteps)
        for block in self.network.blocks:
            inner = block.conv1(self._fire(block.neurons1, current, timesteps))
            current = current + block.conv2(self._fire(block.neurons2, inner, timesteps))
        spikes = self._fire(self.network.neurons, current, timesteps)
        return self.network.readout(spikes).mean(0, keepdim=True)


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
        self.layers = [m for m in self.network.modules() if isinstance(m, IFLayer)]

    def _drawn(self, current: Tensor, timesteps: int) -> Tensor:
        encoded, drawn = current, 0.0
        potentials = {
            layer: layer.initial_potential.expand_as(layer.to_neurons(current))
            for layer in self.layers
        }

        def fire(layer: IFLayer, current: Tensor) -> Tensor:
            driven = layer.to_neurons(current) / layer.threshold
            spikes, potentials[layer] = self.node(driven, potentials[layer])
            return spikes

        for _ in range(timesteps):
            current = encoded
            for block in self.network.blocks:
                inner = block.conv1(fire(block.neurons1, current))
                current = current + block.conv2(fire(block.neurons2, inner))
            drawn = drawn + self.network.readout(fire(self.network.neurons, current))
        return drawn / timesteps


class BM3D:
    """BM3D (Dabov et al. 2007), the authors' package; its licence is for non-commercial use."""

    name = "BM3D"

    def __init__(self) -> None:
        from bm3d import bm3d

        self.bm3d = bm3d

    def denoise(self, noisy: Tensor, sigma: float) -> Tensor:
        """Denoise a grey image (1, H, W)."""
        return torch.from_numpy(self.bm3d(noisy[0].numpy(), sigma / 255)).float()[None]
