r"""Surrogate gradients: what stands in for the derivative of a spike.

A spike is s = H(V - theta), and H has no useful derivative. In the backward pass it is replaced by

    ds/dV = h(x) / theta        with  x = (V - theta) / theta

where h is one of the bumps below. Each has unit area, as the derivative of a step of height one
must, and is scaled by the threshold, so that a layer's gradient does not depend on the unit in
which its membrane potential is measured.

    rectangular    h(x) = 1 if |x| <= 1/2 else 0      (Wu et al. 2018, arXiv 1706.02609)
    triangular     h(x) = max(0, 1 - |x|)             (Bellec et al. 2018, arXiv 1803.09574)
    arctan         h(x) = 1 / (1 + (pi x)^2)          (Fang et al. 2021, arXiv 2007.05785)
    fast_sigmoid   h(x) = 1 / (1 + 2 |x|)^2           (Zenke and Ganguli 2018, arXiv 1705.11146)
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from spiden_cli.errors import InputError

Surrogate = Callable[[Tensor], Tensor]


def rectangular(x: Tensor) -> Tensor:
    """One within half a threshold of the threshold, zero elsewhere; of the shape of `x`."""
    return (x.abs() <= 0.5).to(x.dtype)


def triangular(x: Tensor) -> Tensor:
    """A hat that falls to zero one threshold away; of the shape of `x`."""
    return (1 - x.abs()).clamp_min(0)


def arctan(x: Tensor) -> Tensor:
    """Derivative of the arc tangent, of the shape of `x`: silent neurons still learn."""
    return 1 / (1 + (math.pi * x).square())


def fast_sigmoid(x: Tensor) -> Tensor:
    """Derivative of the fast sigmoid, x / (1 + 2 abs(x)); of the shape of `x`."""
    return 1 / (1 + 2 * x.abs()).square()


SURROGATES: dict[str, Surrogate] = {
    "rectangular": rectangular,
    "triangular": triangular,
    "arctan": arctan,
    "fast_sigmoid": fast_sigmoid,
}


def surrogate_named(name: str) -> Surrogate:
    """Return the surrogate of that name.

    Raises:
        InputError: there is none of that name; the message lists those that exist.
    """
    try:
        return SURROGATES[name]
    except KeyError:
        names = ", ".join(SURROGATES)
        raise InputError(f"unknown surrogate gradient {name!r}: choose one of {names}") from None


class _Spike(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, potential: Tensor, threshold: Tensor, surrogate: Surrogate) -> Tensor:  # noqa: ANN401
        ctx.save_for_backward(potential, threshold)
        ctx.surrogate = surrogate
        return (potential >= threshold).to(potential.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None]:  # noqa: ANN401
        potential, threshold = ctx.saved_tensors
        distance = (potential - threshold) / threshold
        to_potential = grads[0] * ctx.surrogate(distance) / threshold
        return to_potential, (-to_potential).sum_to_size(threshold.shape), None


def spike(potential: Tensor, threshold: Tensor, surrogate: Surrogate) -> Tensor:
    """Fire where the membrane potential has reached the threshold.

    Args:
        potential: membrane potential V, any shape.
        threshold: theta > 0, broadcastable to `potential`.
        surrogate: h(x), the stand-in for the derivative.

    Returns:
        1 where V >= theta (V = theta fires), else 0; shape and dtype of `potential`.
    """
    return _Spike.apply(potential, threshold, surrogate)  # type: ignore[no-any-return,no-untyped-call]
