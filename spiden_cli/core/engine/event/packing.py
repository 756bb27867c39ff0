"""A folded network as the arrays that the kernels read, in float32 or in int16."""

import numpy as np
import torch
from torch import Tensor, nn

from spiden_cli.core.engine.event.kernels import LARGEST, Array, Packed
from spiden_cli.core.engine.event.vectors import READOUT_BYTES, VECTOR_BYTES, WORD
from spiden_cli.core.network.denoiser import Denoiser
from spiden_cli.core.network.folding import fold
from spiden_cli.core.neuron.layer import IFLayer, LIFLayer
from spiden_cli.errors import InputError

_LARGEST_THRESHOLD = 4096  # so that a potential has room for eight of them


def pack(network: Denoiser, dtype: type[np.float32] | type[np.int16]) -> Packed:
    """Arrange a spiking network for the kernels.

    Args:
        network: batch normalisation folded or not; it stays as it is.
        dtype: of weights, currents and potentials. In int16 each channel's unit is chosen such
            that no sum of weights can leave the range.

    Raises:
        InputError: LIF neurons in int16, whose leak would be rounded away.
    """
    folded = fold(network)
    config, whole = folded.config, dtype is np.int16
    layers = [module for module in folded.modules() if isinstance(module, IFLayer)]
    if whole and isinstance(layers[0], LIFLayer):
        raise InputError("int16 weights are for IF neurons: run LIF neurons in float32")
    convolutions = [conv for _, conv in folded.spike_driven()][:-1]
    inner = [conv for conv in convolutions if isinstance(conv, nn.Conv2d)]
    thresholds = torch.cat([layer.threshold.view(-1, config.width) for layer in layers])
    initial = thresholds * torch.cat(
        [layer.initial_potential.view(-1, config.width) for layer in layers]
    )
    leaks = torch.cat([_leak(layer).view(-1, config.width) for layer in layers])
    shortcut = torch.tensor([config.shortcuts and k % 2 == 0 for k in range(len(layers))])
    # Rows of the arrays above: each layer once for each rank of its population.
    of_row = torch.arange(len(layers)).repeat_interleave(
        torch.tensor([layer.population for layer in layers])
    )
    units = torch.ones(len(layers), config.width)
    if whole:
        largest = torch.stack([thresholds[of_row == k].amax(0) for k in range(len(layers))])
        units = _units(inner, largest, config.shortcuts)

    lanes = VECTOR_BYTES // np.dtype(dtype).itemsize
    padding = -config.width % lanes

    def by_channel(values: Tensor, filling: float = 0.0) -> Tensor:
        return nn.functional.pad(values.round() if whole else values, (0, padding), value=filling)

    def packed(values: Tensor) -> Array:
        return _aligned(values.detach().contiguous().numpy().astype(dtype))

    bias = by_channel(torch.stack([torch.zeros(config.width), *map(_bias, inner)]) * units)
    unit = units[of_row]
    never = float(LARGEST) if whole else torch.inf  # the threshold of padding
    neurons = (
        torch.where(shortcut[of_row, None], 0, bias[of_row]),
        by_channel(thresholds * unit, never),
        by_channel(initial * unit),
        by_channel(leaks, 1.0),
    )
    kernels = torch.stack(
        [_rows(_by_rank(conv.weight * unit[:, None, None, None], config.width), lanes)
         for conv, unit in zip(inner, units[1:], strict=True)]
    )  # fmt: skip
    first = folded.encoder
    assert isinstance(first, nn.Conv2d)
    return Packed(
        encoder=_aligned(_encoder(first.weight * units[0, :, None, None, None], padding).numpy()),
        encoder_bias=nn.functional.pad(_bias(first) * units[0], (0, padding)).numpy(),
        weights=packed(kernels.round().flatten() if whole else kernels.flatten()),
        bias=packed(bias),
        neurons=packed(torch.stack(neurons, 1)),
        shortcut=shortcut.numpy(),
        readout=_aligned(_readout(folded.readout.weight.detach(), config.width).numpy()),
    )


def _bias(conv: nn.Conv2d) -> Tensor:
    assert conv.bias is not None
    return conv.bias.detach()


def _leak(layer: IFLayer) -> Tensor:
    leak = layer.leak if isinstance(layer, LIFLayer) else torch.ones_like(layer.threshold)
    return leak.detach()


def _units(convolutions: list[nn.Conv2d], thresholds: Tensor, shortcuts: bool) -> Tensor:
    """Return what 1 becomes in int16, by layer and channel; (K, C)."""
    units = _LARGEST_THRESHOLD / thresholds
    for layer, conv in enumerate(convolutions, start=1):
        largest = conv.weight.abs().sum((1, 2, 3)) + _bias(conv).abs()
        rounding = conv.weight[0].numel() / 2 + 1
        units[layer] = torch.minimum(units[layer], (float(LARGEST) - rounding) / largest)
    if shortcuts:  # one unit along the shortcuts
        units[::2] = units[::2].amin(0)
    return units


def _encoder(kernel: Tensor, padding: int) -> Tensor:
    """Arrange the first kernel (C, C_in, 3, 3): vector, kh, kw, c_in, lane; flat."""
    lanes = VECTOR_BYTES // 4
    padded = nn.functional.pad(kernel, (0, 0, 0, 0, 0, 0, 0, padding))
    split = padded.view(-1, lanes, *padded.shape[1:])  # vector, lane, c_in, kh, kw
    return split.permute(0, 3, 4, 2, 1).flatten()


def _rows(kernel: Tensor, lanes: int) -> Tensor:
    """Arrange a kernel (C_out, C_in, 3, 3) as rows: vector, kh, c_in, 2 - kw, lane; padded."""
    out = len(kernel)
    padded = nn.functional.pad(kernel.detach().flip(3), (0, 0, 0, 0, 0, 0, 0, -out % lanes))
    split = padded.view(-1, lanes, *padded.shape[1:])  # vector, lane, c_in, kh, 2 - kw
    return split.permute(0, 3, 2, 4, 1).contiguous()


def _by_rank(kernel: Tensor, width: int) -> Tensor:
    """Pad the input channels of a kernel, so that each rank of a population fills whole words."""
    ranks = kernel.view(len(kernel), -1, width, 3, 3)  # out, rank, c_in, kh, kw
    return nn.functional.pad(ranks, (0, 0, 0, 0, 0, -width % WORD)).flatten(1, 2)


def _readout(kernel: Tensor, width: int) -> Tensor:
    """Arrange the read-out's kernel: kernel rows and outputs side by side in a vector; flat."""
    padded = _by_rank(kernel, width)
    stacked = padded.permute(2, 0, 1, 3).flatten(0, 1)[:, :, None]  # kh * out, c_in, 1, kw
    return _rows(stacked, READOUT_BYTES // 4).flatten()


def _aligned(values: Array) -> Array:
    """Copy to memory that starts at a cache line, so that no row of weights touches one more."""
    line = 64
    memory = np.empty(values.nbytes + line, np.uint8)
    start = -memory.ctypes.data % line
    aligned: Array = memory[start : start + values.nbytes].view(values.dtype)
    aligned = aligned.reshape(values.shape)
    aligned[...] = values
    return aligned
