"""How the event engine's time grows with spikes and with pixels: used by inference.py."""

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from timing import SIGMA, TIMESTEPS, Run, in_turns, noisy_photograph

import spiden_cli as spiden
from spiden_cli.core.engine.activity import mean_firing_rate, synaptic_operations
from spiden_cli.core.engine.event.engine import EventEngine
from spiden_cli.core.neuron.layer import IFLayer
from spiden_cli.report.figures import drawing

PLOT = Path(__file__).resolve().parents[1] / "docs" / "images" / "performance.png"
CPU = torch.device("cpu")


def scaled(network: spiden.Denoiser, factor: float) -> spiden.Denoiser:
    """Return a copy with all thresholds scaled: fewer spikes, or more."""
    other = copy.deepcopy(network)
    for layer in other.modules():
        if isinstance(layer, IFLayer):
            layer.log_threshold.data += math.log(factor)
    return other


def growth(
    network: spiden.Denoiser,
    twin: spiden.Denoiser,
    repeats: int,
    threads: int,
    clock: Callable[[], float],
) -> str:
    """Time the event engine against spikes and pixels; draw both; return a table."""
    noisy, cnn = noisy_photograph(512, 512), spiden.DenseEngine(twin, CPU)
    rows, rates, times = [], [], []
    for factor in (0.15, 0.5, 1.0, 2.5, 1e6):
        changed = scaled(network, factor)
        engines = (EventEngine(changed, threads), EventEngine(changed, threads, "int16"))
        activity = engines[0].run(noisy, SIGMA, TIMESTEPS).activity
        runs: dict[str, Run] = {e.name: lambda e=e: e.run(noisy, SIGMA, TIMESTEPS) for e in engines}
        runs["twin"] = lambda: cnn.run(noisy, SIGMA, 1)
        if factor in (0.15, 1.0):
            dense = spiden.DenseEngine(changed, CPU)
            runs["dense"] = lambda d=dense: d.run(noisy, SIGMA, TIMESTEPS)
        found = in_turns(runs, repeats, {"dense"}, clock)
        operations = synaptic_operations(activity)
        rates.append(mean_firing_rate(activity))
        times.append(found)
        over = [f"{found[name] / found['twin']:.2f}" for name in ("event", "event-int16")]
        over.append(f"{found['dense'] / found['twin']:.1f}" if "dense" in found else "-")
        rows.append(f"| {rates[-1]:.3f} | {operations / noisy.size:,.0f} | {' | '.join(over)} |")
    sides = (128, 256, 512, 1024)
    images = {side: noisy_photograph(side, side) for side in sides}
    runs = {
        f"{e.name} {side}": lambda e=e, i=image: spiden.denoise_planes(e, i, SIGMA, TIMESTEPS)
        for side, image in images.items()
        for e in (EventEngine(network, threads), EventEngine(network, threads, "int16"))
    }
    seconds = in_turns(runs, repeats, clock=clock)
    by_size = {
        name: [seconds[f"{name} {side}"] / seconds["event 512"] for side in sides]
        for name in ("event", "event-int16")
    }
    draw(rates, times, [side**2 / 1e6 for side in sides], by_size)
    head = (
        "| rate | synaptic operations per pixel | event | event-int16 | dense, torch |\n"
        "|--:|--:|--:|--:|--:|"
    )
    return "\n".join([head, *rows])


def draw(
    rates: Sequence[float], times: Sequence[Mapping[str, float]], megapixels: Sequence[float],
    by_size: Mapping[str, Sequence[float]],
) -> None:  # fmt: skip
    """Plot times over the twin's against the firing rate, and over one size's against pixels."""
    with drawing(PLOT, 8, 3.2) as page:
        left, right = page.subplots(1, 2)
        for name in ("event", "event-int16"):
            left.plot(rates, [found[name] / found["twin"] for found in times], "o-", label=name)
            right.loglog(megapixels, by_size[name], "o-", label=name)
        left.axhline(1, color="grey", linestyle="--", label="CNN twin, torch")
        left.set(xlabel="spikes per neuron and timestep", ylabel="time over the CNN twin's")
        left.set_ylim(0)
        right.set(xlabel="megapixels", ylabel="time over event's, 512 x 512")
        left.legend()
        right.legend()
