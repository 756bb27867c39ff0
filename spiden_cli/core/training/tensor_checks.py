"""The tensors of a checkpoint, checked whole before any of them is used."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["TensorShape", "check_tensors", "unsound"]

_NEVER_NEGATIVE = ("running_var", "num_batches_tracked", "n_averaged", "exp_avg_sq", "step")


class TensorShape(NamedTuple):
    """What a tensor must be: its sides and its type."""

    shape: torch.Size
    dtype: torch.dtype

    @classmethod
    def of(cls, tensor: Tensor) -> "TensorShape":
        """Return that of a tensor."""
        return cls(tensor.shape, tensor.dtype)


def check_tensors(expected: Mapping[str, TensorShape], tensors: Mapping[str, Tensor]) -> None:
    """Check names, shapes, types and values.

    Args:
        expected: what must be there, and nothing else.
        tensors: what is.

    Raises:
        ValueError: something differs, or is no number; the message names one such tensor.
    """
    if missing := sorted(expected.keys() - tensors.keys()):
        raise ValueError(f"{missing[0]} is missing")
    if unknown := sorted(tensors.keys() - expected.keys()):
        raise ValueError(f"{unknown[0]} is none of its parts")
    for name, shape in expected.items():
        if TensorShape.of(tensors[name]) != shape:
            raise ValueError(f"{name} has another shape or type")
    if (found := unsound(tensors)) is not None:
        raise ValueError(f"{found} holds values that no training leaves there")


def unsound(tensors: Mapping[str, Tensor]) -> str | None:
    """Return the name of a tensor that holds infinities, no numbers, or negative squares."""
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            return name
        if name.endswith(_NEVER_NEGATIVE) and (tensor < 0).any():
            return name
    return None
