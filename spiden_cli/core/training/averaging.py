"""The moving average of the weights: what is measured, and saved."""

from collections.abc import Callable, Sequence

from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

Update = Callable[[Sequence[Tensor], Sequence[Tensor], Tensor | int], None]


def moving_average(decay: float) -> Update:
    """Return the update of an exponential moving average, as `AveragedModel` calls it.

    After n updates the decay is at most (1 + n) / (10 + n), as in TensorFlow's average, so that
    the average of a young run is not that of weights it has long left.

    Args:
        decay: of the average, once the run is old enough.
    """

    def update(average: Sequence[Tensor], current: Sequence[Tensor], updates: Tensor | int) -> None:
        count = int(updates)
        now = min(decay, (1 + count) / (10 + count))
        get_ema_multi_avg_fn(now)(average, current, count)  # type: ignore[no-untyped-call]

    return update
