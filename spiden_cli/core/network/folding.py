"""The network as it is deployed: no batch normalisation, one kernel and bias per layer."""

import copy

from torch import nn

from spiden_cli.core.network.denoiser import Denoiser


def fold(network: Denoiser) -> Denoiser:
    """Return a copy whose batch normalisations are part of the convolutions.

    The copy is in evaluation mode and gives the output of `network.eval()` up to the rounding of
    float32. Spikes are {0, 1} in both: a threshold scales no spike, the kernels carry it all.
    """
    folded = copy.deepcopy(network).eval()
    for name, layer in list(folded.conv_norms()):
        kernel, bias = layer.folded()
        conv = nn.Conv2d(kernel.shape[1], kernel.shape[0], kernel.shape[2], padding=1)
        conv.weight.data, conv.bias.data = kernel.detach(), bias.detach()  # type: ignore[union-attr]
        folded.set_submodule(name, conv)
    return folded.requires_grad_(False)
