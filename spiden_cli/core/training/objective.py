"""What training minimises: the error of the image, and the number of spikes that it took.

A teacher, such as the CNN twin, can stand in for a part of the clean image (Hinton et al. 2015,
arXiv 1503.02531). What no denoiser can know of an image is noise to the gradient; a teacher's
output has none of it.
"""

from collections.abc import Callable
from functools import cache, partial
from typing import NamedTuple

import torch
from torch import Tensor

from spiden_cli.core.network.denoiser import Denoiser
from spiden_cli.core.network.graph import Graph
from spiden_cli.core.noise.training import Batch

_COUNTED = 4
"""One patch in so many is looked at for the spikes of weighted neurons."""


class Objective(NamedTuple):
    """The loss of a batch and its parts, all scalars.

    Attributes:
        loss: what is minimised.
        error: mean absolute error of the image, range [0, 1]; of a teacher's in its share. With the
            loss "psnr", the mean over the patches of the root mean square error.
        firing_rate: spikes per neuron and timestep, averaged as the penalty is.
    """

    loss: Tensor
    error: Tensor
    firing_rate: Tensor


def objective(
    network: Denoiser,
    batch: Batch,
    timesteps: int,
    quantised: bool,
    sparsity_weight: float,
    teacher: Denoiser | None = None,
    teacher_weight: float = 0.0,
    loss: str = "l1",
    sparsity_over: str = "layers",
    forward: Callable[..., Tensor] | None = None,
    mean: Callable[[Tensor], Tensor] = lambda value: value,
) -> Objective:
    """Run a batch through the network and judge it: error + weight * mean firing rate.

    The mean is over the layers, each alike; or, over the "synapses", of each layer in the share of
    the network's multiply-accumulates that its spikes drive: synaptic operations per synapse and
    timestep, which is what energy counts.

    With a teacher, the error is (1 - w) error(output, clean) + w error(output, teacher's output).

    L1 rather than L2, as in the recipes of KAIR (DnCNN, FFDNet, DRUNet): it is less driven by
    the few pixels that no denoiser can restore. "psnr" is for the end of a run: the mean over
    patches of the logarithm of the squared error is what a mean PSNR averages.

    `forward` runs the network, where that isn't to be called itself; `mean` takes the mean of a
    number over the processes that each have a part of the batch.
    """
    measure = partial(_relative, mean=mean) if loss == "psnr" else _l1
    # Without a penalty the rate is only watched: its gradient would cost a sixth of the step.
    rate = torch.mean if sparsity_weight else torch.no_grad()(torch.mean)
    rates: dict[str, Tensor] = {}

    def observe(name: str, spikes: Tensor) -> None:
        if network.config.weighted:  # to count digits takes time: a part of the patches will do
            spikes = spikes[::_COUNTED]
        rates[name] = rate(network.firing_rates(spikes, timesteps)).float()

    denoised = (forward or network)(batch.noisy, batch.sigma, timesteps, quantised, observe)
    error = measure(denoised.float() - batch.clean)
    if teacher is not None:
        with torch.no_grad():
            taught = teacher(batch.noisy, batch.sigma).float()
        error = torch.lerp(error, measure(denoised.float() - taught), teacher_weight)
    height, width = batch.noisy.shape[-2:]
    shares = _shares(network.graph, height, width, sparsity_over)
    firing_rate = torch.stack([shares[name] * value for name, value in rates.items()]).sum()
    return Objective(error + sparsity_weight * firing_rate, error.detach(), firing_rate)


@cache
def _shares(graph: Graph, height: int, width: int, over: str) -> dict[str, float]:
    """Return what share of the mean the spikes into each convolution have; they sum to 1."""
    driven = [node.name for node in graph.spike_convolutions]
    if over == "layers":
        return dict.fromkeys(driven, 1 / len(driven))
    operations = graph.dense_operations(height, width)
    total = sum(operations[name] for name in driven)
    return {name: operations[name] / total for name in driven}


def _l1(difference: Tensor) -> Tensor:
    return difference.abs().mean()


def _relative(difference: Tensor, mean: Callable[[Tensor], Tensor]) -> Tensor:
    """Return the mean over patches (B, C, P, P) of the root mean square error.

    Its gradient is that of their PSNR, half the mean logarithm of the squared errors, times the
    value: as large as that of L1, so that learning rates and penalties hold for both.
    """
    rms = (difference.square().mean((1, 2, 3)) + 1e-8).sqrt()
    value = mean(rms.detach().mean())
    relative = rms.log().mean() * value
    return value + relative - relative.detach()
