"""What a model is, and what it gives back."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from spiden_cli.core.engine.activity import Activity
from spiden_cli.core.engine.engine import Engine
from spiden_cli.core.engine.firing import FiringMap
from spiden_cli.core.network.folding import FoldedNetwork
from spiden_cli.core.noise.defects import Repairs
from spiden_cli.core.noise.model import Noise
from spiden_cli.core.tasks.adjustment import Adjustment
from spiden_cli.core.tasks.recognition import Estimate
from spiden_cli.core.weights import WeightsInfo

__all__ = ["Batch", "Choice", "Loaded", "Result"]


@dataclass(frozen=True, eq=False)
class Result:
    """A denoised image, and what it took.

    Attributes:
        image: of the kind, shape and type that was given.
        noise: what the image was taken to hold: as it was given, or as it was estimated.
        activity: spikes and synaptic operations by layer; empty for a CNN, and where the strength
            is 0 and no network runs.
        notes: what the user should know, a sentence each: why little or nothing was removed and
            what to try, or what the model was not trained for.
        estimate: what was found of the noise, in words by `str`; None where it was given.
        adjustment: what the user changed of it.
        repairs: what was repaired of a detector's faults, in words by `str`.
        removed: root mean square of what was removed, in 8-bit units.
        firing_map: where in the image the neurons fired; None for a CNN, and where it was not asked
            for.
        model: the name of the model that ran, or its file.
        engine: the name of the engine that ran it.
        timesteps: T.
        seconds: time in the network.
        channels: of each colour, where they were denoised apart; the noise, estimate and level
            above are then those of the first.
    """

    image: Any
    noise: Noise
    activity: Activity
    notes: tuple[str, ...]
    estimate: Estimate | None
    adjustment: Adjustment
    repairs: Repairs
    removed: float
    firing_map: FiringMap | None
    model: str
    engine: str
    timesteps: int
    seconds: float
    channels: "tuple[Result, ...]" = ()

    @property
    def estimated(self) -> bool:
        """Whether the noise was estimated."""
        return self.estimate is not None


class Batch(NamedTuple):
    """Denoised images.

    Attributes:
        images: an array, a tensor or a list, as it was given.
        results: what was found of each.
    """

    images: Any
    results: tuple[Result, ...]


class Loaded(NamedTuple):
    """Weights that are ready to run.

    Attributes:
        name: of the model, or its file.
        engine: runs them.
        info: what their file says of itself.
        note: why it is that engine, if the user should know.
        network: what the engine runs.
    """

    name: str
    engine: Engine
    info: WeightsInfo
    note: str | None
    network: FoldedNetwork


class Choice(NamedTuple):
    """What a picture is denoised with.

    Attributes:
        loaded: the weights.
        noise: what they are told that the picture holds.
        estimate: what was found of the noise; None where it was given.
    """

    loaded: Loaded
    noise: Noise
    estimate: Estimate | None
