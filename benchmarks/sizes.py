"""How large the spiking networks are beside CNNs, and what that is worth: used by results.py.

Three tables on one set: size and activity of each network; the same weights as a quantised CNN in
one pass; and the statement of the paper's abstract that a larger spiking network takes 20 % less
energy, beside CNNs of like quality, under each energy model.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

import torch
from energy_table import over

import spiden_cli as spiden
from spiden_cli.core.energy.comparison import SAME, TWIN_QUANTISED, Comparison
from spiden_cli.core.engine.engine import Pass
from spiden_cli.core.image.pixels import Planes
from spiden_cli.core.network.families import graph_of
from spiden_cli.core.network.parameters import parameter_count
from spiden_cli.core.tasks.evaluation import Evaluation

LESS = 0.8
"""The 20 % less energy of the paper's abstract."""


@dataclass(frozen=True)
class Sized:
    """A network and how it did on the set.

    Attributes:
        name: of the bundled model.
        found: its evaluation.
        parameters: that are learnt.
        neurons: a position; of a CNN, its units.
    """

    name: str
    found: Evaluation
    parameters: int
    neurons: float


def sized(name: str, found: Evaluation) -> Sized:
    """Count what a bundled model is made of."""
    config = spiden.read_info(spiden.find_weights(name)).config
    return Sized(name, found, parameter_count(config), graph_of(config).neurons_per_position)


def draws(found: Evaluation) -> list[float]:
    """Return the mean PSNR of the set, draw by draw of the noise."""
    return [fmean(draw) for draw in zip(*(image.psnrs for image in found.scores), strict=True)]


def spread(values: Sequence[float], form: str = ".2f") -> str:
    """Return the mean, and the standard deviation where there are several values."""
    mean = f"{fmean(values):{form}}"
    return f"{mean} ± {stdev(values):{form.lstrip('+')}}" if len(values) > 1 else mean


def paired(found: Evaluation, other: Evaluation) -> list[float]:
    """Return by how much one is better than the other, draw by draw of the noise of both."""
    return [mine - theirs for mine, theirs in zip(draws(found), draws(other), strict=False)]


def sizes_table(pairs: Sequence[tuple[Sized, Sized]], compared: Mapping[str, Comparison]) -> str:
    """Return size and activity of each spiking network and its twin, in Markdown."""
    lines = [
        "| model | parameters | neurons a position | PSNR, dB | over its twin, dB "
        "| spikes per neuron | spikes per channel | accumulates per MAC of the twin |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for spiking, cnn in pairs:
        comparison = compared[spiking.name]
        macs = sum(layer.dense_operations for layer in comparison.layers)
        cells = [
            spread(paired(spiking.found, cnn.found), "+.2f"),
            f"{comparison.spikes_per_neuron:.2f}",
            f"{comparison.spikes_per_channel:.2f}",
            f"{comparison.operations.accumulates / macs:.2f}",
        ]
        lines += [_row(spiking, cells), _row(cnn, ["-"] * len(cells))]
    return "\n".join(lines)


def _row(network: Sized, cells: Sequence[str]) -> str:
    count, psnr = f"{network.neurons:,.0f}", spread(draws(network.found))
    return f"| {network.name} | {network.parameters:,} | {count} | {psnr} | {' | '.join(cells)} |"


class OnePass:
    """The weights of a spiking network as a CNN whose activations have T levels above zero."""

    name = "one pass"
    passes = 1
    tile = (512, 512)

    def __init__(self, network: spiden.Denoiser) -> None:
        self.config = network.config
        self.network = spiden.fold(network)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @torch.inference_mode()
    def run(
        self, noisy: Planes, level: float, timesteps: int, window: object = None,
        on_spikes: object = None,
    ) -> Pass:  # fmt: skip
        """Denoise one image; see `Engine.run`."""
        image = torch.from_numpy(noisy)[None].contiguous(memory_format=torch.channels_last)
        return Pass(self.network(image, level, timesteps, quantised=True)[0].numpy(), {})


def one_pass_table(
    timesteps: Mapping[str, Sequence[int]], run: Callable[[str, int, bool], Evaluation]
) -> str:
    """Return spikes beside the same weights in one pass, in Markdown.

    Args:
        timesteps: T of each spiking model.
        run: evaluates a model at T; True: in one pass.
    """
    lines = [
        "| model | T | spikes, dB | one pass, dB | spikes over one pass, dB |",
        "|---|--:|--:|--:|--:|",
    ]
    for model, several in timesteps.items():
        for steps in several:
            spikes, once = run(model, steps, False), run(model, steps, True)
            values = draws(spikes)[: len(once.seeds)], draws(once), paired(spikes, once)
            cells = [
                spread(v, form) for v, form in zip(values, (".2f", ".2f", "+.3f"), strict=True)
            ]
            lines.append(f"| {model} | {steps} | {' | '.join(cells)} |")
    return "\n".join(lines)


Key = tuple[str, str, str]
"""An energy model, a number format, and the format of the CNN."""


def ratios(
    pair: tuple[Sized, Sized], compared: Mapping[str, Comparison], spiking_of: Mapping[str, str]
) -> dict[Key, float]:
    """Return the energy of a spiking network over that of a CNN, by how it is counted.

    Args:
        pair: both.
        compared: each spiking network beside its own twin.
        spiking_of: the spiking network whose twin a CNN is.
    """
    mine, theirs = compared[pair[0].name], compared[spiking_of[pair[1].name]]
    found: dict[Key, float] = {}
    for verdict in mine.verdicts:
        name, precision = verdict.model, verdict.precision.name
        few = (TWIN_QUANTISED,) if precision == "int8" else ()
        for baseline in (SAME, *few):
            found[name, precision, baseline] = over(mine, theirs, name, precision, baseline)
    return found


def _named(key: Key) -> str:
    model, precision, baseline = key
    return f"{model} {precision}" + ("" if baseline == SAME else ", the CNN in few bits")


def answer(by: Mapping[Key, float]) -> str:
    """Say under which energy models there is at least a fifth less energy."""
    yes, no = (
        "; ".join(_named(key) for key, ratio in by.items() if (ratio <= LESS) is wanted) or "none"
        for wanted in (True, False)
    )
    return f"Yes under {yes}. No under {no}."


def claim_table(
    pairs: Sequence[tuple[Sized, Sized]], columns: Sequence[Mapping[Key, float]]
) -> str:
    """Return energy over that of CNNs under each energy model, and what that says, in Markdown.

    Args:
        pairs: spiking networks, and the CNN that each is set against.
        columns: `ratios` of each.
    """
    heads = [f"{spiking.name} / {cnn.name}" for spiking, cnn in pairs]
    larger = [f"{spiking.parameters / cnn.parameters:.2f}" for spiking, cnn in pairs]
    better = [spread(paired(spiking.found, cnn.found), "+.2f") for spiking, cnn in pairs]
    lines = [
        f"| | {' | '.join(heads)} |",
        "|---|" + "--:|" * len(pairs),
        f"| parameters, ratio | {' | '.join(larger)} |",
        f"| PSNR, difference in dB | {' | '.join(better)} |",
    ]
    for key in columns[0]:
        cells = [f"{'yes' if by[key] <= LESS else 'no'}, {by[key]:.2f}" for by in columns]
        lines.append(f"| {_named(key)} | {' | '.join(cells)} |")
    return "\n".join(lines)
