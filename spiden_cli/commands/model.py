"""The model that a command runs: named by an option, opened for inference."""

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from spiden_cli.commands.options import MACHINE, MODEL
from spiden_cli.report.console import note, warn
from spiden_cli.report.progress import waiting

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from spiden_cli.core.data.samples import Sample
    from spiden_cli.core.tasks.model import Model as OpenedModel
    from spiden_cli.core.tasks.subjects import Subject
    from spiden_cli.core.weights import WeightsInfo

Model = Annotated[
    str,
    typer.Option(
        "--model", "--weights", "-m", metavar="NAME|FILE",
        help="A bundled model by name, or a weights file; auto: by the kind of picture.",
        rich_help_panel=MODEL,
    ),
]  # fmt: skip
Models = Annotated[
    str,
    typer.Option(
        "--model", "--models", "--weights", "-m", metavar="NAME|FILE,...",
        help="Bundled models by name, or weights files; several with commas; auto: by the kind "
        "of picture.",
        rich_help_panel=MODEL,
    ),
]  # fmt: skip
EngineName = Annotated[
    str,
    typer.Option(
        "--engine", metavar="NAME",
        help="dense: torch. event: only the spikes, on the CPU; event-int16: faster, weights "
        "rounded. auto: event where that is faster and installed.",
        rich_help_panel=MACHINE,
    ),
]  # fmt: skip
Ensemble = Annotated[
    bool,
    typer.Option(
        "--ensemble", help="Average over eight orientations: 8 times the work.",
        rich_help_panel=MODEL,
    ),
]  # fmt: skip


def open_model(
    name: str, engine: str, device: str, threads: int | None, ensemble: bool = False
) -> "OpenedModel":
    """Load a model, with a sign of life while its engine compiles.

    Raises:
        WeightsError: there are no such weights, or they are damaged.
        InputError: there is no such device or engine, or it can't run this network.
    """
    from spiden_cli.core.tasks.model import load

    return load(
        name, engine=engine, device=device, threads=threads, ensemble=ensemble,
        waiting=_starting_numba,
    )  # fmt: skip


def weights_files(names: "Iterable[str]") -> "list[Path]":
    """Return the files of models, to be kept from being replaced; of "auto", none.

    Raises:
        WeightsError: there are no such weights.
    """
    from spiden_cli.core.bundled import find_weights

    return [find_weights(name) for name in names if name != "auto"]


@contextmanager
def _starting_numba() -> "Iterator[None]":
    """Show that numba compiles, if it does; keep it from looking for a BLAS that no kernel needs.

    It would import scipy.linalg to find one, which takes longer than many a picture.
    """
    blas = "scipy.linalg.cython_blas"
    hidden = blas not in sys.modules
    if hidden:
        sys.modules[blas] = None  # type: ignore[assignment]  # "not to be found", to an import
    try:
        with waiting("starting the event engine, which is compiled the first time"):
            yield
    finally:
        if hidden:
            del sys.modules[blas]


def tell_doubt(sigma: float, info: "WeightsInfo") -> None:
    """Tell the user if the model was not trained for this noise level."""
    if doubt := info.doubt(sigma):
        warn(doubt)


def find_subjects(models: "Iterable[OpenedModel]", samples: "Sequence[Sample]") -> "list[Subject]":
    """Pair models with pictures, and tell the user of what was chosen, where it matters."""
    from spiden_cli.core.tasks.subjects import subjects

    found = subjects(models, samples)
    for text in dict.fromkeys(model.note for model, _ in found if model.note):
        note(text)
    return found
