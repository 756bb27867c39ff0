"""What it took to denoise the planes of a stack, summed up over planes, tiles and workers."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, field
from typing import Any

from spiden_cli.core.engine.activity import Activity, LayerActivity, sum_activities
from spiden_cli.core.files.stacks.layout import Index
from spiden_cli.core.noise.model import Uniform
from spiden_cli.core.tasks.model import Model
from spiden_cli.core.tasks.results import Result
from spiden_cli.core.tasks.stack_reader import Part, Reader
from spiden_cli.core.tasks.stack_result import ChannelNoise, StackResult

__all__ = ["Tally"]

Place = tuple[Index, int]
"""A plane, and which channel of it."""


@dataclass
class Tally:
    """What it took so far.

    Attributes:
        parts: the parts of planes that were looked at.
        blank: those that hold one value alone.
        activity: spikes and synaptic operations by layer.
        seconds: time in the network.
        ran: model, engine and timesteps of the last part; None where nothing ran.
        squares: sum of the squares of what was removed, in 1/255 of the range.
        values: how many values that is of.
        holes: places without a number.
        levels: of each part, where each has its own, in 1/255 of the range.
        said: what the user should know, and of which parts.
    """

    parts: set[Place] = field(default_factory=set)
    blank: set[Place] = field(default_factory=set)
    activity: Activity = field(default_factory=dict)
    seconds: float = 0.0
    ran: tuple[str, str, int] | None = None
    squares: float = 0.0
    values: int = 0
    holes: int = 0
    levels: dict[Place, float] = field(default_factory=dict)
    said: dict[str, set[Place]] = field(default_factory=dict)

    @classmethod
    def of(cls, index: Index, part: Part, done: Result, per_plane: bool) -> "Tally":
        """Return what one part of a plane took, or a tile of it.

        Args:
            index: the plane.
            part: what of it.
            done: what became of it.
            per_plane: whether its level was estimated from it alone.
        """
        place, pixels, values = (index, part.key), done.image.pixels, done.image.values
        level = done.noise.sigma if isinstance(done.noise, Uniform) else None
        holes = None if values is None else values.holes
        return cls(
            parts={place},
            activity=done.activity,
            seconds=done.seconds,
            ran=(done.model, done.engine, done.timesteps),
            squares=done.removed**2 * pixels.size,
            values=pixels.size,
            holes=0 if holes is None else int(holes.sum()),
            levels={place: level} if per_plane and level is not None else {},
            said={note: {place} for note in done.notes},
        )

    @classmethod
    def of_blank(cls, index: Index, part: Part) -> "Tally":
        """Return that of a part of a plane that holds one value alone, and stays as it is."""
        place = (index, part.key)
        return cls(parts={place}, blank={place})

    def merge(self, other: "Tally") -> None:
        """Take up what another one has."""
        self.parts |= other.parts
        self.blank |= other.blank
        self.activity = sum_activities([self.activity, other.activity])
        self.seconds += other.seconds
        self.ran = other.ran or self.ran
        self.squares += other.squares
        self.values += other.values
        self.holes += other.holes
        self.levels |= other.levels
        for note, places in other.said.items():
            self.said.setdefault(note, set()).update(places)

    def told(self) -> dict[str, Any]:
        """Return it in what JSON knows; see `from_told`."""
        return {
            "parts": _listed(self.parts), "blank": _listed(self.blank),
            "activity": {layer: list(astuple(one)) for layer, one in self.activity.items()},
            "seconds": self.seconds, "ran": self.ran, "squares": self.squares,
            "values": self.values, "holes": self.holes,
            "levels": [[*place, level] for place, level in self.levels.items()],
            "said": {note: _listed(places) for note, places in self.said.items()},
        }  # fmt: skip

    @classmethod
    def from_told(cls, told: dict[str, Any]) -> "Tally":
        """Return what `told` told of."""
        ran = told["ran"]
        return cls(
            _places(told["parts"]), _places(told["blank"]),
            {layer: LayerActivity(*one) for layer, one in told["activity"].items()},
            told["seconds"], None if ran is None else (ran[0], ran[1], ran[2]),
            told["squares"], told["values"], told["holes"],
            {(tuple(index), key): level for index, key, level in told["levels"]},
            {note: _places(places) for note, places in told["said"].items()},
        )  # fmt: skip

    def result(self, model: Model, reader: Reader, channels: Sequence[ChannelNoise]) -> StackResult:
        """Return what it all took, once the last plane is done."""
        if self.ran is None:  # not one plane needed a network
            loaded = model.loaded(False)
            steps = reader.settings.timesteps or loaded.info.timesteps[0]
            self.ran = loaded.name, loaded.engine.name, steps
        name, engine, timesteps = self.ran
        levels: dict[int, list[float]] = {}
        for (_, key), level in sorted(self.levels.items()):
            levels.setdefault(key, []).append(level)
        return StackResult(
            reader.layout, channels=tuple(channels), activity=self.activity,
            removed=math.sqrt(self.squares / self.values) if self.values else 0.0,
            averaged=reader.frames, levels=levels, notes=tuple(self._notes()), model=name,
            engine=engine, timesteps=timesteps, seconds=self.seconds,
        )  # fmt: skip

    def _notes(self) -> Iterator[str]:
        if self.holes:
            yield f"{self.holes} places that hold no number (NaN, infinity) stay as they are"
        if self.blank:
            yield f"{len(self.blank)} planes hold one value alone, and stay as they are"
        shown = len(self.parts) - len(self.blank)
        for note, places in self.said.items():
            some = len(places) < shown
            yield f"{len(places)} of {len(self.parts)} planes: {note}" if some else note


def _listed(places: set[Place]) -> list[Any]:
    return [[list(index), key] for index, key in sorted(places)]


def _places(listed: list[Any]) -> set[Place]:
    return {(tuple(index), key) for index, key in listed}
