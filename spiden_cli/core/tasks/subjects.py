"""Which model is tried on which pictures: one that is named on all, the default by their kind."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from spiden_cli.core.engine.engine import Engine
from spiden_cli.core.files.picture_files import read_picture
from spiden_cli.core.tasks.model import AUTO, Model
from spiden_cli.core.weights import WeightsInfo


class Subject(NamedTuple):
    """A model, and the pictures of a set that it is tried on.

    Attributes:
        name: of the model, or its file.
        engine: runs it.
        info: what its weights say of themselves.
        note: why it is that engine, if the user should know.
        paths: the pictures.
        seeds: of each picture's noise: its position in the whole set.
    """

    name: str
    engine: Engine
    info: WeightsInfo
    note: str | None
    paths: Sequence[Path]
    seeds: Sequence[int]

    def timesteps(self, wanted: Sequence[int] | None) -> Sequence[int]:
        """Return the numbers of timesteps to try: those wanted, or its own; of a CNN, one."""
        if not self.engine.config.spiking:
            return (1,)
        return wanted or self.info.timesteps[:1]


def subjects(models: Iterable[Model], paths: Sequence[Path]) -> list[Subject]:
    """Pair models with pictures, as `Model.denoise` would choose for each of them.

    Args:
        models: in the order of the result.
        paths: the pictures of a set.

    Raises:
        InputError: a picture can't be read.
        WeightsError: a model can't be loaded.
    """
    numbered = list(enumerate(paths))
    kinds: dict[bool, list[tuple[int, Path]]] = {}
    found = []
    for model in models:
        if model.name == AUTO and not kinds:
            for seed, path in numbered:
                kinds.setdefault(read_picture(path).is_colour, []).append((seed, path))
        groups = kinds if model.name == AUTO else {False: numbered}
        for colour, group in sorted(groups.items()):
            seeds, files = zip(*group, strict=True)
            found.append(Subject(*model.loaded(colour), files, seeds))
    return found
