"""Which model is tried on which pictures: one that is named on all, the default by their kind."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from spiden_cli.core.data.samples import Sample
from spiden_cli.core.tasks.loading import AUTO
from spiden_cli.core.tasks.model import Model
from spiden_cli.core.tasks.results import Loaded


class Subject(NamedTuple):
    """A model, and the pictures of a set that it is tried on."""

    model: Loaded
    samples: Sequence[Sample]

    @property
    def spiking(self) -> bool:
        """Whether the model is a spiking network, not a CNN."""
        return self.model.engine.config.spiking

    def timesteps(self, wanted: Sequence[int] | None) -> Sequence[int]:
        """Return the numbers of timesteps to try: those wanted, or its own; of a CNN, one."""
        if not self.spiking:
            return (1,)
        return wanted or self.model.info.timesteps[:1]


def subjects(models: Iterable[Model], samples: Sequence[Sample]) -> list[Subject]:
    """Pair models with pictures, as `Model.denoise` would choose for each of them.

    The headers of all pictures are read, so that a set with a broken pair is refused before any
    work is done.

    Args:
        models: in the order of the result.
        samples: the pictures of a set.

    Raises:
        InputError: a picture can't be read, or those of a pair differ in size or kind.
        WeightsError: a model can't be loaded.
    """
    chosen = list(models)
    colours = [sample.is_colour() for sample in samples]
    kinds: dict[tuple[bool, bool], list[Sample]] = {}
    if any(model.name == AUTO for model in chosen):
        for sample, colour in zip(samples, colours, strict=True):
            kinds.setdefault((colour, colour and sample.is_coarse()), []).append(sample)
    all_alike: list[tuple[tuple[bool, bool], Sequence[Sample]]] = [((False, False), samples)]
    return [
        Subject(model.loaded(*kind), group)
        for model in chosen
        for kind, group in (sorted(kinds.items()) if model.name == AUTO else all_alike)
    ]
