"""`spiden analyze`: what one spiking neuron, or a layer of them, loses of a value."""

import math
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spiden_cli.commands.model import tell_doubt, weights_files
from spiden_cli.commands.options import AsJson, Overwrite, Threads, counts, one_sigma, use_threads
from spiden_cli.commands.report_files import Csv, Plot, check_report_files
from spiden_cli.errors import InputError
from spiden_cli.report.progress import stepping

if TYPE_CHECKING:
    from spiden_cli.core.analysis.distributions import Distribution
    from spiden_cli.core.analysis.layers import LayerMeasurement
    from spiden_cli.core.analysis.staircase import Neuron
    from spiden_cli.core.analysis.sweep import Sweep

DEFAULT_LEAK = 0.95
DEFAULT_SIGMA = "25"
DEFAULT_THRESHOLDS = "0.5:5:0.5"
MOST_THRESHOLDS = 1000
THRESHOLDS = 1e-9, 1e9


def _option(
    text: str, *names: str, default: str | bool = False, metavar: str | None = None
) -> typer.models.OptionInfo:
    """Return an option whose default only shows, so that the command knows what was given."""
    found: typer.models.OptionInfo = typer.Option(
        *names, help=text, show_default=default, metavar=metavar
    )
    return found


Kind = Annotated[str | None, _option("if, lif or weighted; by default if, or that of --layer.")]
Timesteps = Annotated[str, typer.Option(help="Numbers of timesteps T, with commas.")]
Thresholds = Annotated[
    str | None,
    _option(
        "Thresholds in standard deviations of the input: 1,1.5,2 or start:stop:step.",
        default=DEFAULT_THRESHOLDS,
    ),
]
Input = Annotated[
    str | None,
    _option("gaussian, laplace or rectified-gaussian input.", default="gaussian"),
]
Mean = Annotated[
    float | None, _option("Mean of that input, in its standard deviations.", default="0")
]
Initial = Annotated[
    float | None,
    _option(
        "Initial potential phi over the threshold: 0.5 rounds to nearest, 0 down.", default="0.5"
    ),
]
Leak = Annotated[
    float | None,
    _option("What a LIF neuron keeps of its potential in a step.", default=str(DEFAULT_LEAK)),
]
Sparsity = Annotated[
    float | None,
    _option("Also mark the threshold of least error among those at least this sparse, 0 to 1."),
]
Weights = Annotated[
    str | None,
    _option(
        "Measure the input in a network: a bundled model by name, or a weights file.",
        "--weights", "--model", "-m",
        metavar="NAME|FILE",
    ),
]  # fmt: skip
Image = Annotated[
    Path | None, _option("Clean picture to drive it with.", default="a bundled photograph")
]
Sigma = Annotated[str | None, _option("Noise to add to it, in 8-bit units.", default=DEFAULT_SIGMA)]
Layer = Annotated[
    str | None, _option("Sweep on the currents of this layer; without, compare all layers.")
]


def analyze(
    neuron: Kind = None,
    timesteps: Timesteps = "1,2,4,8",
    threshold: Thresholds = None,
    distribution: Input = None,
    mean: Mean = None,
    initial: Initial = None,
    leak: Leak = None,
    sparsity: Sparsity = None,
    weights: Weights = None,
    image: Image = None,
    sigma: Sigma = None,
    layer: Layer = None,
    plot: Plot = None,
    overwrite: Overwrite = False,
    csv: Csv = None,
    as_json: AsJson = False,
    threads: Threads = None,
) -> None:
    """Say what a spiking neuron loses of a value: rounding, clipping, and order in time."""
    from spiden_cli.core.analysis.distributions import distribution_named
    from spiden_cli.core.analysis.staircase import MOST_TIMESTEPS
    from spiden_cli.core.analysis.sweep import check_sparsity
    from spiden_cli.report.analysis import report

    most = MOST_TIMESTEPS if weights is None else None
    steps = list(dict.fromkeys(counts(timesteps, "timesteps", most)))
    levels = thresholds(threshold or DEFAULT_THRESHOLDS)
    neuron_for = partial(_neuron, neuron, initial, leak)
    neuron_for(None)  # an impossible neuron is refused before anything is measured
    if sparsity is not None:
        check_sparsity(sparsity)
    reads = [image, *weights_files([weights] if weights else [])]
    check_report_files(plot, csv, reads, overwrite)
    use_threads(threads)
    measured: dict[int, LayerMeasurement] = {}
    inputs: dict[int, Distribution] = {}
    if weights is None:
        _refuse(
            {"--image": image, "--sigma": sigma, "--layer": layer},
            "is of a network's input: name a network with --weights",
        )
        name, mean = distribution or "gaussian", mean or 0.0
        source = f"{name}, mean {mean:g}"
        inputs = dict.fromkeys(steps, distribution_named(name, mean))
    else:
        _refuse(
            {"--distribution": distribution, "--mean": mean},
            "and --weights are two kinds of input: give one of them",
        )
        if layer is None:
            one = {"--neuron": neuron, "--threshold": threshold, "--initial": initial}
            one |= {"--leak": leak, "--sparsity": sparsity}
            _refuse(one, "is for one layer's input: add --layer NAME")
        source, measured = _measure(weights, image, sigma, steps, layer)
        inputs = {count: m.sample for count, m in measured.items() if m.sample is not None}
    sweeps = _sweeps(inputs, measured, levels, sparsity, neuron_for)
    layers = [error for measurement in measured.values() for error in measurement.layers]
    report(source, sweeps, layers, plot or [], csv, as_json)


def thresholds(text: str) -> list[float]:
    """Read "1,1.5,2" or "0.5:5:0.5" as thresholds.

    Raises:
        InputError: the text is neither, or a threshold is beyond `THRESHOLDS`.
    """
    try:
        values = _range(text) if ":" in text else [float(part) for part in text.split(",")]
    except (ValueError, ZeroDivisionError, OverflowError):
        values = []
    least, most = THRESHOLDS
    if not values or not all(least <= value <= most for value in values):
        raise InputError(
            f"thresholds must be from {least:g} to {most:g}: 1,1.5,2 or start:stop:step, as "
            f"0.5:5:0.5; not {text!r}"
        )
    if len(values) > MOST_THRESHOLDS:
        raise InputError(
            f"more than {MOST_THRESHOLDS} thresholds: take a larger step than {text!r}"
        )
    return values


def _range(text: str) -> list[float]:
    start, stop, step = (float(part) for part in text.split(":"))
    count = math.floor((stop - start) / step + 1e-9) + 1  # `stop` belongs to it
    return [start + index * step for index in range(min(count, MOST_THRESHOLDS + 1))]


def _refuse(options: Mapping[str, object], why: str) -> None:
    for name, value in options.items():
        if value is not None:
            raise InputError(f"{name} {why}")


def _measure(
    weights: str, image: Path | None, noise: str | None, timesteps: list[int], layer: str | None
) -> tuple[str, dict[int, "LayerMeasurement"]]:
    """Measure for each T, with a progress bar; say what the input is, too."""
    import torch

    from spiden_cli.core.analysis.layers import measure, tiles_of
    from spiden_cli.core.bundled import find_weights, sample_picture
    from spiden_cli.core.data.samples import CleanImage
    from spiden_cli.core.tasks.scoring import planes_of
    from spiden_cli.core.weights import load_weights

    sigma = one_sigma(noise or DEFAULT_SIGMA)
    path, picture = find_weights(weights), image or sample_picture()
    network, info = load_weights(path)
    tell_doubt(sigma, info)
    noisy = torch.from_numpy(planes_of(CleanImage(picture, seed=0).read(sigma).noisy))
    tiles = [
        tile
        for planes in torch.split(noisy, network.config.image_channels)
        for tile in tiles_of(planes)
    ]
    with stepping("measuring tiles", len(tiles) * len(timesteps)) as step:
        measured = {
            count: measure(network, tiles, sigma, count, layer, step) for count in timesteps
        }
    where = "" if layer is None else f"{layer} of "
    return f"{where}{path.name} on {picture.name}, sigma {sigma:g}", measured


def _sweeps(
    inputs: dict[int, "Distribution"],
    measured: dict[int, "LayerMeasurement"],
    levels: list[float],
    sparsity: float | None,
    neuron_for: Callable[["LayerMeasurement | None"], "Neuron"],
) -> list["Sweep"]:
    """Sweep the thresholds for each T, with a progress bar."""
    from spiden_cli.core.analysis.sweep import sweep

    sweeps = []
    marks = 1 + (sparsity is not None) + bool(measured)
    with stepping("sweeping thresholds", len(inputs) * (len(set(levels)) + marks)) as step:
        for timesteps, x in inputs.items():
            origin = measured.get(timesteps)
            learnt = origin.layers[0].threshold if origin and origin.layers else None
            sweeps.append(sweep(x, neuron_for(origin), timesteps, levels, sparsity, learnt, step))
    return sweeps


def _neuron(
    kind: str | None, initial: float | None, leak: float | None, origin: "LayerMeasurement | None"
) -> "Neuron":
    """Build the neuron that the options ask for; what they leave open is the measured layer's."""
    from spiden_cli.core.analysis.staircase import Neuron

    if kind not in (None, "if", "lif", "weighted"):
        raise InputError(f"unknown neuron {kind!r}: choose if, lif or weighted")
    if leak is not None and kind in ("if", "weighted"):
        name = "an IF" if kind == "if" else "a weighted-spike"
        raise InputError(f"{name} neuron has no leak: leave --leak out, or ask for --neuron lif")
    measured = (origin and origin.neuron) or Neuron()
    if kind in ("if", "weighted"):
        leak = 1.0
    elif leak is None:
        leak = DEFAULT_LEAK if kind == "lif" and measured.leak == 1 else measured.leak
    weighted = measured.weighted if kind is None else kind == "weighted"
    return Neuron(measured.initial if initial is None else initial, leak, weighted)
