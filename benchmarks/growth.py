"""How the event engine's time grows with spikes and with pixels: used by inference.py."""

import copy
import math
from collections.abc import Mapping, Sequence
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


def growth(network: spiden.Denoiser, twin: spiden.Denoiser, repeats: int) -> str:
    """Time the event engine against spikes and pixels; draw both; return a table."""
    noisy = noisy_photograph(512, 512)
    rows, rates, times = [], [], []
    for factor in (0.15, 0.3, 0.5, 0.75, 1.0, 1.5, 2.5, 1e6):
        changed = scaled(network, factor)
        engines = (EventEngine(changed), EventEngine(changed, numbers="int16"))
        activity = engines[0].run(noisy, SIGMA, TIMESTEPS).activity
        runs: dict[str, Run] = {e.name: lambda e=e: e.run(noisy, SIGMA, TIMESTEPS) for e in engines}
        if factor in (0.15, 1.0):
            dense = spiden.DenseEngine(changed, CPU)
            runs["dense"] = lambda d=dense: d.run(noisy, SIGMA, TIMESTEPS)
        found = in_turns(runs, repeats)
        operations = synaptic_operations(activity)
        rates.append(mean_firing_rate(activity))
        times.append(found)
        rows.append(
            f"| {rates[-1]:.3f} | {operations / noisy.size:,.0f} | "
            + " | ".join(f"{found[e.name]:.3f}" for e in engines)
            + f" | {operations / found['event'] / 1e9:.0f} | "
            + f"{operations / found['event-int16'] / 1e9:.0f} | "
            + (f"{found['dense']:.2f} |" if "dense" in found else "- |")
        )
    sides, by_size = (128, 256, 512, 1024, 2048), []
    for side in sides:
        image = noisy_photograph(side, side)
        by_size.append({
            engine.name: in_turns(
                {"": lambda e=engine, i=image: spiden.denoise_planes(e, i, SIGMA, TIMESTEPS)},
                repeats,
            )[""]
            for engine in (EventEngine(network), EventEngine(network, numbers="int16"))
        })  # fmt: skip
    cnn = spiden.DenseEngine(twin, CPU)
    line = in_turns({"twin": lambda: cnn.run(noisy, SIGMA, 1)}, repeats)["twin"]
    draw(rates, times, [side**2 / 1e6 for side in sides], by_size, line)
    head = (
        "| rate | synaptic operations per pixel | event, s | int16, s | event, G/s | int16, G/s "
        "| dense torch, s |\n|--:|--:|--:|--:|--:|--:|--:|"
    )
    return "\n".join([head, *rows])


def draw(
    rates: Sequence[float], times: Sequence[Mapping[str, float]], megapixels: Sequence[float],
    by_size: Sequence[Mapping[str, float]], twin: float,
) -> None:  # fmt: skip
    """Plot seconds against the firing rate and against pixels."""
    with drawing(PLOT, 8, 3.2) as page:
        left, right = page.subplots(1, 2)
        for name in ("event", "event-int16"):
            left.plot(rates, [found[name] for found in times], "o-", label=name)
            right.loglog(megapixels, [found[name] for found in by_size], "o-", label=name)
        left.axhline(twin, color="grey", linestyle="--", label="CNN twin, torch")
        left.set(xlabel="spikes per neuron and timestep", ylabel="seconds, 512 x 512")
        left.set_ylim(0)
        right.set(xlabel="megapixels", ylabel="seconds")
        left.legend()
        right.legend()
