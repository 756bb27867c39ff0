"""How a stack is denoised, and what came of it."""

from dataclasses import dataclass, field
from typing import Any

from spiden_cli.core.engine.activity import Activity
from spiden_cli.core.files.stacks.layout import Layout
from spiden_cli.core.image.picture import Range
from spiden_cli.core.noise.model import Noise, PoissonGaussian, Uniform
from spiden_cli.core.tasks.adjustment import UNADJUSTED, Adjustment
from spiden_cli.core.tasks.recognition import Estimate

__all__ = ["ChannelNoise", "StackResult", "StackSettings"]


@dataclass(frozen=True)
class StackSettings:
    """How a stack is denoised.

    Attributes:
        noise: of each plane; a number is a level in 1/255 from black to white; None to estimate it.
        timesteps: T; None: what the model was trained for.
        white: the value of white, above a black of 0; None: measured.
        adjustment: how strongly to denoise.
        independent: take the samples of colour planes for channels of their own.
        per_plane: estimate a level for each plane, not for each channel.
        average: take the mean over T first, since the frames show the same.
        repair: in photon counts, replace stuck pixels, and take off offsets of rows and columns.
    """

    noise: Noise | float | None = None
    timesteps: int | None = None
    white: float | None = None
    adjustment: Adjustment = UNADJUSTED
    independent: bool = False
    per_plane: bool = False
    average: bool = False
    repair: bool = True


@dataclass(frozen=True)
class ChannelNoise:
    """What a channel's planes were taken to hold.

    Attributes:
        channel: its number along C, or of the sample of a colour, from 0.
        extent: black and white, in the file's units.
        noise: its kind and level; the median one where each plane has its own; None where no plane
            needed any.
        estimate: what was found; None where it was given.
    """

    channel: int
    extent: Range
    noise: Noise | None
    estimate: Estimate | None

    @property
    def sigma(self) -> float | None:
        """The level in 1/255 of the range; None where it differs from pixel to pixel."""
        return self.noise.sigma if isinstance(self.noise, Uniform) else None

    @property
    def sigma_in_units(self) -> float | None:
        """The level in the file's own units."""
        return None if self.sigma is None else self.in_units(self.sigma)

    @property
    def counts(self) -> PoissonGaussian | None:
        """Gain, offset and read noise of photon counts, in the file's own units, if it is these."""
        return self.noise if isinstance(self.noise, PoissonGaussian) else None

    def in_units(self, sigma: float) -> float:
        """Return a level in 1/255 of the range in the file's own units."""
        return sigma * self.extent.span / 255


@dataclass(eq=False)
class StackResult:
    """A denoised stack, and what it took.

    Attributes:
        layout: of the result.
        image: the result, where an array was given; None where planes were written.
        channels: what was found, channel by channel.
        activity: spikes and synaptic operations by layer, of all planes.
        removed: root mean square of what was removed, in 1/255 of the range.
        averaged: frames that each plane is the mean of; 1 without averaging.
        levels: of each channel's planes in order, in 1/255 of the range, where each has its own.
        notes: what the user should know, a sentence each.
        model: the name of the model that ran, or its file.
        engine: the name of the engine.
        timesteps: T.
        seconds: time in the network.
    """

    layout: Layout
    image: Any = None
    channels: tuple[ChannelNoise, ...] = ()
    activity: Activity = field(default_factory=dict)
    removed: float = 0.0
    averaged: int = 1
    levels: dict[int, list[float]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    model: str = ""
    engine: str = ""
    timesteps: int = 0
    seconds: float = 0.0
