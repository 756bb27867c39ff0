"""Which model is tried on which pictures: one that is named on all, the default by their kind."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from spiden_cli.core.data.samples import Sample
from spiden_cli.core.tasks.model import AUTO, Loaded, Model


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
    kinds: dict[bool, list[Sample]] = {}
    for sample in samples:
        kinds.setdefault(sample.is_colour(), []).append(sample)
    return [
        Subject(model.loaded(colour), group)
        for model in models
        for colour, group in (sorted(kinds.items()) if model.name == AUTO else [(False, samples)])
    ]
