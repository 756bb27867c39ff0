"""The learning rate of each step: linear warm-up, then a cosine down to zero."""

import math

from spiden_cli.core.training.config import TrainingConfig


def learning_rate(step: int, config: TrainingConfig) -> float:
    """Return the learning rate of a step, counted from 0 (Loshchilov and Hutter 2017, 1608.03983).

    Args:
        step: 0 <= step < config.steps.
        config: peak, warm-up and length of the run.
    """
    if step < config.warmup:
        return config.learning_rate * (step + 1) / config.warmup
    fraction = (step - config.warmup) / max(1, config.steps - config.warmup)
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * fraction))
