"""The whole network: direct encoding, blocks of neurons, non-firing read-out, subtraction."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from spiden_cli.core.network.blocks import ConvNorm, PlainBlock, ShortcutBlock, make_neurons
from spiden_cli.core.network.encoding import encode, pad_to_multiple, subtract_noise
from spiden_cli.core.network.presets import NetworkConfig
from spiden_cli.errors import InputError


class Denoiser(nn.Module):
    """A spiking network that predicts the noise of an image and subtracts it.

    The number of timesteps T is an argument of each call, not a property of the network. The CNN
    twin (`neuron="relu"`) is this class with another neuron; it ignores T.

    Args:
        config: the shape of the network.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = ConvNorm(config.encoded_channels, config.width)
        if config.shortcuts:
            count = (config.layers - 2) // 2
            self.blocks = nn.ModuleList(ShortcutBlock(config) for _ in range(count))
        else:
            self.blocks = nn.ModuleList(PlainBlock(config) for _ in range(config.layers - 2))
        self.neurons = make_neurons(config, config.population)
        channels_out = config.image_channels * config.unshuffle**2
        self.readout = nn.Conv2d(config.last_neurons, channels_out, 3, padding=1)

    def forward(
        self, noisy: Tensor, sigma: Tensor | float, timesteps: int = 4, quantised: bool = False
    ) -> Tensor:
        """Remove noise.

        Args:
            noisy: (B, C, H, W), range [0, 1]; noise may leave that range. Currents are of its
                number format, also where autocast has the convolutions compute in another.
            sigma: noise level in 8-bit units, one for all or (B,).
            timesteps: T >= 1.
            quantised: one pass of T-level quantisers in place of T timesteps (training only).

        Returns:
            (B, C, H, W): the image less the predicted noise, not clipped.

        Raises:
            InputError: T < 1.
        """
        if timesteps < 1:
            raise InputError(f"the number of timesteps must be at least 1, not {timesteps}")
        steps = 1 if quantised or not self.config.spiking else timesteps
        sigma = torch.as_tensor(sigma, dtype=noisy.dtype, device=noisy.device).expand(len(noisy))
        padded = pad_to_multiple(noisy, self.config.unshuffle)
        encoded = encode(padded, sigma, self.config)
        current = self.encoder(encoded).to(noisy.dtype)  # constant over time, so computed once
        current = torch.cat([current] * steps)
        for block in self.blocks:
            current = block(current, timesteps, quantised)
        spikes = self.neurons(current, timesteps, quantised)
        drawn: Tensor = self.readout(spikes).to(noisy.dtype)
        drawn = drawn.reshape(steps, -1, *drawn.shape[1:]).mean(0)
        return subtract_noise(noisy, drawn, sigma, self.config)

    def freeze_norm(self) -> None:
        """Fix the statistics of every batch normalisation, and fold them into the kernels."""
        for _, layer in self.conv_norms():
            layer.frozen = True

    def conv_norms(self) -> Iterator[tuple[str, ConvNorm]]:
        """Yield each convolution that carries a batch normalisation, with its name."""
        for name, module in self.named_modules():
            if isinstance(module, ConvNorm):
                yield name, module

    def spike_driven(self) -> Iterator[tuple[str, nn.Module]]:
        """Yield each convolution whose input is spikes, with its name, in the order of the data."""
        for index, block in enumerate(self.blocks):
            for name, module in block.named_children():
                if name.startswith("conv"):
                    yield f"blocks.{index}.{name}", module
        yield "readout", self.readout
