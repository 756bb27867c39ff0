"""The model that a command runs: named by an option, opened for inference."""

from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated

import typer

from spiden_cli.commands.options import torch_device, use_threads
from spiden_cli.report.console import note, warn

if TYPE_CHECKING:
    import torch

    from spiden_cli.core.engine.engine import Engine
    from spiden_cli.core.weights import WeightsInfo

Model = Annotated[
    str,
    typer.Option(
        "--model", "--weights", "-m", metavar="NAME|FILE",
        help="A bundled model by name, or a weights file; auto: by the kind of picture.",
    ),
]  # fmt: skip
Models = Annotated[
    str,
    typer.Option(
        "--model", "--models", "--weights", "-m", metavar="NAME|FILE,...",
        help="Bundled models by name, or weights files; several with commas.",
    ),
]  # fmt: skip
EngineName = Annotated[
    str,
    typer.Option(
        "--engine", metavar="NAME",
        help="dense: torch. event: only the spikes, on the CPU; event-int16: faster, weights "
        "rounded. auto: event where that is faster and installed.",
    ),
]  # fmt: skip
Ensemble = Annotated[
    bool, typer.Option("--ensemble", help="Average over eight orientations: 8 times the work.")
]


def open_model(
    name: str, engine: str, device: str, threads: int | None, ensemble: bool = False
) -> tuple["Engine", "WeightsInfo"]:
    """Load weights and make the engine that runs them.

    Raises:
        WeightsError: there are no such weights, or they are damaged.
        InputError: there is no such device or engine, or it can't run this network.
    """
    from spiden_cli.core.bundled import find_weights
    from spiden_cli.core.engine.ensemble import EnsembleEngine
    from spiden_cli.core.engine.selection import make_engine
    from spiden_cli.core.weights import load_weights

    use_threads(threads)
    network, info = load_weights(find_weights(name))
    where = torch_device(device)
    made = make_engine(engine, network, where, info.firing_rate, threads)
    if engine == "auto" and made.name == "dense" and info.config.spiking:
        _tell_of_the_fast_engine(where)
    return EnsembleEngine(made) if ensemble else made, info


def _tell_of_the_fast_engine(device: "torch.device") -> None:
    if device.type == "cpu" and find_spec("numba") is None:
        note("spikes run many times faster on the event engine: pip install 'spiden[fast]'")


def check_sigma(sigma: float, info: "WeightsInfo") -> None:
    """Tell the user if the model was not trained for this noise level."""
    low, high = info.sigma
    if not low <= sigma <= high:
        warn(f"sigma {sigma:g} is outside of what this model was trained for, {low:g} to {high:g}")
