"""What training minimises: the error of the image, and the number of spikes that it took.

A teacher, such as the CNN twin, can stand in for a part of the clean image (Hinton et al. 2015,
arXiv 1503.02531). What no denoiser can know of an image is noise to the gradient; a teacher's
output has none of it.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from spiden_cli.core.network.denoiser import Denoiser
from spiden_cli.core.noise.training import Batch


class Objective(NamedTuple):
    """The loss of a batch and its parts, all scalars.

    Attributes:
        loss: what is minimised.
        error: mean absolute error of the image, range [0, 1]; of a teacher's in its share.
        firing_rate: spikes per neuron and timestep, averaged over the layers.
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
) -> Objective:
    """Run a batch through the network and judge it: L1 error + weight * mean firing rate.

    With a teacher, the error is (1 - w) L1(output, clean) + w L1(output, teacher's output).

    L1 rather than L2, as in the recipes of KAIR (DnCNN, FFDNet, DRUNet): it is less driven by
    the few pixels that no denoiser can restore.
    """
    # Without a penalty the rate is only watched: its gradient would cost a sixth of the step.
    rate = torch.mean if sparsity_weight else torch.no_grad()(torch.mean)
    rates: list[Tensor] = []
    denoised = network(
        batch.noisy, batch.sigma, timesteps, quantised,
        observe=lambda _, spikes: rates.append(rate(spikes)),
    )  # fmt: skip
    error = (denoised.float() - batch.clean).abs().mean()
    if teacher is not None:
        with torch.no_grad():
            taught = teacher(batch.noisy, batch.sigma).float()
        error = torch.lerp(error, (denoised.float() - taught).abs().mean(), teacher_weight)
    firing_rate = torch.stack([value.float() for value in rates]).mean()
    return Objective(error + sparsity_weight * firing_rate, error.detach(), firing_rate)
