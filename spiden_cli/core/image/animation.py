"""An animation in memory: pictures that are shown one after the other, and for how long each."""

from dataclasses import dataclass
from fractions import Fraction

from spiden_cli.core.image.picture import Picture

__all__ = ["Animation"]


@dataclass(frozen=True, eq=False)  # arrays have no single truth of equality
class Animation:
    """Frames as they are seen, one after the other.

    Attributes:
        frames: whole pictures of one size and kind, each as a viewer composes it. What is said
            about the animation is said by the first.
        durations: how long each is shown, in seconds; 0 leaves it to the viewer.
        plays: how often all of it is shown; 0: for ever.

    Raises:
        ValueError: there is no frame, or the frames differ in size or kind, or in number from the
            durations.
    """

    frames: tuple[Picture, ...]
    durations: tuple[Fraction, ...]
    plays: int = 0

    def __post_init__(self) -> None:
        kinds = {(f.pixels.shape, f.pixels.dtype, f.alpha is None) for f in self.frames}
        if len(kinds) != 1:
            raise ValueError("an animation needs frames, all of one size and kind")
        if len(self.durations) != len(self.frames):
            raise ValueError(f"{len(self.frames)} frames, but {len(self.durations)} durations")

    @property
    def seconds(self) -> Fraction:
        """How long it takes to be shown once."""
        return sum(self.durations, Fraction())
