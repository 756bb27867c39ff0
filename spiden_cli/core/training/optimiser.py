"""What turns gradients into steps: Adam, or Muon for the kernels and Adam for the rest."""

from collections import defaultdict
from collections.abc import Callable, Collection
from typing import Any

import torch
from torch import Tensor, nn

from spiden_cli.core.network.denoiser import Denoiser

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # coefficients of Jordan 2024, steepest at zero


def make_optimiser(network: Denoiser, name: str, learning_rate: float) -> torch.optim.Optimizer:
    """Return the optimiser of that name, "adam" or "muon", for all parameters of a network.

    Muon takes the kernels between inner layers; encoder and read-out, which face few channels of
    an image, thresholds, and normalisation stay with Adam, as its author advises.
    """
    *inner, _ = network.graph.spike_convolutions
    return optimiser_for(
        network, {f"{node.name}.conv.weight" for node in inner}, name, learning_rate
    )


def optimiser_for(
    network: nn.Module, inner: Collection[str], name: str, learning_rate: float
) -> torch.optim.Optimizer:
    """Return the optimiser of that name, "adam" or "muon", for all parameters of any network.

    Args:
        network: what learns.
        inner: names of the kernels that Muon takes.
        name: of the optimiser.
        learning_rate: of all parameters.
    """
    if name == "adam":
        return torch.optim.Adam(network.parameters(), lr=learning_rate)
    kernels: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for parameter_name, parameter in network.named_parameters():
        (kernels if parameter_name in inner else others).append(parameter)
    return MuonAndAdam(kernels, others, learning_rate)


def state_shapes(optimiser: torch.optim.Optimizer) -> list[dict[str, torch.Size]]:
    """Return what an optimiser keeps of each parameter once that has moved: shapes by name."""
    kernels = {id(kernel) for kernel in getattr(optimiser, "kernels", ())}

    def kept(parameter: Tensor) -> dict[str, torch.Size]:
        moments = ("momentum",) if id(parameter) in kernels else ("exp_avg", "exp_avg_sq")
        return {"step": torch.Size(), **dict.fromkeys(moments, parameter.shape)}

    return [kept(p) for group in optimiser.param_groups for p in group["params"]]


class MuonAndAdam(torch.optim.Adam):
    """Muon (Jordan et al. 2024, kellerjordan.github.io/posts/muon) for kernels, Adam beside it.

    Muon replaces the momentum of a kernel, as a matrix (C_out, 9 C_in), by the nearest matrix
    whose singular values are all about one: each direction learns at the same speed, not only the
    few that dominate the gradient. Its steps are scaled to the size of Adam's (Liu et al. 2025,
    arXiv 2502.16982, section 2.2), so that one learning rate serves both. torch.optim.Muon has no
    room for four-dimensional kernels.

    Args:
        kernels: parameters (C_out, C_in, kh, kw) that Muon moves.
        others: parameters that Adam moves.
        learning_rate: of both.
        momentum: of Muon, Nesterov's.
    """

    def __init__(
        self,
        kernels: list[nn.Parameter],
        others: list[nn.Parameter],
        learning_rate: float,
        momentum: float = 0.95,
    ) -> None:
        super().__init__([*others, *kernels], lr=learning_rate)
        self.kernels, self.momentum = kernels, momentum

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Move every parameter that has a gradient."""
        assert closure is None
        gradients = [kernel.grad for kernel in self.kernels]
        for kernel in self.kernels:
            kernel.grad = None  # Adam passes over what has none
        super().step()
        for kernel, gradient in zip(self.kernels, gradients, strict=True):
            kernel.grad = gradient
        self._move([kernel for kernel in self.kernels if kernel.grad is not None])

    def _move(self, kernels: list[nn.Parameter]) -> None:
        """Move kernels, those of one shape together: many small products fill no GPU."""
        alike: dict[torch.Size, list[nn.Parameter]] = defaultdict(list)
        for kernel in kernels:
            alike[kernel.flatten(1).shape].append(kernel)
        learning_rate: float = self.param_groups[0]["lr"]
        for shape, group in alike.items():
            ahead = torch.stack([self._gradient_ahead(kernel).flatten(1) for kernel in group])
            size = 0.2 * max(shape) ** 0.5
            for kernel, step in zip(group, orthogonalised(ahead), strict=True):
                kernel.sub_(step.view(kernel.shape), alpha=learning_rate * size)

    def _gradient_ahead(self, kernel: nn.Parameter) -> Tensor:
        """Return a kernel's gradient with Nesterov's momentum."""
        assert kernel.grad is not None
        state: dict[str, Any] = self.state[kernel]
        if not state:
            state["step"] = torch.tensor(0.0)  # Adam expects it when a run is resumed
            state["momentum"] = torch.zeros_like(kernel)
        state["step"] += 1
        average: Tensor = state["momentum"].mul_(self.momentum).add_(kernel.grad)
        return kernel.grad + self.momentum * average


def orthogonalised(matrices: Tensor, iterations: int = 5) -> Tensor:
    """Return U V^T of each matrix U S V^T, roughly: singular values end between 0.7 and 1.2.

    A Newton-Schulz iteration with a quintic polynomial, X <- a X + (b A + c A^2) X with A = X X^T.

    Args:
        matrices: (..., M, N); the result has their shape and number format.
        iterations: how often the polynomial is applied.
    """
    a, b, c = NEWTON_SCHULZ
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if tall else matrices
    # bfloat16 will do, and is faster on a GPU; most CPUs only emulate it, ten times as slowly.
    x = (x.bfloat16() if x.is_cuda else x.float()) / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(iterations):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    result: Tensor = x.mT if tall else x
    return result.to(matrices.dtype)
