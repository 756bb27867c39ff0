"""The moving average of the weights: what is measured, and saved."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Update = Callable[[Sequence[Tensor], Sequence[Tensor], Tensor | int], None]


def moving_average(decay: float) -> Update:
    """Return the update of an exponential moving average, as `AveragedModel` calls it.

    After n updates the decay is at most (1 + n) / (10 + n), as in TensorFlow's average, so that
    the average of a young run is not that of weights it has long left.

    Args:
        decay: of the average, once the run is old enough.
    """

    @torch.no_grad()
    def update(average: Sequence[Tensor], current: Sequence[Tensor], updates: Tensor | int) -> None:
        now = min(decay, (1 + int(updates)) / (10 + int(updates)))
        for mean, value in zip(average, current, strict=True):
            if mean.is_floating_point():
                mean.lerp_(value.to(mean), 1 - now)
            else:
                mean.copy_(value)

    return update
