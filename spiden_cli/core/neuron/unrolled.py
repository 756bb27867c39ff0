r"""T timesteps of IF neurons as one differentiable operation: what training runs.

It computes what `if_step` computes, step by step and bit for bit, and its gradient is that of
backpropagation through time. Autograd over the steps takes more passes over memory for the same;
this works in place, and keeps for each neuron and step whether it fired, and the surrogate's value:
with the rectangular one, a byte each. With g_s[t], g_V[t]
the gradients of a spike and of the potential that a step leaves behind,

    e[t]     = (g_s[t] - theta g_V[t]) h((V'[t] - theta) / theta) / theta    through the spike
    g_V[t-1] = g_I[t] = g_V[t] + e[t]
    g_theta  = phi g_V[0] - sum_t (e[t] + g_V[t] s[t])
    g_phi    = theta g_V[0]

where the second term of e is the soft reset's share, and h the surrogate.
"""

from typing import Any

import torch
from torch import Tensor

from spiden_cli.core.neuron.integrate_and_fire import IFParameters
from spiden_cli.core.neuron.surrogate import Surrogate, rectangular


class _Unrolled(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401
        current: Tensor,
        threshold: Tensor,
        initial: float | Tensor,
        surrogate: Surrogate,
        timesteps: int,
    ) -> Tensor:
        dtype = torch.promote_types(current.dtype, threshold.dtype)
        learning = any(ctx.needs_input_grad)
        spikes = torch.empty_like(current, dtype=dtype)
        bumps = torch.empty_like(current, dtype=torch.bool if surrogate is rectangular else dtype)
        potential = initial * threshold * torch.ones_like(spikes.chunk(timesteps)[0])
        for now, fired, bump in zip(
            current.chunk(timesteps), spikes.chunk(timesteps), bumps.chunk(timesteps), strict=True
        ):
            potential.add_(now)
            torch.ge(potential, threshold, out=fired)
            if learning:
                bump.copy_(surrogate((potential - threshold).div_(threshold)))
            potential.addcmul_(threshold, fired, value=-1)
        if learning:
            ctx.save_for_backward(
                spikes.bool(), bumps, threshold, torch.as_tensor(initial, dtype=threshold.dtype)
            )
        ctx.constants = timesteps, current.dtype, dtype
        return spikes

    @staticmethod
    def backward(
        ctx: Any,  # noqa: ANN401
        *grads: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor | None, None, None]:
        spikes, bumps, threshold, initial = ctx.saved_tensors
        timesteps, current_dtype, dtype = ctx.constants
        to_current = torch.empty_like(spikes, dtype=current_dtype)
        to_threshold = torch.zeros_like(threshold)
        to_left = torch.zeros_like(spikes.chunk(timesteps)[0], dtype=dtype)
        for to_spikes, fired, bump, to_now in zip(
            reversed(grads[0].chunk(timesteps)),
            reversed(spikes.chunk(timesteps)),
            reversed(bumps.chunk(timesteps)),
            reversed(to_current.chunk(timesteps)),
            strict=True,
        ):
            through = torch.addcmul(to_spikes, threshold, to_left, value=-1)
            through.mul_(bump).div_(threshold)
            both = (to_left * fired).add_(through)
            to_threshold -= both.sum_to_size(threshold.shape)
            to_left.add_(through)
            to_now.copy_(to_left)
        to_start = to_left.sum_to_size(threshold.shape)
        to_threshold += initial * to_start
        learnt = ctx.needs_input_grad[2]
        return to_current, to_threshold, threshold * to_start if learnt else None, None, None


def unrolled(current: Tensor, p: IFParameters, timesteps: int) -> Tensor:
    """Turn T timesteps of current into spikes.

    Args:
        current: (T * B, ...), timestep by timestep.
        p: threshold, broadcastable to (B, ...); initial potential; surrogate.
        timesteps: T.

    Returns:
        Spikes in {0, 1}, of the shape of `current`.
    """
    spikes: Tensor = _Unrolled.apply(  # type: ignore[no-untyped-call]
        current, p.threshold, p.initial, p.surrogate, timesteps
    )
    return spikes
