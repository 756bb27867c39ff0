"""What a run tells of itself after each step."""

from dataclasses import dataclass

from spiden_cli.core.training.validation import Validation


@dataclass(frozen=True)
class Progress:
    """Where a run is, after one step.

    Attributes:
        step: steps done.
        steps: steps in all.
        loss: what was minimised, smoothed over about 50 steps.
        firing_rate: spikes per neuron and timestep, likewise.
        learning_rate: of this step.
        images_per_second: patches per second of this call.
        seconds: time spent on the run, over all calls.
        seconds_left: until the run ends, at this speed.
        validation: what the last validation found; None before the first.
        validated: whether that validation came with this step.
    """

    step: int
    steps: int
    loss: float
    firing_rate: float
    learning_rate: float
    images_per_second: float
    seconds: float
    seconds_left: float
    validation: Validation | None
    validated: bool
