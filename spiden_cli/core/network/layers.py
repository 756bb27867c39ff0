"""The layers that learn: a convolution with batch normalisation, and a layer of neurons."""

import torch.nn.functional as F
from torch import Tensor, nn

from spiden_cli.core.network.config import NetworkConfig
from spiden_cli.core.network.graph import Convolution, Neurons
from spiden_cli.core.neuron.layer import IFLayer, LIFLayer, ReLULayer, WeightedLayer


def make_neurons(node: Neurons, config: NetworkConfig) -> nn.Module:
    """Return one layer of the configured neurons."""
    if config.neuron == "relu":
        return ReLULayer()
    layer = {"if": IFLayer, "lif": LIFLayer, "weighted": WeightedLayer}[config.neuron]
    return layer(
        node.currents, config.threshold, config.initial_potential, config.surrogate,
        node.population, config.learn_initial,
    )  # fmt: skip


def make_convolution(node: Convolution) -> nn.Module:
    """Return the convolution of a node, with its batch normalisation if it has one."""
    if node.normalised:
        return ConvNorm(node.channels_in, node.channels, node.kernel, node.stride, node.gain)
    return nn.Conv2d(
        node.channels_in, node.channels, node.kernel, node.stride, padding=node.kernel // 2
    )


class ConvNorm(nn.Module):
    """A convolution and its batch normalisation.

    With `frozen` statistics the normalisation is an affine map, and is folded into the kernel on
    the fly: one convolution, and gradients still reach every parameter. Fine-tuning in the spike
    domain freezes, since the variance of spikes over T timesteps is not that of their mean.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        kernel: int = 3,
        stride: int = 1,
        gain: float = 1.0,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            channels_in, channels_out, kernel, stride, padding=kernel // 2, bias=False
        )
        self.norm = nn.BatchNorm2d(channels_out)
        nn.init.kaiming_normal_(self.conv.weight)
        nn.init.constant_(self.norm.weight, gain)
        self.frozen = False

    def folded(self) -> tuple[Tensor, Tensor]:
        """Return the kernel (C_out, C_in, k, k) and bias (C_out,) that do the work of both.

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
        """Map (N, C_in, H, W) to currents (N, C_out, H / stride, W / stride), rounded up."""
        if not self.frozen:
            return self.norm(self.conv(x))  # type: ignore[no-any-return]
        kernel, bias = self.folded()
        return F.conv2d(x, kernel, bias, self.conv.stride, self.conv.padding)
