"""Convolution with batch normalisation, and the blocks of neurons built from it.

Currents flow between blocks; spikes never leave one. So every convolution in here sees binary
input, and a shortcut adds membrane input currents (MS-ResNet: Hu et al. 2024, arXiv 2112.08954).
"""

import torch.nn.functional as F
from torch import Tensor, nn

from spiden_cli.core.network.presets import NetworkConfig
from spiden_cli.core.neuron.layer import IFLayer, LIFLayer, ReLULayer


def make_neurons(config: NetworkConfig, population: int) -> nn.Module:
    """Return one layer of the configured neurons, so many for each channel."""
    if config.neuron == "relu":
        return ReLULayer()
    layer = LIFLayer if config.neuron == "lif" else IFLayer
    return layer(
        config.width, config.threshold, config.initial_potential, config.surrogate, population,
        config.learn_initial,
    )  # fmt: skip


class ConvNorm(nn.Module):
    """A 3x3 convolution and its batch normalisation.

    With `frozen` statistics the normalisation is an affine map, and is folded into the kernel on
    the fly: one convolution, and gradients still reach every parameter. Fine-tuning in the spike
    domain freezes, since the variance of spikes over T timesteps is not that of their mean.
    """

    def __init__(self, channels_in: int, channels_out: int, gain: float = 1.0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels_out)
        nn.init.kaiming_normal_(self.conv.weight)
        nn.init.constant_(self.norm.weight, gain)
        self.frozen = False

    def folded(self) -> tuple[Tensor, Tensor]:
        """Return the kernel and bias of the convolution that does the work of both.

        Both are functions of the parameters, so that gradients reach them; torch's own
        `fuse_conv_bn_weights` returns new parameters, and gradients end there.
        """
        norm = self.norm
        assert norm.running_mean is not None
        assert norm.running_var is not None
        scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
        kernel = self.conv.weight * scale[:, None, None, None]
        return kernel, norm.bias - norm.running_mean * scale

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C_in, H, W) to currents (N, C_out, H, W)."""
        if not self.frozen:
            return self.norm(self.conv(x))  # type: ignore[no-any-return]
        kernel, bias = self.folded()
        return F.conv2d(x, kernel, bias, padding=1)


class PlainBlock(nn.Module):
    """u <- BN(conv(spike(u))): one layer of DnCNN."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.neurons = make_neurons(config, config.inner_population)
        self.conv = ConvNorm(config.inner_neurons, config.width)

    def forward(self, current: Tensor, timesteps: int, quantised: bool = False) -> Tensor:
        """Map currents (N, C, H, W) to currents of the same shape; N = T * B, or B quantised."""
        spikes: Tensor = self.neurons(current, timesteps, quantised)
        driven: Tensor = self.conv(spikes)
        return driven.to(current.dtype)


class ShortcutBlock(nn.Module):
    """u <- u + BN(conv(spike(BN(conv(spike(u)))))): the membrane shortcut.

    The second normalisation starts at a gain of 1 / sqrt(blocks), so that the current's variance
    no more than doubles along the depth, whatever the depth.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        blocks = (config.layers - 2) // 2
        self.neurons1 = make_neurons(config, config.inner_population)
        self.conv1 = ConvNorm(config.inner_neurons, config.width)
        self.neurons2 = make_neurons(config, config.inner_population)
        self.conv2 = ConvNorm(config.inner_neurons, config.width, gain=blocks**-0.5)

    def forward(self, current: Tensor, timesteps: int, quantised: bool = False) -> Tensor:
        """Map currents (N, C, H, W) to currents of the same shape; N = T * B, or B quantised."""
        inner = self.conv1(self.neurons1(current, timesteps, quantised))
        update: Tensor = self.conv2(self.neurons2(inner, timesteps, quantised))
        return current + update
