"""Run a network of NIR in torch, one timestep after another, and compare it with spiden's own.

The scripts beside this one load the file with one library each, whose neurons they set so that they
mean what spiden's do: start at the kick, fire at the threshold at most once a timestep, subtract
the threshold, and go below zero if they are driven there.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import nir
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

import spiden_cli as spiden
from spiden_cli.core.exchange.timing import network_input, noise_subtracted

Load = Callable[[nir.NIRGraph], nn.Module]


class Run(NamedTuple):
    """What a network did.

    Attributes:
        spikes: (T, C, H', W') by IF node.
        drawn: (T, C'', H', W'), what came out.
    """

    spikes: dict[str, NDArray[np.float32]]
    drawn: NDArray[np.float32]


def convolution(node: nir.Conv2d) -> nn.Conv2d:
    """Return a convolution of NIR as one of torch."""
    made = nn.Conv2d(
        node.weight.shape[1], node.weight.shape[0], node.weight.shape[2:],
        tuple(map(int, node.stride)), tuple(map(int, node.padding)),
    )  # fmt: skip
    made.weight.data, made.bias.data = torch.from_numpy(node.weight), torch.from_numpy(node.bias)
    return made


def described(graph: nir.NIRGraph, key: str) -> str:
    """Return what the metadata of a file say."""
    value = graph.metadata[key]
    return value.decode() if isinstance(value, bytes) else str(value)


def layers_of(graph: nir.NIRGraph) -> dict[str, list[str]]:
    """Return the IF nodes of each layer, by spiden's name of the layer."""
    found: dict[str, list[str]] = json.loads(described(graph, "layers"))
    return found


@torch.no_grad()
def run(module: nn.Module, graph: nir.NIRGraph, inputs: NDArray[np.float32]) -> Run:
    """Run a loaded network on (T, C', H', W')."""
    names = {name for members in layers_of(graph).values() for name in members}
    seen: dict[str, list[torch.Tensor]] = {name: [] for name in names}

    def watch(name: str) -> Callable[..., None]:
        def keep(module: nn.Module, given: object, sent: object) -> None:
            seen[name].append(sent[0] if isinstance(sent, tuple) else sent)  # some return a state

        return keep

    for name, part in module.named_modules():
        if name in names:
            part.register_forward_hook(watch(name))
    state, drawn = None, []
    for step in torch.from_numpy(inputs)[:, None]:
        sent = module(step) if state is None else module(step, state)
        sent, state = sent if isinstance(sent, tuple) else (sent, None)
        drawn.append(sent)
    spikes = {name: torch.cat(planes).numpy() for name, planes in seen.items()}
    return Run(spikes, torch.cat(drawn).numpy())


def main(load: Load) -> None:
    """Load a file, run it on a picture, and say in how many places its spikes are not spiden's."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path, help="written by spiden export --format nir")
    parser.add_argument("--model", default="base-if", help="the model that it was written from")
    parser.add_argument("--picture", type=Path, help="a noisy picture; by default noise alone")
    parser.add_argument("--sigma", type=float, default=25.0, help="its noise level")
    options = parser.parse_args()
    graph = nir.read(options.file)
    size, steps = json.loads(described(graph, "picture")), int(described(graph, "timesteps"))
    network, _ = spiden.load_weights(spiden.find_weights(options.model))
    shape = (network.config.image_channels, size["height"], size["width"])
    if options.picture is None:
        noisy = np.random.default_rng(0).normal(0.5, options.sigma / 255, shape).astype(np.float32)
    else:
        pixels = spiden.read_picture(options.picture).pixels[: shape[1], : shape[2]]
        if pixels.shape[:2] != shape[1:]:
            parser.error(f"{options.picture} is smaller than {shape[2]} x {shape[1]} pixels, for "
                         f"which {options.file} is made")  # fmt: skip
        noisy = np.moveaxis(np.atleast_3d(pixels), -1, 0)[: shape[0]].astype(np.float32) / 255
    found = run(load(graph), graph, network_input(noisy, options.sigma, network.config, steps))
    recording = spiden.record(network, noisy, options.sigma, steps)
    slots = differing = 0
    for layer, members in layers_of(graph).items():
        sent = np.concatenate([found.spikes[name] for name in members], axis=1)
        slots += sent.size
        differing += int((sent != recording.layers[layer].spikes).sum())
    denoised = noise_subtracted(noisy, found.drawn, options.sigma, network.config)
    print(f"{differing} of {slots} spikes differ; denoised from {noisy.std():.3f} standard "
          f"deviation to {denoised.std():.3f}")  # fmt: skip


if __name__ == "__main__":
    raise SystemExit("run one of the scripts beside this one: read_spikingjelly.py, ...")
