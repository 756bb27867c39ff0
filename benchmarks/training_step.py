"""One optimiser step of `dncnn17`, T = 4, 16 patches of 48 x 48, beside the same in spikingjelly.

    pip install --no-deps spikingjelly==2.0.0 loguru
    python benchmarks/training_step.py [--threads N]

Prints a table: median seconds per step, and the peak memory of a process that does nothing else.
All train the same network with Adam, through time. spikingjelly's is built of its own layers, in
multi-step mode, as its tutorials build a convolutional network: the image is given at each of the T
timesteps, and what is drawn is averaged. Its neurons (torch backend, rectangular surrogate, no
gradient through the reset) have a fixed threshold, while ours learn one for each channel.

Two more lines take the difference apart: its neurons in our network, which runs the encoder once,
keeps channels last and splits no tensor; and that with freed memory kept, as `spiden train` does.
"""

import argparse
import functools
import json
import statistics
import subprocess
import sys
import time

import torch
from timing import peak_memory
from torch import Tensor, nn

import spiden_cli as spiden
from spiden_cli.core.network.config import NetworkConfig
from spiden_cli.core.neuron.layer import IFLayer
from spiden_cli.core.noise.training import Batch
from spiden_cli.core.training.memory import keep_freed_memory

TIMESTEPS, PATCHES, SIDE = 4, 16, 48
WHAT = ("seconds", "peak", "convolutions")
CONVOLUTIONS = ("aten::mkldnn_convolution", "aten::convolution_backward")
OURS, THEIRS = "spiden", "spikingjelly"
NODES, KEPT = "its neurons in our network", "its neurons in ours, memory kept"


def make_node(threshold: float) -> nn.Module:
    """Return spikingjelly's layer of IF neurons, multi-step."""
    from spikingjelly.activation_based import neuron, surrogate

    return neuron.IFNode(
        threshold, v_reset=None, step_mode="m", surrogate_function=surrogate.Rect(),
        detach_reset=True,
    )  # fmt: skip


class Node(nn.Module):
    """Such a layer with the interface of ours."""

    population = 1

    def __init__(self, threshold: float, initial: float) -> None:
        super().__init__()
        self.node = make_node(threshold)
        self.initial = threshold * initial

    def forward(self, current: Tensor, timesteps: int, quantised: bool = False) -> Tensor:
        """Turn currents (T * B, C, H, W) into spikes."""
        currents = current.unflatten(0, (timesteps, -1))
        self.node.v = torch.full_like(currents[0], self.initial)
        return self.node(currents).flatten(0, 1)


class SpikingJelly(nn.Module):
    """`dncnn17` of spikingjelly's own layers."""

    def __init__(self, config: NetworkConfig) -> None:
        from spikingjelly.activation_based import layer

        super().__init__()
        self.initial = config.threshold * config.initial_potential
        width, convolution = config.width, functools.partial(layer.Conv2d, step_mode="m")
        layers: list[nn.Module] = []
        for channels_in in (config.image_channels, *[width] * (config.layers - 2)):
            layers += [
                convolution(channels_in, width, 3, padding=1, bias=False),
                layer.BatchNorm2d(width, step_mode="m"),
                make_node(config.threshold),
            ]
        self.layers = nn.Sequential(
            *layers, convolution(width, config.image_channels, 3, padding=1)
        )

    def forward(self, noisy: Tensor, sigma: Tensor, timesteps: int, quantised: bool) -> Tensor:
        """Denoise (B, C, H, W); sigma is part of the interface only."""
        from spikingjelly.activation_based import functional

        functional.reset_net(self)
        for module in self.layers:
            if hasattr(module, "v"):
                module.v = self.initial  # spread over the neurons at the first timestep
        drawn: Tensor = self.layers(noisy.unsqueeze(0).repeat(timesteps, 1, 1, 1, 1))
        return noisy - drawn.mean(0)


def network(framework: str) -> nn.Module:
    """Build the network with the layers or neurons of one of both."""
    torch.manual_seed(0)
    config = spiden.PRESETS["dncnn17"]
    if framework == THEIRS:
        return SpikingJelly(config)
    made = spiden.Denoiser(config)
    if framework != OURS:
        for name, module in list(made.named_modules()):
            if isinstance(module, IFLayer):
                node = Node(config.threshold, config.initial_potential)
                made.set_submodule(name, node)
    return made.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def measure(framework: str, precision: str, steps: int) -> dict[str, float]:
    """Train a few steps; return seconds per step and peak memory in GB."""
    if framework in (OURS, KEPT):
        keep_freed_memory()
    net = network(framework)
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-4)
    clean = torch.rand(PATCHES, 1, SIDE, SIDE)
    sigma = torch.full((PATCHES,), 25.0)
    batch = Batch(clean, clean + torch.randn_like(clean) * 25 / 255, sigma)

    def step() -> float:
        began = time.perf_counter()
        optimiser.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            denoised = net(batch.noisy, batch.sigma, TIMESTEPS, False)
            loss = (denoised.float() - batch.clean).abs().mean()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        return time.perf_counter() - began

    step()
    seconds = statistics.median(step() for _ in range(steps))
    peak = peak_memory()
    with torch.profiler.profile() as profiler:
        step()
    spent = {event.key: event.self_cpu_time_total for event in profiler.key_averages()}
    convolutions = sum(spent[name] for name in CONVOLUTIONS) / sum(spent.values())
    return {"seconds": seconds, "peak": peak, "convolutions": convolutions}


def training_table(threads: int, steps: int = 5, turns: int = 2) -> str:
    """Return the table in Markdown; each run in a process of its own, in turns."""
    runs = [
        (name, number) for number in ("float32", "bfloat16") for name in (OURS, THEIRS, NODES, KEPT)
    ]
    found: dict[tuple[str, str], list[dict[str, float]]] = {run: [] for run in runs}
    for _ in range(turns):
        for framework, precision in runs:
            command = [
                sys.executable, __file__, "--one", framework, "--precision", precision,
                "--threads", str(threads), "--steps", str(steps),
            ]  # fmt: skip
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found[framework, precision].append(json.loads(done.stdout.splitlines()[-1]))
            print(f"  {framework} {precision}: {found[framework, precision][-1]}", flush=True)
    lines = [
        "| one step of `dncnn17` | s | in convolutions | peak, GB | time of `spiden` over it "
        "| memory over it |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for framework, precision in runs:
        mine, theirs = (
            {what: min(run[what] for run in found[name, precision]) for what in WHAT}
            for name in (OURS, framework)
        )
        lines.append(
            f"| {framework}, {precision} | {theirs['seconds']:.2f} | {theirs['convolutions']:.0%} "
            f"| {theirs['peak']:.2f} "
            f"| {mine['seconds'] / theirs['seconds']:.2f} | {mine['peak'] / theirs['peak']:.2f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Print the table, or measure one run for it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--one", choices=[OURS, THEIRS, NODES, KEPT], help=argparse.SUPPRESS)
    parser.add_argument("--precision", default="float32", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.set_flush_denormal(True)
    if arguments.one:
        print(json.dumps(measure(arguments.one, arguments.precision, arguments.steps)))
    else:
        print(training_table(arguments.threads, arguments.steps))


if __name__ == "__main__":
    main()
